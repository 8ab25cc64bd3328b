"""The bench's own parts: fakes that count, and a table that says what was measured."""

import dataclasses
import json
import sys
import time
from collections.abc import Iterator

import pytest
import requests

from simulator.functions.lambda_process import LambdaProcess
from tests.performance.bench import EVENT_ROWS, RECORD_ROWS, ROWS, Measured
from tests.performance.deployed import DEV_LOCK, LAYER, RUNTIME_PACKAGES, Deployed, _pins
from tests.performance.event_stream import Events, measure_events
from tests.performance.fakes import CREATE, DESCRIBE, Fakes
from tests.performance.measure import PROBE, Cold, Warm, flow_event, flow_function, secret
from tests.performance.record_stream import Records, _order, measure_records

UPDATE = json.dumps(
    {
        "Key": {"k": {"S": "a"}},
        "UpdateExpression": "SET s = :s, t = if_not_exists(t, :s) REMOVE r ADD n :one",
        "ExpressionAttributeValues": {":s": {"S": "1"}, ":one": {"N": "1"}},
    }
)
CENTER_SECRET = {"CALL_CENTER_API_NAME": "AmazonConnect_Bench"}

# What the flow's path must not import (docs/speed.md): each costs tens of milliseconds of a
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
            assert aws(fakes, session, "DynamoDB_20120810.UpdateItem", UPDATE).json() == {}
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
        aws(fakes, session, "DynamoDB_20120810.GetItem", '{"Key": {"k": {"S": "a"}}}')
        assert time.monotonic() - began >= 0.19


def test_table_shows_the_spread_of_the_runs() -> None:
    """Given three runs, when shown, then each row has minimum, median and maximum."""
    warm = [
        Warm(p50, p50 * 2, 0.3, p50 / 2, 0.0, 0.0, 0.0, 2.0, 1.0, 400) for p50 in (2.0, 4.0, 3.0)
    ]
    slow = [Warm(6.0, 9.0, 0.3, 2.0, 1.0, 1.0, 0.0, 2.0, 1.0, 400)] * 3
    events = [Events(rate, 1.0, 1.0, 2 * rate, 0.0, 0.0) for rate in (300.0, 500.0, 400.0)]
    records = [Records(rate, 1.0, 0.01, 1.0, 0.1, 1.0, 0, 1.0) for rate in (900.0, 1100.0, 1000.0)]
    measured = Measured(warm, slow, [Cold(100.0, 150.0), Cold(120.0, 180.0)], events, records)

    shown = {row.what.strip(): row.cells(measured)[1:4] for row in ROWS}
    streamed = [row.cells(measured)[1:4] for row in EVENT_ROWS]

    assert len(shown) == len(ROWS)
    assert streamed[0] == ["300/s", "400/s", "500/s"]
    assert streamed[1] == streamed[2] == ["1.000"] * 3
    assert streamed[3] == ["600/s", "800/s", "1000/s"]
    assert streamed[4] == streamed[5] == ["0.000"] * 3
    finished = [row.cells(measured)[1:4] for row in RECORD_ROWS]
    assert finished[0] == ["900/s", "1000/s", "1100/s"]
    assert finished[6] == ["0"] * 3
    assert shown["create above the round trips, p50"] == ["2.00 ms", "3.00 ms", "4.00 ms"]
    assert shown["ratio to the p50 of the run before it"] == ["1.50", "2.00", "3.00"]
    assert shown["cold: process start to first answer"] == ["150 ms", "165 ms", "180 ms"]


def test_runtime_is_the_locked_one() -> None:
    """Given the lock, when the runtime is chosen from it, then each pin has its hashes."""
    pins = _pins(DEV_LOCK.read_text(encoding="utf-8"))

    starts = [line for line in pins.splitlines() if line[:1].isalpha()]
    assert sorted(line.split("==")[0] for line in starts) == sorted(RUNTIME_PACKAGES)
    assert pins.count("--hash=sha256:") >= len(RUNTIME_PACKAGES)


def test_ledger_of_the_fakes_knows_what_was_written(fakes: Fakes) -> None:
    """Given an update, when the item is read, then it is there; a condition that wants it absent
    is refused with what stands there."""
    wants_absent = {
        **json.loads(UPDATE),
        "ConditionExpression": "attribute_not_exists(s)",
    }
    with requests.Session() as session:
        aws(fakes, session, "DynamoDB_20120810.UpdateItem", UPDATE)
        read = aws(fakes, session, "DynamoDB_20120810.GetItem", UPDATE).json()
        refused = aws(fakes, session, "DynamoDB_20120810.UpdateItem", json.dumps(wants_absent))

    item = {"s": {"S": "1"}, "t": {"S": "1"}}
    assert read == {"Item": item}
    assert refused.status_code == 400
    assert refused.json()["Item"] == item


def test_events_are_measured() -> None:
    """Given contacts with three events each, when measured, then each is described and created
    once, and not again in its second life."""
    with Fakes(secret()) as fakes:
        runtime = Deployed(sys.executable, "", (LAYER,))
        measured = measure_events(fakes, runtime, 8)
        counted = fakes.counts().requests

    assert (measured.describes, measured.posts) == (1.0, 1.0)
    assert (measured.again_describes, measured.again_posts) == (0.0, 0.0)
    assert measured.per_second > 0
    assert counted[CREATE] == counted[DESCRIBE] == 8 + 64


def test_records_are_measured() -> None:
    """Given records and versions of records, when measured, then each new one is sent once, each
    version at most once, and none behind a newer one."""
    with Fakes(secret()) as fakes:
        measured = measure_records(fakes, Deployed(sys.executable, "", (LAYER,)), 120, 20)

    assert measured.patches == measured.patches_per_version == measured.newest == 1.0
    assert measured.stale == 0
    assert 0 < measured.invocations <= 0.1
    assert 0 < measured.ledger_requests <= 2
    assert measured.per_second > 0


def test_stale_writes_are_counted() -> None:
    """Given an older version behind a newer one, and a version twice, then both are told."""
    updates = [("a", 1), ("a", 4), ("a", 2), ("b", 4), ("b", 4)]
    assert _order(updates) == (1, 4, 1)


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
