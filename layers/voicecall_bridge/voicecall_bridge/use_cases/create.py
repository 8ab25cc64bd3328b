"""The use case of flows that create: one VoiceCall a contact, within the caller's time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.assignment import Refused
from voicecall_bridge.contact_centers.registry import OtherContactCenter
from voicecall_bridge.ledger.creations import Created, PlannedCreate
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.errors import TelephonyError, Unavailable
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.create_once import CreateOnce, WantedCreate, existing
from voicecall_bridge.use_cases.results import NotCreated
from voicecall_bridge.voice_call.actions import update_of_a_call
from voicecall_bridge.voice_call.create import (
    TRANSFERS,
    CallInitiation,
    CreateRequest,
    create_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.creations import CreateLease, CreationLedger
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.telephony.answers import SalesforceResult
    from voicecall_bridge.telephony.client import TelephonyClient
    from voicecall_bridge.telephony.clients import TelephonyClients
    from voicecall_bridge.use_cases.results import Progress


@dataclass(eq=False, repr=False, slots=True)
class CreateVoiceCall:
    """Creates for a flow. If the ledger does not answer, it goes on without: a caller waits.

    Attributes:
        ledger: what was sent for each contact.
        clients: Salesforce, one client a contact center.
        observer: logs and counters.
        now: epoch seconds.
        sleep: waits for seconds.
    """

    ledger: CreationLedger
    clients: TelephonyClients
    observer: Observer
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _once: CreateOnce = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Takes the steps of creating."""
        self._once = CreateOnce(self.ledger, self.clients, self.observer, self.sleep)

    def create(
        self, contact: Contact, asked: CallInitiation, deadline: Deadline, progress: Progress
    ) -> SalesforceResult:
        """Makes the contact's VoiceCall, once, whichever other worker is asked for the same.

        Raises:
            CannotCreate: this contact has no VoiceCall of its own, or none in a contact center that
                is served (OtherContactCenter).
            LeaseTimeout: another worker is at it and did not finish in time.
            NotCreated: Salesforce did not make it.
        """
        contact_center = self._assign(contact)
        if asked is CallInitiation.TRANSFER or contact.initiation_method in TRANSFERS:
            contact = self._on_its_parents_number(contact)
        started = contact.initiated_at or datetime.fromtimestamp(self.now(), UTC)
        request = create_request(contact, asked, started)
        planned = PlannedCreate(contact.key, contact_center, request.to_json())
        answer, contact_center = self._once.acquire(contact, planned, deadline)
        client = self.clients.of(contact_center)
        if isinstance(answer, Created):
            self._bring_attributes(answer, request, client, deadline)
            return existing(answer.voice_call_id)
        lease: CreateLease | None = None
        if isinstance(answer, LedgerUnavailable):
            self.observer.ledger_fault("acquire", answer, contact.contact_id)
        else:
            lease = answer
            progress.request_kept = True
            request = request.started_as(lease.earlier_request)
        may_drop_parent = asked is not request.initiation_method
        wanted = WantedCreate(request, client, may_drop_parent)
        return self._once.send(lease, wanted, deadline, progress)

    def _assign(self, contact: Contact) -> ContactCenter:
        """The contact center that owns the contact. The lease shows whether the ledger has another
        one. A refusal is stored: events and records do not have the flow's parameters."""
        try:
            return self._once.assign(contact)
        except OtherContactCenter:
            if contact.secret_name:
                self._refuse(contact)
            raise
        except LedgerUnavailable as fault:
            # A guess could send one org's call to another org.
            self.observer.ledger_fault("parent", fault, contact.contact_id)
            silent = "the ledger does not answer which contact center owns the parent"
            cause = Unavailable(silent, code="LEDGER_UNAVAILABLE")
            raise NotCreated(cause, request_kept=False) from None

    def _on_its_parents_number(self, contact: Contact) -> Contact:
        """The contact; if Connect gives it no number, as for queue transfers, with the number that
        its call came in on."""
        if contact.system_address or contact.web_rtc or not contact.previous_contact_id:
            return contact
        parent = replace(contact.key, contact_id=contact.previous_contact_id)
        try:
            number = self.ledger.entry(parent).request.get("to", "")
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("parent's number", fault, contact.contact_id)
            return contact
        return replace(contact, system_address=str(number))

    def _refuse(self, contact: Contact) -> None:
        try:
            self.ledger.refuse(contact.key, Refused.of(contact.secret_name))
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("refuse", fault, contact.contact_id)

    def _bring_attributes(
        self, made: Created, request: CreateRequest, client: TelephonyClient, deadline: Deadline
    ) -> None:
        """Sends the fields that this flow knows and the VoiceCall's creator did not."""
        stored = made.request.get("callAttributes")
        if not request.call_attributes or stored == request.call_attributes:
            return
        key = request.vendor_call_key
        try:
            fields = {"callAttributes": request.call_attributes}
            body = update_of_a_call(fields, call_is_on=True)
            client.perform(Operation.UPDATE, key, deadline, body)
        except TelephonyError as error:
            # The call is there; its contact record brings the attributes once more.
            self.observer.report("attributes not sent", key, errorCode=error.code)
            self.observer.count("AttributesNotSent")
            return
        sent = {**made.request, "callAttributes": request.call_attributes}
        self._once.resent(made.key, sent)
