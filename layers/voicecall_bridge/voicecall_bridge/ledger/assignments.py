"""Which contact center owns a contact, as the contact's item says.

contact_center  name of the contact center, or refused/<digest>
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.assignment import (
    AssignedTo,
    AssignedToDefault,
    Refused,
    Unassigned,
)
from voicecall_bridge.ledger.table import string_of

if TYPE_CHECKING:
    from voicecall_bridge.contact_centers.assignment import Assignment
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.ledger.table import Item

_REFUSED = "refused/"
_SENT_BEFORE = ("create_request", "record_claim", "record_version")
"""One of these without contact_center: written before assignments were."""
_NOT_STORED = "attribute_not_exists(contact_center)"
NOT_ASSIGNED = " AND ".join([_NOT_STORED, *(f"attribute_not_exists({it})" for it in _SENT_BEFORE)])
"""The condition that nothing was sent for the contact yet."""


@dataclass(frozen=True, slots=True)
class AssignedElsewhere:
    """Another contact center owns the contact."""

    assignment: Assignment


def may_own(contact_center: ContactCenter) -> str:
    """The condition that a contact is this contact center's or unassigned; it takes `:center`."""
    free = _NOT_STORED if contact_center.default else f"({NOT_ASSIGNED})"
    return f"({free} OR contact_center = :center)"


def stored(contact_center: ContactCenter) -> str:
    """The attribute of a contact that the contact center owns."""
    refused = contact_center.assignment
    return stored_refusal(refused) if refused else contact_center.name


def stored_refusal(refused: Refused) -> str:
    """The attribute of a contact that was refused."""
    return f"{_REFUSED}{refused.digest}"


def assignment_of(item: Item) -> Assignment:
    """The assignment of the item's contact."""
    known = string_of(item, "contact_center")
    if known.startswith(_REFUSED):
        return Refused(known.removeprefix(_REFUSED))
    if known:
        return AssignedTo(known)
    sent_before = any(name in item for name in _SENT_BEFORE)
    return AssignedToDefault() if sent_before else Unassigned()


def assigned_elsewhere(item: Item, contact_center: ContactCenter) -> AssignedElsewhere | None:
    """The item's assignment, if it is not this contact center's."""
    known = assignment_of(item)
    mine = (
        isinstance(known, Unassigned)
        or (isinstance(known, AssignedToDefault) and contact_center.default)
        or string_of(item, "contact_center") == stored(contact_center)
    )
    return None if mine else AssignedElsewhere(known)
