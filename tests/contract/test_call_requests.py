"""Requests about a VoiceCall that exists pass Salesforce's checks, as the simulator makes them, in
both forms where guide and package differ. Requests that may be repeated are repeated.

Source: Salesforce's Voice implementation guide, its REST API pages, and Salesforce's own package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.salesforce import Fault
from simulator.salesforce.actions import DROP_URL, GREETING_URL, OUTBOUND_NUMBER
from tests.contract.telephony import AMPLE_SECONDS, CUSTOMER, SYSTEM, Caller
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.telephony.errors import (
    Effect,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unavailable,
)
from voicecall_bridge.telephony.operations import CALLS, Operation, calls_with
from voicecall_bridge.voice_call.actions import (
    said_at,
    transcript_line,
    update_of_a_call,
)

if TYPE_CHECKING:
    from simulator.salesforce import SalesforceSimulator
    from voicecall_bridge.telephony.answers import SalesforceResult

LINE = transcript_line(
    {"participantId": CUSTOMER, "messageId": "m-1", "content": "Zürich ✓", "senderType": "END_USER"}
)
BODIES: dict[Operation, dict[str, object] | None] = {
    Operation.UPDATE: update_of_a_call({"queue": "q"}, call_is_on=True),
    Operation.OMNI_FLOW: {
        "dialedNumber": SYSTEM,
        "flowDevName": "f",
        "fallbackQueue": "00G",
        "flowInputParameters": {"a": "1"},
    },
    Operation.CLEAR_ROUTING: None,
    Operation.REROUTE: None,
    Operation.ROUTE: {
        "routingTarget": "005",
        "fallbackQueue": "00G",
        "flowInputParameters": {"a": "1"},
    },
    Operation.REQUEST_CALLBACK: {"callbackNumber": CUSTOMER},
    Operation.MESSAGES: said_at(LINE, now=1_800_000_000),
    Operation.VOICEMAIL_DROP: None,
    Operation.DEFAULT_OUTBOUND_NUMBER: {"externalRepId": "arn:aws:connect:x:1:instance/a/agent/b"},
    Operation.VOICEMAIL_GREETING: {"toPhoneNumber": SYSTEM},
    Operation.RESERVE_NUMBER: {
        "countryCode": "US",
        "fromNumber": CUSTOMER,
        "context": {"toNumber": SYSTEM},
    },
    Operation.CREATE_CONTEXT: {"fromNumber": CUSTOMER, "context": {"toNumber": SYSTEM}},
}
ANSWERS: dict[Operation, dict[str, object]] = {
    Operation.UPDATE: {"status": "pending"},
    Operation.OMNI_FLOW: {"agent": None, "queue": "00G"},
    Operation.CLEAR_ROUTING: {},
    Operation.REROUTE: {"status": "Success"},
    Operation.ROUTE: {"status": "Success"},
    Operation.MESSAGES: {"result": "Accepted"},
    Operation.VOICEMAIL_DROP: {"recordingUrl": DROP_URL},
    Operation.DEFAULT_OUTBOUND_NUMBER: {"phoneNumber": OUTBOUND_NUMBER},
    Operation.VOICEMAIL_GREETING: {"greetingUrl": GREETING_URL},
}
RESERVATIONS = {Operation.RESERVE_NUMBER, Operation.CREATE_CONTEXT}
ABOUT_NO_CALL = {
    Operation.DEFAULT_OUTBOUND_NUMBER,
    Operation.VOICEMAIL_GREETING,
    *RESERVATIONS,
}
NAMES_CENTER = {Operation.UPDATE, Operation.MESSAGES}
OPERATIONS = pytest.mark.parametrize("operation", list(BODIES))
REPEATABLE = pytest.mark.parametrize(
    "operation", [each for each in BODIES if CALLS[each].repeatable]
)


def ask(caller: Caller, operation: Operation, key: str = "contact-1") -> SalesforceResult:
    return caller.client.perform(
        operation,
        key,
        Deadline.after(AMPLE_SECONDS),
        BODIES[operation],
    )


def test_every_operation_is_asked_for_here() -> None:
    """Creating and the requests for Contact Lens have other answers, and their own tests:
    test_requests.py here, test_lens_faults.py among the integration tests."""
    elsewhere = {
        Operation.CREATE,
        Operation.BULK_MESSAGES,
        Operation.REALTIME_EVENTS,
        Operation.POST_CALL_EVENTS,
    }
    assert set(BODIES) == set(Operation) - elsewhere


@OPERATIONS
@pytest.mark.parametrize("variants", ["", "reroute=guide,routeVoiceCall=guide"])
def test_every_request_is_accepted(
    salesforce: SalesforceSimulator, caller: Caller, operation: Operation, variants: str
) -> None:
    salesforce.add_voice_call("contact-1")
    caller.client.calls = calls_with(variants)
    performed = ask(caller, operation)
    assert performed.attempts == 1
    [exchange] = salesforce.journal()
    call = caller.client.calls[operation]
    assert exchange.method == call.method
    body = BODIES[operation]
    assert exchange.path == "/telephony/v1" + call.target("contact-1", body)
    center = {"callCenterApiName": "SupportCenter"} if operation in NAMES_CENTER else {}
    sent: dict[str, Any] | None = {**(body or {}), **center}
    if body is None or call.method == "GET":
        sent = None
    elif operation in RESERVATIONS:
        domain = salesforce.base_url.removesuffix("/telephony/v1")
        sent = {**body, "context": {"toNumber": SYSTEM, "scrt2Domain": domain}}
    assert exchange.body == sent
    assert exchange.headers["Telephony-Provider-Name"] == "amazon-connect"
    if operation is Operation.REQUEST_CALLBACK:
        assert str(performed.members["recordId"]).isalnum()
    elif operation in RESERVATIONS:
        assert performed.members.keys() == {"status", "mode", "handle"}
    else:
        assert performed.members == ANSWERS[operation]
    if operation is not Operation.UPDATE:
        [action] = salesforce.actions()
        key = "" if operation in ABOUT_NO_CALL else "contact-1"
        assert (action.operation, action.vendor_call_key) == (operation.value, key)
        assert action.answer == performed.members


# The first is the path that SCVL can be led to; the others invented.
@pytest.mark.parametrize("key", ["abc/../../admin?x=1", "a%2Fb#c", "Zürich ✓", "route"])
@OPERATIONS
def test_a_key_is_one_segment_of_the_path(
    salesforce: SalesforceSimulator, caller: Caller, operation: Operation, key: str
) -> None:
    salesforce.add_voice_call(key)
    ask(caller, operation, key)
    found = {action.vendor_call_key for action in salesforce.actions()}
    about = "" if operation in ABOUT_NO_CALL else key
    assert found == (set() if operation is Operation.UPDATE else {about})
    assert [record.vendor_call_key for record in salesforce.voice_calls()] == [key]


@pytest.mark.parametrize(
    "operation", sorted(BODIES.keys() - {Operation.UPDATE} - ABOUT_NO_CALL, key=str)
)
def test_a_call_that_is_not_there(
    salesforce: SalesforceSimulator, caller: Caller, operation: Operation
) -> None:
    with pytest.raises(Rejected) as raised:
        ask(caller, operation)
    assert (raised.value.status, raised.value.attempts) == (404, 1)
    assert salesforce.actions() == []


LOST: list[Fault] = [
    Fault("reset_after", method="*"),
    Fault("status_after_storing", status=500, method="*"),
    Fault("body_not_json", method="*"),
    Fault("broken_json", method="*"),
]


@REPEATABLE
@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault.kind)
def test_what_may_be_repeated_is_asked_again(
    salesforce: SalesforceSimulator, caller: Caller, operation: Operation, fault: Fault
) -> None:
    """Given an answer that got lost; when asked; then a second request gets it."""
    if (operation, fault.kind) == (Operation.CLEAR_ROUTING, "broken_json"):
        fault = Fault("not_http", method="*")  # {} cut in half is one character
    salesforce.add_voice_call("contact-1")
    salesforce.inject(fault)
    performed = ask(caller, operation)
    assert performed.attempts == 2
    assert performed.members == ANSWERS[operation]


@pytest.mark.parametrize("fault", [*LOST, Fault("empty_body")], ids=lambda fault: fault.kind)
def test_a_callback_is_not_asked_for_again_once_it_may_have_been_taken(
    salesforce: SalesforceSimulator, caller: Caller, fault: Fault
) -> None:
    """Given a callback that was stored and an answer that got lost; when asked; then there is one
    callback, and the outcome is unknown."""
    salesforce.add_voice_call("contact-1")
    salesforce.inject(fault)
    with pytest.raises(TelephonyError) as raised:
        ask(caller, Operation.REQUEST_CALLBACK)
    assert (raised.value.effect, raised.value.attempts) == (Effect.UNKNOWN, 1)
    assert len(salesforce.actions()) == 1


@pytest.mark.parametrize("code", [429, 503])
def test_a_callback_that_was_not_taken_up_is_asked_for_again(
    salesforce: SalesforceSimulator, caller: Caller, code: int
) -> None:
    salesforce.add_voice_call("contact-1")
    salesforce.inject(Fault("status", status=code, times=3))
    assert ask(caller, Operation.REQUEST_CALLBACK).attempts == 4
    assert len(salesforce.actions()) == 1


def test_a_callback_refused_and_lost_is_unknown(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given 503, then a lost answer; when asked; then the second attempt is the last."""
    salesforce.add_voice_call("contact-1")
    salesforce.inject(Fault("status", status=503))
    salesforce.inject(Fault("reset_after"))
    with pytest.raises(OutcomeUnknown) as raised:
        ask(caller, Operation.REQUEST_CALLBACK)
    assert raised.value.attempts == 2


def test_a_callback_takes_no_kept_connection(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given a kept connection that Salesforce has closed meanwhile, which would leave the outcome
    unknown; when a callback is requested; then it is sent on a new one."""
    salesforce.add_voice_call("contact-1")
    ask(caller, Operation.REROUTE)
    closed: list[bool] = []
    close = caller.client.session.close
    caller.client.session.close = lambda: (closed.append(True), close())[1]  # type: ignore[method-assign,func-returns-value]
    ask(caller, Operation.REROUTE)
    assert closed == []
    assert ask(caller, Operation.REQUEST_CALLBACK).attempts == 1
    assert closed == [True]


@pytest.mark.parametrize("record_id", ["", 7, None, "<b>", "a b", "+12065550101"])
def test_a_record_id_that_is_none(
    salesforce: SalesforceSimulator, caller: Caller, record_id: Any
) -> None:
    salesforce.add_voice_call("contact-1")
    salesforce.inject(Fault("status", status=200, body={"recordId": record_id}))
    with pytest.raises(OutcomeUnknown, match="no recordId in the answer"):
        ask(caller, Operation.REQUEST_CALLBACK)


@pytest.mark.parametrize("operation", [Operation.UPDATE, Operation.ROUTE])
def test_an_answer_with_nothing_in_it(
    salesforce: SalesforceSimulator, caller: Caller, operation: Operation
) -> None:
    salesforce.add_voice_call("contact-1")
    salesforce.inject(Fault("empty_body", method="*", times=None))
    with pytest.raises(OutcomeUnknown, match="nothing in the answer"):
        ask(caller, operation)


@pytest.mark.parametrize("operation", [Operation.UPDATE, Operation.ROUTE])
@pytest.mark.parametrize("answer", [{}, {"status": None}, {"status": 7}, {"id": "x"}])
def test_an_answer_in_other_words(
    salesforce: SalesforceSimulator, caller: Caller, operation: Operation, answer: object
) -> None:
    """Given a PATCH with an answer of 200 and an undocumented JSON object, then it counts as
    taken."""
    salesforce.add_voice_call("contact-1")
    salesforce.inject(Fault("status_after_storing", status=200, body=answer, method="*"))
    performed = ask(caller, operation)
    assert (performed.members, performed.attempts) == (answer, 1)


def test_a_limit_that_comes_as_400(salesforce: SalesforceSimulator, caller: Caller) -> None:
    salesforce.add_voice_call("contact-1")
    body = {"errorCode": "SCV_LIMITS_ERROR", "message": "too many"}
    salesforce.inject(Fault("status", status=400, body=body, method="*"))
    assert ask(caller, Operation.REROUTE).attempts == 2


def test_a_wrong_body_is_refused_by_name(salesforce: SalesforceSimulator, caller: Caller) -> None:
    salesforce.add_voice_call("contact-1")
    deadline = Deadline.after(AMPLE_SECONDS)
    wrong: list[tuple[Operation, dict[str, object], str]] = [
        (Operation.OMNI_FLOW, {}, "dialedNumber"),
        (Operation.OMNI_FLOW, {"dialedNumber": SYSTEM, "flowInputParameters": []}, "flowInput"),
        (Operation.OMNI_FLOW, {"dialedNumber": SYSTEM, "flowDevName": 7}, "flowDevName"),
        (Operation.ROUTE, {}, "routingTarget"),
        (Operation.REQUEST_CALLBACK, {"callbackNumber": ""}, "callbackNumber"),
        (Operation.MESSAGES, {**said_at(LINE, 1), "senderType": "BOT"}, "senderType"),
        (Operation.MESSAGES, {**said_at(LINE, 1), "startTime": "1"}, "startTime"),
        (Operation.MESSAGES, {**said_at(LINE, 1), "endTime": 0}, "endTime"),
        (Operation.MESSAGES, dict(LINE), "startTime"),
        (Operation.DEFAULT_OUTBOUND_NUMBER, {}, "externalRepId"),
        (Operation.VOICEMAIL_GREETING, {"toPhoneNumber": ""}, "toPhoneNumber"),
        (Operation.RESERVE_NUMBER, {"countryCode": "US", "fromNumber": SYSTEM}, "toNumber"),
        (Operation.CREATE_CONTEXT, {"context": {"toNumber": SYSTEM}}, "fromNumber"),
        (
            Operation.REQUEST_CALLBACK,
            {"callbackNumber": SYSTEM, "scheduledRoutingDateTime": "2026-12-01T15:00:00"},
            "scheduledRoutingDateTime",
        ),
        (
            Operation.REQUEST_CALLBACK,
            {"callbackNumber": SYSTEM, "isPreviewCallback": "true"},
            "isPreviewCallback",
        ),
    ]
    for operation, body, name in wrong:
        with pytest.raises(Rejected) as raised:
            caller.client.perform(operation, "contact-1", deadline, body)
        assert raised.value.status == 400
        assert name in raised.value.remark
    assert salesforce.actions() == []


def test_a_message_stays_one(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given a messageId, unique in its conversation, then sending it twice makes one line."""
    salesforce.add_voice_call("contact-1")
    salesforce.add_voice_call("contact-2")
    for key in ("contact-1", "contact-1", "contact-2"):
        ask(caller, Operation.MESSAGES, key)
    assert [action.vendor_call_key for action in salesforce.actions()] == ["contact-1", "contact-2"]


def test_a_transcript_takes_no_record_id(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given the path names the vendor call key, then a record id names no call there."""
    record_id = salesforce.add_voice_call("contact-1")
    assert ask(caller, Operation.REROUTE, record_id).attempts == 1
    with pytest.raises(Rejected):
        ask(caller, Operation.MESSAGES, record_id)


def test_time_that_ran_out_is_not_unknown(salesforce: SalesforceSimulator, caller: Caller) -> None:
    with pytest.raises(Unavailable) as raised:
        caller.client.perform(Operation.REQUEST_CALLBACK, "contact-1", Deadline.after(0.0), {})
    assert (raised.value.code, raised.value.effect) == ("DEADLINE", Effect.NONE)
    assert salesforce.journal() == []
