"""The records of a Kinesis stream as Lambda delivers them.

Source: Lambda developer guide, "Process Amazon Kinesis Data Streams records with Lambda".
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.sources.packed import several_objects, why_not_json
from voicecall_bridge.sources.reading import members, number, parsed, text

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record.

    Attributes:
        sequence_number: its place in the shard; the identifier for a batch item failure.
        id: shard and sequence number: unique, and the same at every delivery.
        arrived: when it came into the stream, in seconds since 1970; None where unstated.
        raw: the record as Lambda passed it: what a dead letter keeps.
    """

    sequence_number: str
    id: str
    raw: Mapping[str, object] = field(repr=False)
    arrived: float | None = None

    @property
    def identifier(self) -> str:
        """The identifier for a batch item failure."""
        return self.sequence_number

    def payload(self) -> object:
        """The data as JSON.

        Raises:
            NotAContact: the data is not base64, not JSON, or more than one object.
        """
        data = text(members(self.raw.get("kinesis")).get("data"))
        decoded = b""
        try:
            decoded = base64.b64decode(data, validate=True)
            payload = parsed(decoded)
        except (binascii.Error, ValueError):
            raise why_not_json(decoded) from None
        if isinstance(payload, list) and any(isinstance(item, dict) for item in payload):
            raise several_objects()
        return payload


def read(event: object) -> list[StreamRecord]:
    """The records of a batch, in the order of the shard."""
    records = members(event).get("Records")
    return [read_record(raw) for raw in (records if isinstance(records, list) else [])]


def read_record(raw: object) -> StreamRecord:
    """One record as Lambda passes it."""
    record = members(raw)
    kinesis = members(record.get("kinesis"))
    sequence_number = text(kinesis.get("sequenceNumber"))
    return StreamRecord(
        sequence_number,
        text(record.get("eventID")) or sequence_number,
        record,
        number(kinesis.get("approximateArrivalTimestamp")),
    )
