"""One record of Contact Lens' stream while it is handled: its lines and their results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.aws.deferred_records import group_name
from voicecall_bridge.observability import Disposition
from voicecall_bridge.sources.contact_lens import LensSegments
from voicecall_bridge.streams.results import RecordResult, Subject
from voicecall_bridge.use_cases.transcript_answers import NOT_FOUND, LineResult, Verdict
from voicecall_bridge.use_cases.transcripts import PendingLine
from voicecall_bridge.voice_call.transcript import category_events, messages_of

if TYPE_CHECKING:
    from voicecall_bridge.aws.deferred_records import ReceivedAgain
    from voicecall_bridge.settings.contact_lens import LensOptions
    from voicecall_bridge.sources.contact_lens import Category
    from voicecall_bridge.sources.kinesis import StreamRecord
    from voicecall_bridge.use_cases.transcript_calls import TranscriptCall

CATEGORIES = "categories"
NOT_FOUND_SECONDS = 30.0
"""Seconds to wait for a VoiceCall that Salesforce does not have yet."""


@dataclass(slots=True)
class LensJob:
    """A record, of the stream or of the queue of those that wait.

    Attributes:
        record: as the stream had it.
        message: of the queue; None: it comes from the stream.
        segments: what the record says.
        subject: what the log says of it.
        lines, categories: what is still to be sent.
        call: where to; None: not found yet.
        categories_result: what became of the categories.
        ended: nothing more is to be done.
        closed: not to be worked on in this batch.
    """

    record: StreamRecord
    message: ReceivedAgain | None
    segments: LensSegments = field(default_factory=lambda: LensSegments(""))
    subject: Subject = field(default_factory=Subject)
    lines: list[PendingLine] = field(default_factory=list)
    categories: tuple[Category, ...] = ()
    call: TranscriptCall | None = None
    categories_result: LineResult | None = None
    ended: bool = False
    closed: bool = False
    _arrived: float = 0.0
    _done_before: tuple[str, ...] = ()
    _fault: LineResult | None = None
    _skipped: str = ""

    @property
    def identifier(self) -> str:
        """The identifier for a batch item failure."""
        return self.message.message_id if self.message else self.record.sequence_number

    @property
    def groups(self) -> tuple[str, str]:
        """The groups of its contact and of its call; records of a group go one after the other.
        They are the same as long as the call is not found."""
        segments = self.segments
        key = segments.contact_id if self.call is None else self.call.vendor_call_key
        return (
            group_name(f"{segments.instance_id}/{segments.contact_id}"),
            group_name(f"{segments.instance_id}/{key}"),
        )

    def take(self, segments: LensSegments, options: LensOptions, now: float) -> None:
        """Takes what the record says, less what has ended before."""
        self.segments = segments
        self.subject = Subject(segments.contact_id, segments.event.value)
        self._arrived = now if self.record.arrived is None else self.record.arrived
        deferred = self.message.deferred if self.message else None
        self._done_before = deferred.done if deferred else ()
        arrived = round(self._arrived * 1000)
        self.lines = [
            PendingLine(message)
            for message in messages_of(segments, arrived, options.others)
            if message.message_id not in self._done_before
        ]
        if options.categories and CATEGORIES not in self._done_before:
            self.categories = segments.categories

    def age(self, now: float) -> float:
        """Seconds since the record came into the stream."""
        return now - self._arrived

    def category_bodies(self) -> list[dict[str, object]]:
        """The requests with its categories."""
        return list(category_events(self.categories, round(self._arrived * 1000)))

    def wait_for(self, code: str) -> None:
        """Marks the record to wait: nothing of it can be sent now."""
        self._fault = LineResult(Verdict.LATER, code)

    def skip(self, reason: str) -> None:
        """Marks the record as skipped: nothing of it is to be sent."""
        self._skipped = reason

    def refuse(self, code: str) -> None:
        """Marks the record as refused: its open lines and categories can never be sent."""
        self._fault = LineResult(Verdict.REFUSED, code)

    @property
    def must_wait(self) -> bool:
        """Whether something of its lines cannot be sent now."""
        return any(it is None or it.verdict is Verdict.LATER for it in self._line_results())

    def result(self, now: float) -> RecordResult | None:
        """How the record ended; None: something of it is to be tried later."""
        if self._skipped:
            return RecordResult(Disposition.SKIPPED, self._skipped)
        found = [it for it in self._results() if it is not None]
        if len(found) < len(self._results()):
            return None
        later = [it for it in found if it.verdict is Verdict.LATER]
        missing = all(it.code == NOT_FOUND for it in later)
        if later and not (missing and self.age(now) > NOT_FOUND_SECONDS):
            return None  # also beside what was refused: one line costs no other
        refused = [it for it in found if it.verdict is Verdict.REFUSED]
        if refused:
            return RecordResult(Disposition.DEAD_LETTERED, refused[0].code)
        if any(it.verdict is Verdict.TAKEN for it in found) or self._done_before:
            return RecordResult(Disposition.DELIVERED)
        return RecordResult(Disposition.SKIPPED, found[0].code if found else "NO_LINES")

    @property
    def wait_code(self) -> str:
        """Why it has to wait."""
        codes = [it.code for it in self._results() if it and it.verdict is Verdict.LATER]
        return next(iter(codes), "DEADLINE")

    @property
    def retry_after(self) -> float:
        """Seconds that Salesforce asks to wait."""
        return max((it.retry_after or 0.0 for it in self._results() if it), default=0.0)

    @property
    def attempts(self) -> int:
        """The most requests that any of its lines or categories took."""
        return max((it.attempts for it in self._results() if it), default=0)

    def done(self) -> tuple[str, ...]:
        """The lines and categories that have ended, for its next try."""
        ended = {Verdict.TAKEN, Verdict.PAUSED}
        lines = [it.message.message_id for it in self.lines if _is(it.result, ended)]
        categories = [CATEGORIES] if _is(self.categories_result, ended) else []
        return (*self._done_before, *lines, *categories)

    def counts(self) -> tuple[int, int]:
        """How many lines Salesforce has taken, and did not want."""
        results = self._line_results()
        return (
            sum(_is(it, {Verdict.TAKEN}) for it in results),
            sum(_is(it, {Verdict.PAUSED}) for it in results),
        )

    def _line_results(self) -> list[LineResult | None]:
        return [line.result or self._fault for line in self.lines]

    def _results(self) -> list[LineResult | None]:
        categories = [self.categories_result or self._fault] if self.categories else []
        return [*self._line_results(), *categories]


def _is(result: LineResult | None, verdicts: set[Verdict]) -> bool:
    return result is not None and result.verdict in verdicts
