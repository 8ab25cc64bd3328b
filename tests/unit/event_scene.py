"""The bridge as contact events use it, with doubles for all that it calls."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import (
    Clock,
    MemoryDirectory,
    MemoryLedger,
    MemoryRoutingLedger,
    ScriptedClient,
    alone,
)
from tests.unit.samples import CENTER, PARENT_ID, a_contact, created
from voicecall_bridge.contact import Contact, ContactKey
from voicecall_bridge.ledger.creations import CreateLease, CreateStatus, PlannedCreate
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Unavailable
from voicecall_bridge.use_cases.create import CreateVoiceCall
from voicecall_bridge.use_cases.results import NotCreated, Progress
from voicecall_bridge.use_cases.routing import Routing
from voicecall_bridge.use_cases.safety_net import SafetyNet
from voicecall_bridge.voice_call.create import CallInitiation

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)
PARENT = ContactKey(INSTANCE_ID, PARENT_ID)
INBOUND, TRANSFER = CallInitiation.INBOUND, CallInitiation.TRANSFER
MADE = created()
BEGAN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ATTRIBUTES = {"sfdc-Region__c": "north"}
EVENT: dict[str, Any] = {"customer_address": "", "system_address": "", "initiated_at": BEGAN}
"""What an event leaves out, and the members that it has besides."""


class Scene:
    """A bridge for contact events; its directory knows the contact and its parent."""

    def __init__(self, *outcomes: SalesforceResult | int | Exception) -> None:
        self.clock = Clock()
        self.logged = CapturedLog()
        self.journal: list[str] = []
        self.ledger = MemoryLedger(self.clock, self.journal)
        self.client = ScriptedClient(outcomes, self.journal)
        self.directory = MemoryDirectory(self.journal)
        self.directory.know(a_contact())
        clients, observer = alone(self.client), self.logged.observer
        self.directory.count = observer.count
        now, sleep = self.clock, self.clock.sleep
        self.flows = CreateVoiceCall(self.ledger, clients, observer, now, sleep)
        self.safety_net = SafetyNet(self.ledger, clients, self.directory, observer, now, sleep)
        self.routing = MemoryRoutingLedger(self.ledger)
        self.steps = Routing(self.routing, self.ledger, clients, self.directory, observer)

    def ensure(self, contact: Contact | None = None, *, late: bool = False) -> SalesforceResult:
        event = contact or a_contact(**EVENT)
        return self.safety_net.ensure(event, late, self.clock.deadline(10.0))

    def flow(
        self, contact: Contact | None = None, asked: CallInitiation = INBOUND
    ) -> SalesforceResult:
        return self.flows.create(
            contact or a_contact(), asked, self.clock.deadline(6.0), Progress()
        )

    def flow_fails(self, contact: Contact | None = None, **kind: Any) -> None:
        """Run a flow that fails to create the call. The ledger keeps the request; the journal is
        cleared."""
        self.client.outcomes.insert(0, Unavailable("fails", status=503, **kind))
        with pytest.raises(NotCreated):
            self.flow(contact)
        self.journal.clear()

    def parent(self, status: CreateStatus | None, **changes: Any) -> None:
        """The parent as the ledger and the directory know it."""
        parent = a_contact(contact_id=PARENT_ID, initial_contact_id=PARENT_ID, **changes)
        self.directory.know(parent)
        if status is not None:
            lease = self.ledger.acquire(PlannedCreate(PARENT, CENTER, {}), 60.0)
            assert isinstance(lease, CreateLease)
            if status is CreateStatus.CREATED:
                self.ledger.settle(lease, "0LQ000000000000AAA")
            elif status is not CreateStatus.CREATING:
                self.ledger.release(lease, "400", unknown=status is CreateStatus.UNKNOWN)
        self.journal.clear()
