"""Whose a contact is: what is said of it, against what the ledger remembers of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.registry import OtherContactCenter, refused
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.errors import Unavailable
from voicecall_bridge.use_cases.outcomes import NotCreated

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.registry import Center, Chooses, ContactCenters
    from voicecall_bridge.ledger.assignments import Elsewhere
    from voicecall_bridge.ledger.creations import CreationLedger
    from voicecall_bridge.observability import Observer


@dataclass(frozen=True, slots=True)
class CenterChoice:
    """Chooses among the contact centers of the stack.

    Attributes:
        centers: the contact centers.
        pin_of: what the ledger remembers of a contact (see contacts.Entry.center).
        observer: logs and counters.
    """

    centers: ContactCenters
    pin_of: Callable[[ContactKey], str | None]
    observer: Observer

    def of(self, contact: Chooses, pin: str | None) -> Center:
        """The contact center of a contact of which the ledger remembers `pin`.

        Raises:
            OtherContactCenter: the stack does not serve it.
            LedgerUnavailable: the ledger does not tell the parent's.
        """
        return self.centers.remembered(pin) or self.centers.wanted(
            contact, lambda parent: self.pin_of(ContactKey(contact.instance_id, parent))
        )

    def of_record(self, record: Chooses) -> Center:
        """The contact center of a contact record; whether the ledger remembers another one is
        learned when the record is claimed.

        Raises:
            OtherContactCenter, LedgerUnavailable: as in `of`.
        """
        try:
            return self.of(record, None)
        except OtherContactCenter:
            # Whatever the attribute became later: a contact that was sent somewhere stays there.
            pin = self.pin_of(ContactKey(record.instance_id, record.contact_id))
            if center := self.centers.remembered(pin):
                return center
            raise

    def of_flow(self, contact: Contact, ledger: CreationLedger) -> Center:
        """The contact center of a flow's contact; whether the ledger remembers another one is
        learned when its creation begins. A refusal is remembered there: events and records do not
        know what the flow said.

        Raises:
            OtherContactCenter: the stack does not serve it.
            NotCreated: the ledger does not tell the parent's. A guess could tell one org of the
                other one's call.
        """
        try:
            return self.of(contact, None)
        except OtherContactCenter:
            if contact.secret_name:
                self._remember_refusal(contact, ledger)
            raise
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("parent", fault, contact.contact_id)
            silent = "the ledger does not tell which contact center the parent belongs to"
            cause = Unavailable(silent, code="LEDGER_UNAVAILABLE")
            raise NotCreated(cause, request_kept=False) from None

    def of_call(self, contact: Contact, pin: str | None = None) -> Center:
        """The contact center of a contact whose VoiceCall a flow asks about. What the ledger
        remembers goes before what the flow says; it is asked only where there is a choice and no
        `pin` was read before.

        Raises:
            OtherContactCenter: the stack does not serve it.
            Unavailable: the ledger is silent, and the flow does not say.
        """
        try:
            if pin is None and self.centers.several:
                pin = self.pin_of(contact.key)
            return self.of(contact, pin)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("contact center", fault, contact.contact_id)
            if named := self.centers.named(contact.secret_name):
                return named
            silent = "the ledger does not tell which contact center the contact belongs to"
            raise Unavailable(silent, code="LEDGER_UNAVAILABLE") from None

    def kept(self, contact: Chooses, pinned: Elsewhere) -> Center:
        """The contact center of a contact that the ledger remembers at another one than it was
        taken for: the first choice stands.

        Raises:
            OtherContactCenter: the stack does not serve it, or not any more.
        """
        if contact.secret_name:
            self.observer.count("ContactCenterKept")
        return self.centers.remembered(pinned.center) or self.centers.default

    def _remember_refusal(self, contact: Contact, ledger: CreationLedger) -> None:
        key = contact.key
        try:
            ledger.refused(key, refused(contact.secret_name))
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("refused", fault, contact.contact_id)
