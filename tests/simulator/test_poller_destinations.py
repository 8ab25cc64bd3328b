"""Where the poller keeps the batches that it gives up, and which records are too old to deliver.

Rules: AWS Lambda Developer Guide, "Retain discarded batch records
for a Kinesis Data Streams event source in Lambda".
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from simulator.pollers.kinesis_poller import KinesisPoller, Outcome
from tests.simulator.stream_simulator import (
    Aws,
    Clock,
    Function,
    aws_on_moto,
    fail_on,
    feed,
    given_up,
    mapping,
    raise_on,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ONCE: dict[str, Any] = {"max_retries": 0}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with aws_on_moto() as aws:
        yield aws


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_bucket_is_given_the_whole_event(aws: Aws, clock: Clock) -> None:
    """Given an S3 destination, when retries are used up, then the object is as documented."""
    bucket, stream = aws.bucket(), aws.stream()
    function = Function(raise_on("poison"))
    poller = feed(
        aws, function, clock, "poison", "2", stream=stream, max_retries=1, on_failure=bucket
    )

    results = poller.drain()

    ((key, body),) = aws.objects(bucket).items()
    assert re.fullmatch(
        rf"aws/lambda/{mapping(stream).uuid}/shardId-000000000000/\d{{4}}/\d\d/\d\d/"
        r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        key,
    )
    assert results[-1].destination == f"{bucket.replace('arn:aws:s3:::', 's3://')}/{key}"
    assert json.loads(body.pop("payload")) == function.events[-1]
    assert_invocation_record(body, stream)


def assert_invocation_record(body: dict[str, Any], stream: str) -> None:
    """The guide's example of an invocation record, after two invocations with two records."""
    info = body["KinesisBatchInfo"]
    for stamp in (
        body.pop("timestamp"),
        info.pop("approximateArrivalOfFirstRecord"),
        info.pop("approximateArrivalOfLastRecord"),
    ):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", stamp)
    assert body == {
        "requestContext": {
            "requestId": "request-2",
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:Events",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": "1",
            "endSequenceNumber": "2",
            "batchSize": 2,
            "streamArn": stream,
        },
    }


def test_a_queue_gets_the_positions_of_the_records(aws: Aws, clock: Clock) -> None:
    """Given an SQS destination, then the message names the records, without their data."""
    queue = aws.queue()
    poller = feed(
        aws,
        Function(fail_on("2")),
        clock,
        *"123",
        on_failure=queue,
        report_item_failures=True,
        **ONCE,
    )

    results = poller.drain()

    (message,) = aws.messages(queue)
    body = json.loads(message["Body"])
    assert "payload" not in body
    assert body["responseContext"]["functionError"] is None
    info = body["KinesisBatchInfo"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"]) == ("2", "3")
    assert results[-1].destination == queue


@pytest.mark.parametrize("invoked", [False, True])
def test_records_that_are_too_old_are_given_up(aws: Aws, clock: Clock, *, invoked: bool) -> None:
    """Given MaximumRecordAgeInSeconds 60, when a record is older, then it is in no invocation. Its
    message has no response, since there was none.
    """
    bucket, function = aws.bucket(), Function(raise_on("old"))
    poller = feed(aws, function, clock, "old", max_record_age=60, on_failure=bucket)
    if invoked:
        poller.poll_once()
    clock.now += 62

    (result,) = poller.drain()

    assert function.batches == [["old"]] * invoked
    assert result.outcome is Outcome.DISCARDED
    assert result.reason == "RecordAgeExceeded: older than 60 s"
    (body,) = aws.objects(bucket).values()
    assert body["requestContext"]["condition"] == "RecordAgeExceeded"
    assert body["requestContext"]["approximateInvokeCount"] == int(invoked)
    assert ("responseContext" in body) is invoked


class Backdating:
    """Kinesis, in which records with the data `old` arrived 61 seconds earlier."""

    def __init__(self, kinesis: Any) -> None:
        self._kinesis = kinesis

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kinesis, name)

    def get_records(self, **arguments: Any) -> Any:
        answer = self._kinesis.get_records(**arguments)
        for record in answer["Records"]:
            if record["Data"] == b"old":
                record["ApproximateArrivalTimestamp"] -= timedelta(seconds=61)
        return answer


def test_young_records_outlive_the_old_ones_of_their_batch(aws: Aws, clock: Clock) -> None:
    """Given records of two ages, when the first are too old, then the others are delivered."""
    stream, function = aws.stream(), Function()
    aws.put(stream, ("c", "old"), ("c", "old"), ("c", "young"))
    kinesis = Backdating(aws.kinesis)

    results = KinesisPoller(
        kinesis, mapping(stream, max_record_age=60), function, clock=clock
    ).drain()

    assert given_up(results) == [["old", "old"]]
    assert function.batches == [["young"]]


def test_a_destination_that_refuses_is_reported(aws: Aws, clock: Clock) -> None:
    """Given a bucket that is not there, then the loss is in the result, and the rest goes on."""
    function = Function(raise_on("poison"))
    missing = "arn:aws:s3:::there-is-no-such-bucket"

    results = feed(
        aws, function, clock, "poison", "good", batch_size=1, on_failure=missing, **ONCE
    ).drain()

    assert results[1].destination == ""
    assert "the failure destination refused them" in results[1].reason
    assert function.batches == [["poison"], ["good"]]


@pytest.mark.parametrize("destination", ["arn:aws:s3:::b", "arn:aws:sqs:us-east-1:123456789012:q"])
def test_a_destination_needs_its_client(aws: Aws, destination: str) -> None:
    """Given a destination but no client for it, when the poller is made, then it is an error."""
    settings = mapping(aws.stream(), on_failure=destination)

    with pytest.raises(ValueError, match="EventsStream needs a client of s"):
        KinesisPoller(aws.kinesis, settings, Function())
