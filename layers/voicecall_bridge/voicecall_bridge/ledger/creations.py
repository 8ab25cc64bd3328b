"""The request that creates a contact's VoiceCall, and its outcome.

One item a contact, written before a request is sent and again when its outcome is known, so that
the flow, Connect's own retries and the contact's events agree on one VoiceCall. The create side of
an item goes CREATING -> CREATED | FAILED | UNKNOWN; CREATED is final. A worker holds CREATING with
a lease (slot "lease"); a lease that has run out counts as UNKNOWN.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.assignment import UNASSIGNED, Assignment, Refused
from voicecall_bridge.ledger.assignments import (
    NOT_ASSIGNED,
    AssignedElsewhere,
    assigned_elsewhere,
    assignment_of,
    may_own,
    stored,
    stored_refusal,
)
from voicecall_bridge.ledger.lease import Change, Lease, LeaseHeld, Ledger, held
from voicecall_bridge.ledger.table import ConditionFailed, number, number_of, string_of, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.ledger.table import Item

_SLOT = "lease"
_NOT_CREATED = "attribute_not_exists(voice_call_id)"
_ACQUIRED = (
    "create_status = :creating, contact_center = :center,"
    " create_start = if_not_exists(create_start, :start), create_request = {request}"
)
_REPLACED = _ACQUIRED.format(request=":request")
_KEPT = _ACQUIRED.format(request="if_not_exists(create_request, :request)")
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

    key: ContactKey
    voice_call_id: str
    request: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CreateLease(Lease):
    """This worker may send the create.

    Attributes:
        after_unknown: an earlier attempt may have made the record.
        earlier_request: the request of an earlier attempt; empty at the first one.
    """

    after_unknown: bool = False
    earlier_request: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateHeld(LeaseHeld):
    """Another worker is about to send `request`."""

    request: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PlannedCreate:
    """A create that a worker is about to send.

    Attributes:
        key: the contact.
        contact_center: the contact center that gets it.
        request: the request.
        keeps_earlier: a request that was stored before is kept, and the worker sends that one.
    """

    key: ContactKey
    contact_center: ContactCenter
    request: Mapping[str, object]
    keeps_earlier: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """All that the ledger knows of a contact.

    Attributes:
        create_status: None before anything was sent.
        voice_call_id: empty while there is none.
        request: the last request, with the start time of the first one; empty before the first.
        lease_until: epoch seconds; 0 without a lease.
        call_ended: the contact has ended.
        record_known: a version of its contact record was sent, or is about to be.
        updated: its contact record was sent, which makes a missing VoiceCall.
        assignment: which contact center owns the contact.
    """

    create_status: CreateStatus | None = None
    voice_call_id: str = ""
    request: Mapping[str, object] = field(default_factory=dict)
    lease_until: float = 0.0
    call_ended: bool = False
    record_known: bool = False
    updated: bool = False
    assignment: Assignment = UNASSIGNED


class CreationLedger(Ledger):
    """The create side of the ledger."""

    def acquire(
        self, wanted: PlannedCreate, seconds: float
    ) -> CreateLease | Created | CreateHeld | AssignedElsewhere:
        """Stores the request before it is sent, unless the VoiceCall exists, another worker is
        sending, or another contact center owns the contact."""
        request, contact_center = wanted.request, wanted.contact_center
        change = Change(
            {
                ":creating": text(CreateStatus.CREATING),
                ":center": text(stored(contact_center)),
                ":request": text(json.dumps(request)),
                ":start": text(str(request.get("startTime", ""))),
                ":one": number(1),
            },
            sets=_KEPT if wanted.keeps_earlier else _REPLACED,
            adds="create_attempts :one",
            condition=f"{_NOT_CREATED} AND {may_own(contact_center)}",
        )
        try:
            acquired = self._leases.acquire(wanted.key, _SLOT, seconds, change)
        except ConditionFailed as refused:
            other = assigned_elsewhere(refused.item, contact_center)
            return other or _standing(wanted.key, refused.item)
        entry = _entry(acquired.item)
        return CreateLease(
            wanted.key,
            _SLOT,
            acquired.lease.owner,
            # CREATING here is a lease that ran out: its outcome is unknown. If the answer was lost,
            # the earlier status is not known either.
            acquired.answer_lost
            or entry.create_status in (CreateStatus.UNKNOWN, CreateStatus.CREATING),
            entry.request,
        )

    def settle(self, lease: CreateLease, voice_call_id: str) -> str:
        """Stores the VoiceCall, whoever holds the lease; the first id stands.

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
        """Stores that the attempt ended without a VoiceCall, or with an unknown outcome."""
        status = CreateStatus.UNKNOWN if unknown else CreateStatus.FAILED
        values = {":status": text(status), ":error": text(error_code)}
        sets = "create_status = :status, create_error = :error"
        self._leases.release(lease, Change(values, sets))

    def entry(self, key: ContactKey) -> Entry:
        """The contact's entry; an empty one if the ledger has none."""
        return _entry(self.table.read(str(key)))

    def resent(self, key: ContactKey, request: Mapping[str, object]) -> None:
        """Stores the request that the VoiceCall was updated to during the call."""
        change = Change({":request": text(json.dumps(request))}, "create_request = :request")
        self._leases.write(key, change)

    def refuse(self, key: ContactKey, refused: Refused) -> None:
        """Stores that a contact names a contact center that is not served, so that no worker
        assigns it to the default one. An earlier assignment stands."""
        name = stored_refusal(refused)
        change = Change({":center": text(name)}, _ASSIGNED, condition=NOT_ASSIGNED)
        try:
            self._leases.write(key, change)
        except ConditionFailed:
            return

    def assign(self, key: ContactKey, contact_center: ContactCenter) -> AssignedElsewhere | None:
        """Assigns a contact before its first request, if that is not a create but makes a missing
        record.

        Returns:
            The contact's assignment, if that is not this contact center.
        """
        name = stored(contact_center)
        change = Change({":center": text(name)}, _ASSIGNED, condition=NOT_ASSIGNED)
        try:
            self._leases.write(key, change)
        except ConditionFailed as refused:
            return assigned_elsewhere(refused.item, contact_center)
        return None

    def ended(self, key: ContactKey) -> None:
        """Stores that the call has ended: its contact record makes a missing VoiceCall."""
        self._leases.write(key, Change({":true": {"BOOL": True}}, "call_ended = :true"))


def _standing(key: ContactKey, item: Item) -> Created | CreateHeld:
    entry = _entry(item)
    if entry.voice_call_id:
        return Created(key, entry.voice_call_id, entry.request)
    return CreateHeld(held(item, _SLOT).until, entry.request)


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
        assignment=assignment_of(item),
    )


def _json(stored: str) -> Mapping[str, object]:
    parsed = json.loads(stored) if stored else {}
    return parsed if isinstance(parsed, dict) else {}
