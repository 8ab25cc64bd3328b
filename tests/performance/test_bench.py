"""The bench's own parts: fakes that count, and a table that says what was measured."""

import dataclasses
import json
import time
from collections.abc import Iterator

import pytest
import requests

from local.lambda_process import LambdaProcess
from tests.performance.bench import ROWS, Measured
from tests.performance.deployed import DEV_LOCK, LAYER, RUNTIME_PACKAGES, _pins
from tests.performance.fakes import CREATE, Fakes
from tests.performance.measure import PROBE, Cold, Warm, flow_event, flow_function, secret

CENTER_SECRET = {"CALL_CENTER_API_NAME": "AmazonConnect_Bench"}

# What the flow's path must not import (DESIGN section 9): each costs tens of milliseconds of a
# cold start. boto3 stands for its resource layer: the bridge makes its clients with botocore.
UNWANTED = ("boto3", "s3transfer", "pydantic", "aws_xray_sdk", "jsonschema", "asyncio.runners")


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    with Fakes(CENTER_SECRET) as running:
        yield running


def aws(
    fakes: Fakes, session: requests.Session, target: str, body: str = "{}"
) -> requests.Response:
    return session.post(fakes.aws_url, data=body, headers={"X-Amz-Target": target}, timeout=10)


def test_fakes_count_requests_and_connections(fakes: Fakes) -> None:
    """Given two kept connections, when used thrice, then they are counted once each."""
    before = fakes.counts()
    with requests.Session() as session:
        for _ in range(2):
            assert aws(fakes, session, "DynamoDB_20120810.UpdateItem").json() == {}
        created = session.post(f"{fakes.salesforce_url}/voiceCalls", json={}, timeout=10)

    assert created.json()["voiceCallId"].startswith("0LQ")
    assert len(created.json()["voiceCallId"]) == 18
    new = fakes.counts().since(before)
    assert new.requests == {"UpdateItem": 2, CREATE: 1}
    assert new.connections == {"aws": 1, "salesforce": 1}


def test_secret_names_the_fake_of_salesforce(fakes: Fakes) -> None:
    """Given a secret, when it is looked up, then its base is the fake's and the rest as given."""
    with requests.Session() as session:
        answer = aws(fakes, session, "secretsmanager.GetSecretValue", '{"SecretId": "arn"}').json()

    expected = {**CENTER_SECRET, "SCRT_ENDPOINT_BASE": fakes.salesforce_url}
    assert json.loads(answer["SecretString"]) == expected
    assert answer["ARN"] == "arn"


def test_what_the_fakes_do_not_know_is_an_error(fakes: Fakes) -> None:
    """Given another operation, when asked for, then it fails instead of seeming to work."""
    with requests.Session() as session:
        assert aws(fakes, session, "AmazonSQS.SendMessage").status_code == 400
        assert session.get(f"{fakes.salesforce_url}/voiceCalls", timeout=10).status_code == 404


def test_latency_is_of_the_named_operation_alone(fakes: Fakes) -> None:
    """Given a latency of 200 ms for one operation, when asked for, then it takes at least that."""
    fakes.set_latency({"GetItem": 0.2})
    with requests.Session() as session:
        began = time.monotonic()
        aws(fakes, session, "DynamoDB_20120810.GetItem")
        assert time.monotonic() - began >= 0.19


def test_table_shows_the_spread_of_the_runs() -> None:
    """Given three runs, when shown, then each row has minimum, median and maximum."""
    warm = [
        Warm(p50, p50 * 2, 0.3, p50 / 2, 0.0, 0.0, 0.0, 2.0, 1.0, 400) for p50 in (2.0, 4.0, 3.0)
    ]
    slow = [Warm(6.0, 9.0, 0.3, 2.0, 1.0, 1.0, 0.0, 2.0, 1.0, 400)] * 3
    measured = Measured(warm, slow, [Cold(100.0, 150.0), Cold(120.0, 180.0)])

    shown = {row.what.strip(): row.cells(measured)[1:4] for row in ROWS}

    assert len(shown) == len(ROWS)
    assert shown["create above the round trips, p50"] == ["2.00 ms", "3.00 ms", "4.00 ms"]
    assert shown["ratio to the p50 of the run before it"] == ["1.50", "2.00", "3.00"]
    assert shown["cold: process start to first answer"] == ["150 ms", "165 ms", "180 ms"]


def test_runtime_is_the_locked_one() -> None:
    """Given the lock, when the runtime is chosen from it, then each pin has its hashes."""
    pins = _pins(DEV_LOCK.read_text(encoding="utf-8"))

    starts = [line for line in pins.splitlines() if line[:1].isalpha()]
    assert sorted(line.split("==")[0] for line in starts) == sorted(RUNTIME_PACKAGES)
    assert pins.count("--hash=sha256:") >= len(RUNTIME_PACKAGES)


def test_import_budget_of_the_flow() -> None:
    """Given a process that has created a voice call, then nothing unneeded was imported."""
    with Fakes(secret()) as fakes:
        function = dataclasses.replace(flow_function(fakes), handler="bench_probe.handler")
        with LambdaProcess(function, [PROBE, LAYER]) as process:
            created = process.invoke(flow_event())
            assert created.error is None, created
            assert created.payload["status"] == "created", created
            modules = process.invoke({"probe": True}).payload["modules"]

    assert not set(modules) & set(UNWANTED)
