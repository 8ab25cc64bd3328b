"""Holds a flow to what Amazon Connect takes, and looks for ways that leave a caller in silence.

Limits: Amazon Connect facts, sections 1.2 and 8 (administrator guide and flow language reference).
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from simulator.contact_flow.blocks import (
    BLOCKS,
    FLOW_TYPES,
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    OPERATORS,
    SPOKEN,
    Block,
    branches,
)
from simulator.contact_flow.caller import PATH
from simulator.contact_flow.flow import NEXT, Action, Flow

MOST_ACTIONS: Final = 250
LONGEST_IDENTIFIER: Final = 50
MOST_CHARACTERS: Final = 256_000
MOST_LAMBDA_SECONDS: Final = 20
"""Of a sequence of Lambda blocks without a prompt between (facts 1.2)."""
BLOCK_WIDTH, BLOCK_HEIGHT = 220, 180
"""Points; blocks that are nearer to each other are drawn over one another."""

PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "FunctionArn": "ARN of the bridge's function: the stack's output `ContactFlowFunctionArn`, "
        "its end `:live` included",
        "QueueArn": "ARN of the queue callers go into, also where everything else fails",
        "HoursArn": "ARN of the hours of operation",
        "OmniFlow": "API name of the Omni-Channel flow in Salesforce",
        "OmniFallbackQueue": "the queue that the Omni-Channel flow falls back to, as Salesforce "
        "knows it",
    }
)
"""What whoever imports a flow replaces: `${name}` -> what stands for it."""

_FORBIDDEN: Final = frozenset("%:(\\/)=$,;[]{}")
_RESERVED: Final = frozenset(
    (
        *("__proto__", "constructor", "__defineGetter__", "__defineSetter__", "toString"),
        *("hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "valueOf"),
    )
)
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
_FUNCTION: Final = re.compile(
    rf"arn:[\w-]+:lambda:[\w-]+:\d{{12}}:function:[\w:$-]+|\$\{{FunctionArn\}}|{PATH.pattern}"
)
_ATTRIBUTE: Final = re.compile(r"[A-Za-z0-9_-]+")


def faults(flow: Flow) -> list[str]:
    """What Amazon Connect refuses, or nobody here knows, one line each; empty for a sound flow."""
    found = list(_of_the_whole(flow))
    for action in flow.actions.values():
        found += [f"{action.identifier}: {fault}" for fault in _of_an_action(flow, action)]
    return found


def warnings(flow: Flow) -> list[str]:
    """What Amazon Connect takes and somebody will regret: silence, dead ends, stacked blocks.

    The flow must have no `faults`: ways are followed where every transition leads somewhere.
    """
    return list(dict.fromkeys([*_of_the_layout(flow), *_of_the_forms(flow), *_of_the_ways(flow)]))


def placeholders(value: Any) -> Iterator[str]:
    """The names in `${name}` in a parameter's value, however deep."""
    if isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from placeholders(item)


def to_replace(flow: Flow) -> list[str]:
    """The placeholders that are left in a flow."""
    used = {name for action in flow.actions.values() for name in placeholders(action.parameters)}
    return [name for name in PLACEHOLDERS if name in used]


def _of_the_whole(flow: Flow) -> Iterator[str]:
    if flow.type not in FLOW_TYPES:
        yield f"type {flow.type!r} is none of {', '.join(FLOW_TYPES)}"
    if len(flow.actions) > MOST_ACTIONS:
        yield f"{len(flow.actions)} actions, {MOST_ACTIONS} are allowed"
    if flow.size > MOST_CHARACTERS:
        yield f"{flow.size} characters, {MOST_CHARACTERS} are allowed"
    if flow.start not in flow.actions:
        yield f"StartAction {flow.start!r} is no action"


def _of_the_layout(flow: Flow) -> Iterator[str]:
    placed = [(action.identifier, action.position) for action in flow.actions.values()]
    for number, (name, place) in enumerate(placed):
        if place is None:
            yield f"{name}: no position"
            continue
        for other, elsewhere in placed[:number]:
            if elsewhere is None:
                continue
            near = abs(place[0] - elsewhere[0]) < BLOCK_WIDTH
            if near and abs(place[1] - elsewhere[1]) < BLOCK_HEIGHT:
                yield f"{name}: drawn over {other}"


def _of_an_action(flow: Flow, action: Action) -> Iterator[str]:
    yield from _of_the_identifier(action.identifier)
    for label, target in action.transitions:
        if target not in flow.actions:
            yield f"{label} leads to {target!r}, which is no action"
    for name in placeholders(action.parameters):
        if name not in PLACEHOLDERS:
            yield f"placeholder {name!r} is none of {', '.join(PLACEHOLDERS)}"
    block = BLOCKS.get(action.type)
    if block is None:
        yield f"block {action.type} is not known here"
        return
    given = set(action.parameters)
    if missing := sorted(block.required - given):
        yield f"lacks {', '.join(missing)}"
    if unknown := sorted(given - block.required - block.optional):
        yield f"has no parameter {', '.join(unknown)}"
    if not missing:
        check = _OF_PARAMETERS.get(action.type)
        yield from check(action.parameters) if check else ()
    yield from _of_the_transitions(action)


def _of_the_identifier(identifier: str) -> Iterator[str]:
    if len(identifier) > LONGEST_IDENTIFIER:
        yield f"identifier of {len(identifier)} characters, {LONGEST_IDENTIFIER} are allowed"
    if used := sorted(_FORBIDDEN & set(identifier)):
        yield f"identifier has {' '.join(used)}"
    if identifier in _RESERVED:
        yield "identifier is reserved"


def _of_the_transitions(action: Action) -> Iterator[str]:
    block = BLOCKS[action.type]
    if block.ends:
        if any(action.transitions):
            yield "has transitions, and the flow ends here"
        return
    if action.next_action is None:
        yield "lacks NextAction"
    if set(action.errors) != set(block.errors):
        yield f"error branches must be {', '.join(block.errors) or 'none'}"
    yield from _of_the_conditions(action, block)


def _of_the_conditions(action: Action, block: Block) -> Iterator[str]:
    labels = [condition.label for condition in action.conditions]
    if not block.compares:
        if sorted(labels) != sorted(f"Equals {operand}" for operand in block.operands):
            yield f"conditions must be {', '.join(block.operands) or 'none'}"
        return
    if not labels or len(set(labels)) != len(labels):
        yield "conditions must be there, each once"
    if any(condition.operator not in OPERATORS for condition in action.conditions):
        yield f"operators known here are {', '.join(OPERATORS)}"


def _of_the_forms(flow: Flow) -> Iterator[str]:
    """Next branches that are never taken: where they lead elsewhere, the console's picture lies."""
    for action in flow.actions.values():
        block = BLOCKS[action.type]
        if block.next_taken or block.ends:
            continue
        kind = NO_MATCHING_ERROR if NO_MATCHING_ERROR in block.errors else NO_MATCHING_CONDITION
        if action.next_action != action.errors[kind]:
            yield f"{action.identifier}: {NEXT} is never taken and should lead where {kind} does"


def _of_the_ways(flow: Flow) -> Iterator[str]:
    reached = {flow.start}
    waiting = [flow.start]
    while waiting:
        for _, target in branches(flow.actions[waiting.pop()]):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    for name in flow.actions:
        if name not in reached:
            yield f"{name}: no way leads here"
    silence = _Silence(flow)
    for name in flow.actions:
        yield from silence.after(name)


class _Silence:
    """The ways without a word, each block followed once: where every block has two branches, ways
    are too many to be told one by one.

    A prompt that fails says nothing, so only its Next branch ends a way.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._way: list[str] = []
        self._longest: dict[str, tuple[int, tuple[str, ...]]] = {}
        """The way from a block that waits longest for Lambda: its seconds, its blocks."""

    def after(self, name: str) -> Iterator[str]:
        """What is wrong with the ways from a block; each loop once."""
        yield from self._follow(name)
        seconds = 0
        for number, block in enumerate(self._longest[name][1], 1):
            seconds += (own := _lambda_seconds(self._flow.actions[block]))
            if own and seconds > MOST_LAMBDA_SECONDS:
                way = " -> ".join(self._longest[name][1][:number])
                yield (
                    f"{block}: {seconds} s of Lambda without a prompt, {MOST_LAMBDA_SECONDS} are "
                    f"allowed: {way}"
                )
                return

    def _follow(self, name: str) -> Iterator[str]:
        if name in self._way:
            loop = [*self._way[self._way.index(name) :], name]
            yield f"{name}: a way leads round without a word: {' -> '.join(loop)}"
            return
        if name in self._longest:
            return
        self._way.append(name)
        longest: tuple[int, tuple[str, ...]] = (0, ())
        action = self._flow.actions[name]
        for label, target in branches(action):
            if action.type != "MessageParticipant" or label != NEXT:
                yield from self._follow(target)
                longest = max(longest, self._longest.get(target, longest), key=lambda way: way[0])
        self._way.pop()
        self._longest[name] = (longest[0] + _lambda_seconds(action), (name, *longest[1]))


def _lambda_seconds(action: Action) -> int:
    waits = action.type == "InvokeLambdaFunction"
    return int(action.parameters["InvocationTimeLimitSeconds"]) if waits else 0


def _of_a_message(parameters: Mapping[str, Any]) -> Iterator[str]:
    given = [name for name in SPOKEN if name in parameters]
    if len(given) != 1:
        yield f"one of {', '.join(SPOKEN)}"
        return
    text = parameters[given[0]]
    if not isinstance(text, str) or not text.strip():
        yield f"{given[0]} says nothing"


def _of_an_input(parameters: Mapping[str, Any]) -> Iterator[str]:
    yield from _of_a_message(parameters)
    if not _is_number(parameters["InputTimeLimitSeconds"], 1, 180):
        yield 'InputTimeLimitSeconds must be "1" to "180"'
    if parameters["StoreInput"] != "False":
        yield 'StoreInput must be "False": a menu branches on the key'


def _of_a_lambda(parameters: Mapping[str, Any]) -> Iterator[str]:
    if not _FUNCTION.fullmatch(str(parameters["LambdaFunctionARN"])):
        yield "LambdaFunctionARN must be the ARN of a function, or one JSONPath"
    if not _is_number(parameters["InvocationTimeLimitSeconds"], 1, 8):
        yield 'InvocationTimeLimitSeconds must be "1" to "8"'
    if parameters.get("InvocationType", "SYNCHRONOUS") != "SYNCHRONOUS":
        yield "InvocationType must be SYNCHRONOUS: the next block reads the answer"
    string_map = {"ResponseType": "STRING_MAP"}
    if parameters.get("ResponseValidation", string_map) != string_map:
        yield "ResponseType must be STRING_MAP"
    passed = parameters["LambdaInvocationAttributes"]
    if not _are_texts(passed) or not passed.get("methodName"):
        yield "LambdaInvocationAttributes must be texts, methodName among them"


def _of_logging(parameters: Mapping[str, Any]) -> Iterator[str]:
    if parameters["FlowLoggingBehavior"] not in ("Enabled", "Disabled"):
        yield "FlowLoggingBehavior must be Enabled or Disabled"


def _of_a_recording(parameters: Mapping[str, Any]) -> Iterator[str]:
    behavior = parameters["RecordingBehavior"]
    recorded = behavior.get("RecordedParticipants") if isinstance(behavior, Mapping) else None
    if not isinstance(recorded, list) or any(who not in ("Agent", "Customer") for who in recorded):
        yield "RecordedParticipants must be a list of Agent and Customer"


def _of_attributes(parameters: Mapping[str, Any]) -> Iterator[str]:
    attributes = parameters["Attributes"]
    if not _are_texts(attributes) or not attributes:
        yield "Attributes must be texts, one at least"
    elif wrong := sorted(name for name in attributes if not _ATTRIBUTE.fullmatch(name)):
        yield f"names of attributes are letters, digits, - and _: {', '.join(wrong)}"


def _of_a_target(parameters: Mapping[str, Any]) -> Iterator[str]:
    if len(parameters) != 1 or not _are_texts(parameters):
        yield "either QueueId or AgentId, a text"


def _of_a_comparison(parameters: Mapping[str, Any]) -> Iterator[str]:
    if not PATH.fullmatch(str(parameters["ComparisonValue"])):
        yield "ComparisonValue must be one JSONPath"


def _is_number(value: object, least: int, most: int) -> bool:
    """Numbers are texts in the flow language."""
    return isinstance(value, str) and value.isdecimal() and least <= int(value) <= most


def _are_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())


_OF_PARAMETERS: Final = MappingProxyType(
    {
        "UpdateFlowLoggingBehavior": _of_logging,
        "UpdateContactRecordingBehavior": _of_a_recording,
        "MessageParticipant": _of_a_message,
        "GetParticipantInput": _of_an_input,
        "InvokeLambdaFunction": _of_a_lambda,
        "UpdateContactAttributes": _of_attributes,
        "UpdateContactTargetQueue": _of_a_target,
        "Compare": _of_a_comparison,
    }
)
