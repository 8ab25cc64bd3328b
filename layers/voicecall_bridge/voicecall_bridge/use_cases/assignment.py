"""Which contact center owns a contact: by the ledger, and by what the contact names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.assignment import UNASSIGNED, Assignment

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.contact_centers.registry import (
        Assignable,
        ContactCenter,
        ContactCenterRegistry,
    )
    from voicecall_bridge.ledger.assignments import AssignedElsewhere
    from voicecall_bridge.observability import Observer


@dataclass(frozen=True, slots=True)
class ContactCenterAssignment:
    """Assigns contacts to the contact centers of the stack.

    Attributes:
        contact_centers: the contact centers.
        assignment_of: what the ledger knows of a contact.
        observer: logs and counters.
    """

    contact_centers: ContactCenterRegistry
    assignment_of: Callable[[ContactKey], Assignment]
    observer: Observer

    def assign(self, contact: Assignable, known: Assignment = UNASSIGNED) -> ContactCenter:
        """The contact center that owns the contact.

        Args:
            contact: the contact.
            known: what the ledger knows of it, as far as it was asked.

        Raises:
            OtherContactCenter: the stack does not serve it.
            LedgerUnavailable: the ledger does not answer which contact center owns the parent.
        """
        return self.contact_centers.assign(contact, known, self.assignment_of)

    def reassign(self, contact: Assignable, elsewhere: AssignedElsewhere) -> ContactCenter:
        """The owner of a contact that the ledger assigns to another contact center than expected:
        the first assignment stands.

        Raises:
            OtherContactCenter: the stack does not serve it, or no longer does.
        """
        if contact.secret_name:
            self.observer.count("ContactCenterKept")
        owner = self.contact_centers.owner(elsewhere.assignment)
        return owner or self.contact_centers.default
