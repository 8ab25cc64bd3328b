"""One instance, two contact centers: flow, events and records over the real ledger on
DynamoDB in memory, and a Salesforce that notes in which org each request arrived."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.samples.members import INSTANCE_ID
from tests.unit.aws import TABLE
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import Clock, MemoryDeadLetters, MemoryDirectory
from tests.unit.memory_retry_queue import MemoryRetryQueue
from tests.unit.records import batch as record_batch
from tests.unit.samples import FIRST, TWO_CENTERS, created, stream_record
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.assignment import Assignment
from voicecall_bridge.contact_centers.registry import ContactCenter, ContactCenterRegistry
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.flow.service import FlowService
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
from voicecall_bridge.ledger.creations import CreationLedger
from voicecall_bridge.ledger.records import RecordLedger
from voicecall_bridge.ledger.requests import RequestLedger
from voicecall_bridge.ledger.routing import RoutingLedger
from voicecall_bridge.ledger.table import Table
from voicecall_bridge.streams.contact_events import ContactEvents
from voicecall_bridge.streams.contact_records import ContactRecords
from voicecall_bridge.streams.processor import StreamProcessor
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.telephony.clients import TelephonyClients
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.call_actions import CallActions
from voicecall_bridge.use_cases.create import CreateVoiceCall
from voicecall_bridge.use_cases.record_updates import RecordUpdates
from voicecall_bridge.use_cases.routing import Routing
from voicecall_bridge.use_cases.safety_net import SafetyNet

if TYPE_CHECKING:
    from voicecall_bridge.telephony.errors import TelephonyError

SECONDS_LEFT = 60.0


class Org(TelephonyClient):
    """The client of one contact center. It notes each request, or fails as the org does."""

    def __init__(self, world: "TwoOrgs", center: ContactCenter) -> None:
        self.world, self.secret = world, center.secret

    def perform(
        self,
        operation: Operation,
        vendor_call_key: str,
        deadline: Deadline,
        body: Mapping[str, object] | None = None,
    ) -> SalesforceResult:
        self._note(operation.value, vendor_call_key)
        if operation is Operation.CREATE:
            return created()
        return SalesforceResult(
            {"status": "Success", "queue": "q", "recordId": "0aQ", "result": "r"}, 1
        )

    def _note(self, operation: str, key: str) -> int:
        self.world.sent.append((self.secret, operation, key))
        if fault := self.world.faults.get(self.secret):
            fault.attempts = 1
            raise fault
        return 1


class TwoOrgs:
    """What was delivered, and where it went.

    Attributes:
        dynamodb: the ledger's client; a test may put another in its place.
        sent: secret, operation and contact of each request, in order.
        faults: secret -> how that org fails.
        letters: dead letters; `logged`: log lines and counters.
    """

    def __init__(self, dynamodb: Any, centers: ContactCenterRegistry = TWO_CENTERS) -> None:
        self.dynamodb = dynamodb
        self.clock, self.logged = Clock(), CapturedLog()
        self.sent: list[tuple[str, str, str]] = []
        self.faults: dict[str, TelephonyError] = {}
        self.letters, self.directory = MemoryDeadLetters(), MemoryDirectory()
        self.numbers = 0
        self.serve(centers)

    def serve(self, centers: ContactCenterRegistry) -> None:
        """Let the stack list these contact centers from now on, in new environments."""
        clients: TelephonyClients = TelephonyClients(centers, lambda center: Org(self, center))
        observer = self.logged.observer
        self.ledger = CreationLedger(Table(lambda: self.dynamodb, TABLE), self.clock)
        callbacks = RequestLedger(Table(lambda: self.dynamodb, TABLE), self.clock)
        records = RecordLedger(self.ledger.table, self.clock)
        actions = CallActions(self.ledger, callbacks, records, clients, observer, self.clock)
        self.flows = FlowService(
            observer=observer,
            create=CreateVoiceCall(self.ledger, clients, observer),
            dead_letters=self.letters,
            actions=lambda: actions,
        )
        steps = RoutingLedger(self.ledger.table, self.clock)
        self.events: StreamProcessor[Any] = StreamProcessor(
            ContactEvents(
                SafetyNet(self.ledger, clients, self.directory, observer),
                Routing(steps, self.ledger, clients, self.directory, observer),
                ContactFactsLedger(self.ledger.table),
                now=self.clock,
            ),
            self.letters,
            MemoryRetryQueue("no queue"),
            observer,
            workers=1,
        )
        records = RecordLedger(Table(lambda: self.dynamodb, TABLE), self.clock)
        updates = RecordUpdates(records, clients, observer, lambda _: None)
        self.records: StreamProcessor[Any] = StreamProcessor(
            ContactRecords(updates),
            self.letters,
            MemoryRetryQueue("no queue"),
            observer,
            workers=1,
        )

    def flow(self, event: dict[str, Any]) -> dict[str, str]:
        """The flow's answer."""
        return self.flows.answer(event, SECONDS_LEFT)

    def event(self, *events: dict[str, Any]) -> list[int]:
        """The events of a batch that Lambda must deliver again, by their places in it, from 0."""
        first = self._first(len(events))
        batch = [stream_record(event, number) for number, event in enumerate(events, start=first)]
        return _again(self.events.answer({"Records": batch}, SECONDS_LEFT), first)

    def record(self, *records: dict[str, Any]) -> list[int]:
        """The records of a batch that Lambda must deliver again, by their places in it, from 0."""
        first = self._first(len(records))
        return _again(self.records.answer(record_batch(records, first), SECONDS_LEFT), first)

    def assignment(self, contact_id: str) -> Assignment:
        """Which contact center owns the contact, as the ledger knows."""
        return self.ledger.assignment(ContactKey(INSTANCE_ID, contact_id))

    def ends(self) -> list[tuple[str, str]]:
        """Disposition and reason of each delivery, in order."""
        return [(line["disposition"], line["reason"]) for line in self.logged.deliveries()]

    def _first(self, count: int) -> int:
        # Each delivery is a new one: an environment recognises the records that it has dead-
        # lettered.
        self.numbers += count
        return self.numbers - count + 1

    def old_item(self, contact_id: str, **attributes: dict[str, str]) -> None:
        """Store an item as it was written before the ledger stored contact centers."""
        key = {"ledger_key": {"S": f"{INSTANCE_ID}/{contact_id}"}}
        self.dynamodb.put_item(TableName=TABLE, Item={**key, **attributes})

    def orgs_of(self, contact_id: str) -> set[str]:
        """The orgs that requests about a contact went to."""
        return {secret for secret, _, key in self.sent if key == contact_id}


def _again(answer: dict[str, list[dict[str, str]]], first: int) -> list[int]:
    return [int(failure["itemIdentifier"]) - first for failure in answer["batchItemFailures"]]


ONE_CENTER = ContactCenterRegistry.of(FIRST.secret)
"""The stack without its second contact center."""
