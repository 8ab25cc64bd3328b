"""Handles a contact record: the newest version of each contact goes to Salesforce.

Rules: docs/contact-records.md. The same records are skipped as by Salesforce's own package (SCVL),
unless the settings say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.contact import Channel
from voicecall_bridge.contact_centers.registry import OtherContactCenter
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.observability import LEDGER_UNAVAILABLE, Disposition
from voicecall_bridge.settings.contact_records import RecordRules, doubt, undocumented
from voicecall_bridge.sources import contact_record
from voicecall_bridge.sources.kinds import Kind
from voicecall_bridge.streams.results import PermanentFailure, RecordResult, TransientFailure
from voicecall_bridge.telephony.errors import TelephonyError, is_refused
from voicecall_bridge.use_cases.record_updates import LeaseLost
from voicecall_bridge.use_cases.results import LeaseTimeout
from voicecall_bridge.voice_call.update import update_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.sources.contact_record import ContactRecord
    from voicecall_bridge.use_cases.record_updates import RecordUpdates
    from voicecall_bridge.voice_call.update import CustomField


@dataclass(eq=False, repr=False, slots=True)
class ContactRecords:
    """The source of the contact record stream (see processor.Source).

    Attributes:
        updates: the use case.
        rules: what is skipped, and what is added.
        instance_arn: the instance of records that name none.
    """

    updates: RecordUpdates
    rules: RecordRules = field(default_factory=RecordRules)
    instance_arn: str = ""
    name: str = "contact_records"
    kind: Kind = Kind.CONTACT_RECORD
    _doubtful: dict[CustomField, bool] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Notes the fields with a path that may be a typing error."""
        self._doubtful = dict.fromkeys(undocumented(self.rules.fields), True)

    def read(self, payload: object) -> ContactRecord:
        """The record; raises NotAContact."""
        return contact_record.read(payload, self.instance_arn)

    def chain(self, item: ContactRecord) -> str:
        """The first contact of the chain: a parent's record goes before its child's, if both are
        in the batch in this order."""
        return f"{item.instance_id}/{item.initial_contact_id}"

    def describe(self, item: ContactRecord) -> tuple[str, str]:
        """Contact id and initiation method."""
        return item.contact_id, item.initiation_method.value

    def without_salesforce(
        self, item: ContactRecord, later: Sequence[ContactRecord]
    ) -> RecordResult | None:
        """How it ends where it is skipped or a newer version is behind it; else None."""
        if reason := self._skip(item):
            return RecordResult(Disposition.SKIPPED, reason)
        # A skipped version brings nothing, except that the contact must stay out of Salesforce.
        newer = [other for other in later if _supersedes(other, item)]
        if any(self._skip(other) in ("", "OPTED_OUT") for other in newer):
            # A later record of the batch says all that this one says, and ends by itself.
            return RecordResult(Disposition.SUPERSEDED, "NEWER_IN_BATCH")
        return None

    def handle(self, item: ContactRecord, deadline: Deadline) -> RecordResult:
        """Sends it, unless a newer version is known.

        Raises:
            TransientFailure: a fault of Salesforce or the ledger, or another worker holds the
                contact.
            PermanentFailure: refused for good.
        """
        self._report_slips(item)
        request = update_request(item, self.rules.fields, self.rules.callback)
        try:
            done = self.updates.update(item, request, deadline)
        except LedgerUnavailable as fault:
            raise TransientFailure(LEDGER_UNAVAILABLE, str(fault)) from None
        except LeaseTimeout:
            raise TransientFailure("IN_PROGRESS", own=True) from None
        except LeaseLost:
            raise TransientFailure("LEASE_RAN_OUT", own=True) from None
        except OtherContactCenter as refused:
            raise PermanentFailure(refused.code) from None
        except TelephonyError as error:
            if is_refused(error):
                raise PermanentFailure(error.code) from None
            raise TransientFailure(error.code) from None
        if done.superseded:
            return RecordResult(Disposition.SUPERSEDED, done.superseded)
        return RecordResult(Disposition.DELIVERED, attempts=done.attempts)

    def _report_slips(self, item: ContactRecord) -> None:
        """Connect writes its members into every record, null where there is nothing: a name that
        is neither documented nor in the record is reported once."""
        for custom in list(self._doubtful):
            # Many chains run at once: `pop` gives the field to one of them.
            if custom.member not in item.members and self._doubtful.pop(custom, False):
                it = doubt(custom)
                self.updates.observer.setting_fault(
                    it.setting, it.item, f"{it.fault}, and this record lacks it"
                )

    def _skip(self, item: ContactRecord) -> str:
        if item.channel not in (Channel.VOICE, Channel.UNSTATED):
            return "NOT_VOICE"
        return self.rules.skip(item)


def _supersedes(later: ContactRecord, item: ContactRecord) -> bool:
    if (later.instance_id, later.contact_id) != (item.instance_id, item.contact_id):
        return False
    # Of two records of one second, either may be the newer one.
    return later.version > item.version or (
        later.version == item.version and later.members == item.members
    )
