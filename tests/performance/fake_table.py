"""As much of DynamoDB as the ledger's own expressions need, in memory: see fakes.py."""

import functools
import operator
import re
from collections.abc import Mapping
from types import CodeType
from typing import Any, Final

_ABSENT: Final = re.compile(r"attribute_not_exists\((#?\w+)\)")
_PRESENT: Final = re.compile(r"attribute_exists\((#?\w+)\)")
_COMPARED: Final = re.compile(r"(#?\w+) (<=|>=|<>|<|>|=) (:\w+)")
_COMPARISONS: Final = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}
_AMONG: Final = re.compile(r"(#?\w+) IN \(([:\w, ]+)\)")
_SET: Final = re.compile(r"(#?\w+) = (?:if_not_exists\(\w+, (:\w+)\)|(:\w+))")


def key_of(request: Mapping[str, Any]) -> str:
    """The key of the item that a request is about."""
    ((_, value),) = request["Key"].items()
    return str(value["S"])


def _holds(request: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether the condition of an update holds."""
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})

    def found(name: str) -> Any:
        typed = item.get(names.get(name, name))
        return None if typed is None else _plain(typed)

    def holds(name: str, sign: str, value: str) -> bool:
        left, right = found(name), _plain(values[value])
        return left is not None and bool(_COMPARISONS[sign](left, right))

    def among(name: str, *options: str) -> bool:
        return found(name) in [_plain(values[option]) for option in options]

    known = {"absent": lambda name: found(name) is None, "holds": holds, "among": among}
    return bool(eval(_condition(request.get("ConditionExpression", "True")), known))


@functools.cache
def _condition(text: str) -> CodeType:
    """The bridge's own condition as a Python expression."""
    words = _PRESENT.sub(r"not absent('\1')", _ABSENT.sub(r"absent('\1')", text))
    words = _COMPARED.sub(r"holds('\1', '\2', '\3')", words)
    words = _AMONG.sub(
        lambda found: f"among('{found[1]}', {', '.join(map(repr, found[2].split(', ')))})", words
    )
    return compile(
        words.replace(" OR ", " or ").replace(" AND ", " and ").replace("NOT ", "not "),
        "condition",
        "eval",
    )


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    return int(value) if kind == "N" else value


def transact_write_items(
    items: dict[str, dict[str, Any]], writes: list[Mapping[str, Any]]
) -> tuple[int, dict[str, Any]]:
    """All updates of a transaction or none. Returns status and answer."""
    updates = [write["Update"] for write in writes]
    befores = [items.get(key_of(update), {}) for update in updates]
    if all(map(_holds, updates, befores)):
        for update in updates:
            update_item(items, update)
        return 200, {}
    reasons = [
        {"Code": "None"}
        if _holds(update, before)
        else {"Code": "ConditionalCheckFailed", "Item": before}
        for update, before in zip(updates, befores, strict=True)
    ]
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    return 400, {"__type": kind, "message": "cancelled", "CancellationReasons": reasons}


def update_item(
    items: dict[str, dict[str, Any]], request: Mapping[str, Any]
) -> tuple[int, dict[str, Any]]:
    """The effect of the ledger's updates on an item. Returns status and answer."""
    before = items.get(key_of(request), {})
    names = request.get("ExpressionAttributeNames", {})
    if not _holds(request, before):
        refused = {"__type": "com.amazonaws#ConditionalCheckFailedException", "Item": before}
        return 400, refused
    after = dict(before)
    update, _, removed = request["UpdateExpression"].partition("REMOVE ")
    for name, fallback, value in _SET.findall(update.partition(" ADD ")[0]):
        attribute = names.get(name, name)
        if not fallback or attribute not in before:
            after[attribute] = request["ExpressionAttributeValues"][fallback or value]
    for name in removed.split(", "):
        after.pop(name, None)
    items[key_of(request)] = after
    return 200, {"Attributes": before} if request.get("ReturnValues") == "ALL_OLD" else {}
