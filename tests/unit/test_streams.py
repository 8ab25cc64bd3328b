"""A batch: chains run side by side, each in order, and the answer names the records that Lambda
must deliver again."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.samples.members import CUSTOMER
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import MemoryDeadLetters
from tests.unit.memory_retry_queue import MemoryRetryQueue
from tests.unit.samples import batch, stream_record
from voicecall_bridge.contact import NotAContact
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.observability import Disposition
from voicecall_bridge.sources.kinds import Kind
from voicecall_bridge.streams import results as streams
from voicecall_bridge.streams.processor import HAND_OVER_SECONDS, RECORD_SECONDS, StreamProcessor
from voicecall_bridge.streams.results import PermanentFailure, RecordResult, TransientFailure

PATIENCE_SECONDS = 20.0
"""Seconds: far more than any condition takes that a test waits for."""
DONE = RecordResult(Disposition.DELIVERED, "", "0LQ1", 1)
Work = Callable[[str], RecordResult]


class Letters:
    """The source: an item is a text, and its first letter is its chain; "?" cannot be read."""

    name = "letters"
    kind = Kind.CONTACT_RECORD

    def __init__(self, work: Work = lambda _: DONE) -> None:
        self.work = work
        self.lock = threading.Lock()
        self.handled: list[str] = []
        self.later: dict[str, list[str]] = {}
        self.deadlines: list[Deadline] = []

    def read(self, payload: object) -> str:
        if not isinstance(payload, str) or payload.startswith("?"):
            raise NotAContact(str(payload))
        return payload

    def chain(self, item: str) -> str:
        return item[0]

    def describe(self, item: str) -> tuple[str, str]:
        return f"contact-{item}", "KIND"

    def without_salesforce(self, item: str, later: Sequence[str]) -> RecordResult | None:
        self.later[item] = list(later)
        return None

    def handle(self, item: str, deadline: Deadline) -> RecordResult:
        with self.lock:
            self.handled.append(item)
            self.deadlines.append(deadline)
        return self.work(item)


class Scene:
    """A processor of such a source."""

    def __init__(self, work: Work = lambda _: DONE, workers: int = 8, fault: str = "") -> None:
        self.source = Letters(work)
        self.letters = MemoryDeadLetters(fault)
        self.logged = CapturedLog()
        self.overruns = 0
        self.processor: StreamProcessor[str] = StreamProcessor(
            self.source,
            self.letters,
            MemoryRetryQueue("no queue"),
            self.logged.observer,
            workers,
            self.overrun,
        )

    def overrun(self) -> None:
        self.overruns += 1

    def answer(self, *data: object, seconds: float = 60.0) -> list[int]:
        """The numbers of the records that Lambda must deliver again."""
        failures = self.processor.answer(batch(*data), seconds)["batchItemFailures"]
        assert all(set(failure) == {"itemIdentifier"} for failure in failures)
        return [int(failure["itemIdentifier"]) for failure in failures]

    def dispositions(self) -> dict[str, tuple[str, str]]:
        """Record number -> disposition and reason; every record has one line at most."""
        lines = self.logged.deliveries()
        found = {
            line["inputId"].rpartition(":")[2]: (line["disposition"], line["reason"])
            for line in lines
        }
        assert len(found) == len(lines)
        return found


def test_a_batch_that_ends_well() -> None:
    scene = Scene()
    assert scene.answer("a1", "b1", "a2") == []
    lines = {line["ContactId"]: line for line in scene.logged.deliveries()}
    assert set(lines) == {"contact-a1", "contact-b1", "contact-a2"}
    line = lines["contact-b1"]
    assert (line["source"], line["method"], line["inputId"]) == (
        "letters",
        "KIND",
        "shardId-000000000000:2",
    )
    assert (line["disposition"], line["voiceCallId"], line["attempts"]) == ("delivered", "0LQ1", 1)
    assert (line["payloadKept"], line["errorCode"]) == ("", "")


@pytest.mark.parametrize("event", [{}, {"Records": []}, None])
def test_an_empty_batch(event: Any) -> None:
    assert Scene().processor.answer(event, 60.0) == {"batchItemFailures": []}


def test_a_chain_is_handled_in_order_and_knows_what_follows() -> None:
    scene = Scene()
    scene.answer("a1", "b1", "a2", "b2", "a3")
    assert [item for item in scene.source.handled if item[0] == "a"] == ["a1", "a2", "a3"]
    assert scene.source.later == {
        "a1": ["a2", "a3"],
        "a2": ["a3"],
        "a3": [],
        "b1": ["b2"],
        "b2": [],
    }


def test_chains_run_side_by_side() -> None:
    """Given each chain waits until all other chains are at work, then none of them waits in
    vain."""
    together = threading.Barrier(4, timeout=PATIENCE_SECONDS)

    def meet(_item: str) -> RecordResult:
        together.wait()
        return DONE

    scene = Scene(meet, workers=4)
    assert scene.answer("a", "b", "c", "d") == []
    assert scene.logged.counted() == {}, "no chain was a defect"


def test_no_more_chains_run_than_there_are_workers() -> None:
    """The number of workers bounds the concurrency toward one org."""
    at_work, most, lock = 0, 0, threading.Lock()
    pair = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def count(_item: str) -> RecordResult:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        pair.wait()
        with lock:
            at_work -= 1
        return DONE

    assert Scene(count, workers=2).answer(*"abcdef") == []
    assert most == 2


def test_what_no_retry_can_mend_is_dead_lettered_and_done() -> None:
    def work(item: str) -> RecordResult:
        if item == "a1":
            raise PermanentFailure("400")
        return DONE

    scene = Scene(work)
    assert scene.answer("a1", "a2") == []
    assert scene.letters.kept == [("letters", "400", stream_record("a1", 1))]
    assert scene.dispositions() == {"1": ("dead_lettered", "400"), "2": ("delivered", "")}
    (line,) = [line for line in scene.logged.deliveries() if line["inputId"].endswith(":1")]
    assert (line["payloadKept"], line["errorCode"]) == ("queue", "400")


@pytest.mark.parametrize("poison", ["?", 7, b"not json", b"\xff"])
def test_a_poison_record_among_good_ones(poison: object) -> None:
    scene = Scene()
    assert scene.answer("a1", poison, "a2") == []
    assert scene.letters.kept == [("letters", "NOT_A_CONTACT", stream_record(poison, 2))]
    assert scene.dispositions()["2"] == ("dead_lettered", "NOT_A_CONTACT")
    assert scene.source.handled == ["a1", "a2"]


def test_a_fault_that_passes_stops_its_own_chain_alone() -> None:
    """Then later records of the chain must not overtake it, and every other chain goes on."""

    def work(item: str) -> RecordResult:
        if item == "a2":
            raise TransientFailure("503")
        return DONE

    scene = Scene(work)
    assert scene.answer("a1", "b1", "a2", "b2", "a3") == [3, 5]
    assert set(scene.dispositions()) == {"1", "2", "4"}
    assert "a3" not in scene.source.handled
    assert scene.letters.kept == []
    (again,) = [line for line in scene.logged.lines() if line["message"] == "retry later"]
    assert (again["ContactId"], again["errorCode"]) == ("contact-a2", "503")


def test_a_defect_never_blocks_its_shard() -> None:
    """Given an unexpected error, then its record is kept, and the error's text is not logged."""

    def work(item: str) -> RecordResult:
        if item == "a1":
            raise ValueError(CUSTOMER)
        return DONE

    scene = Scene(work)
    assert scene.answer("a1", "a2") == []
    assert scene.letters.kept == [("letters", "DEFECT", stream_record("a1", 1))]
    (defect,) = [line for line in scene.logged.lines() if line["message"] == "defect"]
    assert defect["error"] == "ValueError"
    assert CUSTOMER not in scene.logged.stream.getvalue()


@pytest.mark.parametrize("fault", [PermanentFailure("400"), ValueError("x")], ids=repr)
def test_the_record_of_a_dead_letter_that_is_not_kept_is_delivered_again(fault: Exception) -> None:
    """Then no later record of its chain is handled either, since it would overtake the first."""

    def work(item: str) -> RecordResult:
        if item == "a1":
            raise fault
        return DONE

    scene = Scene(work, fault="ReadTimeoutError")
    assert scene.answer("a1", "a2", "b1") == [1, 2]
    assert set(scene.dispositions()) == {"3"}
    lost = [line for line in scene.logged.lines() if line["message"] == "dead letter lost"]
    assert [line["error"] for line in lost] == ["ReadTimeoutError"]


def test_a_poison_record_that_is_not_kept_is_delivered_again() -> None:
    scene = Scene(fault="AccessDenied")
    assert scene.answer("?", "a1") == [1]


@pytest.mark.parametrize("permanent", ["?", "a1"])
def test_one_dead_letter_however_often_its_record_comes(permanent: str) -> None:
    """Given a dead letter, when Lambda delivers its batch again because of a record before it."""

    def work(item: str) -> RecordResult:
        if item == "b1":
            raise TransientFailure("503")
        raise PermanentFailure("400")

    scene = Scene(work)
    for _ in range(3):
        assert scene.answer("b1", permanent) == [1]
    assert len(scene.letters.kept) == 1
    assert list(scene.dispositions()) == ["2"]


def test_only_so_many_records_are_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "REMEMBERED_RECORDS", 2)
    scene = Scene()
    for _ in range(2):
        assert scene.answer("?1", "?2", "?3") == []
    assert 3 < len(scene.letters.kept) <= 6


def test_poison_does_not_use_up_the_good_records_time() -> None:
    """Given a queue that answers only when the good record is done."""
    done = threading.Event()

    def work(_item: str) -> RecordResult:
        done.set()
        return DONE

    scene = Scene(work)
    keep = scene.letters.keep

    def slow(source: str, reason: str, payload: object, *, delay_seconds: int = 0) -> None:
        assert done.wait(PATIENCE_SECONDS)
        keep(source, reason, payload)

    scene.letters.keep = slow  # type: ignore[method-assign]
    assert scene.answer("?", "?", "a1") == []


@pytest.mark.parametrize("seconds", [0.0, HAND_OVER_SECONDS, -1.0])
def test_without_time_everything_is_delivered_again(seconds: float) -> None:
    scene = Scene()
    assert scene.answer("a1", "?", "b1", seconds=seconds) == [1, 2, 3]
    assert scene.source.handled == []


def test_a_record_has_its_share_of_the_time() -> None:
    scene = Scene()
    scene.answer("a1", seconds=60.0)
    scene.answer("b1", seconds=HAND_OVER_SECONDS + 3.0)
    first, second = scene.source.deadlines
    assert first.remaining() <= RECORD_SECONDS
    assert second.remaining() <= 3.0


def test_a_batch_that_does_not_end_in_time_is_answered_all_the_same() -> None:
    """Given work that hangs, then records that have ended are not named, Lambda delivers the rest
    again, and the next batch has new clients."""
    let_go, hangs = threading.Event(), threading.Event()

    def work(item: str) -> RecordResult:
        if item == "a1":
            hangs.set()
            assert let_go.wait(PATIENCE_SECONDS)
        return DONE

    scene = Scene(work)
    try:
        assert scene.answer("a1", "b1", "a2", seconds=HAND_OVER_SECONDS + 0.5) == [1, 3]
        assert hangs.is_set()
        assert scene.overruns == 1
        assert scene.answer("c1") == [], "its pool was given up with it"
    finally:
        let_go.set()


def test_a_record_that_ends_after_the_answer_is_named_again() -> None:
    """Given an end after the answer, then Lambda delivers the record again: at least once, never
    lost."""
    let_go, ended = threading.Event(), threading.Event()

    def work(item: str) -> RecordResult:
        if item == "a1" and not ended.is_set():
            assert let_go.wait(PATIENCE_SECONDS)
            ended.set()
        return DONE

    scene = Scene(work)
    assert scene.answer("a1", seconds=HAND_OVER_SECONDS + 0.2) == [1]
    let_go.set()
    assert ended.wait(PATIENCE_SECONDS)
    assert scene.answer("a1") == []


def test_numbers_that_count_are_flushed_with_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene()
    scene.answer("a1")
    assert '"Delivered"' in capsys.readouterr().out
    assert scene.logged.counted() == {}
