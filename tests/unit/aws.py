"""AWS by moto within the process: botocore's real clients, answered without a network."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore.config import Config
from moto import mock_aws

TABLE = "ledger"
REGION = "us-west-2"


def new_client(service: str) -> Any:
    """The client as composition makes it: botocore does not check requests against its model."""
    return botocore.session.Session().create_client(
        service,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


client = functools.cache(new_client)
"""One mock for all tests: making one takes a tenth of a second, and moto empties its state."""


def create_table(dynamodb: Any) -> None:
    """The table as template.yaml describes it: one partition key, no sort key."""
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "ledger_key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "ledger_key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@contextmanager
def ledger_table() -> Iterator[Any]:
    """A DynamoDB client with an empty table."""
    with mock_aws():
        dynamodb = client("dynamodb")
        create_table(dynamodb)
        yield dynamodb


class Through:
    """A client that runs `before` and `after` around each call, so that a call can fail before or
    after AWS has acted on it."""

    def __init__(self, real: Any, before: Any = None, after: Any = None) -> None:
        self.real = real
        self.before = before
        self.after = after
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            self.calls.append(operation)
            if self.before:
                self.before()
            answer = getattr(self.real, operation)(**parameters)
            if self.after:
                self.after()
            return answer

        return call
