"""Reads the properties that the pollers' resources share. All of it raises TemplateError."""

import re
from collections.abc import Mapping
from typing import Any, Final

from simulator.sam.template import Template, TemplateError

__all__ = [
    "arn_beside",
    "destination_of",
    "function_of",
    "is_true",
    "limit",
    "number",
    "reports_item_failures",
]

_DESTINATION: Final = re.compile(r"arn:[^:]+:(s3:::.+|sqs:[^:]+:[0-9]{12}:.+)")
_UNLIMITED: Final = -1


def number(properties: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    """A whole number in its range."""
    value = properties.get(key, default)
    # Parameters arrive as texts. Python takes true for 1; here it is not a number.
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(value)):
        raise TemplateError(f"{key}: a whole number is needed, not {value!r}")
    if not least <= int(value) <= most:
        raise TemplateError(f"{key}: {value} is not from {least} to {most}")
    return int(value)


def limit(properties: Mapping[str, Any], key: str, least: int, most: int) -> int | None:
    """A whole number in its range; None where there is no limit."""
    if str(properties.get(key, _UNLIMITED)) == str(_UNLIMITED):
        return None
    return number(properties, key, _UNLIMITED, least, most)


def is_true(properties: Mapping[str, Any], key: str, *, default: bool) -> bool:
    """A boolean, which may be a text."""
    value = str(properties.get(key, default)).lower()
    if value not in ("true", "false"):
        raise TemplateError(f"{key}: true or false is needed, not {value!r}")
    return value == "true"


def reports_item_failures(properties: Mapping[str, Any]) -> bool:
    """Whether the function answers which items failed."""
    types = properties.get("FunctionResponseTypes", [])
    if types not in ([], ["ReportBatchItemFailures"]):
        raise TemplateError(f"FunctionResponseTypes: [ReportBatchItemFailures], not {types!r}")
    return bool(types)


def destination_of(properties: Mapping[str, Any]) -> str:
    """The failure destination's ARN, a bucket's or a queue's; empty where there is none."""
    config = properties.get("DestinationConfig", {})
    if not isinstance(config, dict) or not isinstance(config.get("OnFailure", {}), dict):
        raise TemplateError(f"DestinationConfig: a map with OnFailure is needed, not {config!r}")
    if not config.get("OnFailure"):
        return ""
    destination = config["OnFailure"].get("Destination")
    if not isinstance(destination, str) or not _DESTINATION.fullmatch(destination):
        raise TemplateError(f"DestinationConfig: a bucket's or queue's ARN, not {destination!r}")
    return destination


def function_of(template: Template, node: object) -> str:
    """The logical id that a FunctionName refers to, by whatever reference."""
    name: object = node
    if isinstance(node, dict):
        name = node.get("Ref") or node.get("Fn::GetAtt")
    if isinstance(name, list):
        name = name[0] if name else None
    logical_id = str(name).split(".", 1)[0]
    if logical_id not in template.functions:
        raise TemplateError(f"a Ref or GetAtt of a function is needed, not {node!r}")
    return logical_id


def arn_beside(known: str, service: str, resource: str) -> str:
    """ARN of `resource` in the account and region of the ARN `known`; IAM's have no region."""
    _, partition, _, region, account, _ = known.split(":", 5)
    return f"arn:{partition}:{service}:{region if service != 'iam' else ''}:{account}:{resource}"
