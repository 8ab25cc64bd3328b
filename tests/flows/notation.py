"""Flows in a short notation, rendered as the console exports them now and as it did before.

A flow begins with `== name | form type | end | keys pressed`; a block is one line:
`id verb arguments > next !error branch:target`. Forms: `language` (flow language), `api` (the same
in the answer of DescribeContactFlow), `older` (modules); type `-`: the file does not say it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from simulator.flows.flow import FLOW_TYPES

if TYPE_CHECKING:
    from pathlib import Path

OURS: Final = "arn:aws:lambda:us-west-2:111122223333:function:center-InvokeTelephonyIntegrationApi"
REST: Final = "arn:aws:lambda:us-west-2:111122223333:function:center-InvokeSalesforceRestApi"
KVS: Final = "arn:aws:lambda:us-west-2:111122223333:function:center-kvsConsumerTrigger"
OTHER: Final = "arn:aws:lambda:us-west-2:111122223333:function:lookup"
WORDS: Final = "Words that are said."

_OPERATORS: Final = {
    "=": ("Equals", "Equals"),
    "^": ("TextStartsWith", "StartsWith"),
    "~": ("TextContains", "Contains"),
    ">": ("NumberGreaterThan", "GreaterThan"),
    "<": ("NumberLessThan", "LessThan"),
}
"""Sign of a branch -> operator of the flow language, of older exports."""
_TYPES: Final = {
    "age": ("CheckMetricData", "CheckQueueStatus"),
    "agent": ("UpdateContactTargetQueue", "SetQueue"),
    "bot": ("ConnectParticipantWithLexBot", "GetUserInput"),
    "bye": ("DisconnectParticipant", "Disconnect"),
    "call": ("InvokeLambdaFunction", "InvokeExternalResource"),
    "callback": ("CreateCallbackContact", "CreateCallback"),
    "checkvoice": ("CheckVoiceId", ""),
    "criteria": ("UpdateContactRoutingCriteria", ""),
    "data": ("UpdateContactData", "SetContactData"),
    "dial": ("CompleteOutboundCall", ""),
    "done": ("EndFlowExecution", "Resume"),
    "flow": ("TransferToFlow", "Transfer"),
    "flowhook": ("UpdateContactEventHooks", "SetContactFlow"),
    "go": ("TransferContactToQueue", "Transfer"),
    "hook": ("UpdateContactEventHooks", "SetEventHook"),
    "hours": ("CheckHoursOfOperation", "CheckHoursOfOperation"),
    "if": ("Compare", "CheckAttribute"),
    "input": ("GetParticipantInput", "StoreUserInput"),
    "log": ("UpdateFlowLoggingBehavior", "SetLoggingBehavior"),
    "loop": ("Loop", "Loop"),
    "menu": ("GetParticipantInput", "GetUserInput"),
    "metrics": ("GetMetricData", "GetMetricData"),
    "number": ("UpdateContactCallbackNumber", "SetCallBackNumber"),
    "prompts": ("MessageParticipantIteratively", "LoopPrompts"),
    "queue": ("UpdateContactTargetQueue", "SetQueue"),
    "rec": ("UpdateContactRecordingBehavior", "SetRecordingBehavior"),
    "say": ("MessageParticipant", "PlayPrompt"),
    "set": ("UpdateContactAttributes", "SetAttributes"),
    "staff": ("CheckMetricData", "CheckStaffing"),
    "stream": ("UpdateContactMediaStreamingBehavior", "StartMediaStreaming"),
    "third": ("TransferParticipantToThirdParty", "Transfer"),
    "toagent": ("TransferContactToAgent", "Transfer"),
    "voice": ("UpdateContactTextToSpeechVoice", "SetVoice"),
    "voiceid": ("StartVoiceIdStream", ""),
    "wait": ("Wait", "Wait"),
}
"""Verb -> type of a block in the flow language, in older exports."""
_OLD_TARGETS: Final = {
    "bot": "Lex",
    "call": "Lambda",
    "flow": "Flow",
    "go": "Queue",
    "menu": "Digits",
    "third": "PhoneNumber",
    "toagent": "Agent",
}
_ERRORS: Final = {
    "else": ("NoMatchingCondition", "NoMatch"),
    "full": ("QueueAtCapacity", "AtCapacity"),
    "late": ("InputTimeLimitExceeded", "Timeout"),
    "dial": ("CallbackNumberNotDialable", "NonDialableNumber"),
}
_RESULTS: Final = {
    "yes": ("True", "True"),
    "no": ("False", "False"),
    "more": ("ContinueLooping", "Looping"),
    "done": ("DoneLooping", "Complete"),
}
_BAD: Final = {
    "number": ("InvalidCallbackNumber", "InvalidPhoneNumber"),
    "input": ("InvalidPhoneNumber", "InvalidNumber"),
}
_LATE: Final = {"wait": "WaitCompleted", "prompts": "MessagesInterrupted"}
_SYSTEM: Final = {
    "CustomerEndpoint.Address": "Customer Number",
    "SystemEndpoint.Address": "Dialed Number",
    "StoredCustomerInput": "Stored customer input",
}
_BRANCH: Final = re.compile(r"(!|(?:[=^~<>].*|[a-z]+):)?([\w]+)")


@dataclass(frozen=True)
class Shape:
    """One flow of the notation: its blocks as (id, verb, arguments, [(branch, target)])."""

    name: str
    form: str
    kind: str
    end: str
    keys: tuple[str, ...]
    blocks: tuple[tuple[str, str, list[str], list[tuple[str, str]]], ...]


def shapes(path: Path) -> list[Shape]:
    """The flows of a file."""
    return [_shape(text) for text in path.read_text(encoding="utf-8").split("== ")[1:]]


def _shape(text: str) -> Shape:
    head, *lines = text.strip().splitlines()
    name, form, end, *keys = [part.strip() for part in head.split("|")]
    form, kind = form.split()
    pressed = tuple(keys[0].split()) if keys else ()
    return Shape(name, form, kind, end, pressed, tuple(_block(line) for line in lines))


def _block(line: str) -> tuple[str, str, list[str], list[tuple[str, str]]]:
    does, _, leads = line.partition(" > ")
    identifier, verb, *arguments = does.split()
    branches = []
    for token in leads.split():
        found = _BRANCH.fullmatch(token)
        assert found, line
        branches.append(((found[1] or "").removesuffix(":"), found[2]))
    return identifier, verb, arguments, branches


def rendered(shape: Shape) -> str:
    """The flow's file."""
    if shape.form == "older":
        return json.dumps(_older(shape))
    content = _language(shape)
    if shape.form == "language":
        return json.dumps(content)
    api = {"Name": shape.name, "Type": FLOW_TYPES[shape.kind], "Content": json.dumps(content)}
    return json.dumps({"ContactFlow": api})


def _language(shape: Shape) -> dict[str, Any]:
    said = {"name": f"Sample {shape.name}", "type": shape.kind}
    return {
        "Version": "2019-10-30",
        "StartAction": shape.blocks[0][0],
        "Metadata": said if shape.form == "language" and shape.kind != "-" else {},
        "Actions": [
            {
                "Identifier": identifier,
                "Type": _TYPES[verb][0],
                "Parameters": _parameters(verb, arguments),
                "Transitions": _transitions(verb, branches),
            }
            for identifier, verb, arguments, branches in shape.blocks
        ],
    }


def _transitions(verb: str, branches: list[tuple[str, str]]) -> dict[str, Any]:
    """As the console writes them: where a condition or an error decides, Next is never taken."""
    if not branches:
        return {}
    errors, conditions = [], []
    for label, target in branches:
        if label[:1] in _OPERATORS and label:
            compared = (_OPERATORS[label[0]][0], label[1:])
        elif label in _RESULTS:
            compared = ("Equals", _RESULTS[label][0])
        elif label == "late" and verb in _LATE:
            compared = ("Equals", _LATE[verb])
        elif label:
            kind = "NoMatchingError" if label == "!" else (_BAD.get(verb) or ("",))[0]
            kind = _ERRORS[label][0] if label in _ERRORS else kind
            errors.append({"ErrorType": kind, "NextAction": target})
            continue
        else:
            continue
        condition = {"Operator": compared[0], "Operands": [compared[1]]}
        conditions.append({"NextAction": target, "Condition": condition})
    goes_on = next((target for label, target in branches if not label), branches[-1][1])
    return {"NextAction": goes_on, "Errors": errors, "Conditions": conditions}


def _parameters(verb: str, arguments: list[str]) -> dict[str, Any]:
    first = arguments[0] if arguments else ""
    if verb in ("say", "menu", "input", "bot"):
        spoken = _spoken(first)
        stores = {"StoreInput": str(verb == "input"), "InputTimeLimitSeconds": "5"}
        return spoken if verb in ("say", "bot") else spoken | stores
    if verb == "set":
        return {"Attributes": dict(each.split("=", 1) for each in arguments)}
    if verb == "call":
        arn, passed = _function(first)
        limit = {"InvocationTimeLimitSeconds": "8"}
        return {"LambdaFunctionARN": arn, **limit, "LambdaInvocationAttributes": passed}
    if verb == "staff":
        return {"MetricType": f"NumberOfAgents{first.capitalize()}"}
    named: dict[str, dict[str, Any]] = {
        "age": {"MetricType": "OldestContactInQueueAgeSeconds"},
        "agent": {"AgentId": first},
        "dial": {"CallerId": {"Number": first}},
        "flow": {"ContactFlowId": f"arn:aws:connect:us-west-2:111122223333:contact-flow/{first}"},
        "hook": {"EventHooks": {first: "arn"}},
        "if": {"ComparisonValue": first},
        "log": {"FlowLoggingBehavior": "Enabled"},
        "loop": {"LoopCount": first},
        "number": {"CallbackNumber": first},
        "queue": {"QueueId": first},
        "rec": {"RecordingBehavior": {"RecordedParticipants": ["Agent", "Customer"]}},
        "third": {"ThirdPartyPhoneNumber": first, "ContinueFlowExecution": "False"},
    }
    return named.get(verb, {})


def _spoken(argument: str) -> dict[str, Any]:
    kind, _, path = argument.rpartition(":")
    if kind == "media":
        return {"Media": {"Uri": path, "SourceType": "S3", "MediaType": "Audio"}}
    return {"SSML": f"<speak>{WORDS}</speak>"} if path == "ssml" else {"Text": path or WORDS}


def _function(argument: str) -> tuple[str, dict[str, str]]:
    """What a Lambda block calls, and what it passes."""
    if argument.startswith("$."):
        return argument, {}
    kind, _, method = argument.rpartition(":")
    if kind == "rest":
        return REST, {"methodName": method}
    if method in ("kvs", "other"):
        return (KVS if method == "kvs" else OTHER), {}
    return OURS, {"methodName": method}


def _older(shape: Shape) -> dict[str, Any]:
    return {
        "modules": [_module(*block) for block in shape.blocks],
        "version": "1",
        "type": shape.kind,
        "start": shape.blocks[0][0],
        "metadata": {"name": shape.name, "description": None, "type": shape.kind},
    }


def _module(
    identifier: str, verb: str, arguments: list[str], branches: list[tuple[str, str]]
) -> dict[str, Any]:
    module = {
        "id": identifier,
        "type": _TYPES[verb][1],
        "branches": [_older_branch(verb, label, target) for label, target in branches],
        "parameters": _older_parameters(verb, arguments),
        "metadata": {"position": {"x": 1, "y": 1}},
    }
    assert module["type"], f"{verb} is not in older exports"
    return module | ({"target": _OLD_TARGETS[verb]} if verb in _OLD_TARGETS else {})


def _older_branch(verb: str, label: str, target: str) -> dict[str, Any]:
    if label[:1] in _OPERATORS and label:
        if verb == "staff":
            return {"condition": "True", "transition": target}
        compared = {"conditionType": _OPERATORS[label[0]][1], "conditionValue": label[1:]}
        name = "CheckQueueTime" if verb == "age" else "Evaluate"
        return {"condition": name, "transition": target, **compared}
    names = {"": "Success", "!": "Error", "bad": _BAD.get(verb, ("", ""))[1]}
    names |= {each: old for each, (_, old) in (*_ERRORS.items(), *_RESULTS.items())}
    if (verb, label) == ("staff", "else"):
        return {"condition": "False", "transition": target}
    return {"condition": names[label], "transition": target}


def _older_parameters(verb: str, arguments: list[str]) -> list[dict[str, Any]]:
    first = arguments[0] if arguments else ""
    if verb in ("say", "menu", "input", "prompts"):
        kind = "ssml" if first == "ssml" else "text"
        value = f"<speak>{WORDS}</speak>" if first == "ssml" else first or WORDS
        said = [_named("Text", value), _named("TextToSpeechType", kind)]
        return said if verb in ("say", "prompts") else [*said, _named("Timeout", "5")]
    if verb == "set":
        pairs = [each.split("=", 1) for each in arguments]
        return [_named("Attribute", value) | {"key": key} for key, value in pairs]
    if verb == "call":
        arn, passed = _function(first)
        keyed = [_named("Parameter", value) | {"key": key} for key, value in passed.items()]
        return [_named("FunctionArn", arn), _named("TimeLimit", "8"), *keyed]
    if verb == "if":
        path = _named("Attribute", first)
        return [path | {"namespace": None}, {"name": "Namespace", "value": path["namespace"]}]
    if verb == "staff":
        return [_named("Status", first.capitalize())]
    if verb in ("hook", "flowhook"):
        return [_named("Type", first), _named("ContactFlowId", "arn")]
    names = {
        "agent": "Agent",
        "flow": "ContactFlowId",
        "log": "LoggingBehavior",
        "loop": "LoopCount",
        "number": "CallBackNumber",
        "queue": "Queue",
        "rec": "RecordingBehaviorOption",
        "third": "PhoneNumber",
    }
    return [_named(names[verb], first or "Enable")] if verb in names else []


def _named(name: str, value: str) -> dict[str, Any]:
    """A parameter: a path as a name in a namespace."""
    found = re.fullmatch(r"\$\.(Attributes|External)\.(.+)", value)
    if found:
        room = "User Defined" if found[1] == "Attributes" else "External"
        return {"name": name, "value": found[2], "namespace": room}
    if value.startswith("$."):
        path = value.removeprefix("$.")
        return {"name": name, "value": _SYSTEM.get(path, path), "namespace": "System"}
    return {"name": name, "value": value, "namespace": None}
