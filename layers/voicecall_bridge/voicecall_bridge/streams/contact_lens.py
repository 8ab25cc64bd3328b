"""Contact Lens segments: lines and categories, to Salesforce while the call is on.

A batch's lines go out at once, requests filled across calls. Lines that Salesforce cannot take now
go into a queue of the function's own, with one group a call, and are tried there until they are too
old: a shard never waits for a call, and a call never waits for another one.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from voicecall_bridge.aws.contact_directory import DirectoryUnavailable
from voicecall_bridge.aws.deferred_records import is_queue_event
from voicecall_bridge.aws.deferred_records import read as read_messages
from voicecall_bridge.aws.transcript_files import StorageUnavailable
from voicecall_bridge.contact import Channel, NotAContact
from voicecall_bridge.contact_centers.registry import OtherContactCenter
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.observability import LEDGER_UNAVAILABLE, Disposition
from voicecall_bridge.sources import contact_lens, kinesis
from voicecall_bridge.sources.contact_lens import LensEvent
from voicecall_bridge.sources.kinds import Kind, contact_of, kind_of
from voicecall_bridge.streams.lens_jobs import LensJob
from voicecall_bridge.streams.processor import HAND_OVER_SECONDS
from voicecall_bridge.streams.results import RecordLog, RecordResult, Subject
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.transcripts import TranscriptSender, perform_events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from voicecall_bridge.aws.deferred_records import ReceivedAgain
    from voicecall_bridge.aws.transcript_files import LateRecords
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.settings.contact_lens import LensOptions
    from voicecall_bridge.streams.lens_queue import LensQueue
    from voicecall_bridge.use_cases.transcript_calls import TranscriptCalls

NAME = "contact_lens"
ROUND_SECONDS = 10.0
"""Seconds that a batch may take: lines that are not sent by then go into the queue."""
FIND_SECONDS = 5.0
"""Seconds that finding a contact's call may take."""
EVENT_SECONDS = 3.0
"""Seconds that sending the categories of one record may take."""
_SKIPPED = {
    LensEvent.STARTED: "NOTHING_TO_DO",
    LensEvent.COMPLETED: "NOTHING_TO_DO",
    LensEvent.FAILED: "ANALYSIS_FAILED",
    LensEvent.UNKNOWN: "UNKNOWN_EVENT",
}


@dataclass(eq=False, repr=False, slots=True)
class ContactLens:
    """Answers Lambda which records of a batch it is to deliver again.

    Attributes:
        sender: sends lines and categories.
        calls: finds the calls of contacts.
        queue: the records that have to wait.
        late: keeps what comes too late.
        log: how records end.
        options: what is sent.
        pool: where calls are found, and categories sent, side by side.
        on_overrun: called when the batch is answered before all its work has ended.
        now: epoch seconds.
        instance_arn: the instance of records that name none.
    """

    sender: TranscriptSender
    calls: TranscriptCalls
    queue: LensQueue
    late: LateRecords
    log: RecordLog
    options: LensOptions
    pool: ThreadPoolExecutor
    on_overrun: Callable[[], None] = lambda: None
    now: Callable[[], float] = time.time
    instance_arn: str = ""

    @property
    def observer(self) -> Observer:
        """Logs and counters."""
        return self.log.observer

    def answer(self, event: object, seconds_left: float) -> dict[str, list[dict[str, str]]]:
        """The partial batch response: every record or message that has not ended.

        Args:
            event: a batch of the stream, or of the function's own queue, as Lambda passes it.
            seconds_left: until Lambda's own time-out.
        """
        seconds = min(ROUND_SECONDS, seconds_left - HAND_OVER_SECONDS)
        deadline = Deadline.after(max(0.0, seconds))
        jobs = self._from_queue(event) if is_queue_event(event) else self._from_stream(event)
        open_jobs = [job for job in jobs if not job.ended and not job.closed]
        self._keep_late([job for job in open_jobs if job.age(self.now()) > self.options.max_age])
        self._work([job for job in open_jobs if not job.closed], deadline)
        failed = [job.identifier for job in jobs if not job.ended]
        self.observer.flush()
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    def _from_stream(self, event: object) -> list[LensJob]:
        return [self._job(record, None) for record in kinesis.read(event)]

    def _from_queue(self, event: object) -> list[LensJob]:
        jobs = []
        for message in read_messages(event):
            if message.deferred is None:
                self.observer.report("a message of another sender was dropped from the queue")
                continue
            jobs.append(self._job(message.deferred.record, message))
        return jobs

    def _job(self, record: kinesis.StreamRecord, message: ReceivedAgain | None) -> LensJob:
        job = LensJob(record, message)
        if message is None and self.log.remembers(record):
            job.ended = True
            return job
        try:
            payload = record.payload()
            if kind_of(payload) not in (Kind.CONTACT_LENS, Kind.UNKNOWN):
                subject = Subject(contact_of(payload))
                self._end(job, subject, Disposition.SKIPPED, f"NOT_A_{Kind.CONTACT_LENS}")
                return job
            segments = contact_lens.read(payload, self.options.source, self.instance_arn)
        except NotAContact as error:
            subject = Subject(error_text=str(error))
            job.ended = self.log.dead_letter(record, subject, error.code)
            job.closed = True
            return job
        job.take(segments, self.options, self.now())
        if reason := self._no_need(job):
            self._end(job, job.subject, Disposition.SKIPPED, reason)
        return job

    def _no_need(self, job: LensJob) -> str:
        segments = job.segments
        if segments.channel not in (Channel.VOICE, Channel.UNSTATED):
            return "NOT_VOICE"
        if segments.event in _SKIPPED:
            return _SKIPPED[segments.event]
        return "" if job.lines or job.categories else "NO_LINES"

    def _keep_late(self, jobs: Sequence[LensJob]) -> None:
        for job in jobs:
            job.closed = True
        if not jobs:
            return
        try:
            self.late.keep("TOO_LATE", [job.record.raw for job in jobs])
        except StorageUnavailable as fault:
            for job in jobs:
                self.observer.retry_later(NAME, job.subject.contact_id, "BUCKET", str(fault))
            return
        for job in jobs:
            self.observer.count("TranscriptLinesTooLate", times=len(job.lines))
            self._end(job, job.subject, Disposition.SKIPPED, "TOO_LATE", "bucket")

    def _work(self, jobs: Sequence[LensJob], deadline: Deadline) -> None:
        self._find_calls(jobs, deadline)
        at_once = [job for job in jobs if job.call is not None and self.queue.lets_by(job)]
        try:
            in_time = self.sender.send(
                [(job.call, line) for job in at_once for line in job.lines if job.call], deadline
            )
        except Exception as error:  # a batch that fails forever would block its shard
            self._refuse(at_once, error)
        else:
            if not in_time:
                self.on_overrun()
        with_categories = [job for job in at_once if job.categories and not job.must_wait]
        list(self.pool.map(partial(self._send_categories, deadline=deadline), with_categories))
        self._settle(jobs)

    def _refuse(self, jobs: Sequence[LensJob], defect: Exception) -> None:
        contacts = {job.subject.contact_id for job in jobs}
        self.observer.defect(defect, contacts.pop() if len(contacts) == 1 else "")
        for job in jobs:
            job.refuse("DEFECT")

    def _find_calls(self, jobs: Sequence[LensJob], deadline: Deadline) -> None:
        contacts: defaultdict[object, list[LensJob]] = defaultdict(list)
        for job in jobs:
            contacts[job.segments.key].append(job)
        find = partial(self._find_call, deadline=deadline.within(FIND_SECONDS))
        list(self.pool.map(find, contacts.values()))

    def _find_call(self, jobs: Sequence[LensJob], deadline: Deadline) -> None:
        key = jobs[0].segments.key
        try:
            call = self.calls.of(key, deadline)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("call of a line", fault, key.contact_id)
            for job in jobs:
                job.wait_for(LEDGER_UNAVAILABLE)
        except DirectoryUnavailable as fault:
            for job in jobs:
                job.wait_for(f"CONNECT_{fault}")
        except OtherContactCenter as refused:
            for job in jobs:
                job.skip(refused.code)
        except Exception as error:  # costs the lines of this contact alone
            self._refuse(jobs, error)
        else:
            for job in jobs:
                job.call = call

    def _send_categories(self, job: LensJob, deadline: Deadline) -> None:
        if job.call is not None and deadline.allows(0.0):
            bodies = job.category_bodies()
            within = deadline.within(EVENT_SECONDS)
            try:
                events = Operation.REALTIME_EVENTS
                sent = perform_events(self.sender.clients, events, job.call, bodies, within)
                job.categories_result = sent.result
            except Exception as error:  # costs this record alone
                self._refuse([job], error)

    def _settle(self, jobs: Sequence[LensJob]) -> None:
        to_wait = []
        for job in jobs:
            result = job.result(self.now())
            self._count(job)  # of a record that waits, too: its next try leaves out what was taken
            if result is None:
                to_wait.append(job)
            elif result.disposition is Disposition.DEAD_LETTERED:
                job.ended = self.log.dead_letter(job.record, job.subject, result.reason)
            else:
                self._end(job, job.subject, result.disposition, result.reason)
        self.queue.put(to_wait)

    def _count(self, job: LensJob) -> None:
        taken, paused = job.counts()
        if taken:
            self.observer.count("TranscriptLines", times=taken)
            self.observer.took("TranscriptDelay", round(job.age(self.now()) * 1000))
        if paused:
            self.observer.count("TranscriptLinesPaused", times=paused)

    def _end(
        self,
        job: LensJob,
        subject: Subject,
        disposition: Disposition,
        reason: str = "",
        kept: str = "",
    ) -> None:
        self.log.ended(
            job.record, subject, RecordResult(disposition, reason, attempts=job.attempts), kept
        )
        self.log.remember(job.record)
        job.ended = True
