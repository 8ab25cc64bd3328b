"""No output holds personal data or a secret, and the search would find them.

Every test of this folder is searched at its end (see conftest.py), with the bridge's logger at
DEBUG. Here are the search itself, and the cases in which data could slip into a log. Source:
docs/guarantees.md, "Promised", 9.
"""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from simulator.salesforce import Fault
from tests.contract.aws import CREDENTIALS
from tests.contract.servers import LOOPBACK, AwsRefusal, refusing_server
from tests.integration.canaries import (
    ATTRIBUTE,
    CATEGORY,
    CUSTOMER,
    EMAIL,
    FIELD,
    FLOW_PARAMETER,
    NAME,
    SAID,
    SUMMARY,
    SYSTEM,
    key_lines,
    leaks,
    spellings,
)
from tests.integration.events import inbound, method
from voicecall_bridge.flow.results import FlowFailed, FlowMistake
from voicecall_bridge.telephony.auth import TokenSigner
from voicecall_bridge.use_cases import create

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.salesforce import ContactCenterIdentity
    from tests.integration.simulator import Simulator

pytestmark = pytest.mark.usefixtures("without_jitter")
CANARIES = {
    "customer": CUSTOMER,
    "system": SYSTEM,
    "e-mail": EMAIL,
    "name": NAME,
    "attribute": ATTRIBUTE,
    "field": FIELD,
    "parameter": FLOW_PARAMETER,
    "line": SAID,
    "category": CATEGORY,
    "summary": SUMMARY,
    "AWS key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
}


@pytest.mark.parametrize("spelling", list(spellings("")))
@pytest.mark.parametrize("value", CANARIES.values(), ids=CANARIES.keys())
def test_the_search_sees_through_every_spelling(value: str, spelling: str) -> None:
    """Given a log line with a canary in some spelling; when searched; then it is found."""
    line = json.dumps({"message": "delivery", "detail": spellings(value)[spelling]})
    assert leaks(line) != []


@pytest.mark.parametrize("text", ["+1 206-555-0177", "(206) 555-0177", "1.800.555.0188"])
def test_the_search_sees_numbers_with_separators(text: str) -> None:
    """Given a number as people write it; when searched; then it is found."""
    assert leaks(f'{{"message": "call from {text}"}}') != []


def test_the_search_sees_keys_and_tokens(identity: ContactCenterIdentity) -> None:
    """Given a key, one line of it, or a token; when searched; then it is found."""
    lines = key_lines(identity.private_key_pem)
    assert len(lines) > 20
    assert leaks(identity.private_key_pem)
    assert leaks(f"x{list(lines.values())[7]}y", lines)
    signer = TokenSigner(org_id="o", call_center_api_name="c", private_key=identity.private_key_pem)
    assert leaks(f"sent {signer.token()}") == ["a token"]
    assert leaks("Authorization: Bearer abc") == ["a token's scheme"]


def test_the_search_finds_nothing_in_an_innocent_line() -> None:
    """Given a delivery line; when searched; then nothing is found."""
    line = {"ContactId": "c0000001-aaaa-4bbb-8ccc-000000000001", "voiceCallId": "0LQ" + "x" * 15}
    assert leaks(json.dumps(line)) == []


ECHO = f"invalid: {CUSTOMER}, {EMAIL}, {ATTRIBUTE}"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 429, 500, 503])
@pytest.mark.parametrize("failure", ["continue", "error"])
def test_salesforce_echoes_the_data(simulator: Simulator, code: int, failure: str) -> None:
    """Given a refusal that quotes the call; when delivered; then the flow may read it in its
    answer, and no log and no raised error holds it."""
    simulator.set(FLOW_FAILURE=failure)
    body = {"message": ECHO, "errors": [ECHO], "errorCode": CUSTOMER}
    headers = {"X-Trace": CUSTOMER, "X-Request-Id": "request-7"}
    if code in (429, 503):
        headers["Retry-After"] = "60"
    simulator.salesforce.inject(
        Fault("status", status=code, times=None, body=body, headers=headers)
    )
    if failure == "continue":
        assert ECHO in simulator.deliver(inbound())["errorMessage"]
        return
    with pytest.raises(FlowFailed) as raised:
        simulator.deliver(inbound())
    assert as_lambda_logs(raised.value) == []


def as_lambda_logs(error: BaseException) -> list[str]:
    """The canaries in an error with its whole chain, as Lambda writes it to the log."""
    return leaks("".join(traceback.format_exception(error)))


def test_salesforce_remarks_on_the_data(simulator: Simulator) -> None:
    """Given `errors` beside the id that quote the call; when created; then only the answer has
    them."""
    simulator.salesforce.inject(
        Fault("status", status=200, body={"voiceCallId": "0LQ000000000001", "errors": ECHO})
    )
    answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errors"]) == ("created", ECHO)
    assert simulator.metric("CreatedWithRemarks") == 1


@pytest.mark.parametrize(
    "kind", ["body_not_json", "reset_after", "not_http", "broken_json", "redirect", "wrong_clock"]
)
def test_answers_that_cannot_be_read(simulator: Simulator, kind: str) -> None:
    """Given an answer that breaks; when delivered; then the library's own text is not logged."""
    seconds = 3600.0 if kind == "wrong_clock" else 0.0
    simulator.salesforce.inject(Fault(kind, times=None, seconds=seconds))
    assert simulator.deliver(inbound())["status"] in ("deferred", "failed")


def test_salesforce_cannot_be_reached(simulator: Simulator) -> None:
    """Given a refused connection with an error that quotes the address; when delivered; then no log
    has anything of the call."""
    with refusing_server() as port:
        base = f"http://{LOOPBACK}:{port}/telephony/v1"
        simulator.aws.put_secret(simulator.salesforce.identity.secret(base))
        answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("deferred", "UNREACHABLE")
    assert leaks(answer["errorMessage"]) == []


@pytest.mark.parametrize("service", ["DYNAMODB", "SECRETS_MANAGER", "SQS"])
def test_aws_refuses(simulator: Simulator, service: str) -> None:
    """Given an AWS service that refuses; when delivered; then its error's text stays out."""
    with AwsRefusal("AccessDeniedException") as refusal:
        simulator.set(**{f"AWS_ENDPOINT_URL_{service}": f"http://{LOOPBACK}:{refusal.port}"})
        simulator.deliver(inbound())
        simulator.deliver(inbound("contact-2", SystemEndpoint=None, Tags={}))
    assert "refused by the test" not in simulator.logged.text


@pytest.mark.parametrize("failure", ["continue", "error"])
def test_a_defect_with_the_event_as_its_text(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """Given a bug that raises an error with the event, caused by an error with the key; when
    delivered; then neither text is logged or raised."""
    key = simulator.salesforce.identity.private_key_pem

    def fail(contact: Any, *_: object) -> None:
        try:
            raise ValueError(key)
        except ValueError as cause:
            raise RuntimeError(f"cannot map {contact!r} for {CUSTOMER}") from cause

    simulator.set(FLOW_FAILURE=failure)
    monkeypatch.setattr(create, "create_request", fail)
    if failure == "continue":
        answer = simulator.deliver(inbound())
        assert leaks(json.dumps(answer), key_lines(key)) == []
    else:
        with pytest.raises(FlowFailed) as raised:
            simulator.deliver(inbound())
        assert as_lambda_logs(raised.value) == []
    assert simulator.metric("Defect") == 1


MISTAKES: list[Callable[[], object]] = [
    lambda: method(inbound(), f"call {CUSTOMER}"),
    lambda: {"Details": {"ContactData": {"CustomerEndpoint": {"Address": CUSTOMER}}}},
    lambda: {"from": CUSTOMER, "mail": EMAIL},
    lambda: f"{NAME} {CUSTOMER}",
]


@pytest.mark.parametrize("make", MISTAKES, ids=["method", "no contact id", "no event", "text"])
def test_a_mistake_is_raised_without_data(simulator: Simulator, make: Callable[[], object]) -> None:
    """Given an event that can never work; when it raises; then the text quotes nothing of it."""
    with pytest.raises(FlowMistake) as raised:
        simulator.deliver(make())
    assert as_lambda_logs(raised.value) == []


@pytest.mark.parametrize("text", [CUSTOMER, EMAIL, NAME])
def test_what_is_passed_for_a_contact_id(simulator: Simulator, text: str) -> None:
    """Given a block that passes the caller's number or name as contactId; when it works, fails and
    is refused; then no log has it."""
    event = inbound()
    event["Details"]["Parameters"]["contactId"] = text
    assert simulator.deliver(event)["status"] == "created"
    simulator.salesforce.inject(Fault("status", status=503, times=None, method=None))
    event["Details"]["Parameters"]["fieldValues"] = "{}"
    assert simulator.deliver(method(event, "updateVoiceCall"))["errorCode"] == "503"
    lines = [line["ContactId"] for line in simulator.logged.records() if "ContactId" in line]
    assert set(lines) == {"unknown"}


def test_a_web_call_by_e_mail(simulator: Simulator) -> None:
    """Given a WebRTC call from an e-mail address; when created; then Salesforce gets it, no log."""
    event = inbound(
        InitiationMethod="WEBRTC_API",
        CustomerEndpoint=None,
        SystemEndpoint=None,
        Tags={},
        SegmentAttributes={"connect:Subtype": {"ValueString": "connect:WebRTC"}},
        Attributes={"WebRTC_From": EMAIL, "WebRTC_To": NAME, "sfdc-Field__c": FIELD},
    )
    assert simulator.deliver(event)["status"] == "created"
    [post] = simulator.posts()
    assert (post.body["from"], post.body["to"], post.body["callSubtype"]) == (EMAIL, NAME, "WebRTC")


def test_what_is_written_is_lines_of_json(simulator: Simulator) -> None:
    """Given successes and failures; when delivered; then every line is one JSON object with the
    level of a log or the mark of a metric."""
    simulator.deliver(inbound("contact-1"))
    simulator.salesforce.inject(
        Fault("status", status=429, times=None, headers={"Retry-After": "9"})
    )
    simulator.deliver(inbound("contact-2"))
    lines = [line for line in simulator.logged.text.splitlines() if line]
    assert len(lines) == len(simulator.logged.records())
    for record in simulator.logged.records():
        assert ("level" in record) is not ("_aws" in record)
    [limit] = [
        line for line in simulator.logged.records() if line.get("message") == "SCV_LIMITS_ERROR"
    ]
    assert (limit["ContactId"], limit["errorCode"]) == ("contact-2", "429")
