"""A record of a Kinesis stream, and the event that Lambda makes of records.

Shape as in AWS Lambda Developer Guide, "Process Amazon Kinesis Data Streams records with Lambda".
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulator.pollers.event_source_mapping import EventSourceMapping

__all__ = ["EMPTY_EVENT_BYTES", "StreamRecord", "function_event", "input_id", "read_record"]


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record as the function is given it.

    Attributes:
        arrived: epoch seconds at which the stream took it.
        event: its place in the event's Records.
        size: bytes that it takes there, its separator included.
    """

    shard_id: str
    sequence_number: str
    partition_key: str
    data: bytes
    arrived: float
    event: Mapping[str, Any]
    size: int

    @property
    def input_id(self) -> str:
        """As Lambda names it."""
        return input_id(self.shard_id, self.sequence_number)


def input_id(shard_id: str, sequence_number: str) -> str:
    """As Lambda names a record: its eventID."""
    return f"{shard_id}:{sequence_number}"


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
        "eventID": input_id(shard_id, record["SequenceNumber"]),
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
