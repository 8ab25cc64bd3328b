"""The choices for a walk: branches to take, answers of functions, further flows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from simulator.flows.blocks import (
    INPUT_TIME_LIMIT_EXCEEDED,
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    QUEUE_AT_CAPACITY,
    block_of,
)
from simulator.flows.flow import NEXT, Action, Flow
from simulator.samples.reading import EventError, as_object, parse

_OTHER_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "success": NEXT,
        "error": NO_MATCHING_ERROR,
        "default": NO_MATCHING_CONDITION,
        "no match": NO_MATCHING_CONDITION,
        "timeout": INPUT_TIME_LIMIT_EXCEEDED,
        "at capacity": QUEUE_AT_CAPACITY,
    }
)
"""The console's word for a branch -> its label."""
_SHORTEST_PREFIX: Final = 4

Key = tuple[str, str]
"""A block among the blocks of several flows: path of the flow's file, identifier."""
_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices that are made before the walk.

    Attributes:
        takes: block -> branches to take instead of running it, one visit after the other; the
            last one at all further visits.
        answers: Lambda block -> what it answers instead of being run.
        further: flows and modules that the walked flow may go on in.
    """

    takes: Mapping[Key, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)
    answers: Mapping[Key, Mapping[str, Any]] = field(default_factory=lambda: _NOTHING)
    further: tuple[Flow, ...] = ()

    def flow(self, reference: str, display_name: str) -> Flow | None:
        """The further flow that a block names, by ARN, id or name."""
        names = {name for name in (reference, reference.rpartition("/")[2], display_name) if name}
        for flow in self.further:
            ids = flow.ids | {each.rpartition("/")[2] for each in flow.ids}
            if names & ids:
                return flow
        return None


NO_CHOICES: Final = Choices()


def key_of(flow: Flow, action: Action) -> Key:
    """The block among those of several flows."""
    return flow.path, action.identifier


def read_choices(
    takes: Sequence[str], answers: Sequence[str], flow: Flow, further: Sequence[Flow]
) -> Choices:
    """Choices as the command line has them.

    Args:
        takes: "<block>=<branch>" each.
        answers: "<block>=<JSON object>" each.
        flow: the walked one.
        further: see Choices.

    Raises:
        EventError: no such block or branch; the text says which there are.
    """
    flows = (flow, *further)
    taken: dict[Key, tuple[str, ...]] = {}
    for text in takes:
        block, _, branch = text.rpartition("=")
        of_flow, action = find_block(block.strip(), flows)
        key = key_of(of_flow, action)
        taken[key] = (*taken.get(key, ()), branch_of(action, branch.strip()))
    answered: dict[Key, Mapping[str, Any]] = {}
    for text in answers:
        block, _, answer = text.partition("=")
        of_flow, action = find_block(block.strip(), flows)
        where = f"--answer {block}"
        answered[key_of(of_flow, action)] = as_object(parse(answer, where), where)
    return Choices(taken, answered, tuple(further))


def find_block(text: str, flows: Iterable[Flow]) -> tuple[Flow, Action]:
    """The one block that is called so: by its name, its label, the beginning of its id, the
    resource that it names, or its type.

    Raises:
        EventError: no block is, or several are.
    """
    there = [(flow, action) for flow in flows for action in flow.actions.values()]
    long_enough = len(text) >= _SHORTEST_PREFIX
    by_name: tuple[Callable[[Action], bool], ...] = (
        lambda action: text == action.identifier,
        lambda action: text == action.label,
        lambda action: long_enough and action.identifier.startswith(text),
        lambda action: text == action.display_name,
        lambda action: text == action.type,
    )
    for is_named in by_name:
        found = [(flow, action) for flow, action in there if is_named(action)]
        if len(found) > 1:
            names = ", ".join(action.identifier for _, action in found)
            raise EventError(f"{text!r} is the name of {len(found)} blocks: take one of {names}")
        if found:
            return found[0]
    names = ", ".join(action.label for _, action in there)
    raise EventError(f"there is no block {text!r}; there are {names}")


def branch_of(action: Action, text: str) -> str:
    """The label of the branch that is called so: by its label, its operand, or the console's word.

    Raises:
        EventError: the block has no such branch.
    """
    wanted = _OTHER_WORDS.get(text.casefold(), text).casefold()
    labels = [label for label, _ in action.transitions]
    for label in labels:
        if label.casefold() == wanted:
            return label
    for condition in action.conditions:
        if wanted in (operand.casefold() for operand in condition.operands):
            return condition.label
    there = ", ".join(labels) or "none: the flow ends with it"
    raise EventError(f"{action.label} has no branch {text!r}; it has {there}")


def success_of(action: Action) -> str:
    """The branch that a passed block takes: success, as far as the block has a word for it."""
    block = block_of(action)
    operands = {operand: each.label for each in action.conditions for operand in each.operands}
    best = next((operands[word] for word in block.success if word in operands), "")
    return best or next(_by_default(action, next_taken=block.next_taken), "")


def _by_default(action: Action, *, next_taken: bool) -> Iterator[str]:
    if next_taken and action.next_action is not None:
        yield NEXT
    yield from (condition.label for condition in action.conditions)
    yield from (label for label, _ in action.transitions)
