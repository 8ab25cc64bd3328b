"""Which callbacks were requested for a contact: once for each number. In the ledger's items.

Requesting a callback makes a record, and no later answer tells whether it did. So the request is
remembered before it is sent, and one with an unknown outcome is never sent again: its lease does
not become free when it lapses.

callback_<number>         slot of the lease
callback_<number>_record  the record that was made; from then on final

<number> is a hash: names of attributes show up in places where values do not.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.lease import (
    LAPSED,
    NOTHING,
    Change,
    Lease,
    LeaseHeld,
    Leases,
    OutcomeUnknown,
    held,
)
from voicecall_bridge.ledger.table import ConditionFailed, number, string_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.ledger.table import Table


@dataclass(frozen=True, slots=True)
class CallbackLease(Lease):
    """This worker may send the request."""


@dataclass(frozen=True, slots=True)
class Requested:
    """The callback was requested before; Salesforce made this record of it."""

    record_id: str


@dataclass(slots=True)
class CallbackLedger:
    """The callback side of the ledger. Every method raises LedgerUnavailable when DynamoDB does not
    answer in time or refuses.

    Attributes:
        table: the ledger's table.
        now: epoch seconds.
    """

    table: Table
    now: Callable[[], float] = time.time
    _leases: Leases = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Takes the leases of the table."""
        self._leases = Leases(self.table, self.now)

    def acquire(
        self, key: ContactKey, callback_number: str, seconds: float
    ) -> CallbackLease | Requested | LeaseHeld | OutcomeUnknown:
        """The right to send the request, or what is known of an earlier one."""
        slot = slot_of(callback_number)
        not_made = Change(condition=f"attribute_not_exists({slot}_record)")
        try:
            acquired = self._leases.acquire(key, slot, seconds, not_made, lapses=False)
        except ConditionFailed as refused:
            if record_id := string_of(refused.item, f"{slot}_record"):
                return Requested(record_id)
            other = held(refused.item, slot)
            return other if other.until >= self.now() else OutcomeUnknown()
        return CallbackLease(key, slot, acquired.lease.owner)

    def settle(self, lease: CallbackLease, record_id: str) -> str:
        """Remembers the record, whoever holds the lease by now; the first one stands.

        Returns:
            The record that stands.
        """
        return self._leases.establish(lease, f"{lease.slot}_record", record_id)

    def release(self, lease: CallbackLease, *, unknown: bool) -> None:
        """Frees the request for another try; or, if `unknown`, for none."""
        self._leases.release(lease, NOTHING, until=number(LAPSED) if unknown else None)


def slot_of(callback_number: str) -> str:
    """The lease's slot for a callback to this number."""
    digest = hashlib.sha256(callback_number.encode(errors="replace")).hexdigest()
    return f"callback_{digest[:16]}"
