"""Retries of records with a fault that passes: each leaves its shard, and waits by itself.

A record that fails goes into the function's retry queue and counts as done in the stream, so that
it never holds up those behind it, however many shards, lanes and environments there are. SQS
delivers it to the same function again: after seconds at first, later after an hour. Order across
contacts means nothing, since the newest version wins and each event looks at the present. The
records behind it in the chain are parked with it; from then on each is tried by itself.

An outage parks everything, and gives up nothing within a day. It costs few requests: where the
first records of a batch fail and none is delivered, the others wait untried (see Health).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from voicecall_bridge.aws.dead_letters import DeadLetterLost
from voicecall_bridge.sources.kinesis import StreamRecord, read_record
from voicecall_bridge.sources.reading import members, text, whole_number
from voicecall_bridge.streams.results import Recent, TransientFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.aws.retry_queue import RetryQueue
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.streams.results import RecordLog, Subject

PAUSES = (30, 300, 900)
"""Seconds after the first tries from the queue."""
LONGEST_PAUSE = 3600
"""Seconds after every further try."""
UNTRIED_PAUSES = (120, 120)
"""Seconds for an untried record: those that were tried may have had faults of their own."""
LONGEST_UNTRIED_PAUSE = 900
"""Seconds for a record that stays untried: it is an outage."""
MOST_SECONDS = 24 * 3600
"""Seconds after which a record that still fails is a dead letter."""
OVERDUE_SECONDS = 600
"""From this age on a record that fails is counted as overdue."""
PROBES = 3
"""Records that fail before an outage is assumed."""
OUTAGE = "OUTAGE"
"""The code of records that wait untried."""


@dataclass(frozen=True, slots=True)
class ParkedRecord(StreamRecord):
    """A record from the retry queue.

    Attributes:
        message_id: what a batch item failure names.
        receipt: what SQS wants to hide the message.
        tries: how often it was delivered from the queue, this time included.
        parked_at: epoch seconds.
    """

    message_id: str = ""
    receipt: str = field(default="", repr=False)
    tries: int = 1
    parked_at: float = 0.0

    @property
    def identifier(self) -> str:
        """The identifier for a batch item failure."""
        return self.message_id


@dataclass(eq=False, repr=False, slots=True)
class Parking:
    """Records of the stream go into the retry queue. Use it from many threads.

    Attributes:
        queue: the retry queue.
        log: the records' log.
        observer: logs and counters.
        takes_chain: the records behind it in the chain go there too, untried.
    """

    queue: RetryQueue
    log: RecordLog
    observer: Observer
    takes_chain: ClassVar[bool] = True
    _parked: Recent = field(default_factory=Recent, init=False, repr=False)

    def put(self, record: StreamRecord, subject: Subject, fault: TransientFailure) -> bool:
        """Parks the record. If the queue does not take it, Lambda delivers it again."""
        self.observer.retry_later(self.log.source, subject.contact_id, str(fault), fault.detail)
        if record.id in self._parked:
            return True  # delivered again with a record before it
        try:
            self.queue.park(self.log.source, str(fault), record.raw)
        except DeadLetterLost as lost:
            self.observer.report("record not parked", subject.contact_id, error=str(lost))
            return False
        self._parked.add(record.id)
        return True


@dataclass(eq=False, repr=False, slots=True)
class Postponing:
    """Records of the retry queue stay in it. Use it from many threads.

    Attributes:
        queue: the retry queue.
        log: the records' log.
        observer: logs and counters.
        now: epoch seconds.
        takes_chain: false: the records behind it in the chain are tried by themselves.
    """

    queue: RetryQueue
    log: RecordLog
    observer: Observer
    now: Callable[[], float] = time.time
    takes_chain: ClassVar[bool] = False

    def put(self, record: StreamRecord, subject: Subject, fault: TransientFailure) -> bool:
        """Hides the record until its next try. After a day of failures it is a dead letter."""
        if not isinstance(record, ParkedRecord):
            raise TypeError("a record of the stream among those of the retry queue")
        age, untried = self.now() - record.parked_at, str(fault) == OUTAGE
        if age >= MOST_SECONDS and not untried:
            return self.log.dead_letter(record, subject, str(fault))
        self.observer.retry_later(self.log.source, subject.contact_id, str(fault), fault.detail)
        if age >= OVERDUE_SECONDS:
            self.observer.count("RetryOverdue")
        try:
            self.queue.postpone(record.receipt, pause_after(record.tries, untried=untried))
        except DeadLetterLost as unavailable:
            # SQS delivers it when its visibility time-out is over: sooner, or later.
            self.observer.report("record not postponed", error=str(unavailable))
        return False


@dataclass(slots=True)
class Health:
    """Whether the records of a batch fail together. Use it from many threads."""

    _failed: int = 0
    _delivered: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def fault(self) -> TransientFailure | None:
        """The first ones failed and none was delivered: trying the others is useless."""
        outage = self._failed >= PROBES and not self._delivered
        return TransientFailure(OUTAGE, own=True) if outage else None

    def delivered(self) -> None:
        """A record was delivered."""
        self._delivered = True

    def failed(self) -> None:
        """A record failed as all others would in an outage."""
        with self._lock:
            self._failed += 1


def pause_after(tries: int, *, untried: bool = False) -> int:
    """Seconds until the next try; `untried`: only other records were tried this time."""
    first, longest = (UNTRIED_PAUSES, LONGEST_UNTRIED_PAUSE) if untried else (PAUSES, LONGEST_PAUSE)
    return first[tries - 1] if tries <= len(first) else longest


def read(event: object, queue: RetryQueue) -> list[ParkedRecord]:
    """The records of a batch of the retry queue, the least tried first: those may well be good.

    Records with as many tries are in the order of their shard. A message that is not a record is a
    dead letter, with the message as it is.

    Raises:
        DeadLetterLost: a record lies in the bucket, which does not answer.
    """
    records = members(event).get("Records")
    messages = records if isinstance(records, list) else []
    found = [_read_message(members(message), queue) for message in messages]
    # Sequence numbers are decimal: the longer one is the greater.
    return sorted(found, key=lambda it: (it.tries, len(it.sequence_number), it.sequence_number))


def _read_message(message: Mapping[str, object], queue: RetryQueue) -> ParkedRecord:
    payload = members(queue.payload_of(text(message.get("body"))))
    record = read_record(payload or message)
    message_id, attributes = text(message.get("messageId")), members(message.get("attributes"))
    return ParkedRecord(
        record.sequence_number,
        record.id or message_id,
        record.raw,
        record.arrived,
        message_id,
        text(message.get("receiptHandle")),
        whole_number(attributes.get("ApproximateReceiveCount")) or 1,
        (whole_number(attributes.get("SentTimestamp")) or 0) / 1000,
    )
