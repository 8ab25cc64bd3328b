"""One lane of a shard: its records in order, the batch in flight, and what becomes of it.

A shard has as many lanes as the mapping's ParallelizationFactor; a partition key is always in the
same one. A lane has one batch under way at a time, and one that fails blocks what lies behind it.

As in AWS Lambda Developer Guide, "Process Amazon Kinesis Data Streams records with Lambda" and
"Retain discarded batch records …". Not documented, and chosen here: the pauses between retries;
a batch that starts again further on has used up a retry, unless it is bisected there; where the
failing record is the batch's first one there is nothing to bisect off, and the batch is retried
and in the end given up as a whole.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from simulator.functions.runtime_api import MAX_PAYLOAD_BYTES
from simulator.pollers.batch import BatchResult, Invoked, Outcome
from simulator.pollers.batch_response import Verdict, judge
from simulator.pollers.event_source_mapping import EventSourceMapping
from simulator.pollers.failure_destination import Condition, Discarded, FailureDestination
from simulator.pollers.stream_record import EMPTY_EVENT_BYTES, StreamRecord

__all__ = ["Batch", "Lane"]

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 60.0


@dataclass(slots=True)
class Batch:
    """Records that are under way together.

    Attributes:
        not_before: epoch time in seconds.
        pause: seconds before its next retry.
    """

    records: tuple[StreamRecord, ...]
    not_before: float
    retries: int = 0
    invocations: int = 0
    last: Invoked | None = None
    pause: float = _FIRST_PAUSE_SECONDS


class Lane:
    """Lane `number` of `shard_id`; records that are older than `max_age` seconds are given up."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        shard_id: str,
        number: int,
        max_age: float,
        destination: FailureDestination,
    ) -> None:
        """Begin without records."""
        self._mapping = mapping
        self._shard_id = shard_id
        self._number = number
        self._max_age = max_age
        self._destination = destination
        self._waiting: deque[StreamRecord] = deque()
        self._window_opened = 0.0
        self._batches: deque[Batch] = deque()

    @property
    def pending(self) -> int:
        """Records that are neither done nor given up."""
        return len(self._waiting) + sum(len(batch.records) for batch in self._batches)

    @property
    def next_due(self) -> float | None:
        """When the next batch is to be invoked, epoch seconds; None without records."""
        if self._batches:
            return self._batches[0].not_before
        if not self._waiting:
            return None
        _, full = self._gather()
        return self._window_opened + (0 if full else self._mapping.batching_window)

    def add(self, record: StreamRecord, now: float) -> None:
        """Take the shard's next record."""
        if not self._waiting:
            self._window_opened = now
        self._waiting.append(record)

    def next_batch(self, now: float) -> tuple[list[BatchResult], Batch | None]:
        """The batch to invoke at `now`, and what was given up because it is too old."""
        given_up: list[BatchResult] = []
        while batch := self._due(now):
            expired = sum(now - record.arrived > self._max_age for record in batch.records)
            if not expired:
                return given_up, batch
            reason = f"older than {self._max_age:g} s"
            given_up.append(self._give_up(batch, expired, Condition.AGE, reason, now))
        return given_up, None

    def settle(
        self, batch: Batch, invoked: Invoked, now: float, *, again: bool = False
    ) -> list[BatchResult]:
        """The result of `batch`, which `next_batch` answered; `again` delivers a success twice."""
        batch.invocations += 1
        batch.last = invoked
        records, invocations = batch.records, batch.invocations
        verdict = judge(records, invoked, reports=self._mapping.report_item_failures)
        given_up: list[BatchResult] = []
        if not verdict.reason:
            outcome = Outcome.SUCCEEDED
            if not again:
                self._batches.popleft()
        else:
            outcome = Outcome.FAILED if verdict.failed else Outcome.PARTIAL
            given_up = self._fail(batch, verdict, now)
        is_delivered_again = (again or outcome is not Outcome.SUCCEEDED) and not given_up
        return [
            BatchResult(
                feeds=self._mapping.stream,
                shard_id=self._shard_id,
                lane=self._number,
                records=records,
                outcome=outcome,
                invocations=invocations,
                done=verdict.done,
                reason=verdict.reason,
                retry_in=self._batches[0].not_before - now if is_delivered_again else None,
                invoked=invoked,
            ),
            *given_up,
        ]

    def _due(self, now: float) -> Batch | None:
        due = self.next_due
        if due is None or due > now:
            return None
        if not self._batches:
            count, _ = self._gather()
            records = tuple(self._waiting.popleft() for _ in range(count))
            self._batches.append(Batch(records, not_before=now))
            # The window of what did not fit begins now.
            self._window_opened = now
        return self._batches[0]

    def _gather(self) -> tuple[int, bool]:
        """How many of the waiting records make a batch, and whether it takes no more."""
        size = EMPTY_EVENT_BYTES
        for count, record in enumerate(self._waiting):
            size += record.size
            if count == self._mapping.batch_size or (count and size > MAX_PAYLOAD_BYTES):
                return count, True
        return len(self._waiting), len(self._waiting) == self._mapping.batch_size

    def _fail(self, batch: Batch, verdict: Verdict, now: float) -> list[BatchResult]:
        if verdict.failed and self._mapping.bisect and len(batch.records) > 1:
            self._bisect(batch, len(batch.records) // 2, now)
            return []
        batch.records = batch.records[verdict.done :]
        batch.not_before = now
        if verdict.done and self._mapping.bisect:
            return []
        if self._mapping.max_retries is not None and batch.retries >= self._mapping.max_retries:
            condition = Condition.RETRIES
            return [self._give_up(batch, len(batch.records), condition, verdict.reason, now)]
        batch.not_before += batch.pause
        batch.pause = min(2 * batch.pause, _LONGEST_PAUSE_SECONDS)
        batch.retries += 1
        return []

    def _bisect(self, batch: Batch, at: int, now: float) -> None:
        """Put two batches in the place of one; splitting uses up no retry."""
        halves = [
            Batch(records, now, batch.retries, batch.invocations, batch.last)
            for records in (batch.records[:at], batch.records[at:])
        ]
        self._batches.popleft()
        self._batches.extendleft(reversed(halves))

    def _give_up(
        self, batch: Batch, count: int, condition: Condition, reason: str, now: float
    ) -> BatchResult:
        """Send the batch's first `count` records to the destination, and drop them."""
        records = batch.records[:count]
        reason = f"{condition}: {reason}"
        destination = ""
        try:
            destination = self._destination.send(
                Discarded(records, condition, batch.invocations, batch.last, now)
            )
        except (BotoCoreError, ClientError) as refusal:
            # Lambda drops them (metric DestinationDeliveryFailures).
            reason = f"{reason}; and the failure destination refused them: {refusal}"
        batch.records = batch.records[count:]
        if not batch.records:
            self._batches.popleft()
        return BatchResult(
            feeds=self._mapping.stream,
            shard_id=self._shard_id,
            lane=self._number,
            records=records,
            outcome=Outcome.DISCARDED,
            invocations=batch.invocations,
            done=count,
            reason=reason,
            destination=destination,
            invoked=batch.last,
        )
