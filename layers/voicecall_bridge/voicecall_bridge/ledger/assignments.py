"""Which contact center owns a contact, as its item tells.

contact_center names it. It is written with the first request that is about to make a record, and
never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.table import string_of

if TYPE_CHECKING:
    from voicecall_bridge.contact_centers.registry import Center
    from voicecall_bridge.ledger.table import Item

_SENT_BEFORE = ("create_request", "record_claim", "record_version")
"""One of these without contact_center: written when there was one contact center, the default."""
_UNASSIGNED = "attribute_not_exists(contact_center)"
UNTOUCHED = " AND ".join([_UNASSIGNED, *(f"attribute_not_exists({it})" for it in _SENT_BEFORE)])
"""The condition that nothing was sent for the contact yet."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The contact belongs to another contact center; `center` as in Entry."""

    center: str


def belongs_to(center: Center) -> str:
    """The condition that an item is this contact center's, or nobody's yet; it takes `:center`."""
    free = _UNASSIGNED if center.default else f"({UNTOUCHED})"
    return f"({free} OR contact_center = :center)"


def center_of(item: Item) -> str | None:
    """The contact center that an item belongs to (see Entry.center)."""
    known = string_of(item, "contact_center")
    return known or ("" if any(name in item for name in _SENT_BEFORE) else None)


def elsewhere(item: Item, center: Center) -> Elsewhere | None:
    """Where an item belongs if that is not this contact center."""
    known = center_of(item)
    mine = known is None or known == center.name or (not known and center.default)
    return None if mine else Elsewhere(str(known))
