"""Updates of many threads in one request: each is decided by its own condition."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from tests.unit.aws import TABLE, ledger_table
from voicecall_bridge.ledger.grouped_table import MOST_ITEMS, GroupedTable
from voicecall_bridge.ledger.table import ConditionFailed, LedgerUnavailable, number

FREE = "attribute_not_exists(n) OR n < :n"


class Gate:
    """A client whose first call waits until it is let go, so that others gather behind it."""

    def __init__(self, real: Any, failing: Callable[[str], Exception | None]) -> None:
        self.real, self.failing = real, failing
        self.calls: list[tuple[str, int]] = []
        self.arrived, self.go = threading.Event(), threading.Event()

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            self.calls.append((operation, len(parameters.get("TransactItems", [1]))))
            if len(self.calls) == 1:
                self.arrived.set()
                assert self.go.wait(10)
            if error := self.failing(operation):
                raise error
            return getattr(self.real, operation)(**parameters)

        return call


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with ledger_table() as made:
        yield made


def gathered(
    dynamodb: Any,
    writes: list[tuple[str, int]],
    failing: Callable[[str], Exception | None] = lambda _: None,
) -> tuple[list[Exception | None], list[tuple[str, int]]]:
    """Write (key, n) each in a thread of its own, all while another write is under way; what each
    ended with, and the requests behind the first one."""
    client = Gate(dynamodb, failing)
    table = GroupedTable(lambda: client, TABLE)

    def write(key: str, n: int) -> Exception | None:
        try:
            table.update(key, "SET n = :n", {":n": number(n)}, condition=FREE)
        except (ConditionFailed, LedgerUnavailable) as error:
            return error
        return None

    with ThreadPoolExecutor(len(writes) + 1) as pool:
        first = pool.submit(write, "first", 1)
        assert client.arrived.wait(10)
        running = [pool.submit(write, *each) for each in writes]
        waiting = threading.Event()
        while len(table._waiting) < len(writes):
            assert not waiting.wait(0.001)
        client.go.set()
        results = [future.result(10) for future in running]
        first.result(10)
    return results, client.calls[1:]


def stored(dynamodb: Any) -> dict[str, int]:
    items = dynamodb.scan(TableName=TABLE)["Items"]
    return {item["ledger_key"]["S"]: int(item["n"]["N"]) for item in items}


def test_one_alone_is_a_plain_update(dynamodb: Any) -> None:
    client = Gate(dynamodb, lambda _: None)
    client.go.set()
    table = GroupedTable(lambda: client, TABLE)
    assert table.update("a", "SET n = :n", {":n": number(1)}, condition=FREE) == {}
    with pytest.raises(ConditionFailed) as refused:
        table.update("a", "SET n = :n", {":n": number(1)}, condition=FREE)
    assert refused.value.item["n"] == {"N": "1"}
    assert {operation for operation, _ in client.calls} == {"update_item"}


def test_what_waits_goes_together(dynamodb: Any) -> None:
    results, calls = gathered(dynamodb, [("a", 1), ("b", 2), ("c", 3)])
    assert results == [None] * 3
    assert calls == [("transact_write_items", 3)]
    assert stored(dynamodb) == {"first": 1, "a": 1, "b": 2, "c": 3}


def test_a_condition_that_fails_costs_nobody_else(dynamodb: Any) -> None:
    """Given an item with a newer version among five, then it alone is refused, with what stands
    there."""
    dynamodb.put_item(TableName=TABLE, Item={"ledger_key": {"S": "b"}, "n": {"N": "9"}})
    results, calls = gathered(dynamodb, [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)])
    assert isinstance(results[1], ConditionFailed)
    assert results[1].item["n"] == {"N": "9"}
    assert results[:1] + results[2:] == [None] * 4
    assert calls == [("transact_write_items", 5), ("transact_write_items", 4)]
    assert stored(dynamodb) == {"first": 1, "a": 1, "b": 9, "c": 3, "d": 4, "e": 5}


def test_two_of_one_item_go_one_after_the_other(dynamodb: Any) -> None:
    """A transaction takes one update of an item (DynamoDB API reference, TransactWriteItems)."""
    results, _ = gathered(dynamodb, [("a", 1), ("a", 2), ("b", 3)])
    assert results[0] is None or results[1] is None
    assert stored(dynamodb)["a"] == 2


def test_more_than_a_transaction_takes(dynamodb: Any) -> None:
    results, calls = gathered(dynamodb, [(f"k{n}", n) for n in range(MOST_ITEMS + 5)])
    assert not any(results)
    assert [count for _, count in calls] == [MOST_ITEMS, 5]


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    answer = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": reasons,
    }
    return ClientError(answer, "TransactWriteItems")


def test_another_transaction_at_an_item_makes_each_go_alone(dynamodb: Any) -> None:
    def failing(operation: str) -> Exception | None:
        conflict = operation == "transact_write_items"
        return cancelled("None", "TransactionConflict") if conflict else None

    results, calls = gathered(dynamodb, [("a", 1), ("b", 2)], failing)
    assert results == [None, None]
    assert calls == [("transact_write_items", 2), ("update_item", 1), ("update_item", 1)]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectTimeoutError(endpoint_url="https://x.example"), "ConnectTimeoutError"),
        (
            ClientError({"Error": {"Code": "ThrottlingException"}}, "TransactWriteItems"),
            "ThrottlingException",
        ),
    ],
)
def test_a_fault_of_the_request_is_everybodys(dynamodb: Any, error: Exception, told: str) -> None:
    def failing(operation: str) -> Exception | None:
        return error if operation == "transact_write_items" else None

    results, _ = gathered(dynamodb, [("a", 1), ("b", 2)], failing)
    assert [str(result) for result in results] == [told, told]
    assert results[0] is not results[1], "each thread raises an error of its own"


def test_a_defect_leaves_nobody_waiting(dynamodb: Any) -> None:
    """Given an error that nobody foresaw, then one thread raises it and the others learn that
    nothing is known."""
    client = Gate(dynamodb, KeyError)
    table = GroupedTable(lambda: client, TABLE)
    ended: list[str] = []

    def write(key: str) -> None:
        try:
            table.update(key, "SET n = :n", {":n": number(1)})
        except Exception as error:
            ended.append(type(error).__name__)

    threads = [threading.Thread(target=write, args=(key,)) for key in ("first", "a", "b")]
    threads[0].start()
    assert client.arrived.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(table._waiting) < 2:
        assert not threading.Event().wait(0.001)
    client.go.set()
    for thread in threads:
        thread.join(10)
    assert sorted(ended) == ["KeyError", "KeyError", "LedgerUnavailable"]


def test_it_does_not_tell_what_stood_before(dynamodb: Any) -> None:
    with pytest.raises(ValueError, match="before"):
        GroupedTable(lambda: dynamodb, TABLE).update("a", "SET n = :n", {}, tell_before=True)
