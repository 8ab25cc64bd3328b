"""Feeds a Kinesis stream to a function as Lambda's event source mapping does.

Reads every shard in order, sorts its records into the mapping's lanes, and invokes the function
with the batches that are due, one a lane at a time and all lanes side by side. Each lane decides
the result of its batches. Shards are those that the stream has when the poller begins:
streams of the simulator are not resharded.
"""

import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.pollers.batch import BatchResult, Invoked, Outcome, drain
from simulator.pollers.event_source_mapping import EventSourceMapping
from simulator.pollers.failure_destination import FailureDestination
from simulator.pollers.lane import Batch, Lane
from simulator.pollers.stream_record import StreamRecord, function_event, read_record

__all__ = ["BatchResult", "Invoked", "KinesisPoller", "Outcome", "StreamRecord"]

_SECONDS_PER_HOUR = 3600


@dataclass(slots=True)
class _Shard:
    shard_id: str
    iterator: str | None
    lanes: list[Lane]


class KinesisPoller:
    """One mapping at work. `invoke` is called from several threads when there are several lanes.

    Args:
        kinesis, s3, sqs: botocore clients; the last two where the mapping's destination needs them.
        mapping: its settings.
        invoke: invokes the function with a batch.
        clock, sleep: epoch seconds, and a wait in seconds.
        records_put: how many records have been put into the stream of this name; the stream is read
            where there are more. None: it is always read.
    """

    def __init__(
        self,
        kinesis: Any,
        mapping: EventSourceMapping,
        invoke: Callable[[dict[str, Any]], Invoked],
        *,
        s3: Any = None,
        sqs: Any = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        records_put: Callable[[str], int] | None = None,
    ) -> None:
        """Begin at the mapping's starting position; LATEST is this moment.

        Raises ValueError for a missing client and botocore's errors for a missing stream.
        """
        self._kinesis = kinesis
        self._mapping = mapping
        self._invoke = invoke
        self._clock = clock
        self._sleep = sleep
        self._records_put = records_put
        self._seen: int | None = None
        self._deliver_again = 0
        destination = FailureDestination(mapping, s3, sqs)
        max_age = mapping.max_record_age or self._retention_seconds()
        self._shards = [
            _Shard(
                shard_id,
                self._iterator(shard_id),
                [
                    Lane(mapping, shard_id, number, max_age, destination)
                    for number in range(mapping.parallelization)
                ],
            )
            for shard_id in self._shard_ids()
        ]

    def poll_once(self) -> list[BatchResult]:
        """Read what is new and invoke the function with every batch that is due, one a lane.

        An exception of `invoke` is the simulator's fault, not the function's: it is raised when all
        lanes are done, and its batch stays where it was.
        """
        self._read()
        results: list[BatchResult] = []
        due: list[tuple[Lane, Batch]] = []
        for lane in self._lanes():
            given_up, batch = lane.next_batch(self._clock())
            results += given_up
            if batch is not None:
                due.append((lane, batch))
        if due:
            with ThreadPoolExecutor(max_workers=len(due)) as executor:
                running = [
                    executor.submit(self._invoke, function_event(batch.records)) for _, batch in due
                ]
            faults = [future.exception() for future in running]
            for (lane, batch), future, fault in zip(due, running, faults, strict=True):
                if fault is None:
                    results += self._settle(lane, batch, future.result())
            for fault in filter(None, faults):
                raise fault
        return results

    @property
    def next_due(self) -> float | None:
        """When the next batch is to be invoked, epoch seconds; None without records."""
        due = [lane.next_due for lane in self._lanes() if lane.next_due is not None]
        return min(due, default=None)

    def drain(self, within: float | None = None) -> list[BatchResult]:
        """Poll until all records are done or given up; see `batch.drain`."""
        return drain([self], self._clock, self._sleep, within)

    def pending(self) -> int:
        """Records of the stream that are neither done nor given up."""
        self._read()
        return sum(lane.pending for lane in self._lanes())

    def deliver_twice(self, batches: int = 1) -> None:
        """Deliver each of the next `batches` successful batches once more.

        Lambda processes records at least once: its checkpoint can get lost after a success.
        """
        self._deliver_again = batches

    def _settle(self, lane: Lane, batch: Batch, invoked: Invoked) -> list[BatchResult]:
        results = lane.settle(batch, invoked, self._clock(), again=self._deliver_again > 0)
        if results[0].outcome is Outcome.SUCCEEDED and self._deliver_again:
            self._deliver_again -= 1
        return results

    def _lanes(self) -> Iterator[Lane]:
        for shard in self._shards:
            yield from shard.lanes

    def _shard_ids(self) -> list[str]:
        shards: list[str] = []
        answer = self._kinesis.list_shards(StreamName=self._mapping.stream)
        while True:
            shards += [shard["ShardId"] for shard in answer["Shards"]]
            if "NextToken" not in answer:
                return shards
            answer = self._kinesis.list_shards(NextToken=answer["NextToken"])

    def _retention_seconds(self) -> float:
        summary = self._kinesis.describe_stream_summary(StreamName=self._mapping.stream)
        hours = summary["StreamDescriptionSummary"]["RetentionPeriodHours"]
        return float(hours * _SECONDS_PER_HOUR)

    def _iterator(self, shard_id: str) -> str:
        start: dict[str, Any] = {"ShardIteratorType": self._mapping.starting_position}
        if self._mapping.starting_timestamp is not None:
            start["Timestamp"] = datetime.fromtimestamp(self._mapping.starting_timestamp, UTC)
        answer = self._kinesis.get_shard_iterator(
            StreamName=self._mapping.stream, ShardId=shard_id, **start
        )
        return str(answer["ShardIterator"])

    def _read(self) -> None:
        # Counted before: what is put meanwhile is read now or the next time.
        put = None if self._records_put is None else self._records_put(self._mapping.stream)
        if put is None or put != self._seen:
            self._read_shards()
            self._seen = put

    def _read_shards(self) -> None:
        for shard in self._shards:
            while shard.iterator is not None:
                answer = self._kinesis.get_records(ShardIterator=shard.iterator)
                shard.iterator = answer.get("NextShardIterator")
                for record in answer["Records"]:
                    self._add(shard, read_record(self._mapping, shard.shard_id, record))
                if not answer["Records"]:
                    break

    def _add(self, shard: _Shard, record: StreamRecord) -> None:
        # A key's lane must not change from run to run, as Python's own hash would.
        lane = zlib.crc32(record.partition_key.encode()) % len(shard.lanes)
        shard.lanes[lane].add(record, self._clock())
