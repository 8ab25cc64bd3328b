"""Reads the console's older exports (`modules[]`) as content of the flow language.

AWS has no reference of this format. This module was read off public exports; a block, branch,
operator or namespace that is not known keeps its name, and the walk passes it with a warning.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from simulator.flows.blocks import (
    INPUT_TIME_LIMIT_EXCEEDED,
    INVALID_CALLBACK_NUMBER,
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    QUEUE_AT_CAPACITY,
)
from simulator.flows.flow import CUSTOMER_QUEUE
from simulator.flows.older_parameters import PARAMETERS, Given, text
from simulator.samples.reading import as_list, as_object, text_of

_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CheckAttribute": "Compare",
        "CheckHoursOfOperation": "CheckHoursOfOperation",
        "CheckQueueStatus": "CheckMetricData",
        "CheckStaffing": "CheckMetricData",
        "CreateCallback": "CreateCallbackContact",
        "Disconnect": "DisconnectParticipant",
        "GetUserInput": "GetParticipantInput",
        "InvokeExternalResource": "InvokeLambdaFunction",
        "LoopPrompts": "MessageParticipantIteratively",
        "PlayPrompt": "MessageParticipant",
        "Resume": "EndFlowExecution",
        "SetAttributes": "UpdateContactAttributes",
        "SetCallBackNumber": "UpdateContactCallbackNumber",
        "SetContactData": "UpdateContactData",
        "SetContactFlow": "UpdateContactEventHooks",
        "SetEventHook": "UpdateContactEventHooks",
        "SetLoggingBehavior": "UpdateFlowLoggingBehavior",
        "SetQueue": "UpdateContactTargetQueue",
        "SetRecordingBehavior": "UpdateContactRecordingBehavior",
        "SetVoice": "UpdateContactTextToSpeechVoice",
        "StartMediaStreaming": "UpdateContactMediaStreamingBehavior",
        "StopMediaStreaming": "UpdateContactMediaStreamingBehavior",
        "StoreUserInput": "GetParticipantInput",
    }
)
"""Type of a module -> of an action; others are called the same."""
_TARGETS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("GetUserInput", "Lex"): "ConnectParticipantWithLexBot",
        ("Transfer", "Agent"): "TransferContactToAgent",
        ("Transfer", "Flow"): "TransferToFlow",
        ("Transfer", "PhoneNumber"): "TransferParticipantToThirdParty",
        ("Transfer", "Queue"): "TransferContactToQueue",
    }
)
_ERRORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AtCapacity": QUEUE_AT_CAPACITY,
        "Error": NO_MATCHING_ERROR,
        "InvalidNumber": "InvalidPhoneNumber",
        "InvalidPhoneNumber": INVALID_CALLBACK_NUMBER,
        "NoMatch": NO_MATCHING_CONDITION,
        "NonDialableNumber": "CallbackNumberNotDialable",
        "Timeout": INPUT_TIME_LIMIT_EXCEEDED,
    }
)
_RESULTS: Final[Mapping[tuple[str, str], tuple[str, str]]] = MappingProxyType(
    {
        ("CheckStaffing", "True"): ("NumberGreaterThan", "0"),
        ("Loop", "Complete"): ("Equals", "DoneLooping"),
        ("Loop", "Looping"): ("Equals", "ContinueLooping"),
        ("LoopPrompts", "Timeout"): ("Equals", "MessagesInterrupted"),
        ("Wait", "Timeout"): ("Equals", "WaitCompleted"),
    }
)
"""Branch of a module's own -> operator and operand."""
_OPERATORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Contains": "TextContains",
        "EndsWith": "TextEndsWith",
        "GreaterThan": "NumberGreaterThan",
        "GreaterThanOrEqualTo": "NumberGreaterOrEqualTo",
        "LessThan": "NumberLessThan",
        "LessThanOrEqualTo": "NumberLessOrEqualTo",
        "StartsWith": "TextStartsWith",
    }
)


def content_of(members: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The content in the flow language.

    Args:
        members: of an older export.
        path: for the messages.

    Raises:
        EventError: naming the place and what is wrong there.
    """
    metadata = as_object(members.get("metadata") or {}, f"{path}: metadata")
    kind = str(members.get("type") or metadata.get("type") or "")
    modules = [
        (as_object(item, f"{path}: module {number}"), f"{path}: module {number}")
        for number, item in enumerate(as_list(members.get("modules"), f"{path}: modules"), 1)
    ]
    return {
        "Version": "2019-10-30",
        "StartAction": text_of(members, "start", path),
        "Metadata": {
            "name": metadata.get("name"),
            "description": metadata.get("description"),
            "type": kind or None,
            "ActionMetadata": {str(module.get("id")): _place(module) for module, _ in modules},
        },
        "Actions": [_action(module, kind, where) for module, where in modules],
    }


def _place(module: Mapping[str, Any]) -> dict[str, Any]:
    metadata = module.get("metadata")
    position = metadata.get("position") if isinstance(metadata, Mapping) else None
    names = (
        parameter.get("resourceName")
        for parameter in module.get("parameters") or []
        if isinstance(parameter, Mapping)
    )
    return {"position": position, "displayName": next(filter(None, names), "")}


def _action(module: Mapping[str, Any], kind: str, where: str) -> dict[str, Any]:
    identifier, old = text_of(module, "id", where), text_of(module, "type", where)
    where = f"{where} ({identifier})"
    given = [
        Given.read(as_object(item, f"{where}: parameters"))
        for item in as_list(module.get("parameters") or [], f"{where}: parameters")
    ]
    branches = [
        as_object(item, f"{where}: branches")
        for item in as_list(module.get("branches") or [], f"{where}: branches")
    ]
    return {
        "Identifier": identifier,
        "Type": _type(old, str(module.get("target") or ""), kind),
        "Parameters": PARAMETERS[old](given, branches) if old in PARAMETERS else {},
        "Transitions": _transitions(old, branches, where),
    }


def _type(old: str, target: str, kind: str) -> str:
    if (old, target, kind) == ("Transfer", "Queue", CUSTOMER_QUEUE):
        return "DequeueContactAndTransferToQueue"
    return _TARGETS.get((old, target)) or _TYPES.get(old, old)


def _transitions(old: str, branches: Sequence[Mapping[str, Any]], where: str) -> dict[str, Any]:
    """The first of several branches of one name counts."""
    errors: dict[str, str] = {}
    conditions: list[dict[str, Any]] = []
    goes_on = ""
    for branch in branches:
        name = text_of(branch, "condition", f"{where}: branches")
        target = text_of(branch, "transition", f"{where}: {name}")
        if name == "Success":
            goes_on = goes_on or target
        elif condition := _condition(old, name, branch):
            conditions.append({"NextAction": target, "Condition": condition})
        else:
            errors.setdefault(_error(old, name), target)
    return {
        "NextAction": goes_on,
        "Errors": [{"ErrorType": kind, "NextAction": target} for kind, target in errors.items()],
        "Conditions": conditions,
    }


def _condition(old: str, name: str, branch: Mapping[str, Any]) -> dict[str, Any] | None:
    """The comparison of a branch; None where it is an error."""
    if "conditionType" in branch:
        compared = (str(branch["conditionType"]), text(branch.get("conditionValue")))
    elif own := _RESULTS.get((old, name)):
        compared = own
    elif name in _ERRORS or (old, name) == ("CheckStaffing", "False"):
        return None
    else:
        compared = ("Equals", name)
    operator, operand = compared
    return {"Operator": _OPERATORS.get(operator, operator), "Operands": [operand]}


def _error(old: str, name: str) -> str:
    return NO_MATCHING_CONDITION if old == "CheckStaffing" and name == "False" else _ERRORS[name]
