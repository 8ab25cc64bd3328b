"""DynamoDB in memory, as far as the ledger's own expressions need it: a client in botocore's place.

The ledgers of the unit and property tests run on it unchanged. tests/unit/test_*_ledger.py,
test_lease.py and tests/property/test_ledger_machine.py hold it against DynamoDB as moto speaks it.
"""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

_TOKEN = re.compile(r"[:\w]+|<=|[<=(),+]")
_CLAUSE = re.compile(r"\b(SET|REMOVE|ADD)\b")
_SET = re.compile(r"(\w+) = (?:if_not_exists\((\w+), (:\w+)\)|(:\w+))")

Item = dict[str, dict[str, Any]]


class MemoryDynamoDB:
    """One table of items by their key. A read that is not consistent misses the last write."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self._before: dict[str, Item] = {}

    def get_item(self, **request: Any) -> dict[str, Any]:
        seen = self.items if request.get("ConsistentRead") else self._before
        item = seen.get(_key(request["Key"]))
        return {"Item": dict(item)} if item else {}

    def put_item(self, **request: Any) -> dict[str, Any]:
        item: Item = request["Item"]
        self.items[item["ledger_key"]["S"]] = dict(item)
        return {}

    def scan(self, **_: object) -> dict[str, Any]:
        return {"Items": list(self.items.values())}

    def update_item(self, **request: Any) -> dict[str, Any]:
        values: Mapping[str, Any] = request.get("ExpressionAttributeValues", {})
        condition = request.get("ConditionExpression", "")
        _require_all_used(values, f"{request['UpdateExpression']} {condition}")
        before = self.items.get(_key(request["Key"]), {})
        if condition and not _Condition(condition, before, values).holds():
            raise ClientError(
                {"Error": {"Code": "ConditionalCheckFailedException"}, "Item": dict(before)},
                "UpdateItem",
            )
        after = _updated({**request["Key"], **before}, request["UpdateExpression"], values)
        self._before[_key(request["Key"])] = before
        self.items[_key(request["Key"])] = after
        return {"Attributes": dict(before)} if request.get("ReturnValues") == "ALL_OLD" else {}


def _key(key: Mapping[str, Any]) -> str:
    ((_, value),) = key.items()
    return str(value["S"])


def _require_all_used(values: Mapping[str, Any], expressions: str) -> None:
    if unused := values.keys() - set(re.findall(r":\w+", expressions)):
        raise AssertionError(f"DynamoDB refuses values that no expression uses: {sorted(unused)}")


def _updated(item: Item, expression: str, values: Mapping[str, Any]) -> Item:
    before, after = dict(item), dict(item)
    parts = _CLAUSE.split(expression)
    for clause, text in zip(parts[1::2], parts[2::2], strict=True):
        if clause == "SET":
            for name, other, fallback, value in _SET.findall(text):
                after[name] = before.get(other) or values[fallback or value]
        for part in text.split(", ") if clause != "SET" else ():
            name, _, value = part.strip().partition(" ")
            if clause == "REMOVE":
                after.pop(name, None)
            else:
                total = _plain(before.get(name, {"N": "0"})) + _plain(values[value])
                after[name] = {"N": str(total)}
    return after


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    return int(value) if kind == "N" else value


class _Condition:
    """A condition: comparisons and attribute_not_exists, with AND, OR and parentheses."""

    def __init__(self, text: str, item: Item, values: Mapping[str, Any]) -> None:
        self.tokens = _TOKEN.findall(text)
        self.item, self.values = item, values

    def holds(self) -> bool:
        holds = self._or()
        assert not self.tokens, f"not understood: {self.tokens}"
        return holds

    def _or(self) -> bool:
        holds = self._and()
        while self.tokens and self.tokens[0] == "OR":
            self.tokens.pop(0)
            holds = self._and() or holds
        return holds

    def _and(self) -> bool:
        holds = self._term()
        while self.tokens and self.tokens[0] == "AND":
            self.tokens.pop(0)
            holds = self._term() and holds
        return holds

    def _term(self) -> bool:
        first = self.tokens.pop(0)
        if first == "(":
            holds = self._or()
            assert self.tokens.pop(0) == ")"
            return holds
        if first == "attribute_not_exists":
            _, name, _ = (self.tokens.pop(0) for _ in range(3))
            return name not in self.item
        sign, value = self.tokens.pop(0), _plain(self.values[self.tokens.pop(0)])
        if first not in self.item:
            return False
        found = _plain(self.item[first])
        return bool(
            found < value if sign == "<" else found <= value if sign == "<=" else found == value
        )
