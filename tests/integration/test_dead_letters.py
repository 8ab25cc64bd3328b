"""Nothing is lost silently: what ends without a VoiceCall is kept whole, with its reason.

Source: docs/guarantees.md, "Promised", 2, and the flow's contract (Telephony Integration API facts,
section 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.salesforce import Fault
from tests.contract.servers import LOOPBACK, refusing_server
from tests.integration.events import event, inbound, method, transfer
from voicecall_bridge.bridge import live_calls as bridge
from voicecall_bridge.flow.endings import FlowFailed, FlowMistake

if TYPE_CHECKING:
    from tests.integration.stand import Stand

pytestmark = pytest.mark.usefixtures("without_jitter")
UNREADABLE: dict[str, object] = {
    "no object": "Hello",
    "null": None,
    "a list": [1, 2],
    "empty": {},
    "another event": {"Records": [{"eventSource": "aws:kinesis"}]},
    "no contact id": event("createVoiceCall", {"Channel": "VOICE"}),
    "no ContactData": {"Name": "ContactFlowEvent", "Details": {"Parameters": {}}},
    "unknown method": method(inbound(), "createEverything"),
    "no method": method(inbound(), ""),
    "a method that is no text": method(inbound(), 7),  # type: ignore[arg-type]  # on purpose
    "the method in another case": method(inbound(), "createvoicecall"),
}


@pytest.mark.parametrize("payload", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_mistake_of_the_flow_raises_and_is_kept(stand: Stand, payload: object) -> None:
    """Given something that can never work; when delivered; then the flow takes its Error branch,
    and the whole input waits in the queue."""
    with pytest.raises(FlowMistake):
        stand.deliver(payload)
    assert stand.aws.letters() == [
        {"source": "contact_flow", "reason": "FLOW_MISTAKE", "payload": payload}
    ]
    [line] = stand.deliveries()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", "FLOW_MISTAKE")
    assert line["payloadKept"] == "queue"
    assert stand.aws.items() == 0
    assert stand.salesforce.journal() == []


def test_the_mistakes_text_names_the_cure(stand: Stand) -> None:
    """Given an unknown method; when delivered; then its author learns which ones there are."""
    with pytest.raises(FlowMistake, match=r"methodName.*createVoiceCall, createTransferVC"):
        stand.deliver(method(inbound(), "createEverything"))


UNMAPPABLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "no number of our own": (
        inbound(SystemEndpoint=None, Tags={}),
        "MISSING_PROPERTY",
        "SystemEndpoint",
    ),
    "transfer without parent": (
        transfer("contact-1", ""),
        "TRANSFER_WITHOUT_PARENT",
        "PreviousContactId",
    ),
    "transfer from itself": (
        transfer("contact-1", "contact-1"),
        "TRANSFER_WITHOUT_PARENT",
        "createVoiceCall",
    ),
}


@pytest.mark.parametrize(("payload", "code", "cure"), UNMAPPABLE.values(), ids=UNMAPPABLE.keys())
def test_an_event_that_cannot_be_mapped_is_kept(
    stand: Stand, payload: dict[str, Any], code: str, cure: str
) -> None:
    """Given a contact that lacks something; when delivered; then the flow goes on, and the whole
    input waits in the queue."""
    answer = stand.deliver(payload)
    assert (answer["status"], answer["errorCode"]) == ("failed", code)
    assert cure in answer["errorMessage"]
    assert stand.aws.letters() == [{"source": "contact_flow", "reason": code, "payload": payload}]
    [line] = stand.deliveries()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", code)
    assert (line["payloadKept"], line["attempts"]) == ("queue", 0)
    assert stand.aws.items() == 0


SKIPPED: dict[str, tuple[dict[str, Any], str]] = {
    "chat": (inbound(Channel="CHAT"), "NOT_VOICE"),
    "task": (inbound(Channel="task"), "NOT_VOICE"),
    "a new channel": (inbound(Channel="HOLOGRAM"), "NOT_VOICE"),
    "outbound": (inbound(InitiationMethod="OUTBOUND"), "NOT_CREATED_LIVE"),
    "callback": (inbound(InitiationMethod="CALLBACK"), "NOT_CREATED_LIVE"),
    "monitor": (inbound(InitiationMethod="MONITOR"), "NOT_CREATED_LIVE"),
    "a new method": (inbound(InitiationMethod="TELEPATHY"), "NOT_CREATED_LIVE"),
}


@pytest.mark.parametrize(("payload", "code"), SKIPPED.values(), ids=SKIPPED.keys())
def test_what_is_not_created_live_is_skipped(
    stand: Stand, payload: dict[str, Any], code: str
) -> None:
    """Given a contact that is none of the bridge's; when delivered; then it is skipped with its
    reason, and kept nowhere."""
    answer = stand.deliver(payload)
    assert (answer["status"], answer["errorCode"]) == ("failed", code)
    [line] = stand.deliveries()
    assert (line["disposition"], line["reason"], line["payloadKept"]) == ("skipped", code, "")
    assert stand.aws.letters() == []
    assert stand.aws.items() == 0
    assert stand.salesforce.journal() == []
    assert stand.metric("Skipped") == 1


@pytest.mark.parametrize(("code", "kept_as"), [(400, "FAILED"), (500, "UNKNOWN")])
def test_a_request_in_the_ledger_needs_no_letter(stand: Stand, code: int, kept_as: str) -> None:
    """Given a create that fails; when the ledger has the request; then the queue stays empty."""
    stand.salesforce.inject(Fault("status", status=code, times=None))
    stand.deliver(inbound())
    assert stand.aws.letters() == []
    assert stand.item()["create_status"] == kept_as
    assert stand.deliveries()[0]["payloadKept"] == "ledger"


def test_a_large_event_is_kept_whole(stand: Stand) -> None:
    """Given 32 KB of attributes (Connect's limit) in any script; when kept; then all of it is."""
    payload = inbound(SystemEndpoint=None, Tags={}, Attributes={"a": "ü✓電" * 4000})
    stand.deliver(payload)
    [letter] = stand.aws.letters()
    assert letter["payload"] == payload


def test_a_letter_that_the_queue_does_not_take(stand: Stand) -> None:
    """Given a queue that is down; when there is a letter; then its loss is told of, aloud."""
    with refusing_server() as port:
        stand.set(AWS_ENDPOINT_URL_SQS=f"http://{LOOPBACK}:{port}")
        answer = stand.deliver(inbound(SystemEndpoint=None, Tags={}))
    assert answer["errorCode"] == "MISSING_PROPERTY"
    assert stand.deliveries()[0]["payloadKept"] == "none"
    assert stand.troubles() == ["dead letter lost"]
    assert stand.metric("DeadLetterLost") == 1


def test_a_queue_that_does_not_exist(stand: Stand) -> None:
    """Given the address of no queue; when there is a letter; then its loss is told of."""
    stand.set(DEAD_LETTER_QUEUE_URL=stand.aws.queue_url + "-elsewhere")
    stand.deliver(inbound(SystemEndpoint=None, Tags={}))
    assert stand.deliveries()[0]["payloadKept"] == "none"
    assert stand.troubles() == ["dead letter lost"]


def test_a_defect_of_the_bridge_is_answered_and_kept(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a bug whose text quotes the event; when delivered; then the flow goes on, the payload
    is kept, and the log names kind and place only."""

    def fail(contact: object, *_: object) -> None:
        raise KeyError(contact)

    monkeypatch.setattr(bridge, "create_voice_call", fail)
    answer = stand.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("failed", "INTERNAL")
    [letter] = stand.aws.letters()
    assert (letter["reason"], letter["payload"]) == ("INTERNAL", inbound())
    [record] = [line for line in stand.told.records() if line.get("message") == "defect"]
    assert record["error"] == "KeyError"
    assert "test_dead_letters.py" in record["place"]
    assert stand.metric("Defect") == 1


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (400, r"^failed: 400: Salesforce refuses the request \(400\)$"),
        (503, r"^deferred: 503: Salesforce fails \(503\)$"),
    ],
)
def test_the_error_branch_on_request(stand: Stand, code: int, text: str) -> None:
    """Given FLOW_FAILURE=error; when there is no VoiceCall; then it raises, and the account is the
    same."""
    stand.set(FLOW_FAILURE="error")
    stand.salesforce.inject(Fault("status", status=code, times=None))
    with pytest.raises(FlowFailed, match=text):
        stand.deliver(inbound())
    line = stand.deliveries()[0]
    assert (line["disposition"], line["payloadKept"]) == ("dead_lettered", "ledger")
    stand.salesforce.clear_faults()
    assert stand.deliver(inbound())["status"] == "created"
    assert stand.deliver(inbound())["status"] == "existing"


def test_a_scheduled_event_touches_nothing(stand: Stand) -> None:
    """Given a warm-up by schedule, and nothing that answers; when delivered; then it is answered
    at once, also with FLOW_FAILURE=error."""
    with refusing_server() as port:
        stand.set(AWS_ENDPOINT_URL=f"http://{LOOPBACK}:{port}", FLOW_FAILURE="error")
        # Shape: Amazon EventBridge user guide, "Scheduled events".
        answer = stand.deliver({"source": "aws.events", "detail-type": "Scheduled Event"})
    assert answer == {"status": "warm"}
    [line] = stand.deliveries()
    assert (line["disposition"], line["ContactId"], line["attempts"]) == ("skipped", "", 0)
    assert stand.salesforce.journal() == []
    assert stand.aws.items() == 0
    assert stand.aws.letters() == []
    assert stand.troubles() == []
