"""Nothing is lost silently: an input without a VoiceCall is kept whole, with its reason.

Source: docs/guarantees.md, "Promised", 2, and docs/flow-contract.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.salesforce import Fault
from tests.contract.servers import LOOPBACK, refusing_server
from tests.integration.events import event, inbound, method, transfer
from voicecall_bridge.flow.results import FlowFailed, FlowMistake
from voicecall_bridge.use_cases import create

if TYPE_CHECKING:
    from tests.integration.simulator import Simulator

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
    "a method that is not a text": method(inbound(), 7),  # type: ignore[arg-type]  # on purpose
    "the method in another case": method(inbound(), "createvoicecall"),
}


@pytest.mark.parametrize("payload", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_mistake_of_the_flow_raises_and_is_kept(simulator: Simulator, payload: object) -> None:
    """Given an event that can never work; when delivered; then the flow takes its Error branch, and
    the whole input waits in the queue."""
    with pytest.raises(FlowMistake):
        simulator.deliver(payload)
    assert simulator.aws.letters() == [
        {"source": "contact_flow", "reason": "FLOW_MISTAKE", "payload": payload}
    ]
    [line] = simulator.deliveries()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", "FLOW_MISTAKE")
    assert line["payloadKept"] == "queue"
    assert simulator.aws.items() == 0
    assert simulator.salesforce.journal() == []


def test_the_mistakes_text_names_the_cure(simulator: Simulator) -> None:
    """Given an unknown method; when delivered; then the error lists the known methods."""
    with pytest.raises(FlowMistake, match=r"methodName.*createVoiceCall, createTransferVC"):
        simulator.deliver(method(inbound(), "createEverything"))


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
    simulator: Simulator, payload: dict[str, Any], code: str, cure: str
) -> None:
    """Given a contact that lacks something; when delivered; then the flow goes on, and the whole
    input waits in the queue."""
    answer = simulator.deliver(payload)
    assert (answer["status"], answer["errorCode"]) == ("failed", code)
    assert cure in answer["errorMessage"]
    assert simulator.aws.letters() == [
        {"source": "contact_flow", "reason": code, "payload": payload}
    ]
    [line] = simulator.deliveries()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", code)
    assert (line["payloadKept"], line["attempts"]) == ("queue", 0)
    assert simulator.aws.items() == 0


SKIPPED: dict[str, tuple[dict[str, Any], str]] = {
    "chat": (inbound(Channel="CHAT"), "NOT_VOICE"),
    "task": (inbound(Channel="task"), "NOT_VOICE"),
    "a new channel": (inbound(Channel="HOLOGRAM"), "NOT_VOICE"),
    "outbound": (inbound(InitiationMethod="OUTBOUND"), "NOT_CREATED_LIVE"),
    "callback": (inbound(InitiationMethod="CALLBACK"), "NOT_CREATED_LIVE"),
    "monitor": (inbound(InitiationMethod="MONITOR"), "NOT_CREATED_LIVE"),
    "a disconnect flow": (inbound(InitiationMethod="DISCONNECT"), "NOT_CREATED_LIVE"),
}


@pytest.mark.parametrize(("payload", "code"), SKIPPED.values(), ids=SKIPPED.keys())
def test_what_is_not_created_live_is_skipped(
    simulator: Simulator, payload: dict[str, Any], code: str
) -> None:
    """Given a contact that the bridge does not handle; when delivered; then it is skipped with its
    reason, and kept nowhere."""
    answer = simulator.deliver(payload)
    assert (answer["status"], answer["errorCode"]) == ("failed", code)
    [line] = simulator.deliveries()
    assert (line["disposition"], line["reason"], line["payloadKept"]) == ("skipped", code, "")
    assert simulator.aws.letters() == []
    assert simulator.aws.items() == 0
    assert simulator.salesforce.journal() == []
    assert simulator.metric("Skipped") == 1


@pytest.mark.parametrize(("code", "kept_as"), [(400, "FAILED"), (500, "UNKNOWN")])
def test_a_request_in_the_ledger_needs_no_dead_letter(
    simulator: Simulator, code: int, kept_as: str
) -> None:
    """Given a create that fails; when the ledger has the request; then the queue stays empty."""
    simulator.salesforce.inject(Fault("status", status=code, times=None))
    simulator.deliver(inbound())
    assert simulator.aws.letters() == []
    assert simulator.item()["create_status"] == kept_as
    assert simulator.deliveries()[0]["payloadKept"] == "ledger"


def test_a_large_event_is_kept_whole(simulator: Simulator) -> None:
    """Given 32 KB of attributes (Connect's limit) in any script; when kept; then all of it is."""
    payload = inbound(SystemEndpoint=None, Tags={}, Attributes={"a": "ü✓電" * 4000})
    simulator.deliver(payload)
    [letter] = simulator.aws.letters()
    assert letter["payload"] == payload


def test_a_dead_letter_that_the_queue_does_not_take(simulator: Simulator) -> None:
    """Given a queue that is down; when a dead letter is sent; then its loss is an error line."""
    with refusing_server() as port:
        simulator.set(AWS_ENDPOINT_URL_SQS=f"http://{LOOPBACK}:{port}")
        answer = simulator.deliver(inbound(SystemEndpoint=None, Tags={}))
    assert answer["errorCode"] == "MISSING_PROPERTY"
    assert simulator.deliveries()[0]["payloadKept"] == "none"
    assert simulator.error_messages() == ["dead letter lost"]
    assert simulator.metric("DeadLetterLost") == 1


def test_a_queue_that_does_not_exist(simulator: Simulator) -> None:
    """Given an unknown queue; when a dead letter is sent; then its loss is an error line."""
    simulator.set(DEAD_LETTER_QUEUE_URL=simulator.aws.queue_url + "-elsewhere")
    simulator.deliver(inbound(SystemEndpoint=None, Tags={}))
    assert simulator.deliveries()[0]["payloadKept"] == "none"
    assert simulator.error_messages() == ["dead letter lost"]


def test_a_defect_of_the_bridge_is_answered_and_kept(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a bug with an error text that quotes the event; when delivered; then the flow goes on,
    the payload is kept, and the log names kind and place only."""

    def fail(contact: object, *_: object) -> None:
        raise KeyError(contact)

    monkeypatch.setattr(create, "create_request", fail)
    answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("failed", "INTERNAL")
    [letter] = simulator.aws.letters()
    assert (letter["reason"], letter["payload"]) == ("INTERNAL", inbound())
    [record] = [line for line in simulator.logged.records() if line.get("message") == "defect"]
    assert record["error"] == "KeyError"
    assert "test_dead_letters.py" in record["place"]
    assert simulator.metric("Defect") == 1


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (400, r"^failed: 400: Salesforce refuses the request \(400\)$"),
        (503, r"^deferred: 503: Salesforce fails \(503\)$"),
    ],
)
def test_the_error_branch_on_request(simulator: Simulator, code: int, text: str) -> None:
    """Given FLOW_FAILURE=error, when Salesforce makes no VoiceCall, then the function raises. The
    log counts the input as before."""
    simulator.set(FLOW_FAILURE="error")
    simulator.salesforce.inject(Fault("status", status=code, times=None))
    with pytest.raises(FlowFailed, match=text):
        simulator.deliver(inbound())
    line = simulator.deliveries()[0]
    assert (line["disposition"], line["payloadKept"]) == ("dead_lettered", "ledger")
    simulator.salesforce.clear_faults()
    assert simulator.deliver(inbound())["status"] == "created"
    assert simulator.deliver(inbound())["status"] == "existing"


def test_a_scheduled_event_touches_nothing(simulator: Simulator) -> None:
    """Given a scheduled warm-up, while AWS and Salesforce are silent; when delivered; then it is
    answered at once, also with FLOW_FAILURE=error."""
    with refusing_server() as port:
        simulator.set(AWS_ENDPOINT_URL=f"http://{LOOPBACK}:{port}", FLOW_FAILURE="error")
        # Shape: Amazon EventBridge user guide, "Scheduled events".
        answer = simulator.deliver({"source": "aws.events", "detail-type": "Scheduled Event"})
    assert answer == {"status": "warm"}
    [line] = simulator.deliveries()
    assert (line["disposition"], line["ContactId"], line["attempts"]) == ("skipped", "", 0)
    assert simulator.salesforce.journal() == []
    assert simulator.aws.items() == 0
    assert simulator.aws.letters() == []
    assert simulator.error_messages() == []
