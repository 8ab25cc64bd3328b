"""Reads a flow's file, in whatever wrapper people have it.

Content of the flow language as it is (`--content`, console export), the console's older exports
(`older_export`), in the answer of
DescribeContactFlow or DescribeContactFlowModule, in the input of CreateContactFlow, or as a
CloudFormation resource; the content itself may be an object or a text of JSON.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from simulator.flows.flow import (
    AGENT_TRANSFER,
    CUSTOMER_QUEUE,
    FLOW_TYPES,
    INBOUND,
    MODULE,
    OUTBOUND_WHISPER,
    QUEUE_TRANSFER,
    Action,
    Condition,
    Flow,
)
from simulator.flows.older_export import content_of
from simulator.samples.reading import EventError, as_list, as_object, parse, read_text, text_of

VERSION: Final = "2019-10-30"
_WRAPPERS: Final = ("ContactFlow", "ContactFlowModule", "Properties", "Content")
_DEEPEST: Final = 6
_OF_CONTENT: Final = ("Version", "StartAction", "Metadata", "Actions", "Settings")
_OF_ACTION: Final = ("Identifier", "Type", "Parameters", "Transitions")
_OF_TRANSITIONS: Final = ("NextAction", "Errors", "Conditions")
_FROM_API: Final = {api: console for console, api in FLOW_TYPES.items()}
_ONLY_IN: Final = {
    "EndFlowModuleExecution": MODULE,
    "CompleteOutboundCall": OUTBOUND_WHISPER,
    "TransferContactToAgent": AGENT_TRANSFER,
    "DequeueContactAndTransferToQueue": CUSTOMER_QUEUE,
    "MessageParticipantIteratively": CUSTOMER_QUEUE,
}
"""Blocks that stand in flows of one type, or in few others."""
_NAMES_A_RESOURCE: Final = ("displayName", "text")

OLDER_EXPORT: Final = (
    "this is the format of the console's older exports (modules[]), another language than the "
    "flow language; Connect's API refuses it. To convert it: in the Amazon Connect console "
    "choose Routing, Flows, Create flow, then the arrow beside Save, Import flow, and this file; "
    "Save; then Export flow in the same menu, or: aws connect describe-contact-flow "
    "--instance-id <id> --contact-flow-id <id>:$SAVED --query ContactFlow.Content --output text"
)


@dataclass(slots=True)
class _Reading:
    """The facts of a file beside its content.

    Attributes:
        outer: Name, Type, Description, Arn, Id of the wrappers, the innermost last.
        size: characters of the content.
        is_older_export, unread: see Flow.
    """

    path: Path
    size: int
    outer: dict[str, str] = field(default_factory=dict)
    is_module: bool = False
    is_older_export: bool = False
    unread: list[str] = field(default_factory=list)

    def leave_alone(self, members: Mapping[str, Any], known: Iterable[str], where: str) -> None:
        for name in sorted(members.keys() - set(known)):
            self.unread.append(f"{where}{name} is left alone: the flow language has no such member")


def read_flow(path: Path) -> Flow:
    """Read a flow's file.

    Raises:
        EventError: naming the file, the place and what is wrong there.
    """
    text = read_text(path)
    reading = _Reading(path, len(text))
    content = _content(parse(text, str(path)), reading)
    if content.get("Version") != VERSION:
        raise EventError(f"{path}: Version must be {VERSION}, not {content.get('Version')!r}")
    reading.leave_alone(content, _OF_CONTENT, "")
    metadata = as_object(content.get("Metadata") or {}, f"{path}: Metadata")
    places = as_object(metadata.get("ActionMetadata") or {}, f"{path}: Metadata: ActionMetadata")
    actions: dict[str, Action] = {}
    for number, item in enumerate(as_list(content.get("Actions"), f"{path}: Actions"), 1):
        where = f"{path}: action {number}"
        action = _action(as_object(item, where), places, where, reading)
        if action.identifier in actions:
            raise EventError(f"{where}: {action.identifier!r} is there twice")
        actions[action.identifier] = action
    return _flow(content, metadata, actions, reading)


def flows_in(paths: Iterable[Path]) -> list[Flow]:
    """The flows of files, and of folders' `.json` files. Raises as read_flow."""
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])
    ]
    return [read_flow(file) for file in files]


def _content(value: Any, reading: _Reading) -> Mapping[str, Any]:
    """The content inside its wrappers."""
    for _ in range(_DEEPEST):
        if isinstance(value, str):
            reading.size = len(value)
            value = parse(value, f"{reading.path}: Content")
        members = as_object(value, str(reading.path))
        if "Actions" in members or "StartAction" in members:
            return members
        if "modules" in members:
            reading.is_older_export = True
            reading.unread.append(f"{OLDER_EXPORT}. It is walked as far as its blocks are known")
            return content_of(members, str(reading.path))
        inner = next((name for name in _WRAPPERS if name in members), None)
        if inner is None:
            break
        outer = ("Name", "Type", "Description", "Arn", "Id")
        reading.outer |= {
            name: text for name in outer if isinstance(text := members.get(name), str)
        }
        reading.is_module |= inner == "ContactFlowModule"
        value = members[inner]
    raise EventError(
        f"{reading.path}: no contact flow. Understood are the content of a flow (Version, "
        "StartAction, Actions), as the console exports it or the API takes it, an older export "
        "(modules), and either inside ContactFlow, ContactFlowModule, Content or a "
        "CloudFormation resource"
    )


def _flow(
    content: Mapping[str, Any],
    metadata: Mapping[str, Any],
    actions: dict[str, Action],
    reading: _Reading,
) -> Flow:
    path, outer = reading.path, reading.outer
    said = _FROM_API.get(outer.get("Type", ""), MODULE if reading.is_module else "")
    kind = _text_or(metadata, "type", said, path)
    name = _text_or(metadata, "name", outer.get("Name") or path.stem, path)
    ids = {path.stem, name, *(outer[each] for each in ("Arn", "Id") if each in outer)}
    return Flow(
        path=str(path),
        name=name,
        description=_text_or(metadata, "description", outer.get("Description", ""), path),
        type=kind or _guessed_type(actions),
        type_is_guessed=not kind,
        start=text_of(content, "StartAction", str(path)),
        actions=MappingProxyType(actions),
        size=reading.size,
        ids=frozenset(ids),
        is_older_export=reading.is_older_export,
        unread=tuple(reading.unread),
    )


def _guessed_type(actions: Mapping[str, Action]) -> str:
    """The type of content that does not say it, as the API gives it out: by what only flows of one
    type have."""
    there = {action.type for action in actions.values()}
    for block, kind in _ONLY_IN.items():
        if block in there:
            return kind
    asks = {method_of(action.parameters) for action in actions.values()}
    return QUEUE_TRANSFER if "createTransferVC" in asks else INBOUND


def method_of(parameters: Mapping[str, Any]) -> str:
    """The method that a Lambda block's parameters ask for; empty where they name none."""
    passed = parameters.get("LambdaInvocationAttributes")
    method = passed.get("methodName") if isinstance(passed, Mapping) else None
    return method if isinstance(method, str) else ""


def _text_or(metadata: Mapping[str, Any], name: str, otherwise: str, path: Path) -> str:
    if metadata.get(name) is None:
        return otherwise
    return text_of(metadata, name, f"{path}: Metadata", empty=True) or otherwise


def _action(
    members: Mapping[str, Any], places: Mapping[str, Any], where: str, reading: _Reading
) -> Action:
    identifier = text_of(members, "Identifier", where)
    where = f"{where} ({identifier})"
    reading.leave_alone(members, _OF_ACTION, f"{identifier}: ")
    transitions = as_object(members.get("Transitions") or {}, f"{where}: Transitions")
    reading.leave_alone(transitions, _OF_TRANSITIONS, f"{identifier}: Transitions: ")
    errors: dict[str, str] = {}
    for item in as_list(transitions.get("Errors") or [], f"{where}: Errors"):
        error = as_object(item, f"{where}: Errors")
        kind = text_of(error, "ErrorType", f"{where}: Errors")
        if kind in errors:
            raise EventError(f"{where}: Errors: {kind} is there twice")
        errors[kind] = text_of(error, "NextAction", f"{where}: {kind}")
    place = as_object(places.get(identifier) or {}, f"{where}: ActionMetadata")
    return Action(
        identifier=identifier,
        type=text_of(members, "Type", where),
        parameters=as_object(members.get("Parameters") or {}, f"{where}: Parameters"),
        next_action=text_of(transitions, "NextAction", where)
        if transitions.get("NextAction")
        else None,
        conditions=tuple(
            _condition(item, where)
            for item in as_list(transitions.get("Conditions") or [], f"{where}: Conditions")
        ),
        errors=MappingProxyType(errors),
        position=_position(place.get("position"), where),
        display_name=_display_name(place),
    )


def _condition(item: Any, where: str) -> Condition:
    where = f"{where}: Conditions"
    branch = as_object(item, where)
    condition = as_object(branch.get("Condition"), where)
    operands = as_list(condition.get("Operands"), where)
    return Condition(
        text_of(condition, "Operator", where),
        tuple(each if isinstance(each, str) else json.dumps(each) for each in operands),
        text_of(branch, "NextAction", where),
    )


def _position(item: Any, where: str) -> tuple[float, float] | None:
    if item is None:
        return None
    place = as_object(item, f"{where}: position")
    x, y = place.get("x"), place.get("y")
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        raise EventError(f"{where}: position: x and y must be numbers")
    return float(x), float(y)


def _display_name(place: Any) -> str:
    """The first name of a resource in a block's metadata, however deep."""
    if not isinstance(place, Mapping):
        return ""
    for name, value in place.items():
        if name in _NAMES_A_RESOURCE and isinstance(value, str) and value:
            return value
    return next((found for value in place.values() if (found := _display_name(value))), "")
