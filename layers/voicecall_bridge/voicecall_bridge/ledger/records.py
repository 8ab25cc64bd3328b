"""Which version of a contact's record Salesforce has: the update side of the ledger's items.

A worker acquires the lease for a version before it sends it, and settles or releases it afterwards.
There is one lease a contact. The highest version with a lease is stored (`record_claim`). No lower
version is sent until a release gives it back: Lambda will deliver the record with that version
again. A record costs two writes, both conditional.

Connect writes whole seconds, so two different versions may have the same number. Each content of a
version is sent once, in the order of delivery.

record_version  the version that Salesforce has taken
record_contents digests of the contents of that version that it has taken, with blanks between
record_brought  the properties that it has brought (see voice_call.delivered)
record_claim    the highest version that a lease was acquired for; not below record_version
record          slot of the lease

A lease is for one contact center, which it assigns the contact to (see assignments.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.assignments import (
    AssignedElsewhere,
    assigned_elsewhere,
    may_own,
    stored,
)
from voicecall_bridge.ledger.lease import Change, Lease, LeaseHeld, Ledger, Superseded, held
from voicecall_bridge.ledger.table import ConditionFailed, number, number_of, string_of, text

if TYPE_CHECKING:
    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.ledger.table import Item, Value

_SLOT = "record"
_NEWER = (
    "(attribute_not_exists(record_version) OR record_version < :version)"
    " AND (attribute_not_exists(record_claim) OR record_claim <= :version)"
)
_ANOTHER = (
    "record_version = :version AND record_claim <= :version"
    " AND (attribute_not_exists(record_contents) OR record_contents = :taken)"
)
"""A further content of the version that Salesforce has."""
_ACQUIRED = (
    "record_claim = :version, contact_center = :center,"
    # A contact has a record once it has ended: from now on it is not created as a live call.
    " call_ended = :true"
)


@dataclass(frozen=True, slots=True)
class RecordLease(Lease):
    """This worker may send this version.

    Attributes:
        version: see sources.contact_record.
        content: digest of what is sent.
        taken: digests that Salesforce has taken of this version already, with blanks between.
        brought: see RecordVersion.
    """

    version: int
    content: str
    taken: str
    brought: str


@dataclass(frozen=True, slots=True)
class UpdateLease(Lease):
    """This worker may send an update after the record.

    Attributes:
        delivered: a version of the record has been delivered.
        brought: what it has brought; empty where that was not kept yet.
    """

    delivered: bool
    brought: str


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """A version of a contact's record.

    Attributes:
        key: the contact.
        version: see sources.contact_record.
        content: digest of what would be sent, without blanks.
        brought: what it brings to the VoiceCall, for updates behind it (see voice_call.delivered).
    """

    key: ContactKey
    version: int
    content: str
    brought: str = ""


class RecordLedger(Ledger):
    """The record side of the ledger."""

    def acquire(
        self, wanted: RecordVersion, seconds: float, contact_center: ContactCenter
    ) -> RecordLease | Superseded | LeaseHeld | AssignedElsewhere:
        """The right to send a version to the contact center; or that it is not needed, not yet
        possible, or not this contact center's."""
        try:
            return self._acquire(wanted, seconds, contact_center, None)
        except ConditionFailed as refused:
            item = refused.item
        standing = self._standing(wanted, item)
        if isinstance(standing, Superseded):
            return standing
        if other := assigned_elsewhere(item, contact_center):
            return other
        if standing is not None:
            return standing
        try:
            return self._acquire(
                wanted, seconds, contact_center, string_of(item, "record_contents")
            )
        except ConditionFailed as refused:
            # Another worker has freed the lease since: the next look shows how it ended.
            return self._standing(wanted, refused.item) or LeaseHeld(self.now())

    def _acquire(
        self,
        wanted: RecordVersion,
        seconds: float,
        contact_center: ContactCenter,
        taken: str | None,
    ) -> RecordLease:
        values: dict[str, Value] = {
            ":version": number(wanted.version),
            ":center": text(stored(contact_center)),
            ":true": {"BOOL": True},
        }
        if taken is not None:
            values[":taken"] = text(taken)
        condition = f"{_NEWER if taken is None else _ANOTHER} AND {may_own(contact_center)}"
        change = Change(values, _ACQUIRED, condition=condition)
        owner = self._leases.acquire(wanted.key, _SLOT, seconds, change).lease.owner
        version, content = wanted.version, wanted.content
        return RecordLease(wanted.key, _SLOT, owner, version, content, taken or "", wanted.brought)

    def settle(self, lease: RecordLease) -> bool:
        """Remembers that Salesforce has taken the version.

        Returns:
            False when the lease ran out before and another version may have been sent since: then
            Lambda must deliver this one again, so that it is the last one.
        """
        values = {
            ":version": number(lease.version),
            ":contents": text(f"{lease.taken} {lease.content}".strip()),
        }
        sets = "record_version = :version, record_contents = :contents"
        if lease.brought:
            values[":brought"] = text(lease.brought)
            sets = f"{sets}, record_brought = :brought"
        item = self._leases.settle(lease, Change(values, sets))
        if item is None:
            return True
        # This write was sent twice, or another worker has written this content or a newer version.
        there = number_of(item, "record_version")
        return there > lease.version or (
            there == lease.version and lease.content in _contents(item)
        )

    def release(self, lease: RecordLease, *, retry_later: bool) -> None:
        """Ends the lease of a version that Salesforce did not take.

        Args:
            lease: the lease.
            retry_later: Lambda delivers the record again, so that older versions are not needed;
                otherwise they may be sent.
        """
        self._leases.release(lease, Change(removes="" if retry_later else "record_claim"))

    def acquire_update(self, key: ContactKey, seconds: float) -> UpdateLease | LeaseHeld:
        """The right to send an update after the record: meanwhile no version of it is sent."""
        try:
            acquired = self._leases.acquire(key, _SLOT, seconds)
        except ConditionFailed as refused:
            return held(refused.item, _SLOT)
        return UpdateLease(
            key,
            _SLOT,
            acquired.lease.owner,
            "record_version" in acquired.item,
            string_of(acquired.item, "record_brought"),
        )

    def release_update(self, lease: UpdateLease) -> None:
        """Ends the lease of an update, however it ended."""
        self._leases.release(lease)

    def _standing(self, wanted: RecordVersion, item: Item) -> Superseded | LeaseHeld | None:
        """Why a lease was refused; None: it is another content of the stored version."""
        there = number_of(item, "record_version")
        if there > wanted.version:
            return Superseded("NEWER_DELIVERED")
        if there == wanted.version and wanted.content in _contents(item):
            return Superseded("ALREADY_DELIVERED")
        if number_of(item, "record_claim") > wanted.version:
            return Superseded("NEWER_UNDER_WAY")
        other = held(item, _SLOT)
        return None if there == wanted.version and other.until < self.now() else other


def _contents(item: Item) -> list[str]:
    return string_of(item, "record_contents").split()
