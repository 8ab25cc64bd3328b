"""A contact flow as its file has it: Amazon Connect Flow language, version 2019-10-30.

Source: Amazon Connect API reference, "Flow language" (actions, transitions). The file is the raw
content that CreateContactFlow takes, with the layout and the name that the console's import wants.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from simulator.reading import (
    EventError,
    as_list,
    as_object,
    parse,
    read_text,
    refuse_unknown,
    text_of,
)

NEXT: Final = "Next"
"""Label of the branch that is taken when nothing else is."""
DEFAULT_TYPE: Final = "contactFlow"
"""Of content that does not say it: an inbound flow."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A branch that depends on the action's result: `operator` of the result and `operand`."""

    operator: str
    operand: str
    target: str

    @property
    def label(self) -> str:
        """The branch's name, e.g. "Equals created"."""
        return f"{self.operator} {self.operand}"


@dataclass(frozen=True, slots=True)
class Action:
    """One block.

    Attributes:
        next_action: None where the file names none.
        errors: error type -> action.
        position: where the block is drawn, None where the file does not say.
    """

    identifier: str
    type: str
    parameters: Mapping[str, Any]
    next_action: str | None
    conditions: tuple[Condition, ...]
    errors: Mapping[str, str]
    position: tuple[float, float] | None

    @property
    def transitions(self) -> Iterator[tuple[str, str]]:
        """(label, action) of every transition in the file."""
        if self.next_action is not None:
            yield NEXT, self.next_action
        for condition in self.conditions:
            yield condition.label, condition.target
        yield from self.errors.items()


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow.

    Attributes:
        name, description, type: as the console's export has them (type: contactFlow, ...).
        start: the first action.
        actions: by identifier, in the order of the file.
        size: characters of the file, which is the content as it is sent.
    """

    name: str
    description: str
    type: str
    start: str
    actions: Mapping[str, Action]
    size: int


def read_flow(path: Path) -> Flow:
    """Read a flow's file.

    Raises:
        EventError: naming the file, the place and what is wrong there.
    """
    text = read_text(path)
    content = as_object(parse(text, str(path)), str(path))
    refuse_unknown(content, ("Version", "StartAction", "Metadata", "Actions"), str(path))
    if content.get("Version") != "2019-10-30":
        raise EventError(f"{path}: Version must be 2019-10-30, not {content.get('Version')!r}")
    metadata = as_object(content.get("Metadata", {}), f"{path}: Metadata")
    places = as_object(metadata.get("ActionMetadata", {}), f"{path}: Metadata: ActionMetadata")
    actions: dict[str, Action] = {}
    for number, item in enumerate(as_list(content.get("Actions"), f"{path}: Actions"), 1):
        where = f"{path}: action {number}"
        action = _action(as_object(item, where), places, where)
        if action.identifier in actions:
            raise EventError(f"{where}: {action.identifier!r} is there twice")
        actions[action.identifier] = action
    return Flow(
        # Content that the API gives out has none of the three.
        name=_text_or(metadata, "name", path.stem, path),
        description=_text_or(metadata, "description", "", path),
        type=_text_or(metadata, "type", DEFAULT_TYPE, path),
        start=text_of(content, "StartAction", str(path)),
        actions=MappingProxyType(actions),
        size=len(text),
    )


def _text_or(metadata: Mapping[str, Any], name: str, otherwise: str, path: Path) -> str:
    if name not in metadata:
        return otherwise
    return text_of(metadata, name, f"{path}: Metadata", empty=not otherwise)


def _action(members: Mapping[str, Any], places: Mapping[str, Any], where: str) -> Action:
    refuse_unknown(members, ("Identifier", "Type", "Parameters", "Transitions"), where)
    identifier = text_of(members, "Identifier", where)
    where = f"{where} ({identifier})"
    transitions = as_object(members.get("Transitions"), f"{where}: Transitions")
    refuse_unknown(transitions, ("NextAction", "Errors", "Conditions"), where)
    errors: dict[str, str] = {}
    for item in as_list(transitions.get("Errors", []), f"{where}: Errors"):
        error = as_object(item, f"{where}: Errors")
        kind = text_of(error, "ErrorType", f"{where}: Errors")
        if kind in errors:
            raise EventError(f"{where}: Errors: {kind} is there twice")
        errors[kind] = text_of(error, "NextAction", f"{where}: {kind}")
    return Action(
        identifier=identifier,
        type=text_of(members, "Type", where),
        parameters=as_object(members.get("Parameters"), f"{where}: Parameters"),
        next_action=text_of(transitions, "NextAction", where)
        if "NextAction" in transitions
        else None,
        conditions=tuple(
            _condition(item, where)
            for item in as_list(transitions.get("Conditions", []), f"{where}: Conditions")
        ),
        errors=MappingProxyType(errors),
        position=_position(places.get(identifier), where),
    )


def _condition(item: Any, where: str) -> Condition:
    where = f"{where}: Conditions"
    branch = as_object(item, where)
    condition = as_object(branch.get("Condition"), where)
    operands = as_list(condition.get("Operands"), where)
    if len(operands) != 1 or not isinstance(operands[0], str):
        raise EventError(f"{where}: one operand is needed, a text")
    return Condition(
        text_of(condition, "Operator", where), operands[0], text_of(branch, "NextAction", where)
    )


def _position(item: Any, where: str) -> tuple[float, float] | None:
    if item is None:
        return None
    place = as_object(as_object(item, where).get("position"), f"{where}: position")
    x, y = place.get("x"), place.get("y")
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        raise EventError(f"{where}: position: x and y must be numbers")
    return float(x), float(y)
