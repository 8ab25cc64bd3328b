"""Doubles for what the unit under test calls. The doubles of the ledger and of DynamoDB's
neighbours keep the same contract as the real ones: tests/unit/test_*_ledger.py run over both."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.samples import CENTERS
from voicecall_bridge.aws.contact_directory import ContactDirectory, NoSuchContact
from voicecall_bridge.aws.dead_letters import DeadLetterLost, DeadLetterQueue
from voicecall_bridge.contact import Contact, ContactKey
from voicecall_bridge.contact_centers.assignment import Assignment, Refused
from voicecall_bridge.contact_centers.registry import ContactCenter
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.ledger import lease
from voicecall_bridge.ledger.assignments import AssignedElsewhere
from voicecall_bridge.ledger.creations import (
    Created,
    CreateHeld,
    CreateLease,
    CreationLedger,
    Entry,
    PlannedCreate,
)
from voicecall_bridge.ledger.lease import Lease, LeaseHeld, Superseded
from voicecall_bridge.ledger.requests import Requested, RequestLedger
from voicecall_bridge.ledger.routing import RoutingLease, RoutingLedger, RoutingStep
from voicecall_bridge.ledger.table import LedgerUnavailable, Table
from voicecall_bridge.sources.described_contact import DescribedContact
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.telephony.clients import TelephonyClients
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.voice_call.create import CreateRequest


class Clock:
    """Time that passes only when code sleeps; it replaces both of Python's clocks."""

    def __init__(self, now: float = 1_772_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        return Deadline.after(seconds, self)


def http_answer(
    status: int,
    body: bytes | str | dict[str, Any] = b"",
    headers: dict[str, str] | None = None,
    source: Any = None,
) -> requests.Response:
    """The response that requests makes of an answer; `source`, where given, is read instead of
    `body`."""
    if isinstance(body, dict):
        body = json.dumps(body)
    content = body.encode() if isinstance(body, str) else body
    raw = urllib3.HTTPResponse(
        body=source or io.BytesIO(content),
        status=status,
        headers=headers or {},
        preload_content=False,
    )
    request = requests.Request("POST", "https://example.test/").prepare()
    return HTTPAdapter().build_response(request, raw)


Outcome = requests.Response | Exception | Callable[[], requests.Response]


class ScriptedTransport(BaseAdapter):
    """Answers requests from a list instead of a network, and keeps what was sent."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        super().__init__()
        self.outcomes = list(outcomes)
        self.requests: list[requests.PreparedRequest] = []
        self.options: list[dict[str, Any]] = []

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        self.requests.append(request)
        self.options.append(options)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome() if callable(outcome) else outcome

    def close(self) -> None:
        """Does nothing: no connection is open."""


class Journaled:
    """The journal of a ledger's operations, and those that fail.

    Attributes:
        journal: the operations, in order.
        down: operations that DynamoDB does not answer.
    """

    def __init__(self, journal: list[str] | None = None, prefix: str = "") -> None:
        self.journal = journal if journal is not None else []
        self.prefix = prefix
        self.down: set[str] = set()

    def __call__(self, operation: str) -> None:
        operation = f"{self.prefix}{operation}"
        self.journal.append(operation)
        if operation in self.down:
            raise LedgerUnavailable("ConnectTimeoutError")


class MemoryLedger(CreationLedger):
    """The create side of the ledger on a table in memory, with a journal."""

    def __init__(self, now: Callable[[], float], journal: list[str] | None = None) -> None:
        self.dynamodb = MemoryDynamoDB()
        super().__init__(Table(lambda: self.dynamodb, "memory"), now)
        self.called = Journaled(journal)
        self.journal = self.called.journal

    @property
    def down(self) -> set[str]:
        return self.called.down

    @down.setter
    def down(self, operations: set[str]) -> None:
        self.called.down = operations

    def acquire(
        self, wanted: PlannedCreate, seconds: float
    ) -> CreateLease | Created | CreateHeld | AssignedElsewhere:
        self.called("acquire")
        return super().acquire(wanted, seconds)

    def settle(self, lease: CreateLease, voice_call_id: str) -> str:
        self.called("settle")
        return super().settle(lease, voice_call_id)

    def release(self, lease: CreateLease, error_code: str, *, unknown: bool) -> None:
        self.called("release")
        super().release(lease, error_code, unknown=unknown)

    def entry(self, key: ContactKey) -> Entry:
        self.called("entry")
        return super().entry(key)

    def assignment(self, key: ContactKey) -> Assignment:
        self.called("assignment")
        return super().assignment(key)

    def resent(self, key: ContactKey, request: Any) -> None:
        self.called("resent")
        super().resent(key, request)

    def refuse(self, key: ContactKey, refused: Refused) -> None:
        self.called("refuse")
        super().refuse(key, refused)

    def assign(self, key: ContactKey, contact_center: ContactCenter) -> AssignedElsewhere | None:
        self.called("assign")
        return super().assign(key, contact_center)

    def ended(self, key: ContactKey) -> None:
        self.called("ended")
        super().ended(key)

    def item(self, key: ContactKey) -> dict[str, Any]:
        """The contact's item as plain values."""
        stored = self.dynamodb.items.get(str(key), {})
        return {name: plain(value) for name, value in stored.items()}

    def put(self, key: ContactKey, **attributes: object) -> None:
        """Store an item as another function or an earlier version wrote it."""
        item = self.dynamodb.items.setdefault(str(key), {"ledger_key": {"S": str(key)}})
        item |= {name: typed(value) for name, value in attributes.items()}


class MemoryRoutingLedger(RoutingLedger):
    """The routing steps on the table of a ledger in memory, with its journal."""

    def __init__(self, ledger: MemoryLedger) -> None:
        super().__init__(ledger.table, ledger.now)
        self.called = Journaled(ledger.journal, "step ")

    def acquire(
        self, key: ContactKey, step: RoutingStep, seconds: float
    ) -> RoutingLease | Superseded | LeaseHeld:
        self.called("acquire")
        return super().acquire(key, step, seconds)

    def settle(self, lease: RoutingLease) -> None:
        self.called("settle")
        super().settle(lease)

    def release(self, lease: RoutingLease) -> None:
        self.called("release")
        super().release(lease)


class MemoryRequestLedger(RequestLedger):
    """The request side of the ledger on a table in memory, with a journal."""

    def __init__(self, now: Callable[[], float]) -> None:
        dynamodb = MemoryDynamoDB()
        super().__init__(Table(lambda: dynamodb, "memory"), now)
        self.called = Journaled()
        self.journal = self.called.journal

    @property
    def down(self) -> set[str]:
        return self.called.down

    @down.setter
    def down(self, operations: set[str]) -> None:
        self.called.down = operations

    def acquire(
        self, key: ContactKey, slot: str, seconds: float
    ) -> Lease | Requested | LeaseHeld | lease.OutcomeUnknown:
        self.called("acquire")
        return super().acquire(key, slot, seconds)

    def settle(self, lease: Lease, record_id: str) -> str:
        self.called("settle")
        return super().settle(lease, record_id)

    def release(self, lease: Lease, *, unknown: bool) -> None:
        self.called("release")
        super().release(lease, unknown=unknown)


def plain(value: dict[str, Any]) -> Any:
    """A typed value of DynamoDB as Python has it."""
    ((kind, stored),) = value.items()
    return int(stored) if kind == "N" else stored


def typed(value: object) -> dict[str, Any]:
    """A value as DynamoDB has it."""
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


class ScriptedClient(TelephonyClient):
    """Salesforce's client with outcomes from a list: one for each call of a method.

    For a method that returns the number of requests sent, an outcome is that number or an error.
    """

    def __init__(
        self,
        outcomes: Iterable[SalesforceResult | int | Exception],
        journal: list[str] | None = None,
    ) -> None:
        self.outcomes = list(outcomes)
        self.journal = journal if journal is not None else []
        self.sent: list[CreateRequest] = []
        self.performed: list[tuple[Operation, str, dict[str, Any] | None]] = []
        self.deadlines: list[Deadline] = []

    def perform(
        self,
        operation: Operation,
        vendor_call_key: str,
        deadline: Deadline,
        body: Any = None,
    ) -> SalesforceResult:
        if operation is Operation.CREATE:
            self.sent.append(CreateRequest.from_json(body))
            outcome = self._outcome("POST", deadline)
        else:
            self.performed.append((operation, vendor_call_key, body))
            outcome = self._outcome(operation.value, deadline)
        assert isinstance(outcome, SalesforceResult)
        return outcome

    def _outcome(self, what: str, deadline: Deadline) -> SalesforceResult | int:
        self.journal.append(what)
        self.deadlines.append(deadline)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def alone(client: TelephonyClient) -> TelephonyClients:
    """The client of the only contact center."""
    return TelephonyClients(CENTERS, lambda _: client)


class MemoryDeadLetters(DeadLetterQueue):
    """The dead-letter queue without SQS."""

    def __init__(self, fault: str = "") -> None:
        super().__init__(lambda: None, "memory", lambda: None, "memory")
        self.fault = fault
        self.kept: list[tuple[str, str, object]] = []

    def keep(self, source: str, reason: str, payload: object, *, delay_seconds: int = 0) -> None:
        if self.fault:
            raise DeadLetterLost(self.fault)
        self.kept.append((source, reason, payload))


class MemoryDirectory(ContactDirectory):
    """Connect without its API: describes the contacts that it was given, or fails."""

    def __init__(
        self, journal: list[str] | None = None, count: Callable[[str], None] = lambda _: None
    ) -> None:
        super().__init__(lambda: None, count=count)
        self.journal = journal if journal is not None else []
        self.contacts: dict[tuple[str, str], DescribedContact] = {}
        self.fault: Exception | None = None

    def know(self, contact: Contact, *, ended: bool = False) -> None:
        key = (contact.instance_id, contact.contact_id)
        self.contacts[key] = DescribedContact(contact, ended)

    def describe(
        self, key: ContactKey, deadline: Deadline, *, waits: bool = True
    ) -> DescribedContact:
        self.count("DescribeContact")
        self.journal.append("describe" if waits else "describe at once")
        if self.fault:
            raise self.fault
        try:
            return self.contacts[key.instance_id, key.contact_id]
        except KeyError:
            raise NoSuchContact("ResourceNotFoundException") from None
