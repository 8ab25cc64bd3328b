"""A Kinesis batch: grouped by contact chain, chains side by side, each chain in order.

A record that can never succeed becomes a dead letter and counts as done. A fault that passes ends
its chain for this batch and is reported as a batch item failure: Lambda delivers everything from
the lowest reported record on again, and the ledger makes that cheap and harmless.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from voicecall_bridge.contact import NotAContact
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.observability import Disposition, Observer
from voicecall_bridge.sources import kinesis
from voicecall_bridge.sources.kinds import Kind, contact_of, kind_of
from voicecall_bridge.streams.poison_records import PoisonRecords
from voicecall_bridge.streams.results import (
    PermanentFailure,
    RecordLog,
    RecordResult,
    Subject,
    TransientFailure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voicecall_bridge.aws.dead_letters import DeadLetterQueue

Item = TypeVar("Item")

HAND_OVER_SECONDS = 2.0
"""Kept of Lambda's time-out for answering which records failed."""
RECORD_SECONDS = 10.0
"""What one record may take of the batch's time."""


class Source(Protocol[Item]):
    """What a stream's records are and what is done with one.

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

    def handle(self, item: Item, later: Sequence[Item], deadline: Deadline) -> RecordResult:
        """Does it; `later` are the chain's items behind it in this batch.

        Raises TransientFailure or PermanentFailure.
        """


@dataclass(slots=True)
class StreamProcessor(Generic[Item]):
    """Answers Lambda which records of a batch it is to deliver again.

    Attributes:
        source: what the records are.
        dead_letters: keeps records that can never succeed.
        observer: logs and counters.
        workers: chains handled at the same time: this also bounds what one environment sends to the
            org, whose limit is 50 creates a second.
        on_overrun: called when the batch is answered before all its work has ended.
    """

    source: Source[Item]
    dead_letters: DeadLetterQueue
    observer: Observer
    workers: int = 8
    on_overrun: Callable[[], None] = lambda: None
    _log: RecordLog = field(init=False, repr=False)
    _pool: ThreadPoolExecutor | None = field(default=None, init=False, repr=False)
    _poison: PoisonRecords = field(default_factory=PoisonRecords, init=False, repr=False)

    def __post_init__(self) -> None:
        self._log = RecordLog(self.source.name, self.dead_letters, self.observer)

    def answer(self, event: object, seconds_left: float) -> dict[str, list[dict[str, str]]]:
        """The partial batch response: every record that has not ended.

        Args:
            event: the batch as Lambda passes it.
            seconds_left: until Lambda's own time-out.
        """
        deadline = Deadline.after(max(0.0, seconds_left - HAND_OVER_SECONDS))
        records = kinesis.read(event)
        ended: set[str] = set()
        chains = self._chains(records, ended)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="chain")
        running = [self._pool.submit(self._run, chain, ended, deadline) for chain in chains]
        late = wait(running, timeout=deadline.remaining()).not_done
        failed = [record for record in records if record.id not in ended]
        if late:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
            self.on_overrun()
        self.observer.flush()
        return {"batchItemFailures": [{"itemIdentifier": item.sequence_number} for item in failed]}

    def _chains(
        self, records: list[kinesis.StreamRecord], ended: set[str]
    ) -> list[list[tuple[kinesis.StreamRecord, Item | NotAContact]]]:
        chains: dict[str, list[tuple[kinesis.StreamRecord, Item | NotAContact]]] = defaultdict(list)
        unreadable: list[list[tuple[kinesis.StreamRecord, Item | NotAContact]]] = []
        for record in records:
            try:
                payload = record.payload()
                if self._is_of_another_function(record, payload):
                    ended.add(record.id)
                    continue
                item = self.source.read(payload)
            except NotAContact as error:
                unreadable.append([(record, error)])
            else:
                chains[self.source.chain(item)].append((record, item))
        return [*chains.values(), *unreadable]

    def _is_of_another_function(self, record: kinesis.StreamRecord, payload: object) -> bool:
        if kind_of(payload) in (self.source.kind, Kind.UNKNOWN):
            return False
        result = RecordResult(Disposition.SKIPPED, f"NOT_A_{self.source.kind}")
        self._log.ended(record, Subject(contact_of(payload)), result)
        return True

    def _run(
        self,
        chain: list[tuple[kinesis.StreamRecord, Item | NotAContact]],
        ended: set[str],
        deadline: Deadline,
    ) -> None:
        for position, (record, item) in enumerate(chain):
            if not deadline.allows(0.0):
                return
            later = [item for _, item in chain[position + 1 :] if not isinstance(item, NotAContact)]
            if not self._one(record, item, later, deadline.within(RECORD_SECONDS)):
                return  # what follows in this chain must not overtake it
            ended.add(record.id)

    def _one(
        self,
        record: kinesis.StreamRecord,
        item: Item | NotAContact,
        later: Sequence[Item],
        deadline: Deadline,
    ) -> bool:
        """Whether the record has ended."""
        if self._log.remembers(record):
            return True
        if isinstance(item, NotAContact):
            # The text is the bridge's own: it says what is missing.
            return self._log.dead_letter(record, Subject(error_text=str(item)), item.code)
        subject = Subject(*self.source.describe(item))
        try:
            result = self.source.handle(item, later, deadline)
        except TransientFailure as fault:
            return self._failed(record, subject, fault)
        except PermanentFailure as reason:
            subject = replace(subject, error_text=reason.detail)
            return self._log.dead_letter(record, subject, str(reason))
        except Exception as error:  # one record must never block its shard
            self.observer.defect(error, subject.contact_id)
            return self._log.dead_letter(record, subject, "DEFECT")
        if result.disposition is Disposition.DELIVERED:
            self._poison.delivered(subject.kind)
        self._log.ended(record, subject, result)
        return True

    def _failed(
        self, record: kinesis.StreamRecord, subject: Subject, fault: TransientFailure
    ) -> bool:
        if fault.may_be_poison and self._poison.failed(record.id, subject.kind):
            return self._log.dead_letter(record, subject, str(fault))
        name = self.source.name
        self.observer.retry_later(name, subject.contact_id, str(fault), fault.detail)
        return False
