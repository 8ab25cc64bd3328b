"""Which version of a contact's record Salesforce has: the update side of the ledger's items.

A worker claims a version before it sends it, with a lease, and tells afterwards how it ended. One
claim at a time a contact; no version is claimed below one that was ever claimed and not given back,
because the record with that version is still on its way: whoever held it has not told Kinesis
that it is done. Two writes a record, both conditional.

Connect writes whole seconds, so two versions may look equal and not be. Each content of a version
is sent once, in the order in which they come; the same content again is not.

record_version  the version that Salesforce has taken
record_contents what of that version it has taken: digests with blanks between
record_claim    the highest version that was claimed; not below record_version
record_until    end of the lease, in milliseconds since 1970; absent or past: nobody is at it
record_owner    who holds the lease

A claim is of one contact center, which it pins as the create side does (see contacts.py).
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from voicecall_bridge.ledger.creations import (
    TIME_TO_LIVE_SECONDS,
    ContactKey,
    Elsewhere,
    belongs_to,
    center_of,
    elsewhere,
)
from voicecall_bridge.ledger.table import ConditionFailed, number, number_of, string_of, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact_centers.registry import Center
    from voicecall_bridge.ledger.table import Table

_FREE = (
    "(attribute_not_exists(record_version) OR record_version < :version)"
    " AND (attribute_not_exists(record_claim) OR record_claim <= :version)"
    " AND (attribute_not_exists(record_until) OR record_until < :now)"
)
_ANOTHER = (
    "record_version = :version AND record_claim <= :version"
    " AND (attribute_not_exists(record_contents) OR record_contents = :taken)"
    " AND (attribute_not_exists(record_until) OR record_until < :now)"
)
"""As _FREE, for a further content of the version that Salesforce has."""
_CLAIM = (
    "SET vendor_call_key = :contact, expires_at = :expires, record_claim = :version,"
    " contact_center = :center,"
    # A contact has a record once it has ended: from now on nobody creates it as a live call.
    " record_until = :until, record_owner = :owner, call_ended = :true"
)
_MINE = "record_owner = :owner"
_SENT = (
    "SET record_version = :version, record_contents = :contents, expires_at = :expires"
    " REMOVE record_until, record_owner"
)
_KEPT = "REMOVE record_until, record_owner"
_GIVEN_BACK = "REMOVE record_claim, record_until, record_owner"


@dataclass(frozen=True, slots=True)
class Claim:
    """This worker may send this version.

    Attributes:
        key: the contact.
        version: see sources.contact_record.
        content: digest of what is sent.
        owner: tells this claim from every other one.
        taken: digests that Salesforce has taken of this version already, with blanks between.
    """

    key: ContactKey
    version: int
    content: str
    owner: str
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Outrun:
    """There is no need to send it. The text says why, in a word."""

    reason: str


@dataclass(frozen=True, slots=True)
class AtWork:
    """Another worker sends this or an older version, until `lease_until` (epoch s) at most."""

    lease_until: float


@dataclass(slots=True)
class RecordLedger:
    """The record side of the ledger. Every method raises LedgerUnavailable when DynamoDB does not
    answer in time or refuses.

    Attributes:
        table: the ledger's table.
        now: epoch seconds.
    """

    table: Table
    now: Callable[[], float] = time.time
    new_owner: Callable[[], str] = field(default=lambda: str(uuid.uuid4()), repr=False)

    def center(self, key: ContactKey) -> str | None:
        """The contact center that the contact belongs to (see contacts.Entry.center)."""
        return center_of(self.table.read(str(key)))

    def claim(
        self, key: ContactKey, version: int, content: str, lease_seconds: float, center: Center
    ) -> Claim | Outrun | AtWork | Elsewhere:
        """The right to send a version's content to the contact center; or that it is not needed,
        not yet possible, or not this contact center's.

        Args:
            key: the contact.
            version: see sources.contact_record.
            content: digest of what would be sent, without blanks.
            lease_seconds: how long nobody else may send for this contact.
            center: where it would be sent.
        """
        now = self.now()
        claim = Claim(key, version, content, self.new_owner())
        values: dict[str, dict[str, Any]] = {
            ":version": number(version),
            ":now": number(int(now * 1000)),
            ":until": number(int((now + lease_seconds) * 1000)),
            ":owner": text(claim.owner),
            ":center": text(center.name),
            ":contact": text(key.contact_id),
            ":expires": self._expires(),
            ":true": {"BOOL": True},
        }
        try:
            free = f"{_FREE} AND {belongs_to(center)}"
            self.table.update(str(key), _CLAIM, values, condition=free)
        except ConditionFailed as refused:
            standing = _standing(claim, refused.item, now)
            if isinstance(standing, Claim | Outrun):
                return standing
            if other := elsewhere(refused.item, center):
                return other
            if standing is not None:
                return standing
            claim = replace(claim, taken=string_of(refused.item, "record_contents"))
            return self._claim_another(claim, values, center)
        return claim

    def _claim_another(
        self, claim: Claim, values: dict[str, dict[str, Any]], center: Center
    ) -> Claim | Outrun | AtWork:
        values = {**values, ":taken": text(claim.taken)}
        another = f"{_ANOTHER} AND {belongs_to(center)}"
        try:
            self.table.update(str(claim.key), _CLAIM, values, condition=another)
        except ConditionFailed as refused:
            now = self.now()
            # Free again already: whoever came between has been quick, and a next look will tell.
            return _standing(claim, refused.item, now) or AtWork(now)
        return claim

    def sent(self, claim: Claim) -> bool:
        """Remembers that Salesforce has taken the version.

        Returns:
            False when the lease ran out before and another version may have been sent since: then
            this one must come again to be the last.
        """
        values = {
            ":version": number(claim.version),
            ":contents": text(f"{claim.taken} {claim.content}".strip()),
            ":owner": text(claim.owner),
            ":expires": self._expires(),
        }
        try:
            self.table.update(str(claim.key), _SENT, values, condition=_MINE)
        except ConditionFailed as refused:
            # A second sending of this very write, or another worker's with this content or a newer
            # version.
            there = number_of(refused.item, "record_version")
            return there > claim.version or (
                there == claim.version and claim.content in _contents(refused.item)
            )
        return True

    def not_sent(self, claim: Claim, *, comes_again: bool) -> None:
        """Ends the claim of a version that Salesforce did not take.

        Args:
            claim: the claim.
            comes_again: the record will be delivered again, so that older ones need not be sent
                meanwhile; otherwise they may.
        """
        update = _KEPT if comes_again else _GIVEN_BACK
        try:
            self.table.update(
                str(claim.key), update, {":owner": text(claim.owner)}, condition=_MINE
            )
        except ConditionFailed:
            return  # the lease ran out and another worker has the contact now: its word counts

    def _expires(self) -> dict[str, str]:
        return number(int(self.now()) + TIME_TO_LIVE_SECONDS)


def _standing(
    claim: Claim, item: Mapping[str, Mapping[str, Any]], now: float
) -> Claim | Outrun | AtWork | None:
    """Why a claim was refused; None: it is another content of the version that is there."""
    if string_of(item, "record_owner") == claim.owner:
        return claim  # written by a first sending whose answer was lost
    there = number_of(item, "record_version")
    if there > claim.version:
        return Outrun("NEWER_DELIVERED")
    if there == claim.version and claim.content in _contents(item):
        return Outrun("ALREADY_DELIVERED")
    if number_of(item, "record_claim") > claim.version:
        return Outrun("NEWER_UNDER_WAY")
    until = number_of(item, "record_until") / 1000
    return None if there == claim.version and until < now else AtWork(until)


def _contents(item: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return string_of(item, "record_contents").split()
