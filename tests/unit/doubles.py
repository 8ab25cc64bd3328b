"""Doubles for what the unit under test calls. Those of the ledger and of DynamoDB's neighbours
keep the same contract as the real ones: test_ledger.py runs one suite over both."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from tests.unit.samples import CENTERS
from voicecall_bridge.aws.contact_directory import ContactDirectory, NoSuchContact
from voicecall_bridge.aws.dead_letters import DeadLetterLost, DeadLetterQueue
from voicecall_bridge.contact import Contact
from voicecall_bridge.contact_centers.registry import Center, PerCenter
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.ledger.callbacks import (
    CallbackLedger,
    CallbackTurn,
    Requested,
    Untold,
    name_of,
)
from voicecall_bridge.ledger.creations import (
    Busy,
    ContactKey,
    Created,
    CreateStatus,
    Elsewhere,
    Entry,
    Lease,
    Ledger,
    Step,
    StepLease,
)
from voicecall_bridge.ledger.table import LedgerUnavailable, Table
from voicecall_bridge.sources.described_contact import DescribedContact
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.voice_call.create import CreateVoiceCall


class Clock:
    """Seconds that pass only when somebody sleeps; stands in for both of Python's clocks."""

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
    """What requests makes of an answer; `source` is read instead of `body` where given."""
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
        """Nothing is open."""


class MemoryLedger(Ledger):
    """The ledger without DynamoDB."""

    def __init__(self, now: Callable[[], float], journal: list[str] | None = None) -> None:
        super().__init__(lambda: None, "memory", now)
        self.items: dict[ContactKey, dict[str, Any]] = {}
        self.journal = journal if journal is not None else []
        self.down: set[str] = set()
        self.owners = 0

    def _called(self, operation: str) -> None:
        self.journal.append(operation)
        if operation in self.down:
            raise LedgerUnavailable("ConnectTimeoutError")

    def begin(
        self, key: ContactKey, request: Any, lease_seconds: float, center: Center
    ) -> Lease | Created | Busy | Elsewhere:
        self._called("begin")
        pin = self._pin(key)
        if pin not in (None, center.name) and not (pin == "" and center.default):
            return Elsewhere(str(pin))
        standing = self._standing(key)
        if standing is not None:
            return standing
        self.owners += 1
        item = self.items.setdefault(key, {})
        lease = Lease(
            key,
            str(self.owners),
            item.get("status") in (CreateStatus.UNKNOWN, CreateStatus.CREATING),
            item.get("request", {}),
        )
        start = str(item.setdefault("start", str(request.get("startTime", ""))))
        item |= {
            "status": CreateStatus.CREATING,
            "until": self.now() + lease_seconds,
            "owner": lease.owner,
            "center": center.name,
            "request": {**request, **({"startTime": start} if start else {})},
        }
        return lease

    def created(self, lease: Lease, voice_call_id: str) -> str:
        self._called("created")
        item = self.items.setdefault(lease.key, {})
        item |= {"status": CreateStatus.CREATED, "owner": None}
        return str(item.setdefault("id", voice_call_id))

    def not_created(self, lease: Lease, error_code: str, *, unknown: bool) -> None:
        self._called("not_created")
        item = self.items.get(lease.key, {})
        if item.get("owner") == lease.owner:
            status = CreateStatus.UNKNOWN if unknown else CreateStatus.FAILED
            item |= {"status": status, "error": error_code, "owner": None}

    def entry(self, key: ContactKey) -> Entry:
        self._called("entry")
        return self._entry(key)

    def standing(self, key: ContactKey) -> Created | Busy | None:
        self._called("standing")
        return self._standing(key)

    def resent(self, key: ContactKey, request: Any) -> None:
        self._called("resent")
        item = self.items.setdefault(key, {})
        start = item.get("start", "")
        item["request"] = {**request, **({"startTime": start} if start else {})}

    def refused(self, key: ContactKey, mark: str) -> None:
        self._called("refused")
        if self._pin(key) is None:
            self.items.setdefault(key, {})["center"] = mark

    def pin(self, key: ContactKey, center: Center) -> Elsewhere | None:
        self._called("pin")
        known = self._pin(key)
        if known is None:
            self.items.setdefault(key, {})["center"] = center.name
            return None
        mine = known == center.name or (not known and center.default)
        return None if mine else Elsewhere(known)

    def ended(self, key: ContactKey) -> None:
        self._called("ended")
        self.items.setdefault(key, {})["ended"] = True

    def begin_step(
        self, key: ContactKey, step: Step, lease_seconds: float
    ) -> StepLease | Busy | None:
        self._called("begin_step")
        item = self.items.setdefault(key, {})
        if item.get(step, -1.0) >= self.now():
            return None if item[step] == float("inf") else Busy(item[step])
        item[step] = self.now() + lease_seconds
        return StepLease(self._pin(key))

    def finish_step(self, key: ContactKey, step: Step, *, done: bool) -> None:
        self._called("finish_step")
        self.items.setdefault(key, {})[step] = float("inf") if done else 0.0

    def _entry(self, key: ContactKey) -> Entry:
        item = self.items.get(key, {})
        held = item.get("owner") is not None
        return Entry(
            item.get("status"),
            item.get("id", ""),
            item.get("request", {}),
            item["until"] if held else 0.0,
            item.get("ended", False),
            record_known=item.get("record", False),
            updated=item.get("updated", False),
            center=self._pin(key),
        )

    def _pin(self, key: ContactKey) -> str | None:
        item = self.items.get(key, {})
        return item.get("center", "" if "request" in item else None)

    def _standing(self, key: ContactKey) -> Created | Busy | None:
        entry = self._entry(key)
        if entry.create_status is CreateStatus.CREATED:
            return Created(entry.voice_call_id, entry.request)
        if entry.create_status is CreateStatus.CREATING and entry.lease_until >= self.now():
            return Busy(entry.lease_until)
        return None


class MemoryCallbackLedger(CallbackLedger):
    """The callback side of the ledger without DynamoDB."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(Table(lambda: None, "memory"), now)
        self.items: dict[tuple[ContactKey, str], dict[str, Any]] = {}
        self.journal: list[str] = []
        self.down: set[str] = set()
        self.owners = 0

    def _called(self, operation: str) -> None:
        self.journal.append(operation)
        if operation in self.down:
            raise LedgerUnavailable("ConnectTimeoutError")

    def begin(
        self, key: ContactKey, callback_number: str, lease_seconds: float
    ) -> CallbackTurn | Requested | Busy | Untold:
        self._called("begin")
        item = self.items.setdefault((key, name_of(callback_number)), {"until": 0.0})
        if record := item.get("record"):
            return Requested(record)
        if item["until"]:
            return Busy(item["until"]) if item["until"] >= self.now() else Untold()
        self.owners += 1
        item |= {"until": self.now() + lease_seconds, "owner": str(self.owners)}
        return CallbackTurn(key, name_of(callback_number), str(self.owners))

    def made(self, turn: CallbackTurn, record_id: str) -> None:
        self._called("made")
        self.items[turn.key, turn.name] |= {"record": record_id}

    def not_made(self, turn: CallbackTurn, *, unknown: bool) -> None:
        self._called("not_made")
        item = self.items[turn.key, turn.name]
        if item.get("owner") == turn.owner:
            item |= {"until": 0.001 if unknown else 0.0, "owner": None}


class ScriptedClient(TelephonyClient):
    """Salesforce's client with outcomes from a list: one for each call of a method.

    The outcome of a call that answers how many requests were sent is that number, or an error.
    """

    def __init__(
        self,
        outcomes: Iterable[SalesforceResult | int | Exception],
        journal: list[str] | None = None,
    ) -> None:
        self.outcomes = list(outcomes)
        self.journal = journal if journal is not None else []
        self.sent: list[CreateVoiceCall] = []
        self.told: list[tuple[str, str]] = []
        self.performed: list[tuple[Operation, str, dict[str, Any] | None]] = []
        self.deadlines: list[Deadline] = []

    def create_voice_call(self, request: CreateVoiceCall, deadline: Deadline) -> SalesforceResult:
        self.sent.append(request)
        outcome = self._outcome("POST", deadline)
        assert isinstance(outcome, SalesforceResult)
        return outcome

    def update_attributes(
        self, vendor_call_key: str, call_attributes: str, deadline: Deadline
    ) -> int:
        return self._tell_of("PATCH", vendor_call_key, deadline, call_attributes)

    def clear_routing(self, vendor_call_key: str, deadline: Deadline) -> int:
        return self._tell_of("clearRouting", vendor_call_key, deadline)

    def reroute(self, vendor_call_key: str, deadline: Deadline) -> int:
        return self._tell_of("reroute", vendor_call_key, deadline)

    def perform(
        self,
        operation: Operation,
        vendor_call_key: str,
        deadline: Deadline,
        body: Any = None,
    ) -> SalesforceResult:
        self.performed.append((operation, vendor_call_key, body))
        outcome = self._outcome(operation.value, deadline)
        assert isinstance(outcome, SalesforceResult)
        return outcome

    def _tell_of(self, what: str, key: str, deadline: Deadline, text: str = "") -> int:
        self.told.append((key, text))
        outcome = self._outcome(what, deadline)
        assert isinstance(outcome, int)
        return outcome

    def _outcome(self, what: str, deadline: Deadline) -> SalesforceResult | int:
        self.journal.append(what)
        self.deadlines.append(deadline)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def alone(client: TelephonyClient) -> PerCenter[TelephonyClient]:
    """The client of the only contact center."""
    return PerCenter(CENTERS, lambda _: client)


class MemoryDeadLetters(DeadLetterQueue):
    """The dead-letter queue without SQS."""

    def __init__(self, fault: str = "") -> None:
        super().__init__(lambda: None, "memory")
        self.fault = fault
        self.kept: list[tuple[str, str, object]] = []

    def keep(self, source: str, reason: str, payload: object) -> None:
        if self.fault:
            raise DeadLetterLost(self.fault)
        self.kept.append((source, reason, payload))


class MemoryDirectory(ContactDirectory):
    """Connect without its API: tells of the contacts it was given, or fails."""

    def __init__(self, journal: list[str] | None = None) -> None:
        super().__init__(lambda: None)
        self.journal = journal if journal is not None else []
        self.contacts: dict[tuple[str, str], DescribedContact] = {}
        self.fault: Exception | None = None

    def know(self, contact: Contact, *, ended: bool = False) -> None:
        key = (contact.instance_id, contact.contact_id)
        self.contacts[key] = DescribedContact(contact, ended)

    def describe(self, instance_id: str, contact_id: str, deadline: Deadline) -> DescribedContact:
        self.journal.append("describe")
        if self.fault:
            raise self.fault
        try:
            return self.contacts[instance_id, contact_id]
        except KeyError:
            raise NoSuchContact("ResourceNotFoundException") from None
