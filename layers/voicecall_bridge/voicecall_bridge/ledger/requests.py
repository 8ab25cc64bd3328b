"""Requests that are made once for a contact: callbacks and reservations.

Each makes a record at Salesforce, and no later answer shows whether it did. So the request is
remembered before it is sent, and one with an unknown outcome is never sent again: its lease does
not become free when it lapses.

<slot>         slot of the lease: the kind of request, and a hash of its identity
<slot>_record  what Salesforce answered; from then on final

A hash, because names of attributes show up in places where values do not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.lease import (
    LAPSED,
    NOTHING,
    Change,
    Lease,
    LeaseHeld,
    Ledger,
    OutcomeUnknown,
    held,
)
from voicecall_bridge.ledger.table import ConditionFailed, number, string_of

if TYPE_CHECKING:
    from voicecall_bridge.contact import ContactKey


@dataclass(frozen=True, slots=True)
class Requested:
    """The request was made before; Salesforce answered this."""

    answer: str


class RequestLedger(Ledger):
    """The request side of the ledger."""

    def acquire(
        self, key: ContactKey, slot: str, seconds: float
    ) -> Lease | Requested | LeaseHeld | OutcomeUnknown:
        """The right to send the request, or what is known of an earlier one."""
        not_made = Change(condition=f"attribute_not_exists({slot}_record)")
        try:
            acquired = self._leases.acquire(key, slot, seconds, not_made, lapses=False)
        except ConditionFailed as refused:
            if answer := string_of(refused.item, f"{slot}_record"):
                return Requested(answer)
            other = held(refused.item, slot)
            return other if other.until >= self.now() else OutcomeUnknown()
        return acquired.lease

    def settle(self, lease: Lease, answer: str) -> str:
        """Remembers the answer, whoever holds the lease by now; the first one stands.

        Returns:
            The answer that stands.
        """
        return self._leases.establish(lease, f"{lease.slot}_record", answer)

    def release(self, lease: Lease, *, unknown: bool) -> None:
        """Frees the request for another try; or, if `unknown`, for none."""
        self._leases.release(lease, NOTHING, until=number(LAPSED) if unknown else None)


def slot_of(kind: str, request: str) -> str:
    """The lease's slot.

    Args:
        kind: of the request, a word of the letters a to z.
        request: its identity among the requests of its kind.
    """
    digest = hashlib.sha256(request.encode(errors="replace")).hexdigest()
    return f"{kind}_{digest[:16]}"
