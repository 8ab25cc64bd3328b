"""Contact Lens' records that are late, wait, or cannot be handled."""

from collections import Counter
from typing import Any

import pytest

from tests.samples.lens_records import categories, segments, utterance
from tests.samples.members import CONTACT_ID
from tests.unit.lens import NOW, LensFunction
from tests.unit.samples import a_contact
from voicecall_bridge.aws.contact_directory import DirectoryUnavailable
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.settings.contact_lens import LensOptions
from voicecall_bridge.streams import contact_lens
from voicecall_bridge.streams.lens_queue import BEHIND_SECONDS, PAUSES, SLOW_SECONDS
from voicecall_bridge.telephony.errors import Effect, OutcomeUnknown, TelephonyError, Unavailable
from voicecall_bridge.use_cases.transcript_calls import TranscriptCall, TranscriptCalls
from voicecall_bridge.use_cases.transcripts import perform_events


@pytest.fixture
def function() -> LensFunction:
    made = LensFunction()
    made.know(CONTACT_ID, "c-1", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7")
    return made


# Age


def test_lines_that_are_too_old_are_kept_and_not_sent(function: LensFunction) -> None:
    old = [segments(utterance(f"u-{n}")) for n in range(3)]
    assert function(*old, age=121.0) == []
    assert function.ended() == [("skipped", "TOO_LATE")] * 3
    assert {line["payloadKept"] for line in function.logged.deliveries()} == {"bucket"}
    assert function.org.requests == []
    assert function.letters.kept == []
    ((reason, records),) = function.late.kept
    assert (reason, len(records)) == ("TOO_LATE", 3)
    assert function.counted("TranscriptLinesTooLate") == 3
    assert function.counted("DeadLettered") == 0


def test_lines_that_wait_grow_too_old(function: LensFunction) -> None:
    function.org.fault = lambda: Unavailable("down", status=503)
    assert function(segments(utterance("u"))) == []
    function.clock.now += 118
    assert len(function.try_waiting()) == 1
    assert function.waiting.pauses[-1] == 2.0
    function.clock.now += 2.1
    assert function.try_waiting() == []
    assert function.ended() == [("skipped", "TOO_LATE")]


def test_an_hour_without_salesforce_leaves_no_backlog(function: LensFunction) -> None:
    """Given two calls that speak every 20 seconds while Salesforce is down for an hour, when
    Salesforce is back, then a new call has its line at once, lines that are not too old follow with
    the next try, and every record has ended once."""
    function.org.fault = lambda: Unavailable("down", status=503)
    number = 0
    for _ in range(180):
        for call in ("c-1", "c-2"):
            number += 1
            assert function(segments(utterance(f"u-{number}"), contact=call), first=number) == []
        function.clock.now += 20.0
        function.try_waiting()
        assert len(function.waiting.messages) <= 2 * 6 + 2, "what is too old does not wait"
    function.org.fault = lambda: None
    assert function(segments(utterance("new"), contact="c-3"), first=number + 1) == []
    assert function.org.said("c-3") == ["words of new"]
    assert function.try_waiting() == []
    assert len(function.waiting.messages) == 0
    ends = Counter(function.ended())
    assert set(ends) == {("skipped", "TOO_LATE"), ("delivered", "")}
    assert ends.total() == number + 1
    late = sum(len(records) for _, records in function.late.kept)
    assert late == ends["skipped", "TOO_LATE"] > number - 2 * 7
    assert function.letters.kept == []


def test_a_silent_org_is_left_alone_for_a_moment(function: LensFunction) -> None:
    """Given an org that fails after seconds, then the next batch does not wait for it, and a batch
    a moment later asks again. An org that refuses at once is asked each time."""
    sender, now = function.lens.sender, [0.0]
    sender.clock = lambda: now[0]
    tried, takes = [], [3.0]

    def down() -> TelephonyError:
        tried.append(now[0])
        now[0] += takes[0]
        return OutcomeUnknown("silence", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN)

    def say(contact: str, number: int) -> None:
        assert function(segments(utterance(f"u-{number}"), contact=contact), first=number) == []

    function.org.fault = down
    say("c-1", 1)
    say("c-2", 2)
    assert (tried, len(function.waiting.messages)) == ([0.0], 2)
    now[0] += 1.0
    takes[0] = 0.1
    say("c-3", 3)
    say("c-4", 4)
    assert tried == [0.0, 4.0, pytest.approx(4.1)]
    function.org.fault = lambda: None
    assert function.try_waiting() == []
    assert function.counted("TranscriptLines") == 4


def test_a_bucket_that_does_not_answer_loses_nothing(function: LensFunction) -> None:
    function.late.down = True
    assert function(segments(utterance("u")), age=500.0) == ["1"]
    function.late.down = False
    assert function(segments(utterance("u")), age=500.0) == []


# Which call a line belongs to, and faults of the search


def test_what_is_not_known_now_waits(function: LensFunction) -> None:
    function.directory.fault = DirectoryUnavailable("ThrottlingException")
    assert function(segments(utterance("u"))) == []
    assert len(function.waiting.messages) == 1
    function.directory.fault = None
    assert function.try_waiting() == []
    assert function.org.said(CONTACT_ID) == ["words of u"]


def test_a_queue_that_does_not_answer_loses_nothing(function: LensFunction) -> None:
    function.org.fault = lambda: Unavailable("down", status=503)
    function.waiting.down = True
    assert function(segments(utterance("u"))) == ["1"]
    function.org.fault = lambda: None
    function.clock.now += SLOW_SECONDS  # the call is no longer slow
    assert function(segments(utterance("u"))) == []
    assert function.ended() == [("delivered", "")]


def test_a_call_leaves_the_queue_with_a_pause_of_the_conversation(function: LensFunction) -> None:
    """Given lines without a pause behind one that had to wait, then each goes behind the line
    before it, which may still be in the queue. After a pause, lines go straight to Salesforce."""
    assert max(PAUSES) + BEHIND_SECONDS < SLOW_SECONDS
    function.org.fault = lambda: Unavailable("down", status=503)
    assert function(segments(utterance("u-0"))) == []
    function.org.fault = lambda: None
    direct = []
    for number, pause in enumerate([2.0] * 17 + [BEHIND_SECONDS, 2.0], start=1):
        function.clock.now += pause
        function(segments(utterance(f"u-{number}")), first=number + 1)
        direct.append(not function.waiting.messages)
        function.try_waiting()
    assert direct == [False] * 17 + [True] * 2
    assert function.org.said(CONTACT_ID) == [f"words of u-{number}" for number in range(20)]


def test_lines_stay_behind_one_of_a_call_that_was_not_found(function: LensFunction) -> None:
    """Given a transferred contact with a failed search for its call, so that its line waits in a
    group of its own, when the call is found, then later lines wait in that group, too."""
    function.directory.know(a_contact(contact_id="leg", initial_contact_id=CONTACT_ID))
    function.directory.fault = DirectoryUnavailable("ThrottlingException")
    assert function(segments(utterance("u-1"), contact="leg")) == []
    function.directory.fault = None
    function(segments(utterance("u-2"), contact="leg"), first=2)
    first, second = function.waiting.messages.values()
    assert first.group == second.group
    assert function.org.said(CONTACT_ID) == []
    function.try_waiting()
    assert function.org.said(CONTACT_ID) == ["words of u-1", "words of u-2"]
    function(segments(utterance("u-3")), first=3)  # of the call's first contact
    assert function.waiting.messages, "behind the lines of its call"


@pytest.mark.parametrize("asked", [0.0, 60.0])
def test_lines_stay_behind_one_that_is_hidden_for_long(
    function: LensFunction, asked: float
) -> None:
    """Given a line that stays in the queue for longer than its own pauses: Salesforce asks for it,
    or the queue does not take the pause."""
    function.org.fault = lambda: Unavailable("down", status=503, retry_after=asked or None)
    assert function(segments(utterance("u-0"))) == []
    function.waiting.deaf = not asked
    assert len(function.try_waiting()) == 1
    function.org.fault = lambda: None
    function.clock.now += SLOW_SECONDS + 1.0
    function(segments(utterance("u-1")), first=2)
    assert len(function.waiting.messages) == 2


def test_a_record_that_is_delivered_again_is_not_sent_again(function: LensFunction) -> None:
    for _ in range(2):
        assert function(segments(utterance("u"))) == []
    assert len(function.org.requests) == len(function.ended()) == 1


def test_a_defect_is_a_dead_letter(function: LensFunction) -> None:
    def broken() -> None:
        raise RuntimeError("words of u")

    function.org.fault = broken
    assert function(segments(utterance("u", "words of u"))) == []
    assert function.ended() == [("dead_lettered", "DEFECT")]
    assert "words of u" not in function.logged.stream.getvalue()


def test_a_defect_costs_one_contact_alone(
    function: LensFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a search for a call that raises, and a category that raises when it is sent, then only
    their records become dead letters."""
    find = function.lens.calls._find

    def broken_find(_: object, key: ContactKey, deadline: Deadline) -> Any:
        if key.contact_id == "c-1":
            raise RuntimeError("words of u")
        return find(key, deadline)

    def broken_events(clients: Any, operation: Any, call: TranscriptCall, *rest: Any) -> Any:
        if call.vendor_call_key == "c-2":
            raise RuntimeError("words of u")
        return perform_events(clients, operation, call, *rest)

    monkeypatch.setattr(TranscriptCalls, "_find", broken_find)
    monkeypatch.setattr(contact_lens, "perform_events", broken_events)
    assert (
        function(
            segments(utterance("u-1"), contact="c-1"),
            segments(categories("Late"), contact="c-2"),
            segments(utterance("u-3"), categories("Late"), contact="c-3"),
        )
        == []
    )
    assert function.ended() == [
        ("dead_lettered", "DEFECT"),
        ("dead_lettered", "DEFECT"),
        ("delivered", ""),
    ]
    assert function.org.said("c-3") == ["words of u-3"]
    assert [key for _, key, _ in function.org.events] == ["c-3"]


# Categories


def test_categories_of_a_call(function: LensFunction) -> None:
    function(segments(utterance("u"), categories("late-delivery", "churn", point=(10, 20))))
    ((operation, key, body),) = function.org.events
    assert (operation, key) == ("realtimeConversationEvents", CONTACT_ID)
    at = round(NOW - 1) * 1000
    details = {"BeginOffsetMillis": 10, "EndOffsetMillis": 20}
    assert body == {
        "service": "AmazonConnectContactLens",
        "persist": False,
        "events": [
            {
                "type": "IntelligenceSignal__Category",
                "value": name,
                "startTime": at,
                "details": details,
            }
            for name in ("late-delivery", "churn")
        ],
    }


def test_categories_without_a_point_of_interest(function: LensFunction) -> None:
    function(segments(categories("churn")))
    ((_, _, body),) = function.org.events
    assert "details" not in body["events"][0]
    assert function.ended() == [("delivered", "")]


def test_categories_can_be_switched_off() -> None:
    function = LensFunction(LensOptions(categories=False))
    function.know(CONTACT_ID)
    function(segments(categories("churn")), segments(utterance("u"), categories("x")))
    assert function.org.events == []
    assert sorted(function.ended()) == [("delivered", ""), ("skipped", "NO_LINES")]


def test_categories_wait_like_lines(function: LensFunction) -> None:
    faults = iter([None, Unavailable("down", status=503)])
    function.org.fault = lambda: next(faults, None)
    assert function(segments(utterance("u"), categories("churn"))) == []
    (deferred,) = function.waiting.messages.values()
    assert deferred.done == ("u",)
    assert function.try_waiting() == []
    assert len(function.org.events) == len(function.org.requests) == 1
