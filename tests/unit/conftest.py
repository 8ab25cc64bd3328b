"""Fixtures that the ledger's suites share: a clock, and two implementations of DynamoDB."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.aws import TABLE, ledger_table
from tests.unit.doubles import Clock
from tests.unit.memory_dynamodb import MemoryDynamoDB
from voicecall_bridge.ledger.table import Table


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "moto"])
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    """DynamoDB in memory and DynamoDB as moto speaks it: each test must pass on both."""
    if request.param == "memory":
        yield MemoryDynamoDB()
        return
    with ledger_table() as made:
        yield made


@pytest.fixture
def table(dynamodb: Any) -> Table:
    return Table(lambda: dynamodb, TABLE)
