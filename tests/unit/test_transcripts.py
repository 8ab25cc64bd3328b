"""Lines to requests: which calls share a request, and until when. One request of a call at a
time."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from tests.unit.doubles import Clock, alone
from tests.unit.lens import TranscriptOrg
from tests.unit.samples import CENTER
from voicecall_bridge.telephony.errors import Rejected, Unavailable
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.transcript_answers import Verdict
from voicecall_bridge.use_cases.transcript_calls import TranscriptCall
from voicecall_bridge.use_cases.transcripts import (
    REQUEST_SECONDS,
    REST_SECONDS,
    SILENT_SECONDS,
    PendingLine,
    TranscriptSender,
    perform_events,
)
from voicecall_bridge.voice_call.transcript import Message, Sender


class AtOnce(Executor):
    """Runs a given action before it goes on, and counts its runs."""

    def __init__(self) -> None:
        self.workers = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.workers += 1
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Scene:
    """A sender with its org; lines are sent, and their results are kept."""

    def __init__(self, requests_at_once: int = 1) -> None:
        self.clock, self.org, self.pool = Clock(), TranscriptOrg(), AtOnce()
        self.sender = TranscriptSender(alone(self.org), self.pool, requests_at_once, self.clock)

    def send(self, calls: Mapping[str, int], seconds: float = 10.0) -> list[tuple[str, int]]:
        """Sends a number of lines of each call. Returns verdict and attempts of each line, ""
        without a result."""
        lines = [
            (TranscriptCall(key, CENTER), PendingLine(_message(f"{key}, {number}")))
            for key, count in calls.items()
            for number in range(count)
        ]
        assert self.sender.send(lines, self.clock.deadline(seconds))
        results = [line.result for _, line in lines]
        return [(it.verdict, it.attempts) if it else ("", 0) for it in results]


def _message(words: str) -> Message:
    return Message(words, words, Sender.END_USER, 1, 2)


def test_calls_that_were_refused_together_go_alone() -> None:
    """Given a request that is refused because of one of its calls, and another call with lines for
    two requests."""
    scene = Scene()

    def refuse(keys: Sequence[str]) -> None:
        if "c-1" in keys:
            raise Rejected("one of them", status=400)

    scene.org.at_work = refuse
    calls = {f"c-{number}": 1 for number in range(1, 8)} | {"c-6": 6}
    ends = scene.send(calls)
    assert [verdict for verdict, _ in ends] == [Verdict.REFUSED, *[Verdict.TAKEN] * 11]
    assert scene.org.requests == [
        {"c-1": 1, "c-2": 1, "c-3": 1, "c-4": 1, "c-5": 1},
        {"c-6": 5, "c-7": 1},
        *({f"c-{number}": 1} for number in range(1, 7)),
    ]


def test_no_request_begins_after_the_deadline() -> None:
    scene = Scene()
    scene.org.at_work = lambda _: scene.clock.sleep(5.0)
    assert scene.send({"c-1": 6}, seconds=5.0) == [(Verdict.TAKEN, 1)] * 5 + [("", 0)]
    assert scene.org.requests == [{"c-1": 5}]


def test_a_request_takes_its_share_of_the_time() -> None:
    scene = Scene()
    for seconds in (60.0, 2.0):
        scene.send({"c-1": 1}, seconds)
        deadline = scene.clock.deadline(seconds)
        call = TranscriptCall("c-1", CENTER)
        perform_events(scene.sender.clients, Operation.REALTIME_EVENTS, call, [{}], deadline)
    assert scene.org.given == pytest.approx([REQUEST_SECONDS] * 2 + [2.0] * 2)


def test_a_line_that_was_spared_a_silent_org_was_not_tried() -> None:
    scene = Scene()

    def silent() -> Unavailable:
        scene.clock.sleep(SILENT_SECONDS)
        return Unavailable("silence", status=503)

    scene.org.fault = silent
    assert scene.send({"c-1": 1}) == [(Verdict.LATER, 1)]
    assert scene.send({"c-2": 1}) == [(Verdict.LATER, 0)]
    scene.clock.sleep(REST_SECONDS)
    assert scene.send({"c-2": 1}) == [(Verdict.LATER, 1)]


@pytest.mark.parametrize(
    ("calls", "at_once", "workers"), [(1, 9, 1), (5, 9, 1), (6, 9, 2), (10, 9, 2), (99, 9, 9)]
)
def test_no_more_workers_than_requests(calls: int, at_once: int, workers: int) -> None:
    scene = Scene(at_once)
    scene.send({f"c-{number}": 1 for number in range(calls)})
    assert scene.pool.workers == workers


def test_a_line_that_has_to_wait_is_not_overtaken() -> None:
    scene = Scene()
    scene.org.entry = lambda _: (429, "")
    assert scene.send({"c-1": 6}) == [(Verdict.LATER, 1)] * 6
    assert scene.org.requests == [{"c-1": 5}]
