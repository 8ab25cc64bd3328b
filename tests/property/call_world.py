"""One call's world in one thread: flow, contact events, ledger and a Salesforce that fails.

A delivery may run in the middle of another one's POST, so that two workers meet at any step, and a
worker may die where a process can be killed. Time passes only when code sleeps.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest import mock

from tests.samples.members import INSTANCE_ARN, SYSTEM
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import Clock, MemoryDeadLetters, MemoryDirectory, MemoryLedger, alone
from tests.unit.flow_scene import no_actions
from tests.unit.memory_retry_queue import MemoryRetryQueue
from tests.unit.samples import contact_event, created, flow_event, stream_record
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.flow import service as flow_service
from voicecall_bridge.flow.service import FlowService
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
from voicecall_bridge.ledger.routing import RoutingLedger
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.sources import flow
from voicecall_bridge.streams import processor as streams
from voicecall_bridge.streams.contact_events import ContactEvents
from voicecall_bridge.streams.processor import StreamProcessor
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.create import CreateVoiceCall
from voicecall_bridge.use_cases.routing import Routing
from voicecall_bridge.use_cases.safety_net import SafetyNet
from voicecall_bridge.voice_call.create import CreateRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voicecall_bridge.ledger.creations import CreateLease, PlannedCreate
    from voicecall_bridge.settings.contact_events import CreateFromEvents

CHAIN = ("c1", "c2", "c3")
"""An inbound call, transferred twice."""


class Died(BaseException):
    """The process was killed here: nothing after it runs, not even a handler of errors."""


class AtOnce(Executor):
    """Runs what is submitted before it answers, so that an example can be repeated."""

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except BaseException as error:  # what a pool's worker does
            future.set_exception(error)
        return future


@dataclass
class Standing:
    """What is known of a contact's POSTs: "none", "open", "unknown" or "known"."""

    word: str = "none"
    until: float = 0.0
    posts: list[str] = field(default_factory=list)


class Salesforce(TelephonyClient):
    """Returns the existing record (guides 236 to 246), and fails with the faults that a test
    sets."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.stored: dict[str, CreateRequest] = {}
        self.ids: dict[str, str] = {}
        self.faults: list[str] = []
        self.standings: dict[str, Standing] = {key: Standing() for key in CHAIN}
        self.meanwhile: Callable[[], None] = lambda: None
        self.cleared: Counter[str] = Counter()
        self.in_events = False
        self.broken: list[str] = []

    def _post(self, request: CreateRequest, deadline: Deadline) -> SalesforceResult:
        key = request.vendor_call_key
        standing = self.standings[key]
        self._require(standing.word != "known", "a second POST after a known outcome")
        live = standing.word == "open" and self.clock.now <= standing.until
        self._require(not live, "two POSTs at a time")
        standing.word, standing.until = "open", deadline.at
        standing.posts.append(request.parent_voice_call_id)
        fault = self.faults.pop(0) if self.faults else ""
        try:
            made = self._create(request, deadline, fault)
        except (OutcomeUnknown, Died):
            standing.word = "unknown"
            raise
        except (LimitExceeded, Unavailable, Rejected):
            standing.word = "none"
            raise
        # Until the ledger knows it too, see RememberingLedger.
        standing.word = "unknown"
        return made

    def _create(self, request: CreateRequest, deadline: Deadline, fault: str) -> SalesforceResult:
        if fault == "die before":
            raise Died
        if fault == "429":
            raise LimitExceeded("limit", status=429)
        if fault == "503":
            raise Unavailable("fails", status=503)
        if fault == "cut before":
            raise OutcomeUnknown("cut", effect=Effect.UNKNOWN)
        if fault == "meanwhile":
            self.meanwhile()
        parent = request.parent_voice_call_id
        if parent and parent not in self.stored:
            self._require(not self.in_events, "an event's POST names a parent that is not there")
            raise Rejected("no such parent", status=400)
        self.stored.setdefault(request.vendor_call_key, request)
        made = self.ids.setdefault(request.vendor_call_key, f"0LQ{len(self.ids)}")
        if fault == "die after":
            raise Died
        if fault == "cut after" or not deadline.allows(0.0):
            raise OutcomeUnknown("cut", effect=Effect.UNKNOWN)
        return created(made)

    def _require(self, holds: bool, broken: str) -> None:
        # Raised here, the bridge would take it for its own defect, log it and go on.
        if not holds:
            self.broken.append(broken)

    def perform(
        self, operation: Operation, vendor_call_key: str, deadline: Deadline, body: Any = None
    ) -> SalesforceResult:
        if operation is Operation.CREATE:
            return self._post(CreateRequest.from_json(body), deadline)
        if operation is Operation.UPDATE:
            self._require(vendor_call_key in self.stored, "fields of a call that is not there")
            return SalesforceResult({}, 1)
        assert operation is Operation.CLEAR_ROUTING
        fault = self.faults.pop(0) if self.faults else ""
        if fault.startswith("die"):
            raise Died
        if fault in ("429", "503"):
            raise Unavailable("fails", status=503)
        self.cleared[vendor_call_key] += 1
        if vendor_call_key not in self.stored:
            raise Rejected("unknown", status=404)
        return SalesforceResult(attempts=1)


class RememberingLedger(MemoryLedger):
    """The ledger. It fails or loses its worker where a test says so."""

    def __init__(self, salesforce: Salesforce) -> None:
        super().__init__(salesforce.clock)
        self.salesforce = salesforce
        self.faults: list[str] = []

    def acquire(self, wanted: PlannedCreate, seconds: float) -> Any:
        fault = self._fault()
        lease = super().acquire(wanted, seconds)
        self._end(fault)
        return lease

    def settle(self, lease: CreateLease, voice_call_id: str) -> str:
        fault = self._fault()
        standing = super().settle(lease, voice_call_id)
        self.salesforce.standings[lease.key.contact_id].word = "known"
        self._end(fault)
        return standing

    def _fault(self) -> str:
        # A flow goes on without a silent ledger, by design: its faults are the bridge's own tests.
        fault = self.faults.pop(0) if self.salesforce.in_events and self.faults else ""
        if fault == "die before":
            raise Died
        if fault == "down":
            raise LedgerUnavailable("ConnectTimeoutError")
        return fault

    def _end(self, fault: str) -> None:
        if fault == "die after":
            raise Died
        if fault == "answer lost":
            raise LedgerUnavailable("ReadTimeoutError")


class World:
    """A chain of contacts, what is delivered of them, and the tally."""

    def __init__(self, contacts: int, create_from: CreateFromEvents, *, over: bool) -> None:
        self.clock = Clock()
        self.logged = CapturedLog()
        self.salesforce = Salesforce(self.clock)
        self.ledger = RememberingLedger(self.salesforce)
        self.letters = MemoryDeadLetters()
        self.create_from = create_from
        self.chain = CHAIN[:contacts]
        self.directory = MemoryDirectory()
        for contact_id in self.chain:
            read = flow.read(flow_event(**self._facts(contact_id)))
            self.directory.know(read.contact, ended=over)
        self.published: dict[int, dict[str, Any]] = {}
        self.ended: set[str] = set()
        self.invocations = 0
        self.flow_ends = 0

    def _facts(self, contact_id: str) -> dict[str, Any]:
        place = CHAIN.index(contact_id)
        return {
            "ContactId": contact_id,
            "InitialContactId": CHAIN[0],
            "PreviousContactId": CHAIN[max(0, place - 1)],
            "InitiationMethod": "TRANSFER" if place else "INBOUND",
            "InstanceARN": INSTANCE_ARN,
            "SystemEndpoint": {"Address": SYSTEM},
        }

    def publish(self, contact_id: str, kind: str) -> int:
        """The number of a new record with the event."""
        at = datetime.fromtimestamp(self.clock.now, UTC).isoformat()
        place = CHAIN.index(contact_id)
        transfer = {
            "initiationMethod": "TRANSFER",
            "initialContactId": CHAIN[0],
            "previousContactId": CHAIN[place - 1],
        }
        event = contact_event(kind, at, contactId=contact_id, **(transfer if place else {}))
        number = len(self.published) + 1
        self.published[number] = stream_record(event, number, key=CHAIN[0])
        return number

    def run_flow(self, contact_id: str, attributes: dict[str, str]) -> None:
        """One invocation by a flow; Connect's own retries are further invocations."""
        facts = {**self._facts(contact_id), "Attributes": attributes}
        transfer = facts["InitiationMethod"] == "TRANSFER"
        event = flow_event("createTransferVC" if transfer else "createVoiceCall", **facts)
        service = FlowService(
            observer=self.logged.observer,
            create=self._create(),
            actions=no_actions,
            dead_letters=self.letters,
        )
        self.invocations += 1
        with self._as("flow"):
            try:
                answer = service.answer(event, 8.0)
            except Died:
                return
        self.flow_ends += 1
        if answer["voiceCallId"]:
            assert answer["voiceCallId"] == self.salesforce.ids[contact_id]

    def deliver(self, numbers: list[int]) -> list[int]:
        """A batch of those records, in the shard's order. Returns the numbers that Lambda must
        deliver again."""
        numbers = sorted(set(numbers))
        records = [self.published[number] for number in numbers]
        source = ContactEvents(
            self._safety_net(),
            self._routing(),
            ContactFactsLedger(self.ledger.table, self.clock),
            self.create_from,
            now=self.clock,
        )
        processor: StreamProcessor[Any] = StreamProcessor(
            source, self.letters, MemoryRetryQueue("no queue"), self.logged.observer
        )
        processor._pool = AtOnce()  # type: ignore[assignment]
        before = len(self.logged.deliveries())
        with self._as("events"):
            answer = processor.answer({"Records": records}, 60.0)
        again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        lines = self.logged.deliveries()[before:]
        ends = Counter(line["inputId"].rpartition(":")[2] for line in lines if line["inputId"])
        self.ended |= set(ends)
        # in = delivered + superseded + skipped + dead-lettered + to be delivered again. A delivery
        # in the middle of this batch logged its own lines, which may be of the same records.
        assert {str(number) for number in numbers} <= set(ends) | again
        return [number for number in numbers if str(number) in again]

    def _create(self) -> CreateVoiceCall:
        return CreateVoiceCall(
            self.ledger,
            alone(self.salesforce),
            self.logged.observer,
            now=self.clock,
            sleep=self.clock.sleep,
        )

    def _safety_net(self) -> SafetyNet:
        return SafetyNet(
            self.ledger,
            alone(self.salesforce),
            self.directory,
            self.logged.observer,
            now=self.clock,
            sleep=self.clock.sleep,
        )

    def _routing(self) -> Routing:
        return Routing(
            RoutingLedger(self.ledger.table, self.clock),
            self.ledger,
            alone(self.salesforce),
            self.directory,
            self.logged.observer,
        )

    @contextmanager
    def _as(self, who: str) -> Iterator[None]:
        """Runs a delivery on this world's clock and in this thread."""
        outer = self.salesforce.in_events
        self.salesforce.in_events = who == "events"
        clock = mock.Mock(after=lambda seconds: Deadline.after(seconds, self.clock))
        with (
            mock.patch.object(streams, "Deadline", clock),
            mock.patch.object(flow_service, "Deadline", clock),
            mock.patch.object(flow_service, "run_before", lambda _deadline, work: work()),
        ):
            yield
        self.salesforce.in_events = outer

    def check(self) -> None:
        """What must hold at every moment."""
        assert self.salesforce.broken == []
        assert [line for line in self.logged.lines() if line["message"] == "defect"] == []
        for contact_id in self.chain:
            request = self.salesforce.stored.get(contact_id)
            if request is None:
                continue
            place = self.chain.index(contact_id)
            parent = self.chain[place - 1] if place else ""
            assert request.parent_voice_call_id == parent, "never an orphan"
            stored = list(self.salesforce.stored)
            assert not parent or stored.index(parent) < stored.index(contact_id)
            known = self.ledger.entry(self.key(contact_id)).voice_call_id
            assert known in ("", self.salesforce.ids.get(contact_id))

    def key(self, contact_id: str) -> ContactKey:
        return ContactKey(INSTANCE_ARN.rpartition("/")[2], contact_id)
