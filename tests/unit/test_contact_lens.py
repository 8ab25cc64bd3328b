"""Contact Lens' records become lines and categories in Salesforce."""

import gzip
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from tests.samples.contact_records import contact_record
from tests.samples.lens_records import segments, transcript, utterance
from tests.samples.members import CONTACT_ID, MISSING
from tests.unit.lens import NOW, LensFunction
from tests.unit.samples import FIRST, SECOND, TWO_CENTERS
from voicecall_bridge.aws.contact_directory import DirectoryUnavailable
from voicecall_bridge.contact_centers.assignment import Refused
from voicecall_bridge.ledger.contact_facts import NewFacts
from voicecall_bridge.settings.contact_lens import LensOptions
from voicecall_bridge.sources.contact_lens import LineSource
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    TelephonyError,
    Unauthorized,
    Unavailable,
)
from voicecall_bridge.use_cases.transcript_calls import CONSULT_SECONDS
from voicecall_bridge.voice_call.transcript import Sender


@pytest.fixture
def function() -> LensFunction:
    made = LensFunction()
    made.know(CONTACT_ID, "c-1", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7")
    return made


def test_a_line_as_salesforces_own_package_sends_it(function: LensFunction) -> None:
    words = utterance("u-1", "Hello", 1_000)
    assert function(segments(words), age=2.0) == []
    assert function.org.lines[CONTACT_ID] == [
        {
            "participantId": "VIRTUAL_AGENT",
            "senderType": "VIRTUAL_AGENT",
            "messageId": "u-1",
            "content": "Hello",
            "startTime": round(NOW - 2) * 1000 - 500,
            "endTime": round(NOW - 2) * 1000,
        }
    ]
    (line,) = function.logged.deliveries()
    assert (line["disposition"], line["method"], line["attempts"]) == ("delivered", "SEGMENTS", 1)
    assert function.counted("TranscriptLines") == 1


def test_lines_of_a_record_lie_as_far_apart_as_they_were_said(function: LensFunction) -> None:
    """Given a long second line, then it does not begin before the first one."""
    function(segments(utterance("u-2", begin=1_000, EndOffsetMillis=6_000), utterance("u-1")))
    first, second = function.org.lines[CONTACT_ID]
    assert (first["messageId"], second["messageId"]) == ("u-1", "u-2")
    assert second["startTime"] - first["startTime"] == 1_000
    assert second["endTime"] == round(NOW - 1) * 1000


def test_either_utterances_or_transcripts() -> None:
    for source, wanted in ((LineSource.UTTERANCE, ["u"]), (LineSource.TRANSCRIPT, ["t"])):
        function = LensFunction(LensOptions(source))
        function.know(CONTACT_ID)
        function(segments(utterance("a", "u"), transcript("b", "t")))
        assert function.org.said(CONTACT_ID) == wanted


@pytest.mark.parametrize(
    ("role", "sender"),
    [("AGENT", "VIRTUAL_AGENT"), ("CUSTOMER", "END_USER"), ("SYSTEM", "SUPERVISOR")],
)
def test_who_said_it(role: str, sender: str) -> None:
    function = LensFunction(LensOptions(others=Sender.SUPERVISOR))
    function.know(CONTACT_ID)
    function(segments(utterance("u", ParticipantRole=role)))
    (line,) = function.org.lines[CONTACT_ID]
    assert line["senderType"] == line["participantId"] == sender


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (segments(EventType="STARTED", Segments=MISSING), "NOTHING_TO_DO"),
        (segments(EventType="COMPLETED", Segments=MISSING), "NOTHING_TO_DO"),
        (segments(EventType="FAILED", Segments=MISSING), "ANALYSIS_FAILED"),
        (segments(EventType="PIGEON"), "UNKNOWN_EVENT"),
        (segments(Channel="CHAT"), "NOT_VOICE"),
        (segments(), "NO_LINES"),
        (segments({"ExtractedInformation": {}}), "NO_LINES"),
        (segments(utterance("u", PartialContent=MISSING)), "NO_LINES"),
        (contact_record(), "NOT_A_CONTACT_LENS"),
    ],
)
def test_what_has_no_lines_is_skipped(function: LensFunction, payload: object, reason: str) -> None:
    assert function(payload) == []
    assert function.ended() == [("skipped", reason)]
    assert function.org.requests == []


@pytest.mark.parametrize("payload", [b"not json", {}, segments(ContactId=MISSING), [1]])
def test_what_cannot_be_read_is_a_dead_letter(function: LensFunction, payload: object) -> None:
    assert function(payload, segments(utterance("u"))) == []
    assert sorted(function.ended()) == [("dead_lettered", "NOT_A_CONTACT"), ("delivered", "")]
    assert [reason for _, reason, _ in function.letters.kept] == ["NOT_A_CONTACT"]


def test_packed_records_are_named_with_the_cure(function: LensFunction) -> None:
    """Given a payload that a forwarder made of Connect's records, then the reason says what it
    is."""
    assert (
        function(gzip.compress(b"{}"), b'{"a": 1}{"b": 2}', bytes.fromhex("f3899ac2") + b"x") == []
    )
    assert sorted(reason for _, reason, _ in function.letters.kept) == [
        "COMPRESSED",
        "KPL_AGGREGATE",
        "SEVERAL_OBJECTS",
    ]


def test_requests_are_filled_across_calls(function: LensFunction) -> None:
    contacts = [f"c-{n}" for n in range(1, 7)]
    function(*[segments(utterance(f"u-{c}"), contact=c) for c in contacts])
    assert sorted(len(request) for request in function.org.requests) == [1, 5]


def test_six_lines_of_a_call_are_two_requests_in_order(function: LensFunction) -> None:
    function(*[segments(utterance(f"u-{n}", f"{n}", n)) for n in range(6)])
    assert function.org.requests == [{CONTACT_ID: 5}, {CONTACT_ID: 1}]
    assert function.org.said(CONTACT_ID) == [f"{n}" for n in range(6)]


def test_requests_of_different_calls_run_side_by_side(function: LensFunction) -> None:
    together = threading.Barrier(2, timeout=20.0)

    def meet(_: Sequence[str]) -> None:
        together.wait()

    function.org.at_work = meet
    contacts = [f"c-{n}" for n in range(1, 7)]
    assert function(*[segments(utterance(f"u-{c}"), contact=c) for c in contacts]) == []


def test_orgs_do_not_meet_in_a_request() -> None:
    function = LensFunction(centers=TWO_CENTERS)
    function.know("c-1")
    function.know("c-2", secret_name="sales/second")
    function(segments(utterance("u-1"), contact="c-1"), segments(utterance("u-2"), contact="c-2"))
    assert function.orgs[FIRST.name].said("c-1") == ["words of u-1"]
    assert function.orgs[SECOND.name].said("c-2") == ["words of u-2"]
    assert [len(it.requests) for it in function.orgs.values()] == [1, 1]


def test_a_contact_center_that_is_not_served_is_skipped() -> None:
    function = LensFunction(centers=TWO_CENTERS)
    function.know("c-1", secret_name="sales/third")
    assert function(segments(utterance("u-1"), contact="c-1")) == []
    ((disposition, _),) = function.ended()
    assert disposition == "skipped"
    assert Refused.of("sales/third").digest not in function.logged.stream.getvalue()


@pytest.mark.parametrize("named", ["sales/second", ""])
def test_a_call_that_is_in_no_contact_center_yet(named: str) -> None:
    """Given an event that came before the flow, so that the ledger knows the chain but no contact
    center, then the contact's attribute counts. Once the flow has named a center, that one
    counts."""
    function = LensFunction(centers=TWO_CENTERS)
    function.know("c-1", secret_name=named)
    function.facts.remember(function.key("c-1"), NewFacts("c-1"))
    function(segments(utterance("u-1"), contact="c-1"))
    assert function.orgs[(SECOND if named else FIRST).name].said("c-1") == ["words of u-1"]
    (item,) = function.dynamodb.items.values()
    item["contact_center"] = {"S": SECOND.name}
    function.clock.now += CONSULT_SECONDS
    function(segments(utterance("u-2"), contact="c-1"), first=2)
    assert function.orgs[SECOND.name].said("c-1")[-1] == "words of u-2"


def test_a_name_that_is_not_known_yet_is_asked_for() -> None:
    """Given such a call, when Connect does not answer, then its lines wait."""
    function = LensFunction(centers=TWO_CENTERS)
    function.know("c-1", secret_name="sales/second")
    function.facts.remember(function.key("c-1"), NewFacts("c-1"))
    function.directory.fault = DirectoryUnavailable("ThrottlingException")
    function(segments(utterance("u-1"), contact="c-1"))
    function(segments(utterance("u-2"), contact="c-1"), first=2)
    assert function.orgs == {}
    function.directory.fault = None
    function.try_waiting()
    assert function.orgs[SECOND.name].said("c-1") == ["words of u-1", "words of u-2"]


# Answers


def test_paused_lines_are_skipped(function: LensFunction) -> None:
    function.org.entry = lambda key: (409, "transcription paused") if key == "c-1" else None
    assert (
        function(
            segments(utterance("u-1"), contact="c-1"), segments(utterance("u-2"), contact="c-2")
        )
        == []
    )
    assert sorted(function.ended()) == [("delivered", ""), ("skipped", "TRANSCRIPTION_PAUSED")]
    assert function.counted("TranscriptLinesPaused") == 1
    assert function.waiting.messages == {}


def test_an_exhausted_call_waits_alone_and_in_order(function: LensFunction) -> None:
    """Given one call that has to wait, then all other calls have their lines. Later lines of that
    call go behind the waiting one, and arrive in order once Salesforce takes them."""
    function.org.entry = lambda key: (400, "RESOURCE_EXHAUSTED") if key == "c-1" else None
    calls = ("c-1", "c-2", "c-3")
    assert function(*[segments(utterance(f"a-{c}", "a"), contact=c) for c in calls]) == []
    requests = len(function.org.requests)
    assert function(*[segments(utterance(f"b-{c}", "b"), contact=c) for c in calls], first=9) == []
    assert all("c-1" not in request for request in function.org.requests[requests:])
    assert function.org.said("c-2") == function.org.said("c-3") == ["a", "b"]
    assert len(function.waiting.messages) == 2
    assert function.counted("Delivered") == 4

    assert len(function.try_waiting()) == 2
    assert function.waiting.pauses == [2.0, 2.0]
    function.org.entry = lambda _: None
    assert function.try_waiting() == []
    assert function.org.said("c-1") == ["a", "b"]
    assert function.ended() == [("delivered", "")] * 6


def test_what_was_taken_is_not_sent_again(function: LensFunction) -> None:
    """Given a record with six lines of which five are taken, then the sixth is sent alone later."""
    answers = iter([None, (400, "RESOURCE_EXHAUSTED")])
    function.org.entry = lambda _: next(answers, None)
    lines = [utterance(f"u-{n}", f"{n}", n) for n in range(6)]
    assert function(segments(*lines)) == []
    (deferred,) = function.waiting.messages.values()
    assert deferred.done == tuple(f"u-{n}" for n in range(5))
    assert function.try_waiting() == []
    assert function.org.requests == [{CONTACT_ID: 5}, {CONTACT_ID: 1}, {CONTACT_ID: 1}]


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("down", status=503),
        OutcomeUnknown("?", effect=Effect.UNKNOWN),
        LimitExceeded("limit", status=429, retry_after=7.0),
        Unauthorized("key", status=401),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_outage_costs_one_attempt_and_makes_no_dead_letters(
    function: LensFunction, error: TelephonyError
) -> None:
    """Given an org that does not answer, then it does not hold up a batch: one request finds the
    outage, and the lines wait in the queue until they are too old."""
    tried = []

    def down() -> TelephonyError:
        tried.append(1)
        return error

    function.org.fault = down
    contacts = [f"c-{n}" for n in range(1, 8)]
    assert function(*[segments(utterance(f"u-{c}"), contact=c) for c in contacts]) == []
    assert 1 <= len(tried) <= 2, "two requests were at work side by side"
    assert len(function.waiting.messages) == 7
    assert len(function.try_waiting()) == 7
    if error.retry_after:
        assert function.waiting.pauses == [7.0] * 7

    function.org.fault = lambda: None
    assert function.try_waiting() == []
    assert {key: function.org.said(key) for key in contacts} == {
        key: [f"words of u-{key}"] for key in contacts
    }
    assert function.letters.kept == []


def test_a_call_that_is_not_there_yet_is_waited_for_a_short_while(function: LensFunction) -> None:
    function.org.entry = lambda _: (404, "no such voice call")
    assert function(segments(utterance("u"))) == []
    assert len(function.waiting.messages) == 1
    function.clock.now += 20
    assert len(function.try_waiting()) == 1
    function.clock.now += 20
    assert function.try_waiting() == []
    assert function.ended() == [("skipped", "NO_VOICE_CALL")]


def test_a_line_that_is_refused_costs_itself_alone(function: LensFunction) -> None:
    """Given a line that Salesforce never takes, then its record becomes a dead letter. All other
    lines get through, those of its own call too."""
    org = function.org
    take = org._take

    def picky(entry: dict[str, Any]) -> dict[str, object] | None:
        if any(line["messageId"] == "bad" for line in entry["messages"]):
            key = entry["vendorCallKey"]
            return {"vendorCallKey": key, "status": 400, "message": "content is wrong"}
        return take(entry)

    org._take = picky  # type: ignore[method-assign]
    assert (
        function(
            segments(utterance("u-1", "1", 1), contact="c-1"),
            segments(utterance("bad", "2", 2), contact="c-1"),
            segments(utterance("u-3", "3", 3), contact="c-1"),
        )
        == []
    )
    assert org.said("c-1") == ["1", "3"]
    assert [reason for _, reason, _ in function.letters.kept] == ["400"]


def test_a_refused_line_takes_none_that_waits_along(function: LensFunction) -> None:
    """Given a record with a refused line, one that is taken and one that has to wait, then the last
    one arrives at the next try and each is counted once. Only then the record becomes a dead
    letter."""
    org, take = function.org, function.org._take
    limit = [(429, "")]

    def picky(entry: dict[str, Any]) -> dict[str, object] | None:
        names = [line["messageId"] for line in entry["messages"]]
        status, message = (400, "wrong") if "bad" in names else (0, "")
        if not status and "last" in names and limit:
            status, message = limit.pop()
        refused = {"vendorCallKey": entry["vendorCallKey"], "status": status, "message": message}
        return refused if status else take(entry)

    org._take = picky  # type: ignore[method-assign]
    found = [utterance(name, begin=begin) for begin, name in enumerate(("bad", "good", "last"))]
    assert function(segments(*found)) == []
    assert (function.ended(), org.said(CONTACT_ID)) == ([], ["words of good"])
    assert function.try_waiting() == []
    assert org.said(CONTACT_ID) == ["words of good", "words of last"]
    assert function.ended() == [("dead_lettered", "400")]
    assert function.counted("TranscriptLines") == 2
