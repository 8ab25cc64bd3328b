"""The use case of contact records: one PATCH at a time a contact, the newest version last."""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.assignment import UNASSIGNED
from voicecall_bridge.contact_centers.registry import OtherContactCenter
from voicecall_bridge.ledger.assignments import AssignedElsewhere
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld, Superseded
from voicecall_bridge.ledger.records import RecordLease, RecordLedger, RecordVersion
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Effect, Rejected, TelephonyError, is_refused
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.assignment import reassigned
from voicecall_bridge.use_cases.waiting import Waiting
from voicecall_bridge.voice_call.delivered import DeliveredRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.sources.contact_record import ContactRecord
    from voicecall_bridge.telephony.client import TelephonyClient
    from voicecall_bridge.telephony.clients import TelephonyClients
    from voicecall_bridge.voice_call.update import UpdateRequest

SEND_SHARE = 0.7
"""Share of a record's time that its requests to Salesforce may take. With the margin above, the
lease of a worker that died runs out before the same record's next delivery gives up."""
FIRST_LOOK_SECONDS = 0.05
LOOK_AGAIN_SECONDS = 1.0
"""The longest pause between two looks at another worker's lease; it doubles from the first on."""
MOST_FIELDS_LEFT_OUT = 5
"""Rounds of leaving out fields that Salesforce refuses by name."""
_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


class LeaseLost(Exception):
    """The lease ran out while the version was sent: Lambda must deliver it again, so that it is the
    last one."""


@dataclass(eq=False, repr=False, slots=True)
class RecordUpdates:
    """Versions of contact records to Salesforce.

    Attributes:
        ledger: which version Salesforce has.
        clients: Salesforce, one client a contact center.
        observer: logs and counters.
        sleep: waits for seconds.
    """

    ledger: RecordLedger
    clients: TelephonyClients
    observer: Observer
    sleep: Callable[[float], object] = time.sleep

    def update(
        self, record: ContactRecord, request: UpdateRequest, deadline: Deadline
    ) -> SalesforceResult:
        """Brings the VoiceCall to the record's version, unless it has it or a newer one.

        Args:
            record: the version.
            request: the update that it becomes.
            deadline: for all of it.

        Raises:
            OtherContactCenter: the contact belongs to a contact center that is not served.
            LeaseTimeout, LeaseLost: Lambda must deliver it again.
            TelephonyError: Salesforce did not take it.
            LedgerUnavailable: without the ledger nothing is sent.
        """
        brought = DeliveredRecord.of(request).to_text()
        wanted = RecordVersion(record.key, record.version, content_of(request), brought)
        lease, client, sending = self._acquire(record, wanted, deadline)
        if isinstance(lease, Superseded):
            return SalesforceResult(superseded=lease.reason)
        try:
            attempts = self._send(client, request, sending)
        except TelephonyError as error:
            self._release(lease, retry_later=not is_refused(error))
            raise
        if not self.ledger.settle(lease):
            raise LeaseLost(record.contact_id)
        return SalesforceResult(attempts=attempts)

    def _acquire(
        self, record: ContactRecord, wanted: RecordVersion, deadline: Deadline
    ) -> tuple[RecordLease | Superseded, TelephonyClient, Deadline]:
        """The lease, where to, and until when its requests may be under way."""
        # Not below what a request takes: whoever gets the lease must be able to use it.
        waiting = Waiting(
            deadline, self.sleep, FIRST_LOOK_SECONDS, LOOK_AGAIN_SECONDS, LEASE_MARGIN_SECONDS
        )
        contact_center = self._assign(record)
        while True:
            # Taken before the ledger is asked: the time of its answer is a part of the lease.
            sending = deadline.within(deadline.remaining() * SEND_SHARE)
            seconds = sending.remaining() + LEASE_MARGIN_SECONDS
            lease = self.ledger.acquire(wanted, seconds, contact_center)
            if isinstance(lease, AssignedElsewhere):
                contact_center = reassigned(
                    record, lease, self.clients.contact_centers, self.observer
                )
            elif isinstance(lease, LeaseHeld):
                waiting.wait("another worker is sending this contact's record")
            else:
                return lease, self.clients.of(contact_center), sending

    def _assign(self, record: ContactRecord) -> ContactCenter:
        """The contact center that owns the contact. The lease shows whether the ledger has another
        one."""
        assign, assignment = self.clients.contact_centers.assign, self.ledger.assignment
        try:
            return assign(record, UNASSIGNED, assignment)
        except OtherContactCenter:
            # A contact that was sent to an org stays there, even if its attribute changed later.
            return assign(record, assignment(record.key), assignment)

    def _send(self, client: TelephonyClient, request: UpdateRequest, deadline: Deadline) -> int:
        attempts = 0
        for left_out in range(MOST_FIELDS_LEFT_OUT + 1):
            try:
                done = client.perform(
                    Operation.UPDATE, request.vendor_call_key, deadline, request.to_json()
                )
                return attempts + done.attempts
            except Rejected as error:
                error.attempts += attempts
                attempts = error.attempts
                named = _named_in(error, request)
                if not named or left_out == MOST_FIELDS_LEFT_OUT:
                    raise
                for name in named:
                    self._report(name, request.vendor_call_key)
                request = request.without(named)
        raise AssertionError("unreachable: the last round returns or raises")

    def _report(self, name: str, contact_id: str) -> None:
        # The name comes from a setting or from an attribute: only an API name may be logged.
        field = name if _API_NAME.fullmatch(name) else "OTHER"
        self.observer.report("field refused by Salesforce", contact_id, field=field)
        self.observer.count("FieldRefused", "field", field)

    def _release(self, lease: RecordLease, *, retry_later: bool) -> None:
        try:
            self.ledger.release(lease, retry_later=retry_later)
        except LedgerUnavailable as fault:
            # The lease runs out by itself.
            self.observer.ledger_fault("release", fault, lease.key.contact_id)


def content_of(request: UpdateRequest) -> str:
    """A digest of what is sent: two versions of one second are the same where it is."""
    body = json.dumps(request.to_json(), sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _named_in(error: Rejected, request: UpdateRequest) -> list[str]:
    """The call attributes that a refusal names, as whole words."""
    if error.status != 400 or error.effect is not Effect.NONE:
        return []
    words = set(re.findall(r"[^\s'\"`,;:.!?()\[\]{}<>=]+", error.remark))
    return [name for name in request.call_attributes if name in words]
