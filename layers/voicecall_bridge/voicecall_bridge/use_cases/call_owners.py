"""Which contact center owns the contact of a flow's request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.assignment import UNASSIGNED
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.errors import Unavailable
from voicecall_bridge.use_cases.assignment import reassigned

if TYPE_CHECKING:
    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.assignment import Assignment
    from voicecall_bridge.contact_centers.registry import ContactCenter, ContactCenterRegistry
    from voicecall_bridge.ledger.creations import CreationLedger
    from voicecall_bridge.observability import Observer


@dataclass(eq=False, repr=False, slots=True)
class CallOwners:
    """Owners of contacts, where a caller waits for the answer.

    Attributes:
        ledger: what is known of contacts.
        contact_centers: the contact centers of the stack.
        observer: logs and counters.
    """

    ledger: CreationLedger
    contact_centers: ContactCenterRegistry
    observer: Observer

    def of(self, contact: Contact, known: Assignment = UNASSIGNED) -> ContactCenter:
        """The contact center that owns the contact. The ledger comes before the flow; it is asked
        only if there are several contact centers and it was not asked before.

        Raises:
            OtherContactCenter: the stack does not serve it.
            Unavailable: the ledger does not answer, and the flow does not say.
        """
        try:
            if known == UNASSIGNED and self.contact_centers.several:
                known = self.ledger.assignment(contact.key)
            return self.contact_centers.assign(contact, known, self.ledger.assignment)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("contact center", fault, contact.contact_id)
            if named := self.contact_centers.named(contact.secret_name):
                return named
            silent = "the ledger does not answer which contact center owns the contact"
            raise Unavailable(silent, code="LEDGER_UNAVAILABLE") from None

    def remember(self, contact: Contact) -> bool:
        """Assigns the contact to the contact center that its flow names, unless it is assigned by
        now; whether it did, which needs a choice.

        Raises:
            OtherContactCenter: the stack does not serve the one that is named.
            Unavailable: the ledger does not answer.
        """
        if not self.contact_centers.several:
            return False
        named = self.contact_centers.named(contact.secret_name)
        if named is None:
            return False
        try:
            return self.ledger.assign(contact.key, named) is None
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("assign", fault, contact.contact_id)
            silent = "the ledger does not remember which contact center the contact belongs to"
            raise Unavailable(silent, code="LEDGER_UNAVAILABLE") from None

    def assign(self, contact: Contact, contact_center: ContactCenter) -> ContactCenter:
        """Assigns the contact to the contact center, unless it is assigned by now."""
        try:
            other = self.ledger.assign(contact.key, contact_center)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("assign", fault, contact.contact_id)
            return contact_center
        if other is None:
            return contact_center
        return reassigned(contact, other, self.contact_centers, self.observer)
