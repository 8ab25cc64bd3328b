"""The report of a walk: the way, the end, and then the open points, layout last."""

import textwrap
from collections.abc import Sequence
from typing import Final

from simulator.flows.checks import to_replace
from simulator.flows.flow import FLOW_TYPES, Flow
from simulator.flows.interpreter import Walk
from simulator.flows.layout import of_the_layout
from simulator.flows.state import End, Step
from simulator.flows.ways import MOST_LAMBDA_SECONDS
from simulator.terminal import Terminal

_ENDS: Final = {
    End.QUEUE: "waits in the queue",
    End.AGENT: "waits for the agent",
    End.THIRD_PARTY: "is put through to",
    End.MESSAGE: "is told, and the line is hung up:",
    End.SILENCE: "is left in SILENCE:",
    End.HUNG_UP: "is hung up on after the call",
    End.GONE: "gives up",
    End.DONE: "stays on the line: the flow ends, and the call goes on",
    End.ELSEWHERE: "goes on in another flow, which was not given (--with):",
}
_NARROWEST, _WIDEST = 24, 48
_COMFORTABLE: Final = 120
"""Columns from which on the blocks' names and branches have room to spare."""
_MOST_REMARKS: Final = 5


def report(console: Terminal, flow: Flow, walked: Walk) -> None:
    """Say what the caller goes through, and what was noticed."""
    console.say(f"{flow.name} ({FLOW_TYPES.get(flow.type, flow.type)})", "bold")
    _way(console, flow, walked.steps)
    style = "bold red" if walked.end is End.SILENCE else "bold green"
    console.say(f"the caller {_ENDS[walked.end]} {walked.detail}".rstrip(), style)
    console.say(
        f"longest wait for Lambda without a prompt: {walked.lambda_seconds:.1f} s "
        f"of {MOST_LAMBDA_SECONDS}"
    )
    _list(console, 'not run here (for another branch: --take "<block>=<branch>"):', walked.passed)
    _list(console, "mistakes in the flow, which the function refused:", walked.mistakes, "bold red")
    if left := to_replace(flow):
        console.say(f"to be replaced before the import: {', '.join(left)}")
    remarks = of_the_layout(flow)
    more = len(remarks) - _MOST_REMARKS
    shown = remarks[:_MOST_REMARKS]
    _list(console, "layout:", [*shown, f"... and {more} more"] if more > 0 else shown)


def _way(console: Terminal, flow: Flow, steps: Sequence[Step]) -> None:
    """One line a block; on a terminal, what does not fit goes on below."""
    narrow = console.is_terminal and console.width < _COMFORTABLE
    least, most = (0, _WIDEST // 2) if narrow else (_NARROWEST, _WIDEST)
    label = min(most, max([least, *(len(step.label) for step in steps)]))
    branch = min(_NARROWEST, max([least, *(len(step.branch) for step in steps)]))
    room = console.width - label - branch - len("  ") * 3
    for step in steps:
        elsewhere = f"  [{step.flow}]" if step.flow != flow.name else ""
        what = f"{_what(step)}{elsewhere}"
        parts = textwrap.wrap(what, room, break_on_hyphens=False) if console.is_terminal else [what]
        first, *others = parts or [""]
        console.say(f"  {step.label:{label}}  {step.branch or '-':{branch}}  {first}".rstrip())
        for part in others:
            console.say(f"{'':{console.width - room}}{part}")


def _list(console: Terminal, title: str, lines: Sequence[str], style: str = "yellow") -> None:
    if lines:
        console.say(title, style)
    for line in lines:
        console.say(f"  {line}")


def _what(step: Step) -> str:
    answer = step.answer
    if answer is None or not answer.attempts:
        return step.what
    repeated = f", {answer.attempts} invocations" if answer.attempts > 1 else ""
    return f"{step.what}  ({answer.seconds:.2f} s{repeated})"
