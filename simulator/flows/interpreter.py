"""Walks a flow with a caller, block by block, and says how the caller ends.

`runs` has the effect of each block.
"""

from dataclasses import dataclass, replace
from typing import Final

from simulator.flows.blocks import Meaning, block_of
from simulator.flows.caller import Caller
from simulator.flows.choices import NO_CHOICES, Choices, key_of
from simulator.flows.flow import AGENT_HOLD, CUSTOMER_HOLD, CUSTOMER_QUEUE, NEXT, Action, Flow
from simulator.flows.lambda_block import Invoke
from simulator.flows.runs import run
from simulator.flows.state import UNNOTICED, End, Step, WalkState
from simulator.flows.surroundings import Surroundings

MOST_STEPS: Final = 250
MOST_ROUNDS: Final = 3
"""Visits to a block after which a flow that plays for those who wait is known to go round."""
_WAITING_ROOMS: Final = (CUSTOMER_QUEUE, CUSTOMER_HOLD, AGENT_HOLD)
_MEANT_TO_GO_ROUND: Final = frozenset({"Loop", "Wait"})
_KEEPS_LAST_WORDS: Final = (*UNNOTICED, "MessageParticipant", "DisconnectParticipant")


@dataclass(frozen=True, slots=True)
class Walk:
    """A caller's way through a flow.

    Attributes:
        end: where the caller ends.
        detail: the queue, the agent, the last words, or why there is silence.
        lambda_seconds: the longest wait for Lambda blocks without a prompt between.
        passed: warnings: blocks with a result that is unknown here, and the branch that was taken.
    """

    end: End
    detail: str
    steps: tuple[Step, ...]
    lambda_seconds: float
    caller: Caller
    passed: tuple[str, ...] = ()

    @property
    def branches(self) -> set[tuple[str, str]]:
        """(action, label) of every branch taken."""
        return {(step.action, step.branch) for step in self.steps if step.branch}

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The places where the function refused the flow's parameters, each once."""
        found = (
            f"{step.label}: {step.answer.mistake}"
            for step in self.steps
            if step.answer and step.answer.mistake
        )
        return tuple(dict.fromkeys(found))


def walk(
    flow: Flow,
    caller: Caller,
    surroundings: Surroundings,
    invoke: Invoke,
    choices: Choices = NO_CHOICES,
) -> Walk:
    """Walk the flow from its first action to the caller's end.

    Raises:
        KeyError: an action leads to none (see `checks.faults`).
    """
    state = WalkState(flow, caller, surroundings, invoke, choices)
    action = flow.actions[flow.start]
    while len(state.steps) < MOST_STEPS:
        if ended := _ends_before(state, action):
            return _walked(state, *ended)
        step = _take(state, action)
        if step.end is not None:
            return _walked(state, step.end, step.detail)
        target = _following(state, action, step.branch)
        if target is None:
            lost = f"{action.label} has no branch {step.branch or NEXT}"
            return _walked(state, End.SILENCE, lost)
        action = target
    return _walked(state, End.SILENCE, f"no end after {MOST_STEPS} blocks")


def _ends_before(state: WalkState, action: Action) -> tuple[End, str] | None:
    """The caller's end before a block is run, because the way goes round."""
    key = key_of(state.flow, action)
    state.visits[key] = state.visits.get(key, 0) + 1
    if state.root.type in _WAITING_ROOMS and state.visits[key] > MOST_ROUNDS:
        return state.still_waits()
    if key in state.since_words:
        keys = list(state.since_words)
        round_trip = {state.since_words[each] for each in keys[keys.index(key) :]}
        if not round_trip & _MEANT_TO_GO_ROUND:
            return End.SILENCE, f"goes round without a word at {action.label}"
        del state.since_words[key]  # so that it stands where the caller came to it last
    state.since_words[key] = action.type
    return None


def _take(state: WalkState, action: Action) -> Step:
    """Run a block, or take the branch that was chosen for it."""
    no_effect = block_of(action).meaning is Meaning.NO_EFFECT
    if action.type not in _KEEPS_LAST_WORDS and not no_effect:
        state.last_words = ""
    flow = state.flow.name
    step = replace(_chosen(state, action) or run(state, action), label=action.label, flow=flow)
    state.steps.append(step)
    return step


def _chosen(state: WalkState, action: Action) -> Step | None:
    key = key_of(state.flow, action)
    branches = state.choices.takes.get(key)
    if not branches:
        return None
    visit = state.taken.get(key, 0)
    state.taken[key] = visit + 1
    branch = branches[min(visit, len(branches) - 1)]
    return Step(action.identifier, branch, "not run: its branch was chosen")


def _following(state: WalkState, action: Action, branch: str) -> Action | None:
    """The block that comes next; None where the flow has no way on."""
    if state.entered:
        state.entered = False
        return state.flow.actions[state.flow.start]
    if state.back_at is not None:
        action, branch, state.back_at = state.back_at, NEXT, None
    target = dict(action.transitions).get(branch)
    if target is None and " " not in branch:  # an error without a branch of its own
        target = action.next_action
    return state.flow.actions[target] if target is not None else None


def _walked(state: WalkState, end: End, detail: str) -> Walk:
    return Walk(
        end,
        detail,
        tuple(state.steps),
        state.longest_wait,
        state.caller,
        tuple(state.passed.values()),
    )
