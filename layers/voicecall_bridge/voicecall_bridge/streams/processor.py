"""A Kinesis batch: grouped by contact chain, chains side by side, each chain in order.

A record that can never succeed becomes a dead letter and counts as done. A fault that passes ends
its chain for this batch and is reported as a batch item failure: Lambda delivers everything from
the lowest reported record on again, and the ledger makes that cheap and harmless.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from voicecall_bridge.aws.dead_letters import DeadLetterLost, DeadLetterQueue
from voicecall_bridge.contact import NotAContact
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.observability import Delivery, Disposition, Observer
from voicecall_bridge.sources import kinesis
from voicecall_bridge.streams.poison_records import PoisonRecords

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")

HAND_OVER_SECONDS = 2.0
"""Kept of Lambda's time-out for answering which records failed."""
RECORD_SECONDS = 10.0
"""What one record may take of the batch's time."""
BURIED_RECORDS = 10_000
"""So many dead-lettered records an environment knows again: a batch has 100, a retry the same."""


class TransientFailure(Exception):
    """A fault that passes: the record is to come again. The text is its code.

    Attributes:
        detail: what an operator should know besides, in the bridge's own words.
        may_be_poison: it may be the record that brings the fault about (see poison_records).
    """

    def __init__(self, code: str, detail: str = "", *, may_be_poison: bool = False) -> None:
        super().__init__(code)
        self.detail = detail
        self.may_be_poison = may_be_poison


class PermanentFailure(Exception):
    """The record can never succeed. The text is the reason's code."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a record ended, dead letters apart; what is said of it: see observability.Delivery."""

    disposition: Disposition
    reason: str = ""
    voice_call_id: str = ""
    attempts: int = 0
    status: str = ""


class Source(Protocol[Item]):
    """What a stream's records are and what is done with one."""

    name: str

    def read(self, payload: object) -> Item:
        """The record's JSON as an item; raises NotAContact."""

    def chain(self, item: Item) -> str:
        """The contact chain; items of one chain are handled in order."""

    def describe(self, item: Item) -> tuple[str, str]:
        """Contact id and kind, for the log."""

    def handle(self, item: Item, later: Sequence[Item], deadline: Deadline) -> Ended:
        """Does it; `later` are the chain's items behind it in this batch.

        Raises TransientFailure or PermanentFailure.
        """


@dataclass(slots=True)
class StreamProcessor(Generic[Item]):
    """Answers Lambda which records of a batch are to come again.

    Attributes:
        source: what the records are.
        dead_letters: keeps records that can never succeed.
        observer: logs and counters.
        workers: chains handled at the same time: this also bounds what one environment sends to the
            org, whose limit is 50 creates a second.
        on_overrun: told when the batch is answered before all its work has ended.
    """

    source: Source[Item]
    dead_letters: DeadLetterQueue
    observer: Observer
    workers: int = 8
    on_overrun: Callable[[], None] = lambda: None
    _pool: ThreadPoolExecutor | None = field(default=None, init=False, repr=False)
    _buried: dict[str, None] = field(default_factory=dict, init=False, repr=False)
    _poison: PoisonRecords = field(default_factory=PoisonRecords, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def answer(self, event: object, seconds_left: float) -> dict[str, list[dict[str, str]]]:
        """The partial batch response: every record that has not ended.

        Args:
            event: the batch as Lambda passes it.
            seconds_left: until Lambda's own time-out.
        """
        deadline = Deadline.after(max(0.0, seconds_left - HAND_OVER_SECONDS))
        records = kinesis.read(event)
        ended: set[str] = set()
        chains = self._chains(records)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="chain")
        running = [self._pool.submit(self._run, chain, ended, deadline) for chain in chains]
        late = wait(running, timeout=deadline.remaining()).not_done
        again = [record for record in records if record.id not in ended]
        if late:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
            self.on_overrun()
        self.observer.flush()
        return {"batchItemFailures": [{"itemIdentifier": item.sequence_number} for item in again]}

    def _chains(
        self, records: list[kinesis.StreamRecord]
    ) -> list[list[tuple[kinesis.StreamRecord, Item | NotAContact]]]:
        chains: dict[str, list[tuple[kinesis.StreamRecord, Item | NotAContact]]] = defaultdict(list)
        unreadable: list[list[tuple[kinesis.StreamRecord, Item | NotAContact]]] = []
        for record in records:
            try:
                item = self.source.read(record.payload())
            except NotAContact as error:
                unreadable.append([(record, error)])
            else:
                chains[self.source.chain(item)].append((record, item))
        return [*chains.values(), *unreadable]

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
        if record.id in self._buried:
            return True
        started = time.monotonic()
        if isinstance(item, NotAContact):
            return self._bury(record, item, "NOT_A_CONTACT", started)
        try:
            self._tell(record, item, self.source.handle(item, later, deadline), started)
        except TransientFailure as fault:
            return self._again(record, item, fault, started)
        except PermanentFailure as reason:
            return self._bury(record, item, str(reason), started)
        except Exception as error:  # one record must never block its shard
            self.observer.defect(error, self.source.describe(item)[0])
            return self._bury(record, item, "DEFECT", started)
        return True

    def _again(
        self, record: kinesis.StreamRecord, item: Item, fault: TransientFailure, started: float
    ) -> bool:
        contact_id, kind = self.source.describe(item)
        if fault.may_be_poison and self._poison.failed(record.id, kind):
            return self._bury(record, item, str(fault), started)
        self.observer.retry_later(self.source.name, contact_id, str(fault), fault.detail)
        return False

    def _bury(
        self, record: kinesis.StreamRecord, item: Item | NotAContact, reason: str, started: float
    ) -> bool:
        try:
            self.dead_letters.keep(self.source.name, reason, record.raw)
        except DeadLetterLost as error:
            self.observer.report("dead letter lost", error=str(error))
            self.observer.count("DeadLetterLost")
            return False  # it comes again, rather than being lost
        ended = Ended(Disposition.DEAD_LETTERED, reason)
        self._tell(record, item, ended, started, payload_kept="queue")
        self._remember_buried(record)
        return True

    def _remember_buried(self, record: kinesis.StreamRecord) -> None:
        # It comes again with every retry of a record before it: one letter is enough. Another
        # environment does not know, and keeps it twice rather than never.
        with self._lock:
            if record.id:
                self._buried[record.id] = None
            while len(self._buried) > BURIED_RECORDS:
                del self._buried[next(iter(self._buried))]

    def _tell(
        self,
        record: kinesis.StreamRecord,
        item: Item | NotAContact,
        ended: Ended,
        started: float,
        payload_kept: str = "",
    ) -> None:
        contact_id = kind = error_text = ""
        if isinstance(item, NotAContact):
            error_text = str(item)  # the bridge's own words: what is missing
        else:
            contact_id, kind = self.source.describe(item)
        if ended.disposition is Disposition.DELIVERED:
            self._poison.delivered(kind)
        self.observer.delivered(
            Delivery(
                source=self.source.name,
                input_id=record.id,
                contact_id=contact_id,
                method=kind,
                disposition=ended.disposition,
                reason=ended.reason,
                status=ended.status,
                voice_call_id=ended.voice_call_id,
                error_code=ended.reason if payload_kept else "",
                error_text=error_text,
                attempts=ended.attempts,
                milliseconds=round((time.monotonic() - started) * 1000),
                payload_kept=payload_kept,
            )
        )
