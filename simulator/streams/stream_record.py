"""A record of a Kinesis stream, and the event that Lambda makes of records.

Shape as in AWS Lambda Developer Guide, "Process Amazon Kinesis Data Streams records with Lambda".
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from simulator.streams.event_source_mapping import EventSourceMapping

__all__ = ["EMPTY_EVENT_BYTES", "Invoked", "StreamRecord", "function_event", "read_record"]


class Invoked(Protocol):
    """What the poller needs to know of an invocation (see functions.lambda_process.Invocation)."""

    @property
    def payload(self) -> Any:
        """The handler's answer, parsed."""

    @property
    def error(self) -> Mapping[str, Any] | None:
        """errorType and errorMessage when the function failed or timed out, else None."""

    @property
    def request_id(self) -> str:
        """Lambda's id of the invocation."""


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record as the function is given it.

    arrived   epoch seconds at which the stream took it
    event     its place in the event's Records
    size      bytes that it takes there, its separator included
    """

    shard_id: str
    sequence_number: str
    partition_key: str
    data: bytes
    arrived: float
    event: Mapping[str, Any]
    size: int


def read_record(
    mapping: EventSourceMapping, shard_id: str, record: Mapping[str, Any]
) -> StreamRecord:
    """`record` as botocore's get_records answers it."""
    arrived = round(record["ApproximateArrivalTimestamp"].timestamp(), 3)
    event = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": base64.b64encode(record["Data"]).decode("ascii"),
            "approximateArrivalTimestamp": arrived,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        # The role that SAM makes for a function.
        "invokeIdentityArn": mapping.arn("iam", f"role/{mapping.function}Role"),
        "awsRegion": mapping.region,
        "eventSourceARN": mapping.stream_arn,
    }
    return StreamRecord(
        shard_id=shard_id,
        sequence_number=record["SequenceNumber"],
        partition_key=record["PartitionKey"],
        data=record["Data"],
        arrived=arrived,
        event=event,
        size=len(json.dumps(event)) + len(", "),
    )


def function_event(records: Sequence[StreamRecord]) -> dict[str, Any]:
    """The event that a function is invoked with."""
    return {"Records": [dict(record.event) for record in records]}


EMPTY_EVENT_BYTES: Final = len(json.dumps(function_event([])))
