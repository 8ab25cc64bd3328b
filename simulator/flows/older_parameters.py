"""The parameters of blocks in the console's older exports, as those of the flow language."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

_SYSTEM: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Customer Number": "$.CustomerEndpoint.Address",
        "Dialed Number": "$.SystemEndpoint.Address",
        "Stored customer input": "$.StoredCustomerInput",
    }
)
"""The console's word for a system attribute -> its path; others are called as in the path."""
_NAMESPACES: Final[Mapping[str, str]] = MappingProxyType(
    {"User Defined": "Attributes", "Flow": "FlowAttributes"}
)
_PLAIN: Final = re.compile(r"[A-Za-z](?:[\w-]*\w)?(\.[A-Za-z](?:[\w-]*\w)?)*")
_STAFFING: Final = "NumberOfAgents"


@dataclass(frozen=True, slots=True)
class Given:
    """One parameter of a module: a name, the key of an attribute, and a value or its path."""

    name: str
    key: str
    value: str

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> "Given":
        """From `name`, `key`, `value`, `namespace`; of a resource without an id, its name."""
        value = text(members.get("value")) or text(members.get("resourceName"))
        namespace = text(members.get("namespace"))
        return cls(text(members.get("name")), text(members.get("key")), _path(namespace, value))


def text(value: Any) -> str:
    """A value as the flow language has it: numbers and yes or no are texts."""
    if isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else "" if value is None else str(value)


def _path(namespace: str, name: str) -> str:
    """The path of an attribute; the value itself where it is in no namespace."""
    if not namespace:
        return name
    if namespace == "System":
        return _SYSTEM.get(name, f"$.{name}")
    room = _NAMESPACES.get(namespace, namespace)
    return f"$.{room}.{name}" if _PLAIN.fullmatch(name) else f"$.{room}['{name}']"


Branches = Sequence[Mapping[str, Any]]
Parameters = Callable[[Sequence[Given], Branches], dict[str, Any]]


def _first(given: Sequence[Given], name: str) -> str:
    return next((each.value for each in given if each.name == name), "")


def _keyed(given: Sequence[Given], name: str) -> dict[str, str]:
    return {each.key: each.value for each in given if each.name == name}


def _spoken(given: Sequence[Given]) -> dict[str, str]:
    if recorded := _first(given, "AudioPrompt"):
        return {"PromptId": recorded}
    kind = "SSML" if _first(given, "TextToSpeechType") == "ssml" else "Text"
    return {kind: said} if (said := _first(given, "Text")) else {}


def _prompt(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    return {**_spoken(given)}


def _prompts(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    kinds = {"Text": "Text", "AudioPrompt": "PromptId"}
    return {"Messages": [{kinds[each.name]: each.value} for each in given if each.name in kinds]}


def _menu(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    return {
        **_spoken(given),
        "StoreInput": "False",
        "InputTimeLimitSeconds": _first(given, "Timeout"),
    }


def _input(given: Sequence[Given], branches: Branches) -> dict[str, Any]:
    return {**_menu(given, branches), "StoreInput": "True"}


def _attributes(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    return {"Attributes": _keyed(given, "Attribute")}


def _compared(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    path = _path(_first(given, "Namespace") or "User Defined", _first(given, "Attribute"))
    return {"ComparisonValue": path}


def _function(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    return {
        "LambdaFunctionARN": _first(given, "FunctionArn"),
        "InvocationTimeLimitSeconds": _first(given, "TimeLimit"),
        "LambdaInvocationAttributes": _keyed(given, "Parameter"),
    }


def _target(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    return {f"{each.name}Id": each.value for each in given if each.name in ("Queue", "Agent")}


def _staffing(given: Sequence[Given], branches: Branches) -> dict[str, Any]:
    return {"MetricType": f"{_STAFFING}{_first(given, 'Status')}", **_target(given, branches)}


def _queue(given: Sequence[Given], branches: Branches) -> dict[str, Any]:
    asks_for_time = any(branch.get("condition") == "CheckQueueTime" for branch in branches)
    kind = "OldestContactInQueueAgeSeconds" if asks_for_time else "NumberOfContactsInQueue"
    return {"MetricType": kind, **_target(given, branches)}


def _transfer(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    passed = {
        "ContactFlowId": _first(given, "ContactFlowId"),
        "ThirdPartyPhoneNumber": _first(given, "PhoneNumber"),
        "ThirdPartyConnectionTimeLimitSeconds": _first(given, "TimeLimit"),
    }
    return {name: value for name, value in passed.items() if value}


def _hook(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    return {"EventHooks": {_first(given, "Type"): _first(given, "ContactFlowId")}}


def _logging(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    return {"FlowLoggingBehavior": f"{_first(given, 'LoggingBehavior')}d"}


def _recording(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    who = _first(given, "RecordingParticipantOption")
    records = _first(given, "RecordingBehaviorOption") == "Enable"
    people = ["Agent", "Customer"] if who in ("Both", "") else [who]
    return {"RecordingBehavior": {"RecordedParticipants": people if records else []}}


def _loop(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    return {"LoopCount": _first(given, "LoopCount")}


def _callback_number(given: Sequence[Given], _branches: Branches) -> dict[str, Any]:
    return {"CallbackNumber": _first(given, "CallBackNumber")}


PARAMETERS: Final[Mapping[str, Parameters]] = MappingProxyType(
    {
        "CheckAttribute": _compared,
        "CheckQueueStatus": _queue,
        "CheckStaffing": _staffing,
        "GetUserInput": _menu,
        "InvokeExternalResource": _function,
        "Loop": _loop,
        "LoopPrompts": _prompts,
        "PlayPrompt": _prompt,
        "SetAttributes": _attributes,
        "SetCallBackNumber": _callback_number,
        "SetContactFlow": _hook,
        "SetEventHook": _hook,
        "SetLoggingBehavior": _logging,
        "SetQueue": _target,
        "SetRecordingBehavior": _recording,
        "StoreUserInput": _input,
        "Transfer": _transfer,
    }
)
"""Type of a module -> what reads its parameters. Those of other modules change nothing here."""
