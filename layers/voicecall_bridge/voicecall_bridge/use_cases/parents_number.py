"""The number of a transfer for which Connect gives none, as for queue transfers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.table import LedgerUnavailable

if TYPE_CHECKING:
    from voicecall_bridge.contact import Contact
    from voicecall_bridge.ledger.creations import CreationLedger
    from voicecall_bridge.observability import Observer


def on_its_parents_number(contact: Contact, ledger: CreationLedger, observer: Observer) -> Contact:
    """The contact; if it has no number, with the number that its call came in on."""
    if contact.system_address or contact.web_rtc or not contact.previous_contact_id:
        return contact
    parent = replace(contact.key, contact_id=contact.previous_contact_id)
    try:
        number = ledger.entry(parent).request.get("to", "")
    except LedgerUnavailable as fault:
        observer.ledger_fault("parent's number", fault, contact.contact_id)
        return contact
    return replace(contact, system_address=str(number))
