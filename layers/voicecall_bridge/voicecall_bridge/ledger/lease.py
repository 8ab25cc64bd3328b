"""One lease protocol for every step that is done once for a contact: acquire, settle, release.

A lease is two attributes of the contact's item, named by its slot:

<slot>_until  until when the holder may work, in milliseconds since 1970; absent or past: free
<slot>_owner  a random name of the holder, new for each acquisition

acquire   Takes a free lease. If the answer of the write is lost and the write is sent again, it
          finds its own owner in the item: the lease is its own.
settle    Writes how the work ended, and frees the lease.
release   Frees the lease for the next worker.
establish Writes a fact that is true whoever holds the lease (a record's id). The first one stands.

Settle and release name their owner. If a lease has run out and another worker holds it, the first
worker is overtaken: it changes nothing.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.assignments import assignment_of
from voicecall_bridge.ledger.table import ConditionFailed, number, number_of, string_of, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.contact_centers.assignment import Assignment
    from voicecall_bridge.ledger.table import Item, Table, Value

TIME_TO_LIVE_SECONDS = 14 * 24 * 3600
LEASE_MARGIN_SECONDS = 1.0
"""A lease outlives its holder's deadline by this much: clocks of two hosts may differ a little."""
LAPSED = 1
"""The end of a lease that ran out long ago, in milliseconds. 0 is free also where a lapsed lease is
not: see `Leases.acquire`."""


@dataclass(frozen=True, slots=True)
class LeaseHeld:
    """Another worker holds the lease, until `until` (epoch seconds) at the latest."""

    until: float


@dataclass(frozen=True, slots=True)
class Superseded:
    """The step is not needed: it, or a newer one, was done before. `reason` is a word."""

    reason: str


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """A request went out before, and its outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work.

    Attributes:
        key: the contact.
        slot: what for; the prefix of the item's attributes.
        owner: a name of this lease alone.
    """

    key: ContactKey
    slot: str
    owner: str


@dataclass(frozen=True, slots=True)
class Acquired:
    """A lease that was free.

    Attributes:
        lease: the lease.
        item: the item before the write; after it, if the write's answer was lost.
        answer_lost: an earlier sending of the same write took the lease, and its answer was lost.
    """

    lease: Lease
    item: Item
    answer_lost: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """The changes that are written with a lease, as parts of DynamoDB's expressions.

    Attributes:
        values: of the placeholders in the other parts.
        sets: "name = :value, ..."
        removes: "name, ..."
        adds: "name :value, ..."
        condition: a further condition of the write.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    sets: str = ""
    removes: str = ""
    adds: str = ""
    condition: str = ""


NOTHING = Change()


@dataclass(eq=False, repr=False, slots=True)
class Leases:
    """The leases of a table. Every method raises LedgerUnavailable when DynamoDB does not answer in
    time or refuses.

    Attributes:
        table: the ledger's table.
        now: epoch seconds.
        new_owner: makes an owner's name.
    """

    table: Table
    now: Callable[[], float] = time.time
    new_owner: Callable[[], str] = field(default=lambda: str(uuid.uuid4()), repr=False)

    def acquire(
        self,
        key: ContactKey,
        slot: str,
        seconds: float,
        change: Change = NOTHING,
        *,
        lapses: bool = True,
    ) -> Acquired:
        """Takes the lease if it is free and the change's condition holds.

        Args:
            key: the contact.
            slot: what for.
            seconds: how long no other worker may have it.
            change: what is written with it.
            lapses: a lease that ran out is free. Otherwise only a released lease is.

        Raises:
            ConditionFailed: with the item.
        """
        now = self.now()
        lease = Lease(key, slot, self.new_owner())
        free = f"(attribute_not_exists({slot}_until) OR {slot}_until < :free)"
        values = {
            **change.values,
            ":owner": text(lease.owner),
            ":until": milliseconds(now + seconds),
            ":free": milliseconds(now) if lapses else number(LAPSED),
        }
        sets = _joined(f"{slot}_until = :until, {slot}_owner = :owner", change.sets)
        condition = f"{free} AND {change.condition}" if change.condition else free
        write = Change(values, sets, change.removes, change.adds, condition)
        try:
            before = self.write(key, write, return_before=True)
        except ConditionFailed as refused:
            if string_of(refused.item, f"{slot}_owner") != lease.owner:
                raise
            return Acquired(lease, refused.item, answer_lost=True)
        return Acquired(lease, before)

    def settle(
        self, lease: Lease, change: Change, *, until: Mapping[str, str] | None = None
    ) -> Item | None:
        """Writes how the work ended and frees the lease, if it is still this worker's.

        Args:
            lease: the lease.
            change: how it ended.
            until: the lease's end from now on; None: none, it is free.

        Returns:
            None; or the item, if another worker holds the lease or it was settled before.
        """
        slot, values = lease.slot, {**change.values, ":owner": text(lease.owner)}
        sets, removes = change.sets, _joined(f"{slot}_owner", change.removes)
        if until is None:
            removes = _joined(f"{slot}_until", removes)
        else:
            sets, values[":until"] = _joined(f"{slot}_until = :until", sets), until
        owned = Change(values, sets, removes, condition=f"{slot}_owner = :owner")
        try:
            self.write(lease.key, owned)
        except ConditionFailed as refused:
            return refused.item
        return None

    def release(
        self,
        lease: Lease,
        change: Change = NOTHING,
        *,
        until: Mapping[str, str] | None = None,
    ) -> None:
        """As `settle`, but changes nothing if another worker holds the lease, without saying so."""
        self.settle(lease, change, until=until)

    def establish(self, lease: Lease, fact: str, value: str, change: Change = NOTHING) -> str:
        """Writes a fact and ends all leases of the slot, whoever holds them.

        Args:
            lease: the lease.
            fact: name of the attribute.
            value: its value.
            change: what is written with it.

        Returns:
            The stored value: the first one that was written.
        """
        first = Change(
            {**change.values, ":fact": text(value)},
            _joined(f"{fact} = :fact", change.sets),
            _joined(f"{lease.slot}_until, {lease.slot}_owner", change.removes),
            condition=f"attribute_not_exists({fact}) OR {fact} = :fact",
        )
        try:
            self.write(lease.key, first)
        except ConditionFailed as refused:
            return string_of(refused.item, fact) or value
        return value

    def write(self, key: ContactKey, change: Change, *, return_before: bool = False) -> Item:
        """Writes to a contact's item without a lease, and renews its time to live.

        Raises:
            ConditionFailed: with what stands there.
        """
        values = {
            **change.values,
            ":contact": text(key.contact_id),
            ":expires": number(int(self.now()) + TIME_TO_LIVE_SECONDS),
        }
        sets = _joined("vendor_call_key = :contact, expires_at = :expires", change.sets)
        update = f"SET {sets}"
        if change.removes:
            update = f"{update} REMOVE {change.removes}"
        if change.adds:
            update = f"{update} ADD {change.adds}"
        return self.table.update(
            str(key), update, values, condition=change.condition, return_before=return_before
        )


@dataclass(eq=False, repr=False, slots=True)
class Ledger:
    """One side of the ledger's items. Every method raises LedgerUnavailable when DynamoDB does not
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

    def assignment(self, key: ContactKey) -> Assignment:
        """Which contact center owns the contact."""
        return assignment_of(self.table.read(str(key)))


def held(item: Item, slot: str) -> LeaseHeld:
    """Until when another worker holds the lease."""
    return LeaseHeld(number_of(item, f"{slot}_until") / 1000)


def milliseconds(seconds: float) -> dict[str, str]:
    """A moment in DynamoDB's typed form."""
    return number(int(seconds * 1000))


def _joined(one: str, other: str) -> str:
    return f"{one}, {other}" if other else one
