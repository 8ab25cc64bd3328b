"""How a stream record ends: one line in the log, and at most one dead letter."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.aws.dead_letters import DeadLetterLost, DeadLetterQueue
from voicecall_bridge.observability import Delivery, Disposition, Observer

if TYPE_CHECKING:
    from voicecall_bridge.sources.kinesis import StreamRecord

REMEMBERED_RECORDS = 10_000
"""How many ended records an environment recognises: a batch has 100, a retry the same."""


class TransientFailure(Exception):
    """A fault that passes: the record is tried again later. The text is its code.

    Attributes:
        detail: more for an operator, in the bridge's own words.
        own: other records are not affected: another worker is at this one's contact.
    """

    def __init__(self, code: str, detail: str = "", *, own: bool = False) -> None:
        super().__init__(code)
        self.detail = detail
        self.own = own


class PermanentFailure(Exception):
    """The record can never succeed. The text is the reason's code.

    Attributes:
        detail: what is missing in it, in the bridge's own words.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class RecordResult:
    """How a record ended; its members are those of observability.Delivery."""

    disposition: Disposition
    reason: str = ""
    voice_call_id: str = ""
    attempts: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The log's facts of a record beside its result.

    Attributes:
        contact_id: empty where none could be read.
        kind: what the record is or asks for, from a closed list of words.
        error_text: what is missing in it, in the bridge's own words.
        started: when work on it began, on the monotonic clock.
    """

    contact_id: str = ""
    kind: str = ""
    error_text: str = ""
    started: float = field(default_factory=time.monotonic)


@dataclass(eq=False, repr=False, slots=True)
class Recent:
    """Ids of the last records; the oldest are forgotten. Use it from many threads."""

    _ids: dict[str, None] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __contains__(self, record_id: object) -> bool:
        """Whether the record is among them."""
        return record_id in self._ids

    def add(self, record_id: str) -> None:
        """Takes a record in; one without an id is not recognised again."""
        with self._lock:
            if record_id:
                self._ids[record_id] = None
            while len(self._ids) > REMEMBERED_RECORDS:
                del self._ids[next(iter(self._ids))]


@dataclass(eq=False, repr=False, slots=True)
class RecordLog:
    """Ends records. Use it from many threads.

    Attributes:
        source: name of the stream's source.
        dead_letters: keeps records that can never succeed.
        observer: logs and counters.
    """

    source: str
    dead_letters: DeadLetterQueue
    observer: Observer
    _ended: Recent = field(default_factory=Recent, init=False, repr=False)

    def remembers(self, record: StreamRecord) -> bool:
        """Whether this environment remembers that the record has ended."""
        return record.id in self._ended

    def remember(self, record: StreamRecord) -> None:
        """Recognises the record at its next delivery: with every retry of a record before it,
        Lambda delivers it again. Another environment does not know that it has ended."""
        self._ended.add(record.id)

    def dead_letter(self, record: StreamRecord, subject: Subject, reason: str) -> bool:
        """Keeps the record as a dead letter; says whether it is kept, and so has ended."""
        try:
            self.dead_letters.keep(self.source, reason, record.raw)
        except DeadLetterLost as error:
            self.observer.report("dead letter lost", error=str(error))
            self.observer.count("DeadLetterLost")
            return False  # Lambda delivers it again, rather than losing it
        result = RecordResult(Disposition.DEAD_LETTERED, reason)
        self.ended(record, subject, result, payload_kept="queue")
        self.remember(record)  # one dead letter is enough
        return True

    def ended(
        self, record: StreamRecord, subject: Subject, result: RecordResult, payload_kept: str = ""
    ) -> None:
        """Writes the record's line."""
        self.observer.delivered(
            Delivery(
                source=self.source,
                input_id=record.id,
                contact_id=subject.contact_id,
                method=subject.kind,
                disposition=result.disposition,
                reason=result.reason,
                status=result.status,
                voice_call_id=result.voice_call_id,
                error_code=result.reason if payload_kept else "",
                error_text=subject.error_text,
                attempts=result.attempts,
                milliseconds=round((time.monotonic() - subject.started) * 1000),
                payload_kept=payload_kept,
            )
        )
