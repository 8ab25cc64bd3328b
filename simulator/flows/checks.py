"""Holds a flow to what Amazon Connect takes.

Limits: Amazon Connect API reference, "Flow language", and administrator guide, "Amazon Connect
service quotas". `faults` is what Connect refuses for certain. `doubts` is what it may refuse, or
what this machine does not know: a real flow is walked nevertheless.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from simulator.flows.blocks import BLOCKS, OPERATORS, SPOKEN, block_of, stores_input
from simulator.flows.caller import PATH
from simulator.flows.flow import FLOW_TYPES, Action, Flow

MOST_ACTIONS: Final = 250
LONGEST_IDENTIFIER: Final = 50
MOST_CHARACTERS: Final = 256_000

PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "FunctionArn": "ARN of the bridge's function: the stack's output `ContactFlowFunctionArn`, "
        "its end `:live` included",
        "QueueArn": "ARN of the queue callers go into, also where everything else fails",
        "HoursArn": "ARN of the hours of operation",
        "DisconnectFlowArn": "ARN of the disconnect flow, imported before",
        "VoicemailFlowArn": "ARN of the voicemail flow, imported before",
        "OmniFlow": "API name of the Omni-Channel flow in Salesforce",
        "OmniFallbackQueue": "the queue that the Omni-Channel flow falls back to, as Salesforce "
        "knows it",
    }
)
"""The names to replace in a sample flow before its import: `${name}` -> a value for it."""

_FORBIDDEN: Final = frozenset("%:(\\/)=$,;[]{}")
_RESERVED: Final = frozenset(
    {
        "__defineGetter__",
        "__defineSetter__",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    }
)
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
_FUNCTION: Final = re.compile(
    rf"arn:[\w-]+:lambda:[\w-]+:\d{{12}}:function:[\w:$-]+|\$\{{[^}}]+\}}|{PATH.pattern}"
)
_ATTRIBUTE: Final = re.compile(r"[A-Za-z0-9_-]+")
_MAY_LACK_AN_ERROR: Final = ("MessageParticipant", "MessageParticipantIteratively")
"""Prompts of exports have an error branch or not."""
_MAY_LEAD_NOWHERE: Final = ("TransferContactToAgent",)
"""Exports have it without branches: the contact leaves the flow."""

Check = Callable[[Mapping[str, Any]], Iterator[str]]


def faults(flow: Flow) -> list[str]:
    """The faults that Amazon Connect refuses for certain, one line each; empty: a sound flow."""
    found = list(_of_the_whole(flow))
    for action in flow.actions.values():
        found += [f"{action.label}: {fault}" for fault in _of_an_action(flow, action)]
    return found


def doubts(flow: Flow) -> list[str]:
    """The parts that Amazon Connect may refuse, or that are not known here, one line each."""
    found = list(flow.unread)
    if flow.type_is_guessed:
        found.append(f"the file does not say its type: walked as {flow.type} (--type says it)")
    if flow.type not in FLOW_TYPES:
        found.append(f"type {flow.type!r} is not known here: walked as an inbound flow")
    for action in flow.actions.values():
        found += [f"{action.label}: {doubt}" for doubt in _doubts_of(action)]
    return found


def missing_branches(action: Action) -> Iterator[str]:
    """The documented branches that a block lacks."""
    block = block_of(action)
    labels = {label for label, _ in action.transitions}
    stores = stores_input(action)
    errors = [each for each in block.errors if not stores or each == block.errors[-1]]
    yield from (error for error in errors if error not in action.errors)
    yield from (each for each in block.operands if f"Equals {each}" not in labels)


def placeholders(value: Any) -> Iterator[str]:
    """The names in `${name}` in a parameter's value, however deep."""
    if isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from placeholders(item)


def to_replace(flow: Flow) -> list[str]:
    """The placeholders that are left in a flow, those of the sample flows first."""
    used = {name for action in flow.actions.values() for name in placeholders(action.parameters)}
    return [*(name for name in PLACEHOLDERS if name in used), *sorted(used - set(PLACEHOLDERS))]


def _of_the_whole(flow: Flow) -> Iterator[str]:
    if len(flow.actions) > MOST_ACTIONS:
        yield f"{len(flow.actions)} actions, {MOST_ACTIONS} are allowed"
    if flow.size > MOST_CHARACTERS:
        yield f"{flow.size} characters, {MOST_CHARACTERS} are allowed"
    if flow.start not in flow.actions:
        yield f"StartAction {flow.start!r} is not an action"


def _of_an_action(flow: Flow, action: Action) -> Iterator[str]:
    for label, target in action.transitions:
        if target not in flow.actions:
            yield f"{label} leads to {target!r}, which is not an action"
    if check := _FAULTS.get(action.type):
        yield from check(action.parameters)


def _of_the_identifier(identifier: str) -> Iterator[str]:
    if len(identifier) > LONGEST_IDENTIFIER:
        yield f"identifier of {len(identifier)} characters, {LONGEST_IDENTIFIER} are allowed"
    if used := sorted(_FORBIDDEN & set(identifier)):
        yield f"identifier has {' '.join(used)}"
    if identifier in _RESERVED:
        yield "identifier is reserved"


def _doubts_of(action: Action) -> Iterator[str]:
    yield from _of_the_identifier(action.identifier)
    if action.type not in BLOCKS:
        yield f"block {action.type} is not known here: passed"
        return
    block = BLOCKS[action.type]
    if missing := sorted(block.required - set(action.parameters)):
        yield f"lacks {', '.join(missing)}"
    elif check := _DOUBTS.get(action.type):
        yield from check(action.parameters)
    if block.ends:
        if any(action.transitions):
            yield "has transitions, and the flow ends here"
        return
    if not any(action.transitions) and action.type not in _MAY_LEAD_NOWHERE:
        yield "leads nowhere"
    lacks = list(missing_branches(action))
    if lacks and action.type not in _MAY_LACK_AN_ERROR:
        yield f"has no branch {', '.join(lacks)}"
    yield from _of_the_conditions(action)


def _of_the_conditions(action: Action) -> Iterator[str]:
    labels = [condition.label for condition in action.conditions]
    if len(set(labels)) != len(labels):
        yield "has a condition twice"
    unknown = {each.operator for each in action.conditions} - set(OPERATORS)
    if unknown:
        yield f"operator {', '.join(sorted(unknown))} is not known here: it holds for nothing"
    if action.type == "Compare" and not labels:
        yield "compares with nothing"


def _of_a_message(parameters: Mapping[str, Any]) -> Iterator[str]:
    given = [name for name in SPOKEN if name in parameters]
    if len(given) != 1:
        yield f"one of {', '.join(SPOKEN)}"
        return
    said = parameters[given[0]]
    if not said or (isinstance(said, str) and not said.strip()):
        yield f"{given[0]} says nothing"


def _of_a_menu(parameters: Mapping[str, Any]) -> Iterator[str]:
    if any(name in parameters for name in SPOKEN):
        yield from _of_a_message(parameters)


def _of_a_limit(parameters: Mapping[str, Any]) -> Iterator[str]:
    if not _is_number(parameters.get("InvocationTimeLimitSeconds", "8"), 1, 60):
        yield 'InvocationTimeLimitSeconds must be "1" to "8", or to "60" for ASYNCHRONOUS'


def _doubts_of_a_menu(parameters: Mapping[str, Any]) -> Iterator[str]:
    if not _is_number(parameters["InputTimeLimitSeconds"], 1, 180):
        yield 'InputTimeLimitSeconds must be "1" to "180"'
    if parameters["StoreInput"] not in ("True", "False"):
        yield 'StoreInput must be "True" or "False"'


def _doubts_of_a_lambda(parameters: Mapping[str, Any]) -> Iterator[str]:
    if not _FUNCTION.fullmatch(str(parameters["LambdaFunctionARN"])):
        yield "LambdaFunctionARN must be the ARN of a function, or one JSONPath"
    waits = parameters.get("InvocationType", "SYNCHRONOUS") == "SYNCHRONOUS"
    if waits and not _is_number(parameters["InvocationTimeLimitSeconds"], 1, 8):
        yield 'InvocationTimeLimitSeconds of a synchronous block must be "1" to "8"'


def _doubts_of_logging(parameters: Mapping[str, Any]) -> Iterator[str]:
    if parameters["FlowLoggingBehavior"] not in ("Enabled", "Disabled"):
        yield "FlowLoggingBehavior must be Enabled or Disabled"


def _doubts_of_a_recording(parameters: Mapping[str, Any]) -> Iterator[str]:
    behavior = parameters["RecordingBehavior"]
    recorded = behavior.get("RecordedParticipants") if isinstance(behavior, Mapping) else None
    if not isinstance(recorded, list) or any(who not in ("Agent", "Customer") for who in recorded):
        yield "RecordedParticipants must be a list of Agent and Customer"


def _doubts_of_attributes(parameters: Mapping[str, Any]) -> Iterator[str]:
    attributes = parameters["Attributes"]
    if not _are_texts(attributes) or not attributes:
        yield "Attributes must be texts, one at least"
    elif wrong := sorted(name for name in attributes if not _ATTRIBUTE.fullmatch(name)):
        yield f"names of attributes are letters, digits, - and _: {', '.join(wrong)}"


def _doubts_of_a_target(parameters: Mapping[str, Any]) -> Iterator[str]:
    if len(parameters.keys() & {"QueueId", "AgentId"}) != 1:
        yield "either QueueId or AgentId, a text"


def _doubts_of_a_comparison(parameters: Mapping[str, Any]) -> Iterator[str]:
    if not PATH.fullmatch(str(parameters["ComparisonValue"])):
        yield "ComparisonValue must be one JSONPath"


def _are_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())


def _is_number(value: object, least: int, most: int) -> bool:
    """Numbers are texts in the flow language; a path stands for one."""
    if not isinstance(value, str):
        return False
    is_path = PATH.fullmatch(value) is not None
    return is_path or (value.isdecimal() and least <= int(value) <= most)


_FAULTS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "MessageParticipant": _of_a_message,
        "GetParticipantInput": _of_a_menu,
        "InvokeLambdaFunction": _of_a_limit,
    }
)
_DOUBTS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "UpdateFlowLoggingBehavior": _doubts_of_logging,
        "UpdateContactRecordingBehavior": _doubts_of_a_recording,
        "GetParticipantInput": _doubts_of_a_menu,
        "InvokeLambdaFunction": _doubts_of_a_lambda,
        "UpdateContactAttributes": _doubts_of_attributes,
        "UpdateContactTargetQueue": _doubts_of_a_target,
        "Compare": _doubts_of_a_comparison,
    }
)
