"""Walks a flow with a caller, block by block, and says how the caller ends.

A caller ends in a queue, with an agent (an agent's own queue), with a message before the line is
hung up, or in silence: hung up on without a word, sent round without a word, or left where the flow
has no branch. Only the blocks in `blocks.BLOCKS` are known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from simulator.contact_flow.blocks import (
    BLOCKS,
    INPUT_TIME_LIMIT_EXCEEDED,
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    QUEUE_AT_CAPACITY,
    SPOKEN,
)
from simulator.contact_flow.caller import Caller
from simulator.contact_flow.flow import NEXT, Action, Condition, Flow
from simulator.contact_flow.lambda_block import Answer, Invoke, call_function
from simulator.contact_flow.surroundings import Surroundings, among

MOST_STEPS: Final = 250


class End(StrEnum):
    """Where a caller ends."""

    QUEUE = "queue"
    AGENT = "agent"
    MESSAGE = "message"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Step:
    """One block on the way.

    Attributes:
        action: its identifier.
        branch: the label of the branch taken; empty where the way ends.
        what: what happened, in a few words.
        answer: of a Lambda block.
    """

    action: str
    branch: str
    what: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """A caller's way through a flow.

    Attributes:
        end: where the caller ends.
        detail: the queue, the agent, the last words, or why there is silence.
        lambda_seconds: the longest wait for Lambda blocks without a prompt between.
    """

    end: End
    detail: str
    steps: tuple[Step, ...]
    lambda_seconds: float
    caller: Caller

    @property
    def branches(self) -> set[tuple[str, str]]:
        """(action, label) of every branch taken."""
        return {(step.action, step.branch) for step in self.steps if step.branch}


class UnknownBlock(Exception):
    """The flow has a block that is not walked here; the text names both."""


def walk(flow: Flow, caller: Caller, surroundings: Surroundings, invoke: Invoke) -> Walk:
    """Walk the flow from its first action.

    Raises:
        UnknownBlock: on the way is a block that nobody here knows.
        KeyError: an action leads to none (see `checks.faults`).
    """
    return _Way(flow, caller, surroundings, invoke).to_its_end()


@dataclass(slots=True)
class _Way:
    flow: Flow
    caller: Caller
    surroundings: Surroundings
    invoke: Invoke
    steps: list[Step] = field(default_factory=list)
    unspoken: set[str] = field(default_factory=set)
    """Actions since the caller last heard something."""
    last_words: str = ""
    """What was said, as long as nothing but bookkeeping came after it."""
    waited: float = 0.0
    longest_wait: float = 0.0

    def to_its_end(self) -> Walk:
        name = self.flow.start
        while len(self.steps) < MOST_STEPS:
            action = self.flow.actions[name]
            if name in self.unspoken:
                return self._ends(End.SILENCE, f"goes round without a word at {name}")
            self.unspoken.add(name)
            if action.type not in BLOCKS:
                raise UnknownBlock(f"{name}: block {action.type} is not walked here")
            if action.type == "DisconnectParticipant":
                return self._hung_up(action)
            branch = self._take(action)
            if branch == "":
                return self._ends(
                    End.AGENT if self.caller.to_agent else End.QUEUE, self.caller.target
                )
            target = dict(action.transitions).get(branch)
            if target is None:
                return self._ends(End.SILENCE, f"{name} has no branch {branch}")
            name = target
        return self._ends(End.SILENCE, f"no end after {MOST_STEPS} blocks")

    def _take(self, action: Action) -> str:
        """Run a block; the branch it takes, "" when the contact leaves the flow for a queue."""
        if action.type not in ("MessageParticipant", "UpdateContactAttributes"):
            self.last_words = ""
        taken = _RUN[action.type](self, action)
        self.steps.append(taken)
        return taken.branch

    def _hung_up(self, action: Action) -> Walk:
        said = self.last_words
        self.steps.append(Step(action.identifier, "", "the line is hung up"))
        end = End.MESSAGE if said else End.SILENCE
        return self._ends(end, said or "hung up without a word")

    def _ends(self, end: End, detail: str) -> Walk:
        return Walk(end, detail, tuple(self.steps), self.longest_wait, self.caller)

    def go_on(self, action: Action) -> Step:
        return Step(action.identifier, NEXT, "")

    def _words(self, action: Action) -> str:
        """What is said; of a recorded prompt, which it is."""
        [given] = [action.parameters[name] for name in SPOKEN if name in action.parameters]
        return self.caller.filled(given)

    def say(self, action: Action) -> Step:
        text = self._words(action)
        if among(action.identifier, self.surroundings.mute) or not text.strip():
            return Step(action.identifier, NO_MATCHING_ERROR, "the prompt does not play")
        self.last_words = text
        self.unspoken.clear()
        self.waited = 0.0
        return Step(action.identifier, NEXT, f'"{text}"')

    def call(self, action: Action) -> Step:
        parameters = action.parameters
        event = self.caller.event(parameters["LambdaInvocationAttributes"])
        answer = call_function(self.invoke, event, float(parameters["InvocationTimeLimitSeconds"]))
        self.waited += answer.seconds
        self.longest_wait = max(self.longest_wait, self.waited)
        # Every invocation replaces what the last one answered, a failed one with nothing.
        self.caller.external = answer.external or {}
        branch = NO_MATCHING_ERROR if answer.external is None else NEXT
        tells = answer.trouble or ", ".join(
            f"{name} {value}" for name, value in self.caller.external.items() if value
        )
        method = event["Details"]["Parameters"]["methodName"]
        return Step(action.identifier, branch, f"{method}: {tells}", answer)

    def keep(self, action: Action) -> Step:
        if not self.surroundings.keeps_attributes:
            return Step(action.identifier, NO_MATCHING_ERROR, "the attributes cannot be set")
        given: Mapping[str, str] = action.parameters["Attributes"]
        kept = {name: self.caller.filled(text) for name, text in given.items()}
        self.caller.attributes.update(kept)
        return Step(action.identifier, NEXT, ", ".join(f"{k} = {v}" for k, v in kept.items()))

    def compare(self, action: Action) -> Step:
        path = action.parameters["ComparisonValue"]
        value = self.caller.value(path)
        branch = _matching(action, value) or NO_MATCHING_CONDITION
        return Step(action.identifier, branch, f"{path} is {value!r}")

    def ask(self, action: Action) -> Step:
        key = self.surroundings.key
        if key is None or among(action.identifier, self.surroundings.mute):
            return Step(action.identifier, NO_MATCHING_ERROR, "the menu does not work")
        self.unspoken.clear()
        text = self._words(action)
        if not key:
            return Step(action.identifier, INPUT_TIME_LIMIT_EXCEEDED, f'"{text}": no key')
        branch = _matching(action, key) or NO_MATCHING_CONDITION
        return Step(action.identifier, branch, f'"{text}": key {key}')

    def aim(self, action: Action) -> Step:
        ((parameter, text),) = action.parameters.items()
        target = self.caller.filled(text)
        if not target or among(target, self.surroundings.unknown):
            return Step(action.identifier, NO_MATCHING_ERROR, f"{parameter} {target!r}: none such")
        self.caller.aim(target, at_agent=parameter == "AgentId")
        return Step(action.identifier, NEXT, f"{parameter} {target}")

    def hours(self, action: Action) -> Step:
        is_open = self.surroundings.is_open
        own = self.caller.filled(action.parameters.get("HoursOfOperationId", ""))
        if not own and (not self.caller.target or self.caller.to_agent):
            # Without hours of its own the block takes the queue's, and an agent's queue has none
            # (administrator guide, "Check hours of operation").
            return Step(action.identifier, NO_MATCHING_ERROR, "no hours, and no queue that has any")
        if is_open is None:
            return Step(action.identifier, NO_MATCHING_ERROR, "the hours cannot be checked")
        return Step(action.identifier, f"Equals {is_open}", "open" if is_open else "closed")

    def to_queue(self, action: Action) -> Step:
        target = self.caller.target
        if not target or among(target, self.surroundings.broken):
            return Step(action.identifier, NO_MATCHING_ERROR, f"{target or 'no queue'}: no way in")
        if among(target, self.surroundings.full):
            return Step(action.identifier, QUEUE_AT_CAPACITY, f"{target} is full")
        return Step(action.identifier, "", f"waits for {target}")


def _matching(action: Action, value: str) -> str:
    """The label of the first condition that holds; empty where none does."""
    return next((each.label for each in action.conditions if _holds(each, value)), "")


def _holds(condition: Condition, value: str) -> bool:
    if condition.operator == "TextStartsWith":
        return value.startswith(condition.operand)
    if condition.operator == "Equals":
        return value == condition.operand
    raise UnknownBlock(f"operator {condition.operator} is not known here")


_RUN: Final[Mapping[str, Callable[[_Way, Action], Step]]] = MappingProxyType(
    {
        "UpdateFlowLoggingBehavior": _Way.go_on,
        "UpdateContactRecordingBehavior": _Way.go_on,
        "MessageParticipant": _Way.say,
        "InvokeLambdaFunction": _Way.call,
        "UpdateContactAttributes": _Way.keep,
        "Compare": _Way.compare,
        "GetParticipantInput": _Way.ask,
        "UpdateContactTargetQueue": _Way.aim,
        "CheckHoursOfOperation": _Way.hours,
        "TransferContactToQueue": _Way.to_queue,
    }
)
