"""What was sent to create a contact's VoiceCall, and what became of it.

One item a contact, written before a request is sent and again when its outcome is known, so that
the flow, Connect's own retries and the contact's events agree on one VoiceCall. The create side of
an item goes CREATING -> CREATED | FAILED | UNKNOWN; CREATED is final. A worker holds CREATING with
a lease (slot "lease"); a lease that has run out counts as UNKNOWN.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.assignments import (
    UNTOUCHED,
    Elsewhere,
    belongs_to,
    center_of,
    elsewhere,
)
from voicecall_bridge.ledger.lease import Change, Lease, LeaseHeld, Leases, held
from voicecall_bridge.ledger.table import ConditionFailed, number, number_of, string_of, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.contact_centers.registry import Center
    from voicecall_bridge.ledger.table import Item, Table

_SLOT = "lease"
_NOT_CREATED = "attribute_not_exists(voice_call_id)"
_ACQUIRED = (
    "create_status = :creating, contact_center = :center, create_request = :request,"
    " create_start = if_not_exists(create_start, :start)"
)
_ASSIGNED = "contact_center = :center"


class CreateStatus(StrEnum):
    """How far the creation of a contact's VoiceCall has come."""

    CREATING = "CREATING"
    CREATED = "CREATED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Created:
    """The contact's VoiceCall exists; `request` is what was sent for it."""

    voice_call_id: str
    request: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateLease(Lease):
    """This worker may send the create.

    Attributes:
        after_unknown: an earlier attempt may have made the record.
        earlier_request: what was to be sent before; empty at the first attempt.
    """

    after_unknown: bool = False
    earlier_request: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """All that the ledger knows of a contact.

    Attributes:
        create_status: None before anything was sent.
        voice_call_id: empty while there is none.
        request: what was, or was to be, sent last, with the start of the first time; empty before
            anything was sent.
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


@dataclass(slots=True)
class CreationLedger:
    """The create side of the ledger. Every method raises LedgerUnavailable when DynamoDB does not
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
        self, key: ContactKey, request: Mapping[str, object], seconds: float, center: Center
    ) -> CreateLease | Created | LeaseHeld | Elsewhere:
        """Remembers that `request` is about to be sent to the contact center, unless there is no
        need to send it, or the contact belongs elsewhere.
        """
        change = Change(
            {
                ":creating": text(CreateStatus.CREATING),
                ":center": text(center.name),
                ":request": text(json.dumps(request)),
                ":start": text(str(request.get("startTime", ""))),
                ":one": number(1),
            },
            sets=_ACQUIRED,
            adds="create_attempts :one",
            condition=f"{_NOT_CREATED} AND {belongs_to(center)}",
        )
        try:
            acquired = self._leases.acquire(key, _SLOT, seconds, change)
        except ConditionFailed as refused:
            return elsewhere(refused.item, center) or _standing(refused.item)
        entry = _entry(acquired.item)
        return CreateLease(
            key,
            _SLOT,
            acquired.lease.owner,
            # CREATING here is a lease that ran out: its holder never told how it ended. If the
            # answer was lost, what stood before is not known either.
            acquired.answer_lost
            or entry.create_status in (CreateStatus.UNKNOWN, CreateStatus.CREATING),
            entry.request,
        )

    def settle(self, lease: CreateLease, voice_call_id: str) -> str:
        """Remembers the VoiceCall, whoever holds the lease by now; the first id that was
        remembered stands.

        Returns:
            The id that stands.
        """
        change = Change(
            {":created": text(CreateStatus.CREATED)},
            sets="create_status = :created",
            removes="create_error",
        )
        return self._leases.establish(lease, "voice_call_id", voice_call_id, change)

    def release(self, lease: CreateLease, error_code: str, *, unknown: bool) -> None:
        """Remembers that the attempt ended without a VoiceCall, or without an answer."""
        status = CreateStatus.UNKNOWN if unknown else CreateStatus.FAILED
        values = {":status": text(status), ":error": text(error_code)}
        sets = "create_status = :status, create_error = :error"
        self._leases.release(lease, Change(values, sets))

    def entry(self, key: ContactKey) -> Entry:
        """What the ledger knows right now; an empty entry when it knows nothing."""
        return _entry(self.table.read(str(key)))

    def resent(self, key: ContactKey, request: Mapping[str, object]) -> None:
        """Remembers what the VoiceCall was updated to while the call is on."""
        change = Change({":request": text(json.dumps(request))}, "create_request = :request")
        self._leases.write(key, change)

    def refused(self, key: ContactKey, mark: str) -> None:
        """Remembers that a contact names a contact center that is not served, so that no worker
        that does not know it takes the contact for the default one's. What was sent before stands.
        """
        change = Change({":center": text(mark)}, _ASSIGNED, condition=UNTOUCHED)
        try:
            self._leases.write(key, change)
        except ConditionFailed:
            return

    def pin(self, key: ContactKey, center: Center) -> Elsewhere | None:
        """Remembers the contact center of a contact that nothing was sent for yet: what is about to
        be sent is no creation, but makes the record where there is none.

        Returns:
            Where the contact belongs, if that is not this contact center.
        """
        change = Change({":center": text(center.name)}, _ASSIGNED, condition=UNTOUCHED)
        try:
            self._leases.write(key, change)
        except ConditionFailed as refused:
            return elsewhere(refused.item, center)
        return None

    def ended(self, key: ContactKey) -> None:
        """Remembers that the call is over: its contact record creates what is still missing."""
        self._leases.write(key, Change({":true": {"BOOL": True}}, "call_ended = :true"))


def _standing(item: Item) -> Created | LeaseHeld:
    entry = _entry(item)
    if entry.voice_call_id:
        return Created(entry.voice_call_id, entry.request)
    return held(item, _SLOT)


def _entry(item: Item) -> Entry:
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


def _json(stored: str) -> Mapping[str, object]:
    parsed = json.loads(stored) if stored else {}
    return parsed if isinstance(parsed, dict) else {}
