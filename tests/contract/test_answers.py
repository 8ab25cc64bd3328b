"""Each answer of Salesforce, and each fault on the way, becomes the error its documentation names.

Sources: Voice implementation guide, REST API pages; docs/guarantees.md, "Promised", 1 to 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.salesforce import Fault
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unauthorized,
    Unavailable,
)
from voicecall_bridge.voice_call.create import CallInitiation

if TYPE_CHECKING:
    from simulator.salesforce import SalesforceSimulator
    from tests.contract.telephony import Caller


def status(code: int, **more: object) -> Fault:
    return Fault.from_json({"kind": "status", "status": code, "times": None, **more})


def lasting(kind: str, **more: object) -> Fault:
    return Fault.from_json({"kind": kind, "times": None, **more})


NONE, UNKNOWN = Effect.NONE, Effect.UNKNOWN
# The fault, at every attempt; the error, its code, its effect; requests sent; records stored.
FAILURES: list[tuple[str, Fault, type[TelephonyError], str, Effect, int, int]] = [
    ("302", lasting("redirect"), Rejected, "302", NONE, 1, 0),
    ("400", status(400), Rejected, "400", NONE, 1, 0),
    ("404", status(404), Rejected, "404", NONE, 1, 0),
    ("405", status(405), Rejected, "405", NONE, 1, 0),
    ("409", status(409), Rejected, "409", NONE, 1, 0),
    ("413", status(413), Rejected, "413", NONE, 1, 0),
    ("401", status(401), Unauthorized, "401", NONE, 2, 0),
    ("403", status(403), Unauthorized, "403", NONE, 1, 0),
    ("429", status(429), LimitExceeded, "429", NONE, 4, 0),
    ("500", status(500), Unavailable, "500", UNKNOWN, 4, 0),
    ("502", status(502), Unavailable, "502", UNKNOWN, 4, 0),
    ("503", status(503), Unavailable, "503", NONE, 4, 0),
    ("504", status(504), Unavailable, "504", UNKNOWN, 4, 0),
    ("599", status(599), Unavailable, "599", UNKNOWN, 4, 0),
    (
        "500 after storing",
        lasting("status_after_storing", status=500),
        Unavailable,
        "500",
        UNKNOWN,
        4,
        1,
    ),
    ("reset before", lasting("reset_before"), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 0),
    ("reset after", lasting("reset_after"), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 1),
    ("204", status(204), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 0),
    ("a list", status(200, body=[]), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 0),
    (
        "id of no text",
        status(200, body={"voiceCallId": 7}),
        OutcomeUnknown,
        "OUTCOME_UNKNOWN",
        UNKNOWN,
        4,
        0,
    ),
    ("HTML", lasting("body_not_json"), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 1),
    ("empty", lasting("empty_body"), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 1),
    ("no id", lasting("no_voice_call_id"), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 1),
    ("half JSON", lasting("broken_json"), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 1),
    ("cut off", lasting("cut_off_body"), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 1),
    ("not HTTP", lasting("not_http"), OutcomeUnknown, "OUTCOME_UNKNOWN", UNKNOWN, 4, 1),
]


@pytest.mark.parametrize(
    ("fault", "kind", "code", "effect", "attempts", "stored"),
    [row[1:] for row in FAILURES],
    ids=[row[0] for row in FAILURES],
)
def test_a_lasting_fault_ends_as_its_error(
    salesforce: SalesforceSimulator,
    caller: Caller,
    fault: Fault,
    kind: type[TelephonyError],
    code: str,
    effect: Effect,
    attempts: int,
    stored: int,
) -> None:
    """Given a fault that stays; when a call is created; then the error says what is known."""
    salesforce.inject(fault)
    with pytest.raises(TelephonyError) as raised:
        caller.create()
    error = raised.value
    assert type(error) is kind
    assert (error.code, error.effect, error.attempts) == (code, effect, attempts)
    assert len(salesforce.journal()) == attempts
    assert len(salesforce.voice_calls()) == stored
    # Every failed attempt was reported, with its contact.
    assert [contact_id for contact_id, _ in caller.failures] == ["contact-1"] * attempts


PASSING = [row for row in FAILURES if row[2] not in (Rejected, Unauthorized)]


@pytest.mark.parametrize("fault", [row[1] for row in PASSING], ids=[row[0] for row in PASSING])
def test_a_transient_fault_ends_as_one_voice_call(
    salesforce: SalesforceSimulator, caller: Caller, fault: Fault
) -> None:
    """Given a fault that hits once; when a call is created; then the second attempt finds or
    makes its one record."""
    once = Fault(**{**vars(fault), "times": 1})
    salesforce.inject(once)
    made = caller.create()
    [record] = salesforce.voice_calls()
    assert made.voice_call_id == record.voice_call_id
    assert made.attempts == 2


def test_an_unknown_outcome_stays_unknown_when_a_later_attempt_is_refused(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given a reset after storing, then a 400; when a call is created; then the
    record may exist."""
    salesforce.inject(Fault("reset_after"))
    salesforce.inject(Fault("status", status=400))
    with pytest.raises(Rejected) as raised:
        caller.create()
    assert raised.value.effect is Effect.UNKNOWN
    assert raised.value.attempts == 2
    assert len(salesforce.voice_calls()) == 1


@pytest.mark.parametrize("kind", ["hang", "hang_after_storing"])
def test_a_hanging_answer_is_an_unknown_outcome(
    salesforce: SalesforceSimulator, caller: Caller, kind: str
) -> None:
    """Given no answer at all; when a call is created; then its outcome is unknown, in time."""
    salesforce.inject(lasting(kind))
    with pytest.raises(OutcomeUnknown) as raised:
        caller.create(seconds=0.5)
    assert raised.value.effect is Effect.UNKNOWN
    assert raised.value.code == "OUTCOME_UNKNOWN"
    assert len(salesforce.voice_calls()) == (1 if kind == "hang_after_storing" else 0)


@pytest.mark.parametrize(
    ("kind", "remarks"),
    [
        (
            "errors_string",
            (
                "We created your voice call but there were some errors: "
                "FIELD_CUSTOM_VALIDATION_EXCEPTION: Region__c is required",
            ),
        ),
        ("errors_list", ("Region__c is required", "callAttributes: no field Colour__c")),
    ],
)
def test_remarks_are_no_failure(
    salesforce: SalesforceSimulator, caller: Caller, kind: str, remarks: tuple[str, ...]
) -> None:
    """Given `errors` beside an id; when a call is created; then it exists."""
    salesforce.inject(Fault(kind))
    made = caller.create()
    assert made.remarks == remarks
    assert made.attempts == 1


def test_a_slow_answer_is_waited_for(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given an answer after half a second; when there is time for it; then one request is sent."""
    salesforce.inject(Fault("slow", seconds=0.5))
    assert caller.create(seconds=10).attempts == 1


@pytest.mark.parametrize(
    ("body", "remark"),
    [
        ({"errorCode": "INVALID_FIELD", "message": "to is required"}, "to is required"),
        ({"errors": ["first", "second"]}, "first; second"),
        ([{"message": "first"}, {"message": "second"}], "first; second"),
        ("plain text", "plain text"),
        ("<html>maintenance</html>", ""),
        ("", ""),
    ],
)
def test_salesforces_own_message_is_read_in_any_shape(
    salesforce: SalesforceSimulator, caller: Caller, body: object, remark: str
) -> None:
    """Given a refusal (its body's shape is undocumented); when it is read; then Salesforce's
    message is apart from the error's text."""
    headers = {"X-Request-Id": "request-7", "Content-Type": "application/json"}
    salesforce.inject(Fault("status", status=400, body=body, headers=headers))
    with pytest.raises(Rejected) as raised:
        caller.create()
    assert raised.value.remark == remark
    assert raised.value.request_id == "request-7"
    assert not remark or remark not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "remark"),
    [
        ([{"errorCode": "UNKNOWN_EXCEPTION", "message": "no such org"}], "no such org"),
        ("try again later", "try again later"),
        ("<html>maintenance</html>", ""),
        ('"text"', "text"),
        ("", ""),
    ],
)
def test_what_an_answer_of_200_says_instead(
    salesforce: SalesforceSimulator, caller: Caller, body: object, remark: str
) -> None:
    """Given a 200 without a JSON object; when it is read; then Salesforce's message is apart from
    the error's text."""
    salesforce.inject(Fault("status", status=200, times=None, body=body))
    with pytest.raises(OutcomeUnknown) as raised:
        caller.create()
    assert raised.value.remark == remark
    assert not remark or remark not in str(raised.value)


def test_an_unknown_parent_is_rejected(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given a transfer with a parent that Salesforce does not know; when it is created; then it is
    refused."""
    with pytest.raises(Rejected) as raised:
        caller.create(
            initiation_method=CallInitiation.TRANSFER, parent_voice_call_id="nobody-knows"
        )
    assert raised.value.code == "400"
    assert "parentVoiceCallId" in raised.value.remark
