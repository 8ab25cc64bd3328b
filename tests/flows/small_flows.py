"""Flows of a few blocks, for the tests of reading, checking and walking; all invented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LAMBDA = {
    "LambdaFunctionARN": "${FunctionArn}",
    "InvocationTimeLimitSeconds": "8",
    "InvocationType": "SYNCHRONOUS",
    "LambdaInvocationAttributes": {"methodName": "createVoiceCall"},
    "ResponseValidation": {"ResponseType": "STRING_MAP"},
}


def block(
    identifier: str,
    kind: str,
    parameters: dict[str, Any] | None = None,
    goes_on: str | None = None,
    errors: dict[str, str] | None = None,
    conditions: dict[str, str] | None = None,
    operator: str = "Equals",
) -> dict[str, Any]:
    """An action; `conditions`: operand -> action."""
    transitions: dict[str, Any] = {}
    if goes_on is not None:
        transitions = {
            "NextAction": goes_on,
            "Errors": [
                {"ErrorType": kind, "NextAction": target} for kind, target in (errors or {}).items()
            ],
            "Conditions": [
                {
                    "NextAction": target,
                    "Condition": {"Operator": operator, "Operands": [operand]},
                }
                for operand, target in (conditions or {}).items()
            ],
        }
    return {
        "Identifier": identifier,
        "Type": kind,
        "Parameters": parameters or {},
        "Transitions": transitions,
    }


def say(identifier: str, goes_on: str, error: str = "", text: str = "Hello.") -> dict[str, Any]:
    return block(
        identifier,
        "MessageParticipant",
        {"Text": text},
        goes_on,
        {"NoMatchingError": error or goes_on},
    )


def call(identifier: str, goes_on: str, error: str = "", **changes: Any) -> dict[str, Any]:
    return block(
        identifier,
        "InvokeLambdaFunction",
        LAMBDA | changes,
        goes_on,
        {"NoMatchingError": error or goes_on},
    )


def keep(identifier: str, goes_on: str, **attributes: str) -> dict[str, Any]:
    return block(
        identifier,
        "UpdateContactAttributes",
        {"Attributes": attributes},
        goes_on,
        {"NoMatchingError": goes_on},
    )


def to_queue(identifier: str, full: str) -> dict[str, Any]:
    return block(
        identifier,
        "TransferContactToQueue",
        {},
        full,
        {"QueueAtCapacity": full, "NoMatchingError": full},
    )


def to_target(identifier: str, goes_on: str, **target: str) -> dict[str, Any]:
    return block(
        identifier, "UpdateContactTargetQueue", target, goes_on, {"NoMatchingError": "bye"}
    )


def bye(identifier: str = "bye") -> dict[str, Any]:
    return block(identifier, "DisconnectParticipant")


def content(*actions: dict[str, Any], kind: str = "contactFlow") -> dict[str, Any]:
    """A flow's content, its blocks in a row."""
    return {
        "Version": "2019-10-30",
        "StartAction": actions[0]["Identifier"],
        "Metadata": {
            "entryPointPosition": {"x": 0, "y": 0},
            "ActionMetadata": {
                action["Identifier"]: {"position": {"x": 300 * number, "y": 0}}
                for number, action in enumerate(actions)
            },
            "name": "A small flow",
            "description": "",
            "type": kind,
        },
        "Actions": list(actions),
    }


def written(folder: Path, flow: dict[str, Any]) -> Path:
    """The flow as a file."""
    path = folder / "flow.json"
    path.write_text(json.dumps(flow), encoding="utf-8")
    return path
