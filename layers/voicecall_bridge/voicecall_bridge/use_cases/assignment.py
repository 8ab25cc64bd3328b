"""Which contact center owns a contact, where the ledger has an answer of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicecall_bridge.contact_centers.registry import (
        Assignable,
        ContactCenter,
        ContactCenterRegistry,
    )
    from voicecall_bridge.ledger.assignments import AssignedElsewhere
    from voicecall_bridge.observability import Observer


def reassigned(
    contact: Assignable,
    elsewhere: AssignedElsewhere,
    contact_centers: ContactCenterRegistry,
    observer: Observer,
) -> ContactCenter:
    """The owner of a contact that the ledger assigns to another contact center than expected: the
    first assignment stands.

    Raises:
        OtherContactCenter: the stack does not serve it, or no longer does.
    """
    if contact.secret_name:
        observer.count("ContactCenterKept")
    return contact_centers.owner(elsewhere.assignment) or contact_centers.default
