"""Contact Lens' files on calls that have ended, announced by S3 one by one.

Lambda invokes the function asynchronously: a passing fault raises, so that Lambda tries it again
(twice, a minute and two minutes later) and then hands the event to the failure destination.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.aws.contact_directory import DirectoryUnavailable
from voicecall_bridge.aws.dead_letters import DeadLetterLost
from voicecall_bridge.aws.transcript_files import FileGone, FileTooLarge, StorageUnavailable
from voicecall_bridge.contact import ContactKey, NotAContact
from voicecall_bridge.contact_centers.registry import OtherContactCenter
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.ledger.lease import Superseded
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.observability import LEDGER_UNAVAILABLE, Disposition
from voicecall_bridge.settings.post_call_analysis import PostCallFiles
from voicecall_bridge.sources.kinesis import StreamRecord
from voicecall_bridge.sources.post_call_file import read_event
from voicecall_bridge.sources.reading import members, text
from voicecall_bridge.streams.results import (
    PermanentFailure,
    RecordResult,
    Subject,
    TransientFailure,
)
from voicecall_bridge.use_cases.post_call import NoAgent
from voicecall_bridge.use_cases.results import LeaseTimeout
from voicecall_bridge.use_cases.transcript_answers import LineResult, Verdict

if TYPE_CHECKING:
    from voicecall_bridge.sources.post_call_file import CreatedFile
    from voicecall_bridge.streams.results import RecordLog
    from voicecall_bridge.use_cases.post_call import PostCallAnalysis

NAME = "post_call_analysis"
HAND_OVER_SECONDS = 2.0
"""Kept of Lambda's time-out for writing how it ended."""


@dataclass(eq=False, repr=False, slots=True)
class PostCallEvents:
    """Handles S3's events.

    Attributes:
        analysis: the use case.
        log: how events end.
        instance_id: the instance of the calls.
        files: which files are read.
    """

    analysis: PostCallAnalysis
    log: RecordLog
    instance_id: str
    files: PostCallFiles = PostCallFiles.ORIGINAL

    def handle(self, event: object, seconds_left: float) -> dict[str, str]:
        """Handles one event; says how it ended.

        Raises:
            TransientFailure: Lambda is to try it again.
        """
        deadline = Deadline.after(max(0.0, seconds_left - HAND_OVER_SECONDS))
        record = StreamRecord("", text(members(event).get("id")), members(event))
        subject = Subject()
        try:
            file = read_event(event)
            subject = Subject(file.contact_id, "Object Created")
            result = self._bring(file, deadline)
        except NotAContact as error:
            subject = Subject(subject.contact_id, subject.kind, str(error))
            return self._dead_letter(record, subject, "NOT_AN_ANALYSIS")
        except PermanentFailure as reason:
            return self._dead_letter(record, subject, str(reason))
        except TransientFailure as fault:
            observer = self.log.observer
            observer.retry_later(NAME, subject.contact_id, str(fault), fault.detail)
            observer.flush()
            raise
        except Exception as error:  # an event that fails for ever is tried no second time
            self.log.observer.defect(error, subject.contact_id)
            return self._dead_letter(record, subject, "DEFECT")
        self.log.ended(record, subject, result)
        self.log.observer.flush()
        return {"disposition": result.disposition.value, "reason": result.reason}

    def _bring(self, file: CreatedFile, deadline: Deadline) -> RecordResult:
        if not file.contact_id:
            return RecordResult(Disposition.SKIPPED, "NOT_AN_ANALYSIS_OF_A_CALL")
        if file.redacted != (self.files is PostCallFiles.REDACTED):
            return RecordResult(Disposition.SKIPPED, "THE_OTHER_FILE")
        try:
            done = self.analysis.bring(
                ContactKey(self.instance_id, file.contact_id), file, deadline
            )
        except NoAgent:
            return RecordResult(Disposition.SKIPPED, "NO_AGENT")
        except FileGone:
            return RecordResult(Disposition.SKIPPED, "FILE_GONE")
        except (FileTooLarge, OtherContactCenter, NotAContact, ValueError) as error:
            raise _permanent(error) from None
        except _PASSING as fault:
            raise _transient(fault) from None
        if isinstance(done, Superseded):
            return RecordResult(Disposition.SUPERSEDED, done.reason)
        return _result(done)

    def _dead_letter(self, record: StreamRecord, subject: Subject, reason: str) -> dict[str, str]:
        kept = self.log.dead_letter(record, subject, reason)
        self.log.observer.flush()
        if not kept:
            raise TransientFailure("DEAD_LETTER_LOST") from DeadLetterLost(reason)
        return {"disposition": Disposition.DEAD_LETTERED.value, "reason": reason}


_PASSING = (LeaseTimeout, StorageUnavailable, LedgerUnavailable, DirectoryUnavailable)


def _permanent(error: Exception) -> Exception:
    if isinstance(error, FileTooLarge):
        return PermanentFailure("FILE_TOO_LARGE")
    if isinstance(error, OtherContactCenter):
        return PermanentFailure(error.code)
    return error if isinstance(error, NotAContact) else NotAContact("the file is not JSON")


def _transient(fault: Exception) -> TransientFailure:
    if isinstance(fault, LeaseTimeout):
        return TransientFailure("IN_PROGRESS")
    if isinstance(fault, StorageUnavailable):
        return TransientFailure("BUCKET", str(fault))
    if isinstance(fault, LedgerUnavailable):
        return TransientFailure(LEDGER_UNAVAILABLE, str(fault))
    return TransientFailure(f"CONNECT_{fault}")


def _result(done: LineResult) -> RecordResult:
    if done.verdict is Verdict.LATER:
        raise TransientFailure(done.code)
    if done.verdict is Verdict.REFUSED:
        raise PermanentFailure(done.code)
    if done.verdict is Verdict.PAUSED:
        return RecordResult(Disposition.SKIPPED, done.code)
    return RecordResult(Disposition.DELIVERED, attempts=done.attempts)
