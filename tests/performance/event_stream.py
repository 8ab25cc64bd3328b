"""Measures contact events through the poller and the handler, at a round trip of 40 ms.

Two lives of a contact, each of three events (QUEUED, CONNECTED_TO_AGENT, DISCONNECTED): without a
flow, so that the first event has the contact described and its VoiceCall created, and after a flow
that did so. The poller is the simulator's, with the template's mapping over the four shards that a
stream on demand begins with; the stream is in memory, so what is measured is poller, function and
round trips. DescribeContact answers at once and is not throttled here: Connect's own limit, 10
requests a second, bounds the first life in truth.
"""

import itertools
import json
import time
import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from simulator.functions.function_pool import FunctionPool
from simulator.pollers.event_source_mapping import EventSourceMapping, read_mappings
from simulator.pollers.kinesis_poller import KinesisPoller, Outcome
from tests.performance.deployed import Deployed
from tests.performance.fakes import CREATE, DESCRIBE, Fakes
from tests.performance.machine import cpu
from tests.performance.measure import MeasurementError, function, process_of, template
from tests.samples.contact_events import envelope
from tests.samples.members import INSTANCE_ARN

EVENTS_FUNCTION: Final = "ContactEventsFunction"
ROUND_TRIP: Final = 0.040
"""Seconds of Salesforce's answers (docs/speed.md)."""
SHARDS: Final = 4
ENVIRONMENTS: Final = 4
"""At most, on two cores."""
TYPES: Final = ("QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED")
WARM_UP: Final = 64
"""Contacts before the measured ones."""


@dataclass(frozen=True, slots=True)
class Events:
    """One run: events a second, milliseconds of CPU an event, and requests a contact."""

    per_second: float
    cpu: float
    describes: float
    posts: float
    again_per_second: float
    again_cpu: float
    again_describes: float
    again_posts: float


_NUMBERS: Final = itertools.count(1)
"""Sequence numbers of all streams: an environment recognises ended records by them."""


class MemoryStream:
    """As much of Kinesis as the poller asks for."""

    def __init__(self) -> None:
        """Begin without records."""
        self._records: dict[str, list[dict[str, Any]]] = {
            f"shardId-{number:012d}": [] for number in range(SHARDS)
        }

    def put(self, key: str, data: bytes) -> None:
        """Put a record into its key's shard."""
        shards = list(self._records)
        shard = shards[zlib.crc32(b"shard of " + key.encode()) % len(shards)]
        self._records[shard].append(
            {
                "SequenceNumber": str(next(_NUMBERS)),
                "PartitionKey": key,
                "Data": data,
                "ApproximateArrivalTimestamp": datetime.now(UTC),
            }
        )

    def list_shards(self, **_: Any) -> Mapping[str, Any]:
        """Kinesis API, ListShards."""
        return {"Shards": [{"ShardId": shard} for shard in self._records]}

    def get_shard_iterator(self, *, ShardId: str, **_: Any) -> Mapping[str, str]:  # noqa: N803
        """Kinesis API, GetShardIterator: from the beginning."""
        return {"ShardIterator": f"{ShardId}/0"}

    def get_records(self, *, ShardIterator: str) -> Mapping[str, Any]:  # noqa: N803
        """Kinesis API, GetRecords: all there are."""
        shard, _, position = ShardIterator.partition("/")
        records = self._records[shard]
        return {
            "Records": records[int(position) :],
            "NextShardIterator": f"{shard}/{len(records)}",
        }


def measure_events(fakes: Fakes, deployed: Deployed, contacts: int) -> Events:
    """Let so many contacts live twice, in warm environments. Raises MeasurementError."""
    (mapping,) = [
        each
        for each in read_mappings(template(deployed, fakes))
        if each.function == EVENTS_FUNCTION
    ]
    definition = function(deployed, fakes, EVENTS_FUNCTION)
    pool = FunctionPool(lambda: process_of(deployed, definition), ENVIRONMENTS)
    try:
        fakes.set_latency({})
        _live(_ids(WARM_UP), mapping, pool)
        fakes.set_latency({CREATE: ROUND_TRIP})
        names = _ids(contacts)
        first = _measured(fakes, names, mapping, pool)
        second = _measured(fakes, names, mapping, pool)
    finally:
        pool.close()
        fakes.set_latency({})
    return Events(*first, *second)


def _measured(
    fakes: Fakes, names: list[str], mapping: EventSourceMapping, pool: FunctionPool
) -> tuple[float, float, float, float]:
    before, used = fakes.counts(), sum(map(cpu, pool.process_ids))
    seconds = _live(names, mapping, pool)
    used = sum(map(cpu, pool.process_ids)) - used
    new = fakes.counts().since(before).requests
    contacts = len(names)
    return (
        contacts * len(TYPES) / seconds,
        used / (contacts * len(TYPES)),
        new.get(DESCRIBE, 0) / contacts,
        new.get(CREATE, 0) / contacts,
    )


def _live(names: Iterable[str], mapping: EventSourceMapping, pool: FunctionPool) -> float:
    """Deliver all events of the contacts, one type at a time as calls do. Returns the seconds."""
    seconds = 0.0
    names = list(names)
    for kind in TYPES:
        stream = MemoryStream()
        for name in names:
            stream.put(name, json.dumps(contact_event(name, name, kind)).encode())
        poller = KinesisPoller(stream, mapping, pool.invoke, s3=Refusing(), sqs=Refusing())
        began = time.perf_counter()
        results = poller.drain()
        seconds += time.perf_counter() - began
        for result in results:
            if result.outcome is not Outcome.SUCCEEDED:
                raise MeasurementError(f"a batch of contact events: {result.reason}")
    return seconds


class Refusing:
    """A dead-letter queue where no dead letter may arrive."""

    def __getattr__(self, name: str) -> Any:
        raise MeasurementError(f"a record was given up: {name}")


def _ids(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


def contact_event(contact_id: str, chain: str, kind: str = "QUEUED") -> dict[str, Any]:
    """A contact's event; `chain` is the first contact of the call.

    Shape: Amazon Connect Administrator Guide, "Contact events"; values invented.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    detail: dict[str, Any] = {
        "eventType": kind,
        "contactId": contact_id,
        "initialContactId": chain,
        "channel": "VOICE",
        "instanceArn": INSTANCE_ARN,
        "initiationMethod": "INBOUND",
        "initiationTimestamp": now,
        "queueInfo": {"queueArn": f"{INSTANCE_ARN}/queue/q", "queueType": "STANDARD"},
        "tags": {"aws:connect:systemEndpoint": "+18005550199"},
    }
    if kind != "QUEUED":
        detail["agentInfo"] = {"connectedToAgentTimestamp": now}
    if kind == "DISCONNECTED":
        detail["disconnectTimestamp"] = now
    return envelope(detail, name=str(uuid.uuid4()), at=now)
