"""The poller feeds a stream to a function as Lambda does: records, batches, lanes.

Rules: AWS Lambda Developer Guide, "Process Amazon Kinesis
Data Streams records with Lambda".
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from simulator.aws.event_bus import EventBus
from simulator.aws.event_rules import read_rules
from simulator.functions.lambda_process import LambdaProcess
from simulator.functions.runtime_api import MAX_PAYLOAD_BYTES
from simulator.pollers.event_source_mapping import read_mappings
from simulator.pollers.kinesis_poller import KinesisPoller, Outcome
from tests.simulator.stream_simulator import (
    ACCOUNT,
    REGION,
    Aws,
    Clock,
    Function,
    HandlerError,
    aws_on_moto,
    contact_event,
    data_of,
    every,
    mapping,
    stream_records,
    template_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# A time limit for threads that meet; it is not reached when the code is right.
PATIENCE = 20.0


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with aws_on_moto() as aws:
        yield aws


@pytest.fixture
def clock() -> Clock:
    return Clock()


def poller(
    aws: Aws, stream: str, function: Function, clock: Clock, **settings: Any
) -> KinesisPoller:
    return KinesisPoller(
        aws.kinesis, mapping(stream, **settings), function, clock=clock, sleep=clock.sleep
    )


def test_a_record_reaches_the_function_in_lambdas_shape(aws: Aws, clock: Clock) -> None:
    """Given a record in the stream, when it is polled, then it looks as Lambda delivers it."""
    stream = aws.stream()
    (number,) = aws.put(stream, ("c-1", '{"é": 1}'))
    function = Function()

    poller(aws, stream, function, clock).poll_once()

    ((record,),) = [event["Records"] for event in function.events]
    arrival = record["kinesis"].pop("approximateArrivalTimestamp")
    assert isinstance(arrival, float)
    assert abs(arrival - clock.now) < PATIENCE
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "c-1",
            "sequenceNumber": number,
            "data": base64.b64encode('{"é": 1}'.encode()).decode(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/EventsRole",
        "awsRegion": REGION,
        "eventSourceARN": stream,
    }


def test_batches_are_as_large_as_the_mapping_says(aws: Aws, clock: Clock) -> None:
    """Given seven records and BatchSize 3, when read, then there are three batches, in order."""
    stream, function = aws.stream(), Function()
    aws.put(stream, *[("c", str(number)) for number in range(7)])
    feed = poller(aws, stream, function, clock, batch_size=3)

    results = feed.drain()

    assert function.batches == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert [result.outcome for result in results] == [Outcome.SUCCEEDED] * 3
    assert [every(result.records) for result in results] == function.batches
    assert (results[0].invocations, results[0].done, results[0].retry_in) == (1, 3, None)
    assert feed.pending() == 0
    assert clock.slept == []


def test_a_batch_is_no_larger_than_lambda_takes(aws: Aws, clock: Clock) -> None:
    """Given 7 MB of data, when it is polled, then the events, base64 and all, stay within 6 MB."""
    stream, function = aws.stream(), Function()
    for _ in range(7):
        aws.put(stream, ("c", "x" * 1_000_000))

    poller(aws, stream, function, clock).drain()

    assert [len(batch) for batch in function.batches] == [4, 3]
    sizes = [len(json.dumps(event).encode()) for event in function.events]
    assert max(sizes) <= MAX_PAYLOAD_BYTES
    assert sizes[0] + len(json.dumps(function.events[0]["Records"][0])) + 2 > MAX_PAYLOAD_BYTES


def test_a_window_gathers_records_until_it_ends(aws: Aws, clock: Clock) -> None:
    """Given a window of 20 s, when records trickle in, then they come together at its end."""
    stream, function = aws.stream(), Function()
    feed = poller(aws, stream, function, clock, batching_window=20)
    aws.put(stream, ("c", "first"))

    assert feed.poll_once() == []
    clock.now += 19.9
    aws.put(stream, ("c", "second"))
    assert feed.poll_once() == []
    assert feed.pending() == 2
    clock.now += 0.1
    feed.poll_once()

    assert function.batches == [["first", "second"]]


def test_a_full_batch_does_not_wait_for_its_window(aws: Aws, clock: Clock) -> None:
    """Given a window and more than one batch, then only the rest waits for the next window."""
    stream, function = aws.stream(), Function()
    aws.put(stream, ("c", "1"), ("c", "2"), ("c", "3"))
    feed = poller(aws, stream, function, clock, batching_window=300, batch_size=2)

    feed.poll_once()
    assert function.batches == [["1", "2"]]
    feed.drain()

    assert function.batches == [["1", "2"], ["3"]]
    assert clock.slept == [pytest.approx(300)]


def test_every_shard_is_read_in_its_order(aws: Aws, clock: Clock) -> None:
    """Given four shards, when they are drained, then a batch has records of one, in order."""
    stream, function = aws.stream(shards=4), Function()
    keys = [f"c-{number % 20}" for number in range(100)]
    aws.put(stream, *[(key, f"{key}/{number}") for number, key in enumerate(keys)])

    results = poller(aws, stream, function, clock, batch_size=10).drain()

    assert len({result.shard_id for result in results}) == 4
    assert_order_of_keys(function, keys)
    for result in results:
        assert {record.shard_id for record in stream_records(result)} == {result.shard_id}


class OneShardAPage:
    """Kinesis, as it answers for a stream with more shards than it lists at once."""

    def __init__(self, kinesis: Any, stream: str) -> None:
        self._kinesis = kinesis
        self._stream = stream.rsplit("/", 1)[-1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kinesis, name)

    def list_shards(self, **arguments: Any) -> Any:
        # Kinesis wants the stream's name or a token (API reference, ListShards), moto wants both.
        assert set(arguments) in ({"StreamName"}, {"NextToken"})
        return self._kinesis.list_shards(
            **{"StreamName": self._stream, "MaxResults": 1, **arguments}
        )


def test_shards_beyond_the_first_page_are_read_too(aws: Aws, clock: Clock) -> None:
    """Given shards on four pages, when the stream is drained, then no shard is left out."""
    stream, function = aws.stream(shards=4), Function()
    aws.put(stream, *[(f"c-{number}", str(number)) for number in range(40)])
    kinesis = OneShardAPage(aws.kinesis, stream)

    KinesisPoller(kinesis, mapping(stream), function, clock=clock, sleep=clock.sleep).drain()

    assert len(function.batches) == 4
    assert sorted(int(data) for batch in function.batches for data in batch) == list(range(40))


def assert_order_of_keys(function: Function, keys: list[str]) -> None:
    delivered = [data for batch in function.batches for data in batch]
    for key in set(keys):
        of_key = [data for data in delivered if data.startswith(f"{key}/")]
        assert of_key == [f"{key}/{place}" for place, other in enumerate(keys) if other == key]


def test_lanes_of_a_shard_run_side_by_side(aws: Aws, clock: Clock) -> None:
    """Given ParallelizationFactor 2, when two lanes have records, then both are in flight at once.
    Each handler waits for the other, so neither would end if they ran in sequence.
    """
    stream = aws.stream()
    both_in_flight = threading.Barrier(2, timeout=PATIENCE)

    def handler(event: Mapping[str, Any]) -> None:
        both_in_flight.wait()

    function = Function(handler)
    aws.put(stream, *[(f"c-{number}", str(number)) for number in range(16)])

    results = poller(aws, stream, function, clock, parallelization=2).poll_once()

    assert [(result.lane, result.outcome) for result in results] == [
        (0, Outcome.SUCCEEDED),
        (1, Outcome.SUCCEEDED),
    ]


def test_a_partition_key_stays_in_its_lane_and_in_order(aws: Aws, clock: Clock) -> None:
    """Given ten lanes, when 100 records of 20 keys come, then each key is in one lane, in order."""
    stream, function = aws.stream(), Function()
    keys = [f"c-{number % 20}" for number in range(100)]
    aws.put(stream, *[(key, f"{key}/{number}") for number, key in enumerate(keys)])

    results = poller(aws, stream, function, clock, parallelization=10, batch_size=3).drain()

    lanes: dict[str, set[int]] = {}
    for result in results:
        for record in stream_records(result):
            lanes.setdefault(record.partition_key, set()).add(result.lane)
    assert all(len(numbers) == 1 for numbers in lanes.values())
    assert len(set.union(*lanes.values())) > 5
    assert_order_of_keys(function, keys)


def test_a_failing_lane_holds_up_no_other(aws: Aws, clock: Clock) -> None:
    """Given a batch that fails for ever, when polled on, then the other lane's records pass."""
    stream = aws.stream()

    def handler(event: Mapping[str, Any]) -> None:
        if any(data_of(record).startswith("c-0/") for record in event["Records"]):
            raise HandlerError("c-0")

    function = Function(handler)
    keys = ["c-0", "c-1", "c-2", "c-3", "c-4", "c-5"]
    feed = poller(aws, stream, function, clock, parallelization=2)
    aws.put(stream, *[(key, f"{key}/1") for key in keys])
    first = feed.poll_once()
    aws.put(stream, *[(key, f"{key}/2") for key in keys])
    second = feed.drain(within=600)

    failing = {result.lane for result in first if result.outcome is Outcome.FAILED}
    passed = [every(r.records) for r in first + second if r.outcome is Outcome.SUCCEEDED]
    stuck = [record for r in first if r.lane in failing for record in every(r.records)]
    assert len(failing) == 1
    assert len(passed) == 2
    assert feed.pending() == 2 * len(stuck)
    assert {data[:3] for batch in passed for data in batch} == set(keys) - {d[:3] for d in stuck}


def test_latest_begins_with_the_poller(aws: Aws, clock: Clock) -> None:
    """Given StartingPosition LATEST, then earlier records are not read."""
    stream, function = aws.stream(), Function()
    aws.put(stream, ("c", "before"))
    feed = poller(aws, stream, function, clock, starting_position="LATEST")
    aws.put(stream, ("c", "after"))

    feed.drain()

    assert function.batches == [["after"]]


@pytest.mark.parametrize(("offset", "batches"), [(-60, [["1"]]), (60, [])])
def test_at_timestamp_begins_at_that_time(
    aws: Aws, clock: Clock, offset: float, batches: list[list[str]]
) -> None:
    """Given AT_TIMESTAMP, then records that arrived from then on are read."""
    stream, function = aws.stream(), Function()
    aws.put(stream, ("c", "1"))

    settings = {"starting_position": "AT_TIMESTAMP", "starting_timestamp": clock.now + offset}
    poller(aws, stream, function, clock, **settings).drain()

    assert function.batches == batches


def test_a_successful_batch_can_come_twice(aws: Aws, clock: Clock) -> None:
    """Given a lost checkpoint, when the batch succeeded, then it is delivered again, once, before
    others. Delivery is at least once.
    """
    stream, function = aws.stream(), Function()
    aws.put(stream, ("c", "1"), ("c", "2"), ("c", "3"))
    feed = poller(aws, stream, function, clock, batch_size=2)

    feed.deliver_twice()
    results = feed.drain()

    assert function.batches == [["1", "2"], ["1", "2"], ["3"]]
    assert [result.invocations for result in results] == [1, 2, 1]
    assert [result.retry_in for result in results] == [0, None, None]


def test_a_missing_stream_is_reported_at_once(aws: Aws, clock: Clock) -> None:
    """Given a missing stream, when the poller is made, then Kinesis' own error is raised."""
    missing = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/missing"

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        poller(aws, missing, Function(), clock)


def test_a_fault_of_the_simulator_is_raised_and_loses_nothing(aws: Aws, clock: Clock) -> None:
    """Given an invoke that raises, when polled, then its error is raised, and the batch stays."""
    stream, calls = aws.stream(), []
    function = Function()

    def invoke(event: dict[str, Any]) -> Any:
        calls.append(event)
        if len(calls) == 1:
            raise OSError("no process to be had")
        return function(event)

    aws.put(stream, ("c", "1"))
    feed = KinesisPoller(aws.kinesis, mapping(stream), invoke, clock=clock, sleep=clock.sleep)

    with pytest.raises(OSError, match="no process"):
        feed.poll_once()
    assert feed.pending() == 1
    feed.poll_once()

    assert function.batches == [["1"]]


DEPLOYED = """
  Stream: {Type: AWS::Kinesis::Stream}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [aws.connect]}
      Targets:
        - Id: stream
          Arn: !GetAtt Stream.Arn
          KinesisParameters: {PartitionKeyPath: $.detail.contactId}
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 20
      Events:
        Contacts:
          Type: Kinesis
          Properties: {Stream: !GetAtt Stream.Arn, StartingPosition: TRIM_HORIZON}
"""
HANDLER = """
import base64, json
def handler(event, context):
    datas = [base64.b64decode(record["kinesis"]["data"]) for record in event["Records"]]
    return [json.loads(data)["detail"]["contactId"] for data in datas]
"""


def test_an_event_comes_from_the_rule_to_the_deployed_function(
    aws: Aws, clock: Clock, tmp_path: Path
) -> None:
    """Given a template with rule, stream and mapping, when an event is put, then the function,
    in Lambda's own runtime, answers with its contact.
    """
    stream = aws.stream()
    template = template_of(tmp_path, DEPLOYED, {"Stream.Arn": stream})
    (tmp_path / "code" / "app.py").write_text(HANDLER)
    EventBus(read_rules(template), aws.kinesis, aws.sqs).put(contact_event("c-9"))
    (from_stream,) = read_mappings(template)

    with LambdaProcess(
        template.functions[from_stream.function], layers=(), python=sys.executable
    ) as process:
        (result,) = KinesisPoller(aws.kinesis, from_stream, process.invoke, clock=clock).poll_once()

    assert result.invoked is not None
    assert (result.outcome, result.invoked.payload) == (Outcome.SUCCEEDED, ["c-9"])
