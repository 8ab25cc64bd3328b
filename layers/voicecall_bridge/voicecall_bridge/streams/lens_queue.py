"""Contact Lens segments that wait, in a queue of the function's own with one group a call."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.aws.deferred_records import MOST_BYTES, Deferred, NotDeferred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from voicecall_bridge.aws.deferred_records import DeferredRecords, ReceivedAgain
    from voicecall_bridge.streams.lens_jobs import LensJob
    from voicecall_bridge.streams.results import RecordLog

SLOW_SECONDS = 30.0
"""Seconds, after a call had to wait, in which its lines go through the queue behind those that
wait. Longer than any pause there."""
BEHIND_SECONDS = 5.0
"""Least seconds, after a line went behind others or after their pause, in which the next line goes
there too: longer than the queue takes to deliver it."""
HIDDEN_SECONDS = 180.0
"""The queue's visibility time-out: a message that cannot be given a pause is delivered after it."""
PAUSES = (2.0, 5.0, 10.0, 20.0)
"""Seconds before each next try of a record that waits; Salesforce's own package takes alike."""
BEHIND_OTHERS = "BEHIND_OTHERS"


@dataclass(frozen=True, slots=True)
class _Slow:
    """Lines of a contact or a call wait in a group, until then at the most."""

    group: str
    until: float


@dataclass(eq=False, repr=False, slots=True)
class LensQueue:
    """Keeps the order of a call's lines: while some wait, later ones go behind them.

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
    _slow: dict[str, _Slow] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def lets_by(self, job: LensJob) -> bool:
        """Whether the record may be sent now. If lines of its call wait already, it has to wait
        behind them."""
        if job.message is not None or self._behind(job) is None:
            return True
        job.wait_for(BEHIND_OTHERS)
        return False

    def put(self, jobs: Sequence[LensJob]) -> None:
        """Puts records into the queue, or leaves them there until their next try. A record that
        the queue does not take stays open."""
        groups = {}
        for job in jobs:
            groups[job.record.id] = self._group(job)
            # A line that only goes behind others slows the call for a moment: the call leaves the
            # queue with the first pause of the conversation.
            behind = job.wait_code == BEHIND_OTHERS
            self._slow_down(job, BEHIND_SECONDS if behind else SLOW_SECONDS)
            self.log.observer.retry_later(self.log.source, job.subject.contact_id, job.wait_code)
        self._forget_slow()
        self._into_the_queue([job for job in jobs if job.message is None], groups)
        for job in jobs:
            if job.message is not None:
                self._stay_in_the_queue(job, job.message)

    def _behind(self, job: LensJob) -> _Slow | None:
        """The lines of its contact or its call that wait; None: there are none. The lines of a
        contact without a known call wait in a group of their own. Later lines go behind them,
        also when the call is known by then."""
        found = (self._slow.get(group) for group in job.groups)
        return next((slow for slow in found if slow and self.now() < slow.until), None)

    def _group(self, job: LensJob) -> str:
        if job.message is not None and job.message.group:
            return job.message.group
        slow = self._behind(job)
        return slow.group if slow else job.groups[1]

    def _slow_down(self, job: LensJob, seconds: float) -> None:
        now = self.now()
        new = _Slow(self._group(job), now + seconds)
        with self._lock:
            for name in job.groups:
                known = self._slow.get(name, new)
                # Lines that wait already stay in their group, so later lines have to go there, too.
                group = known.group if now < known.until else new.group
                self._slow[name] = _Slow(group, max(new.until, known.until))

    def _into_the_queue(self, jobs: Iterable[LensJob], groups: Mapping[str, str]) -> None:
        deferred: dict[str, tuple[LensJob, Deferred]] = {}
        for job in jobs:
            item = Deferred(job.record, job.done(), groups[job.record.id])
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
        seconds = max(1.0, min(max(pause, job.retry_after), left))
        try:
            self.messages.wait(message, seconds)
        except NotDeferred as fault:
            seconds = HIDDEN_SECONDS
            self.log.observer.report(
                "the queue of waiting records does not answer", error=str(fault)
            )
        self._slow_down(job, seconds + BEHIND_SECONDS)

    def _forget_slow(self) -> None:
        with self._lock:
            now = self.now()
            self._slow = {name: slow for name, slow in self._slow.items() if slow.until > now}
