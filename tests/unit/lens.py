"""Contact Lens' records, and `contact_lens` without Lambda and without a network."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.samples.stream_records import stream_record
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import Clock, MemoryDeadLetters, MemoryDirectory
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.samples import CENTERS, a_contact
from voicecall_bridge.aws.deferred_records import (
    Deferred,
    DeferredRecords,
    NotDeferred,
    ReceivedAgain,
)
from voicecall_bridge.aws.transcript_files import LateRecords, StorageUnavailable
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.registry import ContactCenter, ContactCenterRegistry
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
from voicecall_bridge.ledger.table import Table
from voicecall_bridge.observability import Observer
from voicecall_bridge.settings.contact_lens import LensOptions
from voicecall_bridge.streams.contact_lens import ContactLens
from voicecall_bridge.streams.lens_queue import LensQueue
from voicecall_bridge.streams.results import RecordLog
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.telephony.clients import TelephonyClients
from voicecall_bridge.telephony.errors import Rejected, TelephonyError
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.transcript_calls import TranscriptCalls
from voicecall_bridge.use_cases.transcripts import TranscriptSender

NOW = 1_795_168_800.0
QUEUE_ARN = "arn:aws:sqs:us-west-2:111122223333:waiting.fifo"
SECONDS_LEFT = 30.0


Entry = Callable[[str], tuple[int, str] | None]


class TranscriptOrg(TelephonyClient):
    """A Salesforce that takes lines and checks each request.

    Attributes:
        lines: what it has of each call.
        events: bodies of conversation events, by call.
        requests: calls of each request with lines, with the number of their lines.
        entry: status and message of a call that is not taken.
        fault: error of a whole request, asked before each one.
        given: how many seconds each request may take.
        at_work, taken: called within each request with lines, with its calls: before they are
            taken, and afterwards.
    """

    def __init__(self) -> None:
        self.lines: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.requests: list[dict[str, int]] = []
        self.entry: Entry = lambda _: None
        self.fault: Callable[[], TelephonyError | None] = lambda: None
        self.given: list[float] = []
        self.at_work: Callable[[Sequence[str]], None] = lambda _: None
        self.taken: Callable[[Sequence[str]], None] = lambda _: None
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()

    def perform(
        self,
        operation: Operation,
        vendor_call_key: str,
        deadline: Deadline,
        body: Mapping[str, object] | None = None,
    ) -> SalesforceResult:
        self.given.append(deadline.remaining())
        if error := self.fault():
            error.attempts = 1
            raise error
        if operation is not Operation.BULK_MESSAGES:
            assert body is not None
            with self._lock:
                self.events.append((operation.value, vendor_call_key, dict(body)))
            return SalesforceResult({}, 1)
        assert vendor_call_key == ""
        entries: Any = body["entries"] if body else []
        return self._bulk(entries)

    def _bulk(self, entries: list[dict[str, Any]]) -> SalesforceResult:
        keys = [entry["vendorCallKey"] for entry in entries]
        assert 1 <= len(keys) == len(set(keys)) <= 5
        assert all(1 <= len(entry["messages"]) <= 5 for entry in entries)
        with self._lock:
            self._busy.update(keys)
            assert all(self._busy[key] == 1 for key in keys), "two requests for a call at a time"
            self.requests.append({it["vendorCallKey"]: len(it["messages"]) for it in entries})
        try:
            self.at_work(keys)
            failed = [self._take(entry) for entry in entries]
            self.taken(keys)
        finally:
            with self._lock:
                self._busy.subtract(keys)
        shown = [entry for entry in failed if entry]
        if len(entries) == 1 and shown and shown[0]["status"] in (400, 404):
            error = Rejected(
                "refused", status=int(shown[0]["status"]), remark=str(shown[0]["message"])
            )
            error.attempts = 1
            raise error
        members = {"errorResponse": {"errorResponseEntries": shown}} if shown else {}
        return SalesforceResult(members, 1)

    def _take(self, entry: dict[str, Any]) -> dict[str, object] | None:
        key = entry["vendorCallKey"]
        if refused := self.entry(key):
            return {"vendorCallKey": key, "status": refused[0], "message": refused[1]}
        known = {line["messageId"] for line in self.lines[key]}
        new = [line for line in entry["messages"] if line["messageId"] not in known]
        self.lines[key] += new
        return None

    def said(self, key: str) -> list[str]:
        """The call's lines, as Salesforce has them."""
        return [line["content"] for line in self.lines[key]]


class MemoryWaiting(DeferredRecords):
    """The queue of deferred records: each group keeps its order."""

    def __init__(self) -> None:
        super().__init__(lambda: None, "memory")
        self.messages: dict[str, Deferred] = {}
        self.received: Counter[str] = Counter()
        self.pauses: list[float] = []
        self.down = self.deaf = False

    def send(self, records: Sequence[Deferred]) -> list[Deferred]:
        if self.down:
            return list(records)
        for record in records:
            self.messages.setdefault(f"m-{record.record.id}", record)
        return []

    def wait(self, message: ReceivedAgain, seconds: float) -> None:
        if self.deaf:
            raise NotDeferred("InternalError")
        self.pauses.append(seconds)

    def event(self) -> dict[str, Any]:
        """All messages, in the form in which Lambda passes them."""
        self.received.update(list(self.messages))
        return {
            "Records": [
                {
                    "messageId": name,
                    "receiptHandle": f"r-{name}",
                    "body": deferred.body(),
                    "attributes": {
                        "ApproximateReceiveCount": str(self.received[name]),
                        "MessageGroupId": deferred.group,
                    },
                    "eventSource": "aws:sqs",
                    "eventSourceARN": QUEUE_ARN,
                }
                for name, deferred in self.messages.items()
            ]
        }

    def settle(self, failed: Iterable[str]) -> None:
        self.messages = {name: self.messages[name] for name in failed}


class CountingObserver(Observer):
    """An observer that still knows its counters after they were flushed."""

    def __init__(self, logged: CapturedLog) -> None:
        super().__init__("Test", logged.observer.logger)
        self.counted: Counter[str] = Counter()

    def count(self, name: str, dimension: str = "", value: str = "", times: int = 1) -> None:
        super().count(name, dimension, value, times)
        if not dimension:
            self.counted[name] += times


class MemoryLate(LateRecords):
    """The bucket of lines that came too late."""

    def __init__(self) -> None:
        super().__init__(lambda: None, "memory")
        self.kept: list[tuple[str, list[Any]]] = []
        self.down = False

    def keep(self, reason: str, records: Sequence[Mapping[str, object]]) -> None:
        if self.down:
            raise StorageUnavailable("SlowDown")
        self.kept.append((reason, list(records)))


class LensFunction:
    """One execution environment of `contact_lens`.

    Args:
        options: what is sent.
        centers: of the stack.
        workers: requests at a time.
    """

    def __init__(
        self,
        options: LensOptions | None = None,
        centers: ContactCenterRegistry = CENTERS,
        workers: int = 4,
    ) -> None:
        self.clock = Clock(NOW)
        self.logged, self.letters = CapturedLog(), MemoryDeadLetters()
        self.dynamodb, self.directory = MemoryDynamoDB(), MemoryDirectory()
        self.facts = ContactFactsLedger(Table(lambda: self.dynamodb, "memory"), self.clock)
        self.orgs: defaultdict[str, TranscriptOrg] = defaultdict(TranscriptOrg)
        self.waiting, self.late = MemoryWaiting(), MemoryLate()
        self.overruns = 0
        pool = ThreadPoolExecutor(workers)
        observer = self.observer = CountingObserver(self.logged)
        self.directory.count = observer.count
        calls = TranscriptCalls(self.facts, self.directory, centers, observer, self.clock)
        clients = TelephonyClients(centers, self._org)
        options = options or LensOptions()
        log = RecordLog("contact_lens", self.letters, observer)
        self.lens = ContactLens(
            TranscriptSender(clients, pool, workers),
            calls,
            LensQueue(self.waiting, log, options.max_age, self.clock),
            self.late,
            log,
            options,
            pool,
            self._overrun,
            self.clock,
        )

    def _org(self, center: ContactCenter) -> TranscriptOrg:
        return self.orgs[center.name]

    def _overrun(self) -> None:
        self.overruns += 1

    @property
    def org(self) -> TranscriptOrg:
        """The default contact center's."""
        return self.orgs[CENTERS.default.name]

    def know(self, *contacts: str, **changes: Any) -> None:
        """Let Connect know these contacts as the first ones of their chains."""
        for contact in contacts:
            self.directory.know(
                a_contact(contact_id=contact, initial_contact_id=contact, **changes)
            )

    def __call__(self, *payloads: object, first: int = 1, age: float = 1.0) -> list[str]:
        """Delivers a batch of the stream. Returns the sequence numbers that Lambda must deliver
        again."""
        arrived = self.clock() - age
        records = [
            stream_record(it, first + n, arrived=arrived, stream="contact-lens")
            for n, it in enumerate(payloads)
        ]
        return self.deliver({"Records": records})

    def deliver(self, event: dict[str, Any]) -> list[str]:
        failures = self.lens.answer(event, SECONDS_LEFT)["batchItemFailures"]
        return [failure["itemIdentifier"] for failure in failures]

    def try_waiting(self) -> list[str]:
        """Delivers the messages of the queue. Returns those that must wait on."""
        failed = self.deliver(self.waiting.event())
        self.waiting.settle(failed)
        return failed

    def ended(self) -> list[tuple[str, str]]:
        """Disposition and reason of each delivery, in order."""
        return [(line["disposition"], line["reason"]) for line in self.logged.deliveries()]

    def counted(self, name: str) -> int:
        return self.observer.counted[name]

    def key(self, contact: str = CONTACT_ID) -> ContactKey:
        return ContactKey(INSTANCE_ID, contact)
