"""How an invocation ends: the answer, the line in the log, where the payload is."""

import json
from typing import Any

import pytest

from tests.samples.members import CONTACT_ID, CUSTOMER, MISSING, SYSTEM
from tests.unit.doubles import MemoryDeadLetters
from tests.unit.flow_scene import HangingLetters, Scene, not_created
from tests.unit.samples import VOICE_CALL_ID, a_contact, created, flow_event
from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.flow import service as flow_service
from voicecall_bridge.flow.methods import Method
from voicecall_bridge.flow.results import FlowFailed, FlowMistake
from voicecall_bridge.settings.contact_flow import FlowFailure
from voicecall_bridge.settings.sent_records import SentRecords
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    Unauthorized,
    Unavailable,
)
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.create_once import existing
from voicecall_bridge.use_cases.results import LeaseTimeout
from voicecall_bridge.voice_call.create import (
    CallInitiation,
    MissingProperty,
    NotCreatedLive,
    NotVoice,
    TransferWithoutParent,
)


def test_a_created_voice_call() -> None:
    scene = Scene(created(VOICE_CALL_ID, "one", "two", attempts=2))
    assert scene.answer() == {
        "status": "created",
        "voiceCallId": VOICE_CALL_ID,
        "vendorCallKey": CONTACT_ID,
        "errors": "one; two",
        "errorCode": "",
        "errorMessage": "",
    }
    line = scene.line()
    assert line["ContactId"] == CONTACT_ID
    assert (line["source"], line["method"]) == ("contact_flow", "createVoiceCall")
    assert (line["disposition"], line["reason"], line["status"]) == ("delivered", "", "created")
    assert (line["voiceCallId"], line["errorCode"]) == (VOICE_CALL_ID, "")
    assert (line["attempts"], line["payloadKept"]) == (2, "")
    assert scene.letters.kept == []


def test_an_existing_voice_call() -> None:
    scene = Scene(existing(VOICE_CALL_ID))
    answer = scene.answer()
    assert (answer["status"], answer["voiceCallId"]) == ("existing", VOICE_CALL_ID)
    line = scene.line()
    assert line["disposition"] == "superseded"
    assert line["reason"]
    assert line["payloadKept"] == ""


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("createVoiceCall", CallInitiation.INBOUND),
        ("createTransferVC", CallInitiation.TRANSFER),
    ],
)
def test_each_method_asks_for_its_kind(method: str, asked: CallInitiation) -> None:
    scene = Scene()
    scene.answer(flow_event(method))
    assert scene.create.asked == [(a_contact(), asked)]
    assert scene.line()["method"] == method


WITHOUT_VOICE_CALL: list[tuple[Exception, str, str, str, str]] = [
    # outcome, status, error code, disposition, where the payload is
    (not_created(LimitExceeded("x", status=429)), "deferred", "429", "dead_lettered", "ledger"),
    (not_created(Unavailable("x", status=500)), "deferred", "500", "dead_lettered", "ledger"),
    (not_created(Unavailable("x", status=503)), "deferred", "503", "dead_lettered", "ledger"),
    (not_created(Unavailable("x")), "deferred", "UNREACHABLE", "dead_lettered", "ledger"),
    (
        not_created(OutcomeUnknown("x", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN)),
        "deferred",
        "OUTCOME_UNKNOWN",
        "dead_lettered",
        "ledger",
    ),
    (
        not_created(Unavailable("x", code="SECRET_UNAVAILABLE")),
        "deferred",
        "SECRET_UNAVAILABLE",
        "dead_lettered",
        "ledger",
    ),
    (not_created(Unavailable("x"), False), "deferred", "UNREACHABLE", "dead_lettered", "queue"),
    (not_created(Rejected("x", status=400)), "failed", "400", "dead_lettered", "ledger"),
    (not_created(Unauthorized("x", status=401)), "failed", "401", "dead_lettered", "ledger"),
    (not_created(Unauthorized("x", status=403)), "failed", "403", "dead_lettered", "ledger"),
    (not_created(Rejected("x", status=404)), "failed", "404", "dead_lettered", "ledger"),
    (not_created(Rejected("x", status=409)), "failed", "409", "dead_lettered", "ledger"),
    (not_created(Rejected("x", status=400), False), "failed", "400", "dead_lettered", "queue"),
    (
        not_created(Rejected("x", status=400, effect=Effect.UNKNOWN)),
        "deferred",
        "400",
        "dead_lettered",
        "ledger",
    ),
    (
        not_created(Unauthorized("x", code="SETTINGS")),
        "failed",
        "SETTINGS",
        "dead_lettered",
        "ledger",
    ),
    (
        LeaseTimeout("x", request_kept=True),
        "deferred",
        "IN_PROGRESS",
        "dead_lettered",
        "ledger",
    ),
    (MissingProperty("x"), "failed", "MISSING_PROPERTY", "dead_lettered", "queue"),
    (TransferWithoutParent("x"), "failed", "TRANSFER_WITHOUT_PARENT", "dead_lettered", "queue"),
    (NotVoice("x"), "failed", "NOT_VOICE", "skipped", ""),
    (NotCreatedLive(a_contact()), "failed", "NOT_CREATED_LIVE", "skipped", ""),
    (RuntimeError("x"), "failed", "INTERNAL", "dead_lettered", "queue"),
]


@pytest.mark.parametrize(
    ("outcome", "status", "code", "disposition", "kept"), WITHOUT_VOICE_CALL, ids=repr
)
def test_each_ending_without_a_voice_call(
    outcome: Exception, status: str, code: str, disposition: str, kept: str
) -> None:
    scene = Scene(outcome)
    event = flow_event()
    answer = scene.answer(event)
    assert (answer["status"], answer["errorCode"], answer["voiceCallId"]) == (status, code, "")
    assert answer["errorMessage"]
    assert answer["vendorCallKey"] == CONTACT_ID
    line = scene.line()
    assert (line["disposition"], line["reason"]) == (disposition, code)
    assert (line["status"], line["errorCode"]) == (status, code)
    assert line["payloadKept"] == kept
    letters = [("contact_flow", code, event)] if kept == "queue" else []
    assert scene.letters.kept == letters


@pytest.mark.parametrize("outcome", [outcome for outcome, *_ in WITHOUT_VOICE_CALL], ids=repr)
def test_the_error_branch_where_the_settings_ask_for_it(outcome: Exception) -> None:
    """Then Salesforce's words stay out of the exception, which Lambda logs."""
    cause = getattr(outcome, "cause", None)
    if cause is not None:
        cause.remark = f"HUSH {CUSTOMER}"
    scene = Scene(outcome, failure=FlowFailure.ERROR)
    with pytest.raises(FlowFailed) as caught:
        scene.answer()
    assert not {"HUSH", CUSTOMER} & set(str(caught.value).split())
    assert scene.line()["errorCode"] in str(caught.value)


@pytest.mark.parametrize("made", [existing(VOICE_CALL_ID), created()])
def test_no_error_branch_where_there_is_a_voice_call(made: SalesforceResult) -> None:
    scene = Scene(made, failure=FlowFailure.ERROR)
    assert scene.answer()["voiceCallId"] == VOICE_CALL_ID


def test_salesforces_words_are_in_the_answer_and_not_in_the_log() -> None:
    scene = Scene(not_created(Rejected("refused", status=400, remark=f"HUSH {CUSTOMER}")))
    assert scene.answer()["errorMessage"] == f"refused: HUSH {CUSTOMER}"
    logged = scene.logged.stream.getvalue()
    assert "HUSH" not in logged
    assert CUSTOMER not in logged


def test_a_defect_of_the_bridge_is_answered_and_its_text_is_not_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = Scene(KeyError(CUSTOMER))
    answer = scene.answer()
    assert answer["errorCode"] == "INTERNAL"
    written = scene.logged.stream.getvalue() + capsys.readouterr().out + json.dumps(answer)
    assert CUSTOMER not in written
    assert SYSTEM not in written
    defect = next(line for line in scene.logged.lines() if line["message"] == "defect")
    assert defect["error"] == "KeyError"
    assert defect["ContactId"] == CONTACT_ID


def test_a_defect_in_reading_is_logged_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a method that cannot read its block, then the tally still closes."""

    def read(*_: object) -> dict[str, object]:
        raise KeyError(CUSTOMER)

    method = Method(Operation.CREATE, complete=read)
    monkeypatch.setattr(flow_service, "METHODS", {"createVoiceCall": method})
    scene = Scene()
    with pytest.raises(FlowFailed, match="INTERNAL") as raised:
        scene.answer()
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__, "Lambda logs the texts of what led to it"
    line = scene.line()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", "INTERNAL")
    assert line["payloadKept"] == "queue"
    assert CUSTOMER not in scene.logged.stream.getvalue() + str(raised.value)


MISTAKES: list[Any] = [
    None,
    {},
    "text",
    {"Details": {"ContactData": {}}},
    flow_event(ContactId=MISSING),
    flow_event(MISSING),
    flow_event(""),
    flow_event("createvoicecall"),
    flow_event("updateVoiceCall"),
    flow_event("__class__"),
    flow_event(["createVoiceCall"]),
]


@pytest.mark.parametrize("event", MISTAKES, ids=lambda event: repr(event)[-40:])
@pytest.mark.parametrize("failure", list(FlowFailure))
def test_a_mistake_of_the_flow_always_raises_and_is_kept(
    event: object, failure: FlowFailure
) -> None:
    scene = Scene(failure=failure)
    with pytest.raises(FlowMistake):
        scene.service.answer(event, 10.0)
    line = scene.line()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", "FLOW_MISTAKE")
    assert line["payloadKept"] == "queue"
    assert scene.letters.kept == [("contact_flow", "FLOW_MISTAKE", event)]
    assert scene.create.asked == []


RECORDS = "Its contact record makes one when the contact has ended"


@pytest.mark.parametrize(
    ("contact", "sent", "promised"),
    [
        ({"initiation_method": InitiationMethod.OUTBOUND}, SentRecords(), True),
        ({"initiation_method": InitiationMethod.DISCONNECT}, SentRecords(), False),
        ({"initiation_method": InitiationMethod.MONITOR}, SentRecords(), False),
        (
            {"initiation_method": InitiationMethod.DISCONNECT},
            SentRecords(frozenset({"DISCONNECT"})),
            True,
        ),
        (
            {"initiation_method": InitiationMethod.OUTBOUND, "attributes": {"NoSync": "true"}},
            SentRecords(),
            False,
        ),
        (
            {"initiation_method": InitiationMethod.OUTBOUND, "attributes": {"NoSync": "0"}},
            SentRecords(),
            True,
        ),
    ],
    ids=repr,
)
def test_an_answer_promises_a_record_only_where_the_settings_send_one(
    contact: dict[str, Any], sent: SentRecords, promised: bool
) -> None:
    scene = Scene(NotCreatedLive(a_contact(**contact)), sent_records=sent)
    answer = scene.answer()
    assert answer["errorCode"] == "NOT_CREATED_LIVE"
    assert contact["initiation_method"].value in answer["errorMessage"]
    assert (RECORDS in answer["errorMessage"]) is promised
    assert ("ContactRecordMethods" in answer["errorMessage"]) is not promised


def test_members_of_a_creates_answer_reach_the_flow() -> None:
    """As those of every other method's do."""
    made = SalesforceResult({"voiceCallId": "0LQ1", "conversationId": 7, "status": "HUSH"}, 1)
    answer = Scene(made).answer()
    assert (answer["status"], answer["voiceCallId"]) == ("created", "0LQ1")
    assert answer["conversationId"] == "7"


@pytest.mark.parametrize(
    "outcome", [None, MissingProperty("x"), not_created(Rejected("x", status=400, remark="r"))]
)
def test_an_unknown_initiation_method_is_named_in_the_answer_and_not_in_the_log(
    outcome: Exception | None,
) -> None:
    scene = Scene(outcome)
    answer = scene.answer(flow_event(InitiationMethod="OUTBOUNDD"))
    assert '("OUTBOUNDD"; nearest: OUTBOUND)' in answer["errorMessage"]
    assert answer["errorMessage"].startswith(("the bridge does not know", "x: "))
    # Nothing else shows that the VoiceCall is never finished.
    not_sent = "Its contact record is not sent: ContactRecordMethods"
    assert (not_sent in answer["errorMessage"]) is (outcome is None)
    assert "OUTBOUNDD" not in scene.logged.stream.getvalue()


def test_a_method_that_the_settings_list_gets_its_contact_record() -> None:
    scene = Scene(sent_records=SentRecords(frozenset({"NEW_ONE"})))
    answer = scene.answer(flow_event(InitiationMethod="new_one"))
    assert answer["errorMessage"] == 'the bridge does not know its InitiationMethod ("new_one")'


def test_a_mistake_names_the_method_as_it_came_and_those_that_there_are() -> None:
    scene = Scene()
    expected = r'"createVoicecall"; nearest: createVoiceCall\): set it to one of createVoiceCall, '
    with pytest.raises(FlowMistake, match=expected):
        scene.answer(flow_event("createVoicecall"))
    assert "createVoicecall" not in scene.logged.stream.getvalue(), "an unknown word is not logged"


def test_a_mistake_quotes_nothing_that_is_no_name() -> None:
    """Given a block that passes the caller's number as its method, which Lambda would log."""
    with pytest.raises(FlowMistake, match="createVoiceCall, createTransferVC") as caught:
        Scene().answer(flow_event(f"call {CUSTOMER}"))
    assert CUSTOMER not in str(caught.value)


def test_a_mistake_is_answered_in_time_though_the_queue_hangs() -> None:
    letters = HangingLetters()
    scene = Scene(dead_letters=letters, budget=0.02)
    with pytest.raises(FlowMistake):
        scene.answer(flow_event("updateVoiceCall"))
    assert not letters.release.is_set(), "the caller did not wait"
    (line,) = scene.logged.deliveries()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", "FLOW_MISTAKE")
    letters.release.set()


def test_a_lost_dead_letter_is_logged() -> None:
    scene = Scene(MissingProperty("x"), dead_letters=MemoryDeadLetters("AccessDenied"))
    assert scene.answer()["errorCode"] == "MISSING_PROPERTY"
    assert scene.line()["payloadKept"] == "none"
    lost = next(line for line in scene.logged.lines() if line["message"] == "dead letter lost")
    assert lost["error"] == "AccessDenied"


def test_a_scheduled_event_touches_nothing() -> None:
    scene = Scene()
    event = {"detail-type": "Scheduled Event", "source": "aws.events"}
    assert scene.answer(event) == {"status": "warm"}
    assert scene.create.asked == []
    assert scene.letters.kept == []
    line = scene.line()
    assert line["disposition"] == "skipped"
    assert line["reason"]


def test_an_answer_fits_into_what_connect_takes() -> None:
    """Source: administrator guide, "Invoke Lambda functions": at most 32 KB, texts only."""
    remarks = tuple("\N{GRINNING FACE}" * 500 for _ in range(100))
    for outcome in (
        created("0" * 18, *remarks),
        not_created(Rejected("x", status=400, remark="\N{GRINNING FACE}" * 500)),
    ):
        event = flow_event(parameters={"contactId": "c" * 256})
        answer = Scene(outcome).answer(event)
        assert all(isinstance(value, str) for value in answer.values())
        assert len(json.dumps(answer)) < 32 * 1024
