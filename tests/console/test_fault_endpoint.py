"""simulator.aws.fault_endpoint: requests go through unchanged unless a fault is for them."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from simulator.aws.fault_endpoint import AwsFault, FaultEndpoint
from simulator.aws.moto_server import MotoServer


@pytest.fixture
def endpoint() -> Iterator[FaultEndpoint]:
    with MotoServer() as moto, FaultEndpoint(moto.endpoint) as endpoint:
        yield endpoint


def client(service: str, endpoint: FaultEndpoint) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint.url,
        region_name="us-east-1",
        aws_access_key_id="laptop",
        aws_secret_access_key="laptop",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_requests_go_through(endpoint: FaultEndpoint) -> None:
    secrets = client("secretsmanager", endpoint)
    secrets.create_secret(Name="s", SecretString="text")
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "text"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("ledger-throttled", "ProvisionedThroughputExceededException"),
        ("ledger-down", "InternalServerError"),
    ],
)
def test_ledger_fails_so_many_times(endpoint: FaultEndpoint, kind: str, code: str) -> None:
    """Given a fault for one request, then the first fails and the second does not."""
    dynamodb = client("dynamodb", endpoint)
    endpoint.inject(AwsFault(kind, times=1))
    with pytest.raises(ClientError) as refused:
        dynamodb.list_tables()
    assert refused.value.response["Error"]["Code"] == code
    assert dynamodb.list_tables()["TableNames"] == []
    assert endpoint.faults == []


def test_a_missing_secret_leaves_the_ledger_alone(endpoint: FaultEndpoint) -> None:
    endpoint.inject(AwsFault("secret-missing"))
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client("secretsmanager", endpoint).get_secret_value(SecretId="s")
    assert client("dynamodb", endpoint).list_tables()["TableNames"] == []


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"kind": "moon"}, "no fault 'moon'"),
        ({"kind": "ledger-down", "times": 0}, "times is 0"),
        ({"kind": "ledger-slow", "seconds": 0.0}, "seconds is 0"),
    ],
)
def test_refusals(members: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        AwsFault(**members)
