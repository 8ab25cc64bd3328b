"""Contact events as deployed: rules, stream, poller and the real handlers over moto, beside the
simulators for Amazon Connect and Salesforce. Every event and contact here is full of canaries.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
import time
from collections import Counter
from contextlib import ExitStack, redirect_stdout
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pytest

from simulator.aws.cloud import CONNECT_INSTANCE_ARN, AwsSimulator
from simulator.aws.connect import ConnectSimulator
from simulator.aws.event_bus import EventBus
from simulator.aws.event_rules import read_rules
from simulator.aws.queue_clock import let_time_pass, visible_in
from simulator.aws.stream_length import records_put
from simulator.functions.lambda_process import Invocation
from simulator.pollers.batch import BatchResult, Outcome, drain
from simulator.pollers.event_source_mapping import read_mappings
from simulator.pollers.kinesis_poller import KinesisPoller
from simulator.pollers.queue_mapping import read_queue_mappings
from simulator.pollers.sqs_poller import SqsPoller
from simulator.salesforce import SalesforceSimulator, new_identity
from tests.integration.canaries import ATTRIBUTE, CUSTOMER, EMAIL, FIELD, NAME, SYSTEM
from tests.integration.simulator import CapturedOutput, Context, join_overrunning
from tests.samples.contact_events import envelope
from voicecall_bridge.composition import contact_events, contact_flow, contact_records, redrive
from voicecall_bridge.composition import salesforce as telephony
from voicecall_bridge.observability import Observer
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.telephony.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from simulator.salesforce import ContactCenterIdentity, Exchange

Kind = TypeVar("Kind", bound="EventsSimulator")
ROOT = Path(__file__).resolve().parents[2]
SERVICE = "contact_events_integration"
INSTANCE = CONNECT_INSTANCE_ARN.rpartition("/")[2]
QUEUE_ARN = f"{CONNECT_INSTANCE_ARN}/queue/q1"
FUNCTION_SECONDS = 60.0
LONG_SECONDS = 48 * 3600.0
"""On the poller's clock: nothing that is pending stays so for longer."""


def load_handler(function: str) -> Callable[[object, object], Any]:
    """The handler of a function's app.py."""
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"{function}_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[object, object], Any] = module.handler
    return handler


class Clock:
    """The poller's clock runs ahead of the real one whenever it would sleep."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.on_sleep: Callable[[float], None] = lambda _ahead: None

    def __call__(self) -> float:
        return time.time() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds
        let_time_pass(seconds)
        self.on_sleep(self.ahead)


class Servers:
    """Salesforce, Amazon Connect, and AWS with the template's resources: all empty."""

    def __init__(self, identity: ContactCenterIdentity) -> None:
        self.identity = identity

    def __enter__(self) -> Self:
        with ExitStack() as parts:
            self.salesforce = parts.enter_context(
                SalesforceSimulator(self.identity, creates_per_second=10_000)
            )
            self.connect = parts.enter_context(ConnectSimulator())
            self.aws = parts.enter_context(
                AwsSimulator(ROOT / "template.yaml", self.identity, self.salesforce.base_url)
            )
            self.clients = {name: self.aws.client(name) for name in ("kinesis", "s3", "sqs")}
            for client in self.clients.values():
                parts.callback(client.close)
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    def empty(self) -> None:
        """Forget what Salesforce and the ledger know, and what can be seen in the queues."""
        self.salesforce.reset()
        for table in self.aws.template.refs("AWS::DynamoDB::Table"):
            self.aws.empty(table)
        for queue in self.aws.template.refs("AWS::SQS::Queue"):
            self.aws.purge(queue)

    def environment(self, function: str) -> dict[str, str]:
        """A function's environment as the template has it, and where its AWS is."""
        return {
            **self.aws.template.functions[function].environment,
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_ENDPOINT_URL_CONNECT": self.connect.url,
            "AWS_REGION": self.aws.region,
            "AWS_DEFAULT_REGION": self.aws.region,
            "AWS_ACCESS_KEY_ID": "laptop",
            "AWS_SECRET_ACCESS_KEY": "laptop",
        }


class EventsSimulator:
    """One test's world.

    Attributes:
        source: the folder of the stream's function.
        function: its logical id.
        servers, connect: what the functions talk to.
        logged: all that they write.
        clock: the poller's.
        batches: every batch that was handed to the function.
    """

    source = "contact_events"
    function = "ContactEventsFunction"

    def __init__(self, servers: Servers, logged: CapturedOutput, patch: pytest.MonkeyPatch) -> None:
        self.servers = servers
        self.salesforce = servers.salesforce
        self.connect = servers.connect
        self.logged = logged
        self.clock = Clock()
        self.batches: list[dict[str, Any]] = []
        self._patch = patch
        self._stream = load_handler(self.source)
        self._flow = load_handler("contact_flow")
        template = servers.aws.template
        (self.mapping,) = (
            mapping for mapping in read_mappings(template) if mapping.function == self.function
        )
        self.poller = KinesisPoller(
            servers.clients["kinesis"],
            self.mapping,
            self._invoke,
            s3=servers.clients["s3"],
            sqs=servers.clients["sqs"],
            clock=self.clock,
            sleep=self.clock.sleep,
            records_put=records_put,
        )
        (retries,) = (
            mapping
            for mapping in read_queue_mappings(template)
            if mapping.function == self.function
        )
        self.retries = SqsPoller(
            servers.clients["sqs"], retries, self._invoke, visible_in, self.clock
        )

    def configure(self, **variables: str) -> None:
        """Change the functions' environment: a new execution environment."""
        for name, value in variables.items():
            self._patch.setenv(name, value)
        contact_events.contact_events.cache_clear()
        contact_records.contact_records.cache_clear()
        contact_flow.flow_service.cache_clear()
        redrive.redrive.cache_clear()

    def know(self, contact_id: str, **members: Any) -> None:
        """Amazon Connect knows an inbound contact; `members` are DescribeContact's."""
        facts: dict[str, Any] = {
            "Channel": "VOICE",
            "InitiationMethod": "INBOUND",
            "InitiationTimestamp": datetime.now(UTC),
            "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": CUSTOMER},
            "SystemEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": SYSTEM},
            "Attributes": {"sfdc-Region__c": FIELD, "greeting": ATTRIBUTE, "mail": EMAIL},
            "Name": NAME,
        }
        self.connect.add_contact(INSTANCE, contact_id, **facts | members)

    def publish(self, *events: dict[str, Any], always: bool = False) -> None:
        """Through the template's rules into the stream."""
        template = self.servers.aws.template
        if always:
            template = self.servers.aws.template_with({"CREATE_FROM_EVENTS": "always"})
        clients = self.servers.clients
        bus = EventBus(read_rules(template), clients["kinesis"], clients["sqs"])
        for one in events:
            (delivery,) = bus.put(one)
            assert delivery.outcome == "delivered", delivery

    def put_raw(self, data: bytes, key: str) -> None:
        """A record that no rule would let through."""
        self.servers.clients["kinesis"].put_record(
            StreamName=self.mapping.stream, PartitionKey=key, Data=data
        )

    def poll(self) -> list[BatchResult]:
        """Poll until nothing is pending in stream and retry queue; no batch may be given up."""
        pollers = (self.poller, self.retries)
        results = drain(pollers, self.clock, self.clock.sleep, within=LONG_SECONDS)
        assert self.poller.pending() == 0
        assert self.retries.next_due is None
        given_up = [one.reason for one in results if one.outcome is Outcome.DISCARDED]
        assert given_up == []
        return results

    def handle(self, event: dict[str, Any], seconds: float = FUNCTION_SECONDS) -> Any:
        """One batch, straight to the handler."""
        self._redirect()
        self.batches.append(event)
        return self._stream(event, Context(seconds))

    def flow(self, event: dict[str, Any]) -> dict[str, str]:
        """One invocation by a contact flow."""
        self._redirect()
        answer: dict[str, str] = self._flow(event, Context(30.0))
        return answer

    def redrive(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """The operator's function."""
        handler = load_handler("redrive")
        return lambda asked: dict(handler(asked, Context(60.0)))

    def lines(self, source: str = "") -> list[dict[str, Any]]:
        """The delivery lines of a source; empty: of the stream's function."""
        logged = [line for line in self.logged.records() if line.get("message") == "delivery"]
        return [line for line in logged if line["source"] == (source or self.source)]

    def ends(self) -> Counter[tuple[str, str]]:
        """(disposition, reason) of every record by its last line, which the tally counts."""
        last = {line["inputId"]: line for line in self.lines()}
        return Counter((line["disposition"], line["reason"]) for line in last.values())

    def posts(self, contact_id: str) -> list[Exchange]:
        """The creates that arrived for a contact."""
        return [one for one in self.creates() if one.body["vendorCallKey"] == contact_id]

    def creates(self) -> list[Exchange]:
        """The creates that arrived, in order."""
        return [one for one in self.salesforce.journal() if one.method == "POST"]

    def dead_letters(self) -> list[dict[str, Any]]:
        """The dead letters without copies: SQS keeps a second one when its answer was lost."""
        by_input = {one["payload"]["eventID"]: one for one in self.all_dead_letters()}
        return list(by_input.values())

    def all_dead_letters(self) -> list[dict[str, Any]]:
        """All messages of the dead-letter queue."""
        environment = self.servers.aws.template.functions[self.function].environment
        return self.servers.aws.messages(environment["DEAD_LETTER_QUEUE_URL"])

    def inputs(self) -> set[str]:
        """The ids of all records of the stream that were handed to the function."""
        handed = (record for batch in self.batches for record in batch["Records"])
        return {record["eventID"] for record in handed if "eventID" in record}

    def check_tally(self) -> None:
        """in = delivered + superseded + skipped + dead-lettered, when nothing is pending."""
        ended = {line["inputId"] for line in self.lines()}
        assert ended == self.inputs()

    def _invoke(self, event: dict[str, Any]) -> Invocation:
        payload = self.handle(event)
        return Invocation(payload, None, [], 0.0, None, False, "request", False)

    def _redirect(self) -> None:
        # Here and not in a fixture: pytest sets it anew before each phase of a test.
        if sys.stdout is not self.logged:
            self._patch.setattr(sys, "stdout", self.logged)


@pytest.fixture(scope="module")
def center() -> ContactCenterIdentity:
    """A contact center, made once: its key takes long to make."""
    return new_identity(org_id="00D000000000001", call_center_api_name="SupportCenter")


@pytest.fixture
def servers(center: ContactCenterIdentity) -> Iterator[Servers]:
    """All that the functions talk to."""
    with Servers(center) as made:
        yield made


@functools.cache
def _logged() -> CapturedOutput:
    """One for all tests: the bridge's logger is made once, and keeps its stream and its level."""
    logged = CapturedOutput()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(logged):
        patch.setenv("POWERTOOLS_SERVICE_NAME", SERVICE)
        patch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
        Observer()
    return logged


class RecordsSimulator(EventsSimulator):
    """The same for contact records."""

    source = "contact_records"
    function = "ContactRecordsFunction"


@pytest.fixture
def events(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventsSimulator]:
    """Handlers of flow and events in their template's environment."""
    yield from _simulator(EventsSimulator, servers, monkeypatch)


@pytest.fixture
def records(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordsSimulator]:
    """The handler of records in its template's environment."""
    yield from _simulator(RecordsSimulator, servers, monkeypatch)


def _simulator(
    made: type[Kind], servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Kind]:
    """Pauses between attempts are 0 s."""
    policy = RetryPolicy(draw=lambda _least, _most: 0.0)
    monkeypatch.setattr(telephony, "TelephonyClient", partial(TelephonyClient, retries=policy))
    for function in ("ContactFlowFunction", made.function):
        for name, value in servers.environment(function).items():
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", SERVICE)
    logged = _logged()
    logged.clear()
    simulator = made(servers, logged, monkeypatch)
    simulator.configure()
    yield simulator
    servers.salesforce.clear_faults()
    join_overrunning()
    simulator.configure()


def event(
    kind: str, contact_id: str, previous: str = "", root: str = "", **detail: Any
) -> dict[str, Any]:
    """An event of now. Shape: Amazon Connect administrator guide, "Contact events"."""
    now = datetime.now(UTC)
    facts: dict[str, Any] = {
        "eventType": kind,
        "contactId": contact_id,
        "channel": "VOICE",
        "instanceArn": CONNECT_INSTANCE_ARN,
        "initiationMethod": "TRANSFER" if previous else "INBOUND",
        "initiationTimestamp": now.isoformat(timespec="milliseconds"),
        "tags": {"aws:connect:systemEndpoint": SYSTEM, "owner": NAME},
        "systemEndpoint": {"type": "TELEPHONE_NUMBER", "address": SYSTEM},
        "queueInfo": {"queueArn": QUEUE_ARN, "queueType": "STANDARD"},
    }
    if previous:
        facts |= {"initialContactId": root or previous, "previousContactId": previous}
    return envelope(
        facts | detail,
        name=f"event-{kind}-{contact_id}-{now.timestamp()}",
        at=now.isoformat(timespec="seconds"),
        resources=[CONNECT_INSTANCE_ARN],
    )


def batch_of(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Lambda's event with those records."""
    return {"Records": list(records)}
