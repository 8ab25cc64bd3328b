"""What was sent for a contact and what became of it: the bridge's memory, in DynamoDB.

One item a contact, written before a request is sent and again when its outcome is known, so that
the flow, Connect's own retries and the contact's events agree on one VoiceCall. The create side of
an item goes CREATING -> CREATED | FAILED | UNKNOWN; CREATED is final. A worker holds CREATING with
a lease; a lease that has run out counts as UNKNOWN. Every write is conditional.

contact_center names the contact center that the contact belongs to. It is written with the first
request that is about to make a record, and never changes.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from voicecall_bridge.ledger.table import (
    ConditionFailed,
    Table,
    number,
    number_of,
    string_of,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact_centers.registry import Center

TIME_TO_LIVE_SECONDS = 14 * 24 * 3600
LEASE_MARGIN_SECONDS = 1.0
"""A lease outlives its holder's deadline by this much: clocks of two hosts may differ a little."""

_GRANTED = (
    "attribute_not_exists(create_status) OR create_status IN (:failed, :unknown)"
    " OR (create_status = :creating AND lease_until < :now)"
)
_BEGIN = (
    "create_status = :creating, lease_owner = :owner, lease_until = :until,"
    " contact_center = :center, create_request = :request,"
    " create_start = if_not_exists(create_start, :start)"
    " ADD create_attempts :one"
)
_CREATED = (
    "create_status = :created, voice_call_id = :id REMOVE lease_owner, lease_until, create_error"
)
_NOT_CREATED = "create_status = :status, create_error = :error REMOVE lease_owner, lease_until"
_UNPINNED = "attribute_not_exists(contact_center)"
_SENT_BEFORE = ("create_request", "record_claim", "record_version")
"""One of these without contact_center: written when there was one contact center, the default."""
_UNTOUCHED = " AND ".join([_UNPINNED, *(f"attribute_not_exists({name})" for name in _SENT_BEFORE)])
_PINNED = "contact_center = :center"
_RESENT = "create_request = :request"
_ENDED = "call_ended = :true"
_STEP = "#step = :until"
_FOR_GOOD = 10**15
"""A moment, in milliseconds, that no lease of a step runs out before."""


class CreateStatus(StrEnum):
    """How far the creation of a contact's VoiceCall has come."""

    CREATING = "CREATING"
    CREATED = "CREATED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class ContactKey:
    """A contact of an instance; two instances in one table do not meet."""

    instance_id: str
    contact_id: str

    def __str__(self) -> str:
        """The item's key."""
        return f"{self.instance_id}/{self.contact_id}"


@dataclass(frozen=True, slots=True)
class Created:
    """The contact's VoiceCall exists; `request` is what was sent for it."""

    voice_call_id: str
    request: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Busy:
    """Another worker is creating it, until `lease_until` (epoch seconds) at the latest."""

    lease_until: float


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The contact belongs to another contact center; `center` as in Entry."""

    center: str


@dataclass(frozen=True, slots=True)
class Entry:
    """All that the ledger knows of a contact.

    Attributes:
        create_status: None when nobody began to create it.
        voice_call_id: empty while there is none.
        request: what was, or was to be, sent last, with the start of the first time; empty when
            nobody began.
        lease_until: epoch seconds; 0 without a lease.
        call_ended: the contact is known to be over.
        record_known: a version of its contact record was sent, or is about to be.
        updated: its contact record has been sent, which makes the VoiceCall where there is none.
        center: the name of the contact center it belongs to; empty: the default one, from before
            that was remembered; None: nothing was sent for it yet.
    """

    create_status: CreateStatus | None = None
    voice_call_id: str = ""
    request: Mapping[str, object] = field(default_factory=dict)
    lease_until: float = 0.0
    call_ended: bool = False
    record_known: bool = False
    updated: bool = False
    center: str | None = None


class Step(StrEnum):
    """What is done once for a contact, beside its creation; the value is the item's attribute."""

    CLEAR_ROUTING = "clear_routing_until"
    REROUTE = "reroute_until"


@dataclass(frozen=True, slots=True)
class StepLease:
    """This worker is to do the step; `center` as in Entry."""

    center: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """This worker may send.

    Attributes:
        key: the contact.
        owner: tells this lease from every other one.
        after_unknown: an earlier attempt may have made the record.
        earlier_request: what was to be sent before; empty at the first attempt.
    """

    key: ContactKey
    owner: str
    after_unknown: bool
    earlier_request: Mapping[str, object]


@dataclass(slots=True)
class Ledger:
    """The ledger of one table. Every method raises LedgerUnavailable when DynamoDB does not answer
    in time or refuses.

    Attributes:
        client: makes the DynamoDB client when it is needed.
        table: the table's name.
        now: epoch seconds.
    """

    client: Callable[[], Any]
    table: str
    now: Callable[[], float] = time.time
    _table: Table = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Takes the table in use."""
        self._table = Table(self.client, self.table)

    def begin(
        self, key: ContactKey, request: Mapping[str, object], lease_seconds: float, center: Center
    ) -> Lease | Created | Busy | Elsewhere:
        """Remembers that `request` is about to be sent to the contact center, unless there is no
        need to send it, or the contact belongs elsewhere.
        """
        now = self.now()
        owner = str(uuid.uuid4())
        values = {
            ":creating": text(CreateStatus.CREATING),
            ":failed": text(CreateStatus.FAILED),
            ":unknown": text(CreateStatus.UNKNOWN),
            ":owner": text(owner),
            ":center": text(center.name),
            ":now": _milliseconds(now),
            ":until": _milliseconds(now + lease_seconds),
            ":request": text(json.dumps(request)),
            ":start": text(str(request.get("startTime", ""))),
            ":one": number(1),
        }
        granted = f"({_GRANTED}) AND {belongs_to(center)}"
        try:
            before = self._update(key, _BEGIN, values, condition=granted, tell_before=True)
        except ConditionFailed as refused:
            if string_of(refused.item, "lease_owner") == owner:
                # Written by a first sending whose answer was lost; what stood before is not known.
                return Lease(key, owner, True, _entry(refused.item).request)
            return elsewhere(refused.item, center) or _standing(_entry(refused.item))
        earlier = _entry(before)
        return Lease(
            key,
            owner,
            # CREATING here is a lease that ran out: whoever held it never told how it ended.
            after_unknown=earlier.create_status in (CreateStatus.UNKNOWN, CreateStatus.CREATING),
            earlier_request=earlier.request,
        )

    def created(self, lease: Lease, voice_call_id: str) -> str:
        """Remembers the VoiceCall, whoever holds the lease by now; the first id that was
        remembered stands.

        Returns:
            The id that stands.
        """
        values = {":created": text(CreateStatus.CREATED), ":id": text(voice_call_id)}
        first = "attribute_not_exists(voice_call_id) OR voice_call_id = :id"
        try:
            self._update(lease.key, _CREATED, values, condition=first)
        except ConditionFailed as refused:
            return string_of(refused.item, "voice_call_id") or voice_call_id
        return voice_call_id

    def not_created(self, lease: Lease, error_code: str, *, unknown: bool) -> None:
        """Remembers that the attempt ended without a VoiceCall, or without an answer."""
        status = CreateStatus.UNKNOWN if unknown else CreateStatus.FAILED
        values = {
            ":status": text(status),
            ":error": text(error_code),
            ":owner": text(lease.owner),
        }
        try:
            self._update(lease.key, _NOT_CREATED, values, condition="lease_owner = :owner")
        except ConditionFailed:
            return  # the lease ran out and another worker has the contact now: its word counts

    def entry(self, key: ContactKey) -> Entry:
        """What the ledger knows right now; an empty entry when it knows nothing."""
        return _entry(self._table.read(str(key)))

    def standing(self, key: ContactKey) -> Created | Busy | None:
        """Where the creation stands; None: nobody is creating it, and it is not created."""
        entry = self.entry(key)
        if entry.create_status is CreateStatus.CREATED:
            return _standing(entry)
        busy = entry.create_status is CreateStatus.CREATING and entry.lease_until >= self.now()
        return _standing(entry) if busy else None

    def resent(self, key: ContactKey, request: Mapping[str, object]) -> None:
        """Remembers what the VoiceCall was updated to while the call is on."""
        self._update(key, _RESENT, {":request": text(json.dumps(request))})

    def refused(self, key: ContactKey, mark: str) -> None:
        """Remembers that a contact names a contact center that is not served, so that nobody who
        does not know it takes the contact for the default one's. What was sent before stands.
        """
        values = {":center": text(mark)}
        try:
            self._update(key, _PINNED, values, condition=_UNTOUCHED)
        except ConditionFailed:
            return

    def pin(self, key: ContactKey, center: Center) -> Elsewhere | None:
        """Remembers the contact center of a contact that nothing was sent for yet: what is about to
        be sent is no creation, but makes the record where there is none.

        Returns:
            Where the contact belongs, if that is not this contact center.
        """
        try:
            self._update(key, _PINNED, {":center": text(center.name)}, condition=_UNTOUCHED)
        except ConditionFailed as refused:
            return elsewhere(refused.item, center)
        return None

    def ended(self, key: ContactKey) -> None:
        """Remembers that the call is over: its contact record creates what is still missing."""
        self._update(key, _ENDED, {":true": {"BOOL": True}})

    def begin_step(
        self, key: ContactKey, step: Step, lease_seconds: float
    ) -> StepLease | Busy | None:
        """Whether this worker is to do the step: None when it is done, Busy when another worker
        is at it, who may yet fail.
        """
        now = self.now()
        values = {":now": _milliseconds(now), ":until": _milliseconds(now + lease_seconds)}
        free = "attribute_not_exists(#step) OR #step < :now"
        try:
            before = self._update(
                key, _STEP, values, condition=free, names={"#step": step.value}, tell_before=True
            )
        except ConditionFailed as refused:
            until = number_of(refused.item, step.value)
            return None if until >= _FOR_GOOD else Busy(until / 1000)
        return StepLease(center_of(before))

    def finish_step(self, key: ContactKey, step: Step, *, done: bool) -> None:
        """Remembers that the step is done for good, or free for another try."""
        values = {":until": number(_FOR_GOOD if done else 0)}
        self._update(key, _STEP, values, names={"#step": step.value})

    def _update(
        self,
        key: ContactKey,
        update: str,
        values: dict[str, dict[str, Any]],
        *,
        condition: str = "",
        names: Mapping[str, str] | None = None,
        tell_before: bool = False,
    ) -> Mapping[str, Mapping[str, Any]]:
        # Whatever writes an item keeps it alive and says whose it is.
        values[":contact"] = text(key.contact_id)
        values[":expires"] = number(int(self.now()) + TIME_TO_LIVE_SECONDS)
        update = f"SET vendor_call_key = :contact, expires_at = :expires, {update}"
        return self._table.update(
            str(key), update, values, condition=condition, names=names, tell_before=tell_before
        )


def belongs_to(center: Center) -> str:
    """The condition that an item is this contact center's, or nobody's yet; it takes `:center`."""
    free = _UNPINNED if center.default else f"({_UNTOUCHED})"
    return f"({free} OR contact_center = :center)"


def center_of(item: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The contact center that an item belongs to (see Entry.center)."""
    known = string_of(item, "contact_center")
    return known or ("" if any(name in item for name in _SENT_BEFORE) else None)


def elsewhere(item: Mapping[str, Mapping[str, Any]], center: Center) -> Elsewhere | None:
    """Where an item belongs if that is not this contact center."""
    known = center_of(item)
    mine = known is None or known == center.name or (not known and center.default)
    return None if mine else Elsewhere(str(known))


def _standing(entry: Entry) -> Created | Busy:
    if entry.create_status is CreateStatus.CREATED:
        return Created(entry.voice_call_id, entry.request)
    return Busy(entry.lease_until)


def _entry(item: Mapping[str, Mapping[str, Any]]) -> Entry:
    status = string_of(item, "create_status")
    request = _json(string_of(item, "create_request"))
    if start := string_of(item, "create_start"):
        request = {**request, "startTime": start}
    return Entry(
        CreateStatus(status) if status else None,
        string_of(item, "voice_call_id"),
        request,
        number_of(item, "lease_until") / 1000,
        bool(item.get("call_ended", {}).get("BOOL", False)),
        # See records.py.
        record_known=bool({"record_version", "record_claim"} & item.keys()),
        updated="record_version" in item,
        center=center_of(item),
    )


def _milliseconds(seconds: float) -> dict[str, str]:
    return number(int(seconds * 1000))


def _json(stored: str) -> Mapping[str, object]:
    parsed = json.loads(stored) if stored else {}
    return parsed if isinstance(parsed, dict) else {}
