"""One table of DynamoDB: conditional updates and consistent reads. The only DynamoDB."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

KEY = "ledger_key"
_CONFLICT = "TransactionConflictException"
"""A transaction is at the item right now (DynamoDB API reference, UpdateItem). botocore does not
send again for it, and it is over in milliseconds."""
_CONFLICTS = 3
_CONFLICT_SECONDS = 0.03


class LedgerUnavailable(Exception):
    """DynamoDB did not do it. What was asked may or may not have been written."""


class ConditionFailed(Exception):
    """The condition of a write does not hold.

    Attributes:
        item: what stands there, in DynamoDB's typed form.
    """

    def __init__(self, item: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__("the condition of a write does not hold")
        self.item = item


class Cancelled(Exception):
    """A transaction was not done, because of at least one of its items.

    Attributes:
        reasons: one for each item, in their order; `Code` is "None" where it was not to blame.
    """

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("a transaction was cancelled")
        self.reasons = reasons


@dataclass(slots=True)
class Table:
    """The table.

    Attributes:
        client: makes the DynamoDB client when it is needed.
        name: the table's name.
    """

    client: Callable[[], Any]
    name: str
    _made: Any = field(default=None, init=False, repr=False)

    def read(self, key: str) -> Mapping[str, Mapping[str, Any]]:
        """The item as it stands now, empty if there is none.

        Raises:
            LedgerUnavailable: DynamoDB did not answer in time, or refused.
        """
        answer = self._call(
            "get_item", TableName=self.name, Key={KEY: text(key)}, ConsistentRead=True
        )
        item = answer.get("Item", {})
        return item if isinstance(item, dict) else {}

    def update(
        self,
        key: str,
        update: str,
        values: Mapping[str, Mapping[str, Any]],
        *,
        condition: str = "",
        names: Mapping[str, str] | None = None,
        tell_before: bool = False,
    ) -> Mapping[str, Mapping[str, Any]]:
        """Updates the item, and makes it if there is none.

        Returns:
            What stood there before, if `tell_before`; else nothing.

        Raises:
            ConditionFailed: with what stands there.
            LedgerUnavailable: DynamoDB did not answer in time, or refused.
        """
        answer = self._call(
            "update_item",
            **update_of(self.name, key, update, values, condition=condition, names=names),
            ReturnValues="ALL_OLD" if tell_before else "NONE",
        )
        before = answer.get("Attributes", {})
        return before if isinstance(before, dict) else {}

    def alone(self, update: Mapping[str, Any]) -> None:
        """Writes one update (see `update_of`).

        Raises:
            ConditionFailed, LedgerUnavailable: as `update` does.
        """
        self._call("update_item", **update)

    def together(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Writes all of several updates of different items, at most 100, or none of them.

        Raises:
            Cancelled: none, with a reason for each.
            LedgerUnavailable: DynamoDB did not answer in time, or refused.
        """
        self._call("transact_write_items", TransactItems=[{"Update": each} for each in updates])

    def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            if self._made is None:
                self._made = self.client()
            call = getattr(self._made, operation)
            for _ in range(_CONFLICTS):
                try:
                    return _on_a_live_connection(call, parameters)
                except ClientError as error:
                    if error.response["Error"].get("Code", "") != _CONFLICT:
                        raise
                time.sleep(random.uniform(0.0, _CONFLICT_SECONDS))  # noqa: S311 - no secret
            return _on_a_live_connection(call, parameters)
        except ClientError as error:
            raise _refusal(error.response) from None
        except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no address
            raise LedgerUnavailable(type(error).__name__) from None


def _on_a_live_connection(call: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    try:
        return call(**parameters)
    except ConnectionClosedError:
        # A connection kept over a pause of the environment may be dead; a new one is not.
        return call(**parameters)


def update_of(
    table: str,
    key: str,
    update: str,
    values: Mapping[str, Mapping[str, Any]],
    *,
    condition: str,
    names: Mapping[str, str] | None,
) -> dict[str, Any]:
    """An update as UpdateItem and TransactWriteItems both take it."""
    optional: dict[str, Any] = {}
    if condition:
        optional["ConditionExpression"] = condition
        optional["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if names:
        optional["ExpressionAttributeNames"] = names
    return {
        "TableName": table,
        "Key": {KEY: text(key)},
        "UpdateExpression": update,
        "ExpressionAttributeValues": values,
        **optional,
    }


def _refusal(answer: Mapping[str, Any]) -> ConditionFailed | Cancelled | LedgerUnavailable:
    code = answer["Error"].get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(answer.get("Item", {}))
    if code == "TransactionCanceledException":
        return Cancelled(answer.get("CancellationReasons", []))
    return LedgerUnavailable(code)


def text(value: str) -> dict[str, str]:
    """A string in DynamoDB's typed form."""
    return {"S": str(value)}


def number(value: int) -> dict[str, str]:
    """A number in DynamoDB's typed form."""
    return {"N": str(value)}


def string_of(item: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """The item's string attribute, empty if there is none."""
    return str(item.get(name, {}).get("S", ""))


def number_of(item: Mapping[str, Mapping[str, Any]], name: str) -> float:
    """The item's number attribute, 0 if there is none."""
    return float(item.get(name, {}).get("N", "0"))
