"""The destination of batches that a mapping gives up: an S3 bucket or an SQS queue.

As in AWS Lambda Developer Guide, "Retain discarded batch records for a Kinesis Data Streams event
source in Lambda": a queue gets the place of the records, a bucket the whole event as well.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from simulator.pollers.batch import Invoked
from simulator.pollers.event_source_mapping import EventSourceMapping
from simulator.pollers.stream_record import StreamRecord, function_event

__all__ = ["Condition", "Discarded", "FailureDestination"]


class Condition(StrEnum):
    """Why a batch is given up, in Lambda's words."""

    RETRIES = "RetryAttemptsExhausted"
    AGE = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class Discarded:
    """A batch given up at `at` (epoch seconds), after so many invocations, of which `last`."""

    records: tuple[StreamRecord, ...]
    condition: Condition
    invocations: int
    last: Invoked | None
    at: float


class FailureDestination:
    """The on-failure destination of `mapping`; s3 and sqs are botocore clients."""

    def __init__(self, mapping: EventSourceMapping, s3: Any, sqs: Any) -> None:
        """Raises ValueError when the client that the destination needs is missing."""
        self._mapping = mapping
        self._s3 = s3
        self._sqs = sqs
        service = mapping.on_failure.split(":")[2] if mapping.on_failure else ""
        if {"s3": s3, "sqs": sqs}.get(service, "not needed") is None:
            raise ValueError(f"{mapping.logical_id} needs a client of {service}")

    def send(self, batch: Discarded) -> str:
        """Send `batch`; the S3 URI or the queue's ARN, "" when there is no destination.

        Raises botocore's errors.
        """
        arn = self._mapping.on_failure
        if not arn:
            return ""
        body = _invocation_record(self._mapping, batch)
        name = arn.rsplit(":", 1)[-1]
        if ":sqs:" in arn:
            url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
            self._sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
            return arn
        body["payload"] = json.dumps(function_event(batch.records))
        key = self._key(batch)
        self._s3.put_object(Bucket=name, Key=key, Body=json.dumps(body).encode())
        return f"s3://{name}/{key}"

    def _key(self, batch: Discarded) -> str:
        when = datetime.fromtimestamp(batch.at, UTC)
        return (
            f"aws/lambda/{self._mapping.uuid}/{batch.records[0].shard_id}/{when:%Y/%m/%d}/"
            f"{when:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        )


def _invocation_record(mapping: EventSourceMapping, batch: Discarded) -> dict[str, Any]:
    first, last = batch.records[0], batch.records[-1]
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": batch.last.request_id if batch.last else str(uuid.uuid4()),
            "functionArn": mapping.arn("lambda", f"function:{mapping.function}"),
            "condition": batch.condition.value,
            "approximateInvokeCount": batch.invocations,
        },
        "version": "1.0",
        "timestamp": _timestamp(batch.at),
        "KinesisBatchInfo": {
            "shardId": first.shard_id,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": _timestamp(first.arrived),
            "approximateArrivalOfLastRecord": _timestamp(last.arrived),
            "batchSize": len(batch.records),
            "streamArn": mapping.stream_arn,
        },
    }
    if batch.last is not None:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            # A function that answered which records failed did not itself fail.
            "functionError": "Unhandled" if batch.last.error is not None else None,
        }
    return record


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")
