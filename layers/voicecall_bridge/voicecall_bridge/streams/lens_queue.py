"""Contact Lens segments that wait, in a queue of the function's own with one group a call."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.aws.deferred_records import MOST_BYTES, Deferred, NotDeferred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from voicecall_bridge.aws.deferred_records import DeferredRecords, ReceivedAgain
    from voicecall_bridge.streams.lens_jobs import LensJob
    from voicecall_bridge.streams.results import RecordLog

SLOW_SECONDS = 30.0
"""So long after a call had to wait its lines go through the queue, behind those that wait. Longer
than any pause there."""
PAUSES = (2.0, 5.0, 10.0, 20.0)
"""Seconds before each next try of a record that waits; Salesforce's own package takes alike."""
BEHIND_OTHERS = "BEHIND_OTHERS"


@dataclass(eq=False, repr=False, slots=True)
class LensQueue:
    """Keeps the order of a call's lines: what comes while some wait goes behind them.

    Attributes:
        messages: the queue.
        log: how records end.
        max_age: seconds after which a line is worth nothing.
        now: epoch seconds.
    """

    messages: DeferredRecords
    log: RecordLog
    max_age: float
    now: Callable[[], float] = time.time
    _slow: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def lets_by(self, job: LensJob) -> bool:
        """Whether the record may be sent now. Where lines of its call wait already, it has to wait
        behind them."""
        until = self._slow.get(job.group, 0.0)
        if job.message is not None or self.now() >= until:
            return True
        job.wait_for(BEHIND_OTHERS)
        return False

    def put(self, jobs: Sequence[LensJob]) -> None:
        """Puts records into the queue, or leaves them there until their next try. A record that
        the queue does not take stays open."""
        for job in jobs:
            if job.wait_code != BEHIND_OTHERS:  # else a call that goes on never left the queue
                with self._lock:
                    self._slow[job.group] = self.now() + SLOW_SECONDS
            self.log.observer.retry_later(self.log.source, job.subject.contact_id, job.wait_code)
        self._forget_slow()
        self._into_the_queue([job for job in jobs if job.message is None])
        for job in jobs:
            if job.message is not None:
                self._stay_in_the_queue(job, job.message)

    def _into_the_queue(self, jobs: Iterable[LensJob]) -> None:
        deferred: dict[str, tuple[LensJob, Deferred]] = {}
        for job in jobs:
            item = Deferred(job.record, job.done(), job.group)
            if len(item.body()) > MOST_BYTES:
                job.ended = self.log.dead_letter(job.record, job.subject, job.wait_code)
            else:
                deferred[job.record.id] = (job, item)
        refused = self.messages.send([item for _, item in deferred.values()])
        for item in refused:
            deferred.pop(item.record.id)
        if refused:
            self.log.observer.report("the queue of waiting records does not answer")
        for job, _ in deferred.values():
            self.log.remember(job.record)
            job.ended = True

    def _stay_in_the_queue(self, job: LensJob, message: ReceivedAgain) -> None:
        pause = PAUSES[min(message.received, len(PAUSES)) - 1]
        left = self.max_age - job.age(self.now()) + 1.0
        try:
            self.messages.wait(message, max(1.0, min(max(pause, job.retry_after), left)))
        except NotDeferred as fault:
            self.log.observer.report(
                "the queue of waiting records does not answer", error=str(fault)
            )

    def _forget_slow(self) -> None:
        with self._lock:
            now = self.now()
            self._slow = {group: until for group, until in self._slow.items() if until > now}
