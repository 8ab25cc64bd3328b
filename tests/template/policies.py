"""The statements of policies in a template, conditional ones too."""

from collections.abc import Iterator
from typing import Any


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements_in(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each statement of a policy document, whether its condition holds or not."""
    for statement in document["Statement"]:
        branches = statement["Fn::If"][1:] if "Fn::If" in statement else [statement]
        yield from (each for each in branches if "Effect" in each)


def documents_in(node: Any) -> Iterator[dict[str, Any]]:
    """Each policy document anywhere below `node`."""
    if isinstance(node, dict):
        if "Statement" in node:
            yield node
        for value in node.values():
            yield from documents_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from documents_in(value)


def by_sid(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in statements_in(document)}


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
