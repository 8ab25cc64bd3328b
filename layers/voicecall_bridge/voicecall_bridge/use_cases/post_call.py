"""Brings the sentiment of a call that has ended, and its summary, to Salesforce: once a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from voicecall_bridge.aws.contact_directory import NoSuchContact
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld, Superseded
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.sources.post_call_file import MOST_BYTES, read_analysis
from voicecall_bridge.sources.reading import parsed
from voicecall_bridge.telephony.errors import TelephonyError
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.results import LeaseTimeout
from voicecall_bridge.use_cases.transcript_answers import LineResult, Verdict, of_error
from voicecall_bridge.use_cases.transcripts import EventsSent, perform_events
from voicecall_bridge.voice_call.delivered import DeliveredRecord
from voicecall_bridge.voice_call.transcript import sentiment_events, summary_update

if TYPE_CHECKING:
    from datetime import datetime

    from voicecall_bridge.aws.contact_directory import ContactDirectory
    from voicecall_bridge.aws.transcript_files import AnalysisFiles
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.analyses import AnalysisLease, AnalysisLedger
    from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
    from voicecall_bridge.ledger.records import RecordLedger, UpdateLease
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.sources.post_call_file import Analysis, CreatedFile
    from voicecall_bridge.telephony.clients import TelephonyClients
    from voicecall_bridge.use_cases.transcript_calls import TranscriptCall, TranscriptCalls


UPDATE_SECONDS = 10.0
"""Seconds for the update with the summary; meanwhile no version of the record is sent."""


class NoAgent(Exception):
    """No agent was connected: the moment from which offsets count is unknown."""


@dataclass(eq=False, repr=False, slots=True)
class PostCallAnalysis:
    """Brings analyses.

    Attributes:
        files: where they lie.
        leases: each version is brought once.
        records: what their contact records have brought.
        facts: what is known of the contacts from flow and events.
        directory: DescribeContact, for what the ledger does not have.
        calls: finds the calls of contacts.
        clients: one for each contact center.
        observer: logs and counters.
        summary_field: field of the VoiceCall for the summary; empty: none.
    """

    files: AnalysisFiles
    leases: AnalysisLedger
    records: RecordLedger
    facts: ContactFactsLedger
    directory: ContactDirectory
    calls: TranscriptCalls
    clients: TelephonyClients
    observer: Observer
    summary_field: str = ""

    def bring(
        self, key: ContactKey, file: CreatedFile, deadline: Deadline
    ) -> LineResult | Superseded:
        """Brings a file's analysis, unless Salesforce has it.

        Raises:
            LeaseTimeout: another worker brings a file of this call, or its record.
            NotAContact, ValueError: the file is not an analysis.
            NoAgent: the moment from which offsets count is unknown.
            FileGone, FileTooLarge, StorageUnavailable: the file cannot be read.
            LedgerUnavailable, DirectoryUnavailable: it does not answer now.
            OtherContactCenter: the stack does not serve the contact's.
        """
        seconds = deadline.remaining() + LEASE_MARGIN_SECONDS
        lease = self.leases.acquire(key, file.version, seconds)
        if isinstance(lease, Superseded):
            return lease
        if isinstance(lease, LeaseHeld):
            raise LeaseTimeout("another worker brings a file of this call")
        sent = EventsSent(LineResult(Verdict.LATER), lease.taken)
        try:
            sent = self._bring(key, file, lease.taken, deadline)
        finally:
            self._settle(lease, sent)
        return sent.result

    def _bring(
        self, key: ContactKey, file: CreatedFile, taken: int, deadline: Deadline
    ) -> EventsSent:
        analysis = read_analysis(parsed(self.files.read(file.bucket, file.key, MOST_BYTES)))
        connected, ended = self._times(key, analysis, deadline)
        call = self.calls.of(key, deadline)
        # The summary first: if it has to wait, nothing else was sent yet.
        if analysis.summary and self.summary_field and not taken:
            result = self._bring_summary(key, call, analysis, deadline)
            if result.verdict is not Verdict.TAKEN:
                return EventsSent(result, taken)
        bodies = islice(sentiment_events(analysis, connected, ended), taken, None)
        sent = perform_events(self.clients, Operation.POST_CALL_EVENTS, call, bodies, deadline)
        return EventsSent(sent.result, taken + sent.taken)

    def _times(
        self, key: ContactKey, analysis: Analysis, deadline: Deadline
    ) -> tuple[datetime, datetime]:
        """When the agent was connected, and when the call ended."""
        known = self.facts.read(key)
        connected, ended = known.agent_connected, known.ended_at
        if connected is None or ended is None:
            try:
                described = self.directory.describe(key, deadline)
            except NoSuchContact:
                described = None
            if described is not None:
                connected = connected or described.agent_connected
                ended = ended or described.ended_at
        if connected is None:
            raise NoAgent
        last = max((turn.end for turn in analysis.turns), default=0)
        return connected, ended or connected + timedelta(milliseconds=last)

    def _bring_summary(
        self, key: ContactKey, call: TranscriptCall, analysis: Analysis, deadline: Deadline
    ) -> LineResult:
        sending = deadline.within(UPDATE_SECONDS)
        lease = self.records.acquire_update(
            ContactKey(key.instance_id, call.vendor_call_key),
            sending.remaining() + LEASE_MARGIN_SECONDS,
        )
        if isinstance(lease, LeaseHeld):
            raise LeaseTimeout("another worker sends this contact's record")
        try:
            if lease.delivered and not lease.brought:
                # By a release that did not keep the totals: the summary is not worth them.
                return LineResult(Verdict.TAKEN)
            record = (
                DeliveredRecord.from_text(lease.brought) if lease.brought else DeliveredRecord()
            )
            body = summary_update(self.summary_field, analysis.summary, record.totals)
            done = self.clients.of(call.contact_center).perform(
                Operation.UPDATE, call.vendor_call_key, sending, body
            )
        except TelephonyError as error:
            return of_error(error)
        finally:
            self._release(lease)
        return LineResult(Verdict.TAKEN, attempts=done.attempts)

    def _release(self, lease: UpdateLease) -> None:
        try:
            self.records.release_update(lease)
        except LedgerUnavailable as fault:
            # The lease runs out by itself.
            self.observer.ledger_fault("release update", fault, lease.key.contact_id)

    def _settle(self, lease: AnalysisLease, sent: EventsSent) -> None:
        try:
            if sent.result.verdict is Verdict.TAKEN:
                self.leases.settle(lease)
            else:
                self.leases.release(lease, sent.taken)
        except LedgerUnavailable as fault:
            # The lease runs out; at worst the same events are sent once more.
            self.observer.ledger_fault("analysis", fault, lease.key.contact_id)
