"""The use case of updates that flows ask for, before and after the contact's record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.assignment import UNASSIGNED
from voicecall_bridge.ledger.creations import Entry
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Unavailable
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.waiting import Waiting, with_reserve
from voicecall_bridge.voice_call.actions import update_of_a_call
from voicecall_bridge.voice_call.delivered import (
    DeliveredRecord,
    UpdateBehindRecord,
    update_behind_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.creations import CreationLedger
    from voicecall_bridge.ledger.records import RecordLedger, UpdateLease
    from voicecall_bridge.telephony.clients import TelephonyClients
    from voicecall_bridge.use_cases.call_owners import CallOwners


@dataclass(frozen=True, slots=True)
class LiveUpdates:
    """Updates of VoiceCalls. The contact's record is newer than any of them.

    Attributes:
        ledger, records: the memory.
        owners: which contact center owns a contact.
        clients: Salesforce, one client a contact center.
        sleep: waits for seconds.
    """

    ledger: CreationLedger
    records: RecordLedger
    owners: CallOwners
    clients: TelephonyClients
    sleep: Callable[[float], None]

    def send(
        self, contact: Contact, properties: Mapping[str, object], deadline: Deadline
    ) -> SalesforceResult:
        """Updates the contact's VoiceCall.

        Raises:
            LeaseTimeout: the contact's record is being sent.
            OtherContactCenter: the call belongs to a contact center that is not served.
            TelephonyError: Salesforce did not do it, or the ledger does not give the totals.
        """
        entry = Entry()
        try:
            entry = self.ledger.entry(contact.key)
        except LedgerUnavailable as fault:
            self.owners.observer.ledger_fault("entry", fault, contact.contact_id)
        owner = self.owners.of(contact, entry.assignment)
        if entry.record_known:
            return self._update_behind_record(contact, properties, owner, deadline)
        body = update_of_a_call(properties, call_is_on=not entry.call_ended)
        if entry.assignment == UNASSIGNED and self.clients.contact_centers.several:
            owner = self.owners.assign(contact, owner)  # the update may make the record
        return self._perform(contact, body, owner, deadline)

    def _update_behind_record(
        self,
        contact: Contact,
        properties: Mapping[str, object],
        owner: ContactCenter,
        deadline: Deadline,
    ) -> SalesforceResult:
        """Sends the members that the contact's record has not brought, with the record's totals:
        an update without them would set them to 0."""
        lease = self._acquire_update(contact, deadline)
        try:
            update = UpdateBehindRecord(properties)  # the record is still to come, and is newer
            if lease.delivered and not lease.brought:  # by a release that did not keep it
                return SalesforceResult(superseded="RECORD_DELIVERED")
            if lease.delivered:
                update = update_behind_record(properties, DeliveredRecord.from_text(lease.brought))
            if update.body is None:
                return SalesforceResult(superseded="RECORD_DELIVERED")
            result = self._perform(contact, update.body, owner, deadline)
            return replace(result, held_back=update.held_back)
        finally:
            self._release_update(lease)

    def _acquire_update(self, contact: Contact, deadline: Deadline) -> UpdateLease:
        seconds = deadline.remaining() + LEASE_MARGIN_SECONDS
        waiting = Waiting(with_reserve(deadline), self.sleep)
        try:
            while True:
                lease = self.records.acquire_update(contact.key, seconds)
                if not isinstance(lease, LeaseHeld):
                    return lease
                waiting.wait("the contact's record is being sent")
        except LedgerUnavailable as fault:
            self.owners.observer.ledger_fault("acquire update", fault, contact.contact_id)
            silent = "the ledger does not answer what the contact's record has brought"
            raise Unavailable(silent, code="LEDGER_UNAVAILABLE") from None

    def _release_update(self, lease: UpdateLease) -> None:
        try:
            self.records.release_update(lease)
        except LedgerUnavailable as fault:
            # The lease runs out by itself.
            self.owners.observer.ledger_fault("release update", fault, lease.key.contact_id)

    def _perform(
        self, contact: Contact, body: Mapping[str, object], owner: ContactCenter, deadline: Deadline
    ) -> SalesforceResult:
        client = self.clients.of(owner)
        sending = with_reserve(deadline)
        return client.perform(Operation.UPDATE, contact.contact_id, sending, body)
