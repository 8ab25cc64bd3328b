"""One table of DynamoDB: conditional updates and consistent reads. The only DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "ledger_key"
Value = Mapping[str, Any]
"""A value in DynamoDB's typed form, e.g. {"S": "text"}."""
Item = Mapping[str, Value]


class LedgerUnavailable(Exception):
    """DynamoDB did not do it. The write may or may not have taken effect."""


class ConditionFailed(Exception):
    """The condition of a write does not hold.

    Attributes:
        item: what stands there, in DynamoDB's typed form.
    """

    def __init__(self, item: Item) -> None:
        super().__init__("the condition of a write does not hold")
        self.item = item


@dataclass(eq=False, repr=False, slots=True)
class Table:
    """The table.

    Attributes:
        client: gives the DynamoDB client when it is needed.
        name: the table's name.
    """

    client: Callable[[], Any]
    name: str

    def read(self, key: str) -> Item:
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
        values: Mapping[str, Value],
        *,
        condition: str = "",
        return_before: bool = False,
    ) -> Item:
        """Updates the item, and makes it if there is none.

        Returns:
            The item before the write, if `return_before`; else nothing.

        Raises:
            ConditionFailed: with what stands there.
            LedgerUnavailable: DynamoDB did not answer in time, or refused.
        """
        optional: dict[str, Any] = {}
        if condition:
            optional["ConditionExpression"] = condition
            optional["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        answer = self._call(
            "update_item",
            TableName=self.name,
            Key={KEY: text(key)},
            UpdateExpression=update,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_OLD" if return_before else "NONE",
            **optional,
        )
        before = answer.get("Attributes", {})
        return before if isinstance(before, dict) else {}

    def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            return _on_a_live_connection(getattr(self.client(), operation), parameters)
        except ClientError as error:
            raise _refusal(error.response) from None
        except (BotoCoreError, ValueError) as error:  # ValueError: the endpoint is not an address
            raise LedgerUnavailable(type(error).__name__) from None


def _on_a_live_connection(call: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    try:
        return call(**parameters)
    except ConnectionClosedError:
        # A connection kept over a pause of the environment may be dead; a new one is not.
        return call(**parameters)


def _refusal(answer: Mapping[str, Any]) -> ConditionFailed | LedgerUnavailable:
    code = answer["Error"].get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(answer.get("Item", {}))
    return LedgerUnavailable(code)


def text(value: str) -> dict[str, str]:
    """A string in DynamoDB's typed form."""
    return {"S": str(value)}


def number(value: int) -> dict[str, str]:
    """A number in DynamoDB's typed form."""
    return {"N": str(value)}


def string_of(item: Item, name: str) -> str:
    """The item's string attribute, empty if there is none."""
    return str(item.get(name, {}).get("S", ""))


def number_of(item: Item, name: str) -> float:
    """The item's number attribute, 0 if there is none."""
    return float(item.get(name, {}).get("N", "0"))
