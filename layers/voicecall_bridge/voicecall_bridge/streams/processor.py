"""A batch of a stream: grouped by contact chain, chains side by side, each chain in order.

A record that can never succeed becomes a dead letter and counts as done. A record with a fault that
passes is parked for another try, and its chain with it (see retries). Only a record that cannot
even be parked is reported as a batch item failure: Lambda delivers everything from the lowest
reported record on again, and the ledger makes that cheap and harmless.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from voicecall_bridge.aws.deferred_records import is_queue_event
from voicecall_bridge.contact import NotAContact
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.observability import Disposition, Observer
from voicecall_bridge.sources import kinesis
from voicecall_bridge.sources.kinds import Kind, contact_of, kind_of
from voicecall_bridge.sources.kinesis import StreamRecord
from voicecall_bridge.streams import retries
from voicecall_bridge.streams.results import (
    PermanentFailure,
    RecordLog,
    RecordResult,
    Subject,
    TransientFailure,
)
from voicecall_bridge.streams.retries import (
    PROBES,
    Health,
    Parking,
    Postponing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voicecall_bridge.aws.dead_letters import DeadLetterQueue
    from voicecall_bridge.aws.retry_queue import RetryQueue

Item = TypeVar("Item")
Chain = list[tuple[StreamRecord, Item]]
"""Records of a contact chain and what they say."""

HAND_OVER_SECONDS = 2.0
"""Kept of Lambda's time-out for answering which records failed."""
RECORD_SECONDS = 10.0
"""The part of the batch's time that one record may take."""


class Source(Protocol[Item]):
    """A stream's kind of records, and how one is handled.

    Attributes:
        name: for the log.
        kind: records of any other known kind are skipped.
    """

    name: str
    kind: Kind

    def read(self, payload: object) -> Item:
        """The record's JSON as an item; raises NotAContact."""

    def chain(self, item: Item) -> str:
        """The contact chain; items of one chain are handled in order."""

    def describe(self, item: Item) -> tuple[str, str]:
        """Contact id and kind, for the log."""

    def without_salesforce(self, item: Item, later: Sequence[Item]) -> RecordResult | None:
        """How it ends where Salesforce is not needed; else None.

        `later` are the chain's items behind it in this batch.
        """

    def handle(self, item: Item, deadline: Deadline) -> RecordResult:
        """Does it; raises TransientFailure or PermanentFailure."""


@dataclass(eq=False, repr=False, slots=True)
class StreamProcessor(Generic[Item]):
    """Answers Lambda which records of a batch it is to deliver again.

    Attributes:
        source: what the records are.
        dead_letters: keeps records that can never succeed.
        retries: keeps records that failed, for another try.
        observer: logs and counters.
        workers: chains handled at the same time: this also bounds what one environment sends to the
            org, which takes 50 creates a second.
        on_overrun: called when the batch is answered before all its work has ended.
    """

    source: Source[Item]
    dead_letters: DeadLetterQueue
    retries: RetryQueue
    observer: Observer
    workers: int = 8
    on_overrun: Callable[[], None] = lambda: None
    _log: RecordLog = field(init=False, repr=False)
    _parking: Parking = field(init=False, repr=False)
    _postponing: Postponing = field(init=False, repr=False)
    _pool: ThreadPoolExecutor | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._log = RecordLog(self.source.name, self.dead_letters, self.observer)
        self._parking = Parking(self.retries, self._log, self.observer)
        self._postponing = Postponing(self.retries, self._log, self.observer)

    def answer(self, event: object, seconds_left: float) -> dict[str, list[dict[str, str]]]:
        """The partial batch response: every record that has not ended.

        Args:
            event: the batch as Lambda passes it, of the stream or of the retry queue.
            seconds_left: until Lambda's own time-out.

        Raises:
            DeadLetterLost: the retry queue's batch cannot be read; SQS delivers it again.
        """
        deadline = Deadline.after(max(0.0, seconds_left - HAND_OVER_SECONDS))
        records: Sequence[StreamRecord]
        aside: Parking | Postponing
        if is_queue_event(event):
            records, aside = retries.read(event, self.retries), self._postponing
            first = PROBES  # all have failed before: the first ones show whether it is an outage
        else:
            records, aside = kinesis.read(event), self._parking
            first = len(records)
        batch = Batch(self.source, self._log, self.observer, aside, deadline)
        work = batch.work(records)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="chain")
        for group in (work[:first], work[first:]):
            running = [self._pool.submit(each) for each in group]
            if wait(running, timeout=deadline.remaining()).not_done:
                self._leave_the_rest()
                break
        failed = [record for record in records if not batch.has_ended(record)]
        self.observer.flush()
        return {"batchItemFailures": [{"itemIdentifier": it.identifier} for it in failed]}

    def _leave_the_rest(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        self.on_overrun()


@dataclass(eq=False, repr=False, slots=True)
class Batch(Generic[Item]):
    """The records of one invocation. Use it from many threads.

    Attributes:
        source: what the records are.
        log: ends records.
        observer: logs and counters.
        aside: where records go that have failed.
        deadline: for all of it.
    """

    source: Source[Item]
    log: RecordLog
    observer: Observer
    aside: Parking | Postponing
    deadline: Deadline
    _health: Health = field(default_factory=Health, init=False)
    _ended: set[str] = field(default_factory=set, init=False)

    def has_ended(self, record: StreamRecord) -> bool:
        """Whether Lambda need not deliver the record again."""
        return record.identifier in self._ended

    def work(self, records: Sequence[StreamRecord]) -> list[Callable[[], None]]:
        """The work, each contact chain by itself. Records of another function end here."""
        chains: dict[str, Chain[Item]] = defaultdict(list)
        unreadable: list[Callable[[], None]] = []
        for record in records:
            try:
                payload = record.payload()
                if self._is_of_another_function(record, payload):
                    self._ended.add(record.identifier)
                    continue
                item = self.source.read(payload)
            except NotAContact as error:
                unreadable.append(partial(self._give_up, record, error))
            else:
                chains[self.source.chain(item)].append((record, item))
        return [*(partial(self._run, chain) for chain in chains.values()), *unreadable]

    def _is_of_another_function(self, record: StreamRecord, payload: object) -> bool:
        if kind_of(payload) in (self.source.kind, Kind.UNKNOWN):
            return False
        result = RecordResult(Disposition.SKIPPED, f"NOT_A_{self.source.kind}")
        self.log.ended(record, Subject(contact_of(payload)), result)
        return True

    def _give_up(self, record: StreamRecord, error: NotAContact) -> None:
        if not self.deadline.allows(0.0):
            return
        # The text is the bridge's own: it says what is missing.
        subject = Subject(error_text=str(error))
        if self.log.remembers(record) or self.log.dead_letter(record, subject, error.code):
            self._ended.add(record.identifier)

    def _run(self, chain: Chain[Item]) -> None:
        """Handles a chain in order, as far as the time goes."""
        fault: TransientFailure | None = None  # of a record before: those behind it follow it
        for position, (record, item) in enumerate(chain):
            if not self.deadline.allows(0.0):
                return
            subject = Subject(*self.source.describe(item))
            later = [behind for _, behind in chain[position + 1 :]]
            try:
                ended = self._one(record, subject, (item, later), fault)
            except TransientFailure as failure:
                ended = self.aside.put(record, subject, failure)
                fault = failure if self.aside.takes_chain else None
            if ended:
                self._ended.add(record.identifier)
            elif self.aside.takes_chain:
                return  # the stream delivers it again: what follows must not overtake it

    def _one(
        self,
        record: StreamRecord,
        subject: Subject,
        read: tuple[Item, Sequence[Item]],
        fault: TransientFailure | None,
    ) -> bool:
        """Whether the record has ended; raises TransientFailure where it is to be tried again."""
        if self.log.remembers(record):
            return True
        item, later = read
        try:
            result = self.source.without_salesforce(item, later)
            if result is None:
                fault = fault or self._health.fault
                if fault is not None:
                    raise fault
                result = self.source.handle(item, self.deadline.within(RECORD_SECONDS))
        except TransientFailure as failure:
            if failure is not fault and not failure.own:
                self._health.failed()
            raise
        except PermanentFailure as reason:
            subject = replace(subject, error_text=reason.detail)
            return self.log.dead_letter(record, subject, str(reason))
        except Exception as error:  # one record must never block its shard
            self.observer.defect(error, subject.contact_id)
            return self.log.dead_letter(record, subject, "DEFECT")
        if result.disposition is Disposition.DELIVERED:
            self._health.delivered()
        self.log.ended(record, subject, result)
        return True
