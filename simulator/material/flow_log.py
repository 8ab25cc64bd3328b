"""Lines of Amazon Connect's flow log: the Lambda block's parameters and results.

Amazon Connect Administrator Guide, "Flow logs stored in an Amazon CloudWatch log group". A line has
neither numbers nor attributes. These are made up, and the notes of the event say so.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["CUSTOMER", "SYSTEM", "answer_of_log", "event_of_log", "is_flow_log"]

CUSTOMER: Final = "+12065550100"
SYSTEM: Final = "+18005550199"
"""Fictional numbers."""

_INSTANCE: Final = re.compile(r"arn:[^:]+:connect:[^:]+:\d+:instance/[^/]+")
_LAMBDA_BLOCKS: Final = ("InvokeExternalResource", "InvokeLambdaFunction")
_OWN: Final = frozenset(
    {
        "ExecutionMode",
        "FunctionArn",
        "InvocationTimeLimitSeconds",
        "InvocationType",
        "LambdaFunctionARN",
        "LambdaInvocationAttributes",
        "Parameters",
        "ResponseValidation",
        "TimeLimit",
    }
)
"""Parameters of the block itself; all others are what it sends to the function."""


def is_flow_log(value: Mapping[str, Any]) -> bool:
    """Whether this is a line of a flow's log."""
    return {"ContactId", "ContactFlowModuleType"} <= value.keys()


def event_of_log(line: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]] | None:
    """The event that the block sent, and what was made up for it; None without a Lambda block."""
    if line["ContactFlowModuleType"] not in _LAMBDA_BLOCKS:
        return None
    contact_id = str(line["ContactId"])
    parameters = _sent(line.get("Parameters"))
    notes = [f"{contact_id}: a flow's log has no numbers: {CUSTOMER} called {SYSTEM}"]
    if results := _results(line):
        notes.append(f"{contact_id}: then the function answered {results}")
    instance = re.match(
        r"arn:[^:]+:connect:[^:]+:\d+:instance/[^/]+", str(line.get("ContactFlowId"))
    )
    event = {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "Attributes": {},
                "Channel": "VOICE",
                "ContactId": contact_id,
                "CustomerEndpoint": {"Address": CUSTOMER, "Type": "TELEPHONE_NUMBER"},
                "InitialContactId": contact_id,
                "InitiationMethod": "INBOUND",
                "InstanceARN": instance.group() if instance else None,
                "PreviousContactId": contact_id,
                "SystemEndpoint": {"Address": SYSTEM, "Type": "TELEPHONE_NUMBER"},
            },
            "Parameters": parameters,
        },
    }
    return event, tuple(notes)


def answer_of_log(line: Mapping[str, Any]) -> str:
    """The function's answer by a line of the log, a sentence, where the line is about nothing
    else; empty otherwise. The log has a line when the block calls, and another when it has ended.
    """
    if line["ContactFlowModuleType"] not in _LAMBDA_BLOCKS or line.get("Parameters"):
        return ""
    results = _results(line) or str(line.get("Results") or "")
    return f"{line['ContactId']}: then the function answered {results}" if results else ""


def _sent(parameters: Any) -> dict[str, str]:
    if not isinstance(parameters, dict):
        return {}
    found: dict[str, Any] = {k: v for k, v in parameters.items() if k not in _OWN}
    for name in ("LambdaInvocationAttributes", "Parameters"):
        inner = parameters.get(name)
        if isinstance(inner, str):
            try:
                inner = json.loads(inner)
            except ValueError:
                continue
        if isinstance(inner, dict):
            found |= inner
    return {
        name: text if isinstance(text, str) else json.dumps(text) for name, text in found.items()
    }


def _results(line: Mapping[str, Any]) -> str:
    """Names and statuses of what the function answered then; no values."""
    results = line.get("ExternalResults")
    if isinstance(results, dict):
        status = results.get("status") or results.get("errorCode")
        return f"status {status}" if status else ", ".join(sorted(map(str, results)))
    answer = line.get("Results")
    return str(answer) if isinstance(answer, str) and answer != "Success" else ""
