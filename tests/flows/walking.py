"""Walks small flows with a function that gives the test's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.flows.caller import new_caller
from simulator.flows.choices import NO_CHOICES, read_choices
from simulator.flows.files import read_flow
from simulator.flows.flow import INBOUND
from simulator.flows.interpreter import Walk, walk
from simulator.flows.surroundings import Surroundings
from simulator.functions.lambda_process import Invocation
from tests.flows.small_flows import block, content, written

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.flows.caller import Caller
    from simulator.flows.lambda_block import Invoke


def invocation(
    payload: Any = None, *, error: str = "", seconds: float = 0.1, timed_out: bool = False
) -> Invocation:
    return Invocation(
        payload=payload,
        error={"errorType": error, "errorMessage": "it failed"} if error else None,
        logs=[],
        duration_ms=seconds * 1000,
        init_ms=None,
        timed_out=timed_out,
        request_id="",
        cold=False,
    )


class Function:
    """Gives one answer for each invocation, in order; the last one is repeated."""

    def __init__(self, *answers: Invocation | Exception) -> None:
        self.answers = list(answers) or [invocation({"status": "created"})]
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any]) -> Invocation:
        self.events.append(event)
        answer = self.answers[min(len(self.events), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def walked(
    folder: Path,
    *actions: dict[str, Any],
    kind: str = INBOUND,
    caller: Caller | None = None,
    surroundings: Surroundings | None = None,
    function: Invoke | None = None,
    takes: list[str] | None = None,
    answers: list[str] | None = None,
    further: list[Path] | None = None,
) -> Walk:
    flow = read_flow(written(folder, content(*actions, kind=kind)))
    choices = NO_CHOICES
    if takes or answers or further:
        flows = [read_flow(path) for path in further or []]
        choices = read_choices(takes or [], answers or [], flow, flows)
    return walk(
        flow,
        caller or new_caller(kind),
        surroundings or Surroundings(),
        function or Function(),
        choices,
    )


def loop(goes_on: str, done: str, count: str = "2") -> dict[str, Any]:
    return block(
        "loop",
        "Loop",
        {"LoopCount": count},
        done,
        {},
        {"ContinueLooping": goes_on, "DoneLooping": done},
    )
