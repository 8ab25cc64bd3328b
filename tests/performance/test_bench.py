"""The bench's own parts: fakes that count, and a table that shows what was measured."""

import dataclasses
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import certifi
import pytest
import requests

from simulator.functions.lambda_process import LambdaProcess
from tests.performance import event_stream, lens_stream, machine, pairs, record_stream
from tests.performance.authority import authority
from tests.performance.bench import TABLES, BusyError, Measured, Row, _require_quiet
from tests.performance.deployed import (
    DEV_LOCK,
    LAYER,
    RUNTIME_PACKAGES,
    Deployed,
    NotDeployableError,
    _pins,
    deployed,
)
from tests.performance.event_stream import measure_events
from tests.performance.fakes import CREATE, DESCRIBE, Fakes
from tests.performance.lens_stream import measure_lines
from tests.performance.machine import Moment
from tests.performance.measure import PROBE, flow_event, flow_function, secret
from tests.performance.pairs import Amount, measure_pair, measure_streams
from tests.performance.record_stream import _order, measure_records

TREE = Deployed(sys.executable, "", (LAYER,))
COUNTED = ("writes", "posts", "secrets", "connections")

UPDATE = json.dumps(
    {
        "Key": {"k": {"S": "a"}},
        "UpdateExpression": "SET s = :s, t = if_not_exists(t, :s) REMOVE r ADD n :one",
        "ExpressionAttributeValues": {":s": {"S": "1"}, ":one": {"N": "1"}},
    }
)
CENTER_SECRET = {"CALL_CENTER_API_NAME": "AmazonConnect_Bench"}

# Modules that the flow's path must not import (docs/speed.md): each costs tens of milliseconds of a
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
    """Given a secret, when it is read, then its base is the fake's and the rest is unchanged."""
    with requests.Session() as session:
        answer = aws(fakes, session, "secretsmanager.GetSecretValue", '{"SecretId": "arn"}').json()

    expected = {**CENTER_SECRET, "SCRT_ENDPOINT_BASE": fakes.salesforce_url}
    assert json.loads(answer["SecretString"]) == expected
    assert answer["ARN"] == "arn"


def test_what_the_fakes_do_not_know_is_an_error(fakes: Fakes) -> None:
    """Given an unknown operation, when it is requested, then it fails instead of seeming to
    work."""
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


def test_table_shows_spread_and_ratio_of_each_pair() -> None:
    """Given three pairs, when shown, then a row has both spreads and the ratio of each pair."""
    row = Row("Salesforce 40 ms, less it", "TLS warm all", less=40.0)
    base = [{"TLS warm all": value} for value in (44.0, 50.0, 45.0)]
    tree = [{"TLS warm all": value} for value in (42.0, 45.0, 45.0)]
    shown = row.cells(Measured([TREE, TREE], [base, tree]))
    assert shown[1:4] == ["4.00 ms", "5.00 ms", "10.00 ms"]
    assert shown[4:7] == ["2.00 ms", "5.00 ms", "5.00 ms"]
    assert shown[7:] == ["0.50 0.50 1.00", "0.50"]


def test_one_revision_alone_has_no_ratio() -> None:
    measured = Measured([TREE], [[{"layer": 30.0}]])
    assert Row("layer", "layer", " MB", 0).cells(measured) == ["layer", *["30 MB"] * 3]


def test_pair_measures_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two revisions over TLS and one over HTTP, when measured, then each row of each table
    has its figure, and a warm create writes the ledger twice, asks Salesforce once and reads no
    secret. What the streams cost is measured by the tests below."""
    measured = SimpleNamespace(
        cpu=1.0,
        again_cpu=1.0,
        again_per_second=1.0,
        per_second=1.0,
        requests=1.0,
        ledger_requests=1.0,
        stale=0,
    )
    for name in ("measure_events", "measure_records", "measure_lines"):
        monkeypatch.setattr(pairs, name, lambda *_: measured)
    amount = Amount(
        warm_up=2, idle=2, blocks=2, block=2, starts=1, contacts=2, records=40, line_seconds=1
    )
    trusted = authority(tmp_path)
    shutil.copytree(Path(certifi.__file__).parent, tmp_path / "site" / "certifi")
    with (tmp_path / "site" / "certifi" / "cacert.pem").open("a") as bundle:
        bundle.write(trusted.certificate.read_text())
    revision = dataclasses.replace(TREE, layers=(tmp_path / "site", LAYER))
    keys = secret()
    figures: list[dict[str, float]] = [{"layer": 1.0}, {"layer": 1.0}]
    with Fakes(keys, trusted.server) as tls, Fakes(keys) as plain:
        compared = measure_pair([revision, revision], tls, "TLS", amount, last_first=True)
        alone = measure_pair([revision], plain, "HTTP", amount, last_first=False)
        for found, new in zip(figures, compared, strict=True):
            found.update(new)
        figures[0].update(*alone)
        figures[0].update(measure_streams(TREE, plain, amount))

    rows = {row.key for table in TABLES.values() for row in table}
    assert rows == rows & figures[0].keys()
    for found, transport in ((figures[0], "TLS"), (figures[1], "TLS"), (figures[0], "HTTP")):
        counted = [found[f"{transport} warm instant {each}"] for each in COUNTED]
        assert counted == [2.0, 1.0, 0.0, 0.0]


def test_machine_knows_its_own_work_from_that_of_others() -> None:
    """Given work of this process and of one that it started, then it does not count as others'
    work."""
    before = machine.now()
    subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
    after = machine.now()
    assert after.own - before.own > 0.05
    assert Moment(3.0, 9.0, 2.0).others_since(Moment(1.0, 4.0, 1.0)) == 2.0


def test_busy_machine_ends_the_bench() -> None:
    with pytest.raises(BusyError, match=r"others use 1\.5 of its"):
        _require_quiet(Moment(0.0, 0.0, 0.0), Moment(2.0, 5.0, 2.0))
    _require_quiet(Moment(0.0, 0.0, 0.0), Moment(2.0, 2.2, 2.0))


def test_revision_that_git_does_not_know_is_said() -> None:
    with pytest.raises(NotDeployableError, match="no revision 'no-such-branch'"):
        deployed("no-such-branch")


def test_runtime_is_the_locked_one() -> None:
    """Given the lock, when the runtime is chosen from it, then each pin has its hashes."""
    pins = _pins(DEV_LOCK.read_text(encoding="utf-8"))

    starts = [line for line in pins.splitlines() if line[:1].isalpha()]
    assert sorted(line.split("==")[0] for line in starts) == sorted(RUNTIME_PACKAGES)
    assert pins.count("--hash=sha256:") >= len(RUNTIME_PACKAGES)


def test_ledger_of_the_fakes_knows_what_was_written(fakes: Fakes) -> None:
    """Given an update, when the item is read, then the update is there. A condition that wants the
    item absent is refused with the stored item."""
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


def test_events_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given contacts with three events each, when measured, then each is described and created
    once, and not again in its second life; here in half of the bench's environments, with an eighth
    of its warm-up."""
    monkeypatch.setattr(event_stream, "ENVIRONMENTS", 2)
    monkeypatch.setattr(event_stream, "WARM_UP", 8)
    with Fakes(secret()) as fakes:
        measured = measure_events(fakes, TREE, 8)
        counted = fakes.counts().requests

    assert (measured.describes, measured.posts) == (1.0, 1.0)
    assert (measured.again_describes, measured.again_posts) == (0.0, 0.0)
    assert measured.per_second > 0
    assert counted[CREATE] == counted[DESCRIBE] == 8 + 8


def test_records_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given records and versions of records, when measured, then each new one is sent once, each
    version at most once, and none behind a newer one; here in half of the bench's environments,
    with a tenth of its warm-up."""
    monkeypatch.setattr(record_stream, "ENVIRONMENTS", 2)
    monkeypatch.setattr(record_stream, "WARM_UP", 40)
    with Fakes(secret()) as fakes:
        measured = measure_records(fakes, TREE, 120, 20)

    assert measured.patches == measured.patches_per_version == measured.newest == 1.0
    assert measured.stale == 0
    assert 0 < measured.invocations <= 0.1
    assert 0 < measured.ledger_requests <= 2
    assert measured.per_second > 0


def test_lines_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given lines of calls that one environment knows, when measured, then calls share requests
    and nothing of the ledger is asked. A second environment would ask, and whether there is one
    depends on how busy the machine is; so there is none here, and a tenth of the bench's lines."""
    monkeypatch.setattr(lens_stream, "A_SECOND", 100)
    monkeypatch.setattr(lens_stream, "ENVIRONMENTS", 1)
    with Fakes(secret()) as fakes:
        measured = measure_lines(fakes, TREE, 1)

    assert 0.2 <= measured.requests < 0.25
    assert measured.ledger_requests == 0
    assert measured.per_second > 0


def test_stale_writes_are_counted() -> None:
    """Given an older version behind a newer one, and a version twice, then both are counted."""
    updates = [("a", 1), ("a", 4), ("a", 2), ("b", 4), ("b", 4)]
    assert _order(updates) == (1, 4, 1)


def test_import_budget_of_the_flow() -> None:
    """Given a process that has created a voice call, then it imported no unneeded module."""
    with Fakes(secret()) as fakes:
        function = dataclasses.replace(flow_function(TREE, fakes), handler="bench_probe.handler")
        with LambdaProcess(function, [PROBE, LAYER]) as process:
            created = process.invoke(flow_event())
            assert created.error is None, created
            assert created.payload["status"] == "created", created
            modules = process.invoke({"probe": True}).payload["modules"]

    assert not set(modules) & set(UNWANTED)
