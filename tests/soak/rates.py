"""How many calls get their VoiceCall from events alone, by calls a second: a simulation.

`CreateFromEvents=always` asks DescribeContact once a call, for the caller's number. Its quota is a
new account's: 10 a second, 15 at once. Events are delivered as Lambda does: two lanes, in each one
batch at a time, eight chains of a batch side by side. No real time passes.

    PYTHONPATH=layers/voicecall_bridge python -m tests.soak.rates
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.samples.members import CUSTOMER
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import Clock, MemoryLedger, MemoryRoutingLedger, alone
from tests.unit.samples import contact_event, created
from voicecall_bridge.aws.contact_directory import ContactDirectory
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
from voicecall_bridge.settings.contact_events import CreateFromEvents
from voicecall_bridge.streams.contact_events import ContactEvents
from voicecall_bridge.streams.processor import RECORD_SECONDS
from voicecall_bridge.streams.results import TransientFailure
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.telephony.errors import Rejected
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.routing import Routing
from voicecall_bridge.use_cases.safety_net import SafetyNet

if TYPE_CHECKING:
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.sources.contact_event import ContactEvent
    from voicecall_bridge.telephony.answers import SalesforceResult

QUOTA_A_SECOND = 10.0
QUOTA_AT_ONCE = 15.0
LANES = 2
"""ContactEventParallelization, by default."""
CHAINS_AT_ONCE = 8
MOST_IN_A_BATCH = 100
DESCRIBE_SECONDS, CREATE_SECONDS = 0.03, 0.3
CALLS_FOR_SECONDS = 600


class Connect:
    """DescribeContact with its quota."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tokens, self.at = QUOTA_AT_ONCE, clock.now
        self.answered = self.throttled = 0

    def describe_contact(self, **_: str) -> dict[str, Any]:
        self.clock.now += DESCRIBE_SECONDS
        passed = max(0.0, self.clock.now - self.at)
        self.tokens = min(QUOTA_AT_ONCE, self.tokens + passed * QUOTA_A_SECOND)
        self.at = max(self.at, self.clock.now)
        if self.tokens < 1:
            self.throttled += 1
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeContact")
        self.tokens -= 1
        self.answered += 1
        return {"Contact": {"CustomerEndpoint": {"Address": CUSTOMER}}}


class Salesforce(TelephonyClient):
    """Makes each VoiceCall, and remembers the moment."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.made: dict[str, float] = {}

    def perform(
        self, operation: Operation, vendor_call_key: str, deadline: Deadline, body: Any = None
    ) -> SalesforceResult:
        self.clock.now += CREATE_SECONDS
        if operation is Operation.CREATE:
            assert body["from"] == CUSTOMER
            assert body["vendorCallKey"] not in self.made
            self.made[body["vendorCallKey"]] = self.clock.now
        elif vendor_call_key not in self.made:
            raise Rejected("no such call", status=404)
        return created()


@dataclass(slots=True)
class Arrived:
    """An event in the stream."""

    at: float
    chain: str
    event: ContactEvent


@dataclass(slots=True)
class Rates:
    """A run.

    Attributes:
        calls: so many began.
        ends: of events, by disposition and reason.
        slowest: the longest time that an event lay in the stream before its batch ended, seconds.
        live: calls with a VoiceCall before they ended.
        waited: seconds from the beginning of a call to its VoiceCall.
        answered, throttled: questions to Connect.
    """

    calls: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    live: int = 0
    waited: list[float] = field(default_factory=list)
    answered: int = 0
    throttled: int = 0


class Simulation:
    """Calls at a rate through the real code."""

    def __init__(
        self, calls_a_second: float, seconds: float = CALLS_FOR_SECONDS, seed: int = 1
    ) -> None:
        self.clock = Clock()
        self.random = random.Random(seed)
        self.connect, self.salesforce = Connect(self.clock), Salesforce(self.clock)
        self.rates = Rates()
        self.began: dict[str, float] = {}
        self.over: dict[str, float] = {}
        self.source = self._source()
        self.waiting = [self._lane() for _ in range(LANES)]
        for number in range(round(calls_a_second * seconds)):
            self._call(f"call-{number}", self.clock.now + number / calls_a_second)

    @staticmethod
    def _lane() -> list[Arrived]:
        return []

    def _source(self) -> ContactEvents:
        observer = CapturedLog().observer
        ledger = MemoryLedger(self.clock)
        clients = alone(self.salesforce)
        directory = ContactDirectory(lambda: self.connect, self.clock.sleep, self.random.uniform)
        net = SafetyNet(ledger, clients, directory, observer, self.clock, self.clock.sleep)
        routing = Routing(MemoryRoutingLedger(ledger), ledger, clients, directory, observer)
        facts = ContactFactsLedger(ledger.table)
        return ContactEvents(net, routing, facts, CreateFromEvents.ALWAYS, self.clock)

    def _call(self, contact_id: str, begin: float) -> None:
        self.rates.calls += 1
        self.began[contact_id] = begin
        queued = begin + self.random.uniform(5, 20)
        answered = queued + self.random.uniform(1, 30)
        moments = [("INITIATED", begin), ("QUEUED", queued)]
        if self.random.random() < 0.8:
            moments.append(("CONNECTED_TO_AGENT", answered))
            end = answered + self.random.uniform(10, 180)
        else:
            end = answered
        self.over[contact_id] = end
        moments += [("DISCONNECTED", end), ("COMPLETED", end + 1)]
        lane = self.waiting[hash_of(contact_id) % LANES]
        for kind, at in moments:
            lane.append(Arrived(at, contact_id, self._event(kind, contact_id, begin, at)))

    def _event(self, kind: str, contact_id: str, begin: float, at: float) -> ContactEvent:
        moment, began = (datetime.fromtimestamp(each, UTC).isoformat() for each in (at, begin))
        facts = {"contactId": contact_id, "initiationTimestamp": began}
        return self.source.read(contact_event(kind, moment, **facts))

    def run(self) -> Rates:
        """Deliver every event."""
        free = [self.clock.now] * LANES
        for lane in self.waiting:
            lane.sort(key=lambda one: one.at)
        while any(self.waiting):
            number = min(
                (number for number in range(LANES) if self.waiting[number]),
                key=lambda each: max(free[each], self.waiting[each][0].at),
            )
            lane = self.waiting[number]
            begin = max(free[number], lane[0].at)
            batch = [one for one in lane[:MOST_IN_A_BATCH] if one.at <= begin]
            del lane[: len(batch)]
            free[number] = self._batch(batch, begin)
        for contact_id, at in self.salesforce.made.items():
            self.rates.live += at < self.over[contact_id]
            self.rates.waited.append(at - self.began[contact_id])
        self.rates.waited.sort()
        self.rates.answered = self.connect.answered
        self.rates.throttled = self.connect.throttled
        return self.rates

    def _batch(self, batch: list[Arrived], begin: float) -> float:
        """When the batch has ended."""
        chains: dict[str, list[Arrived]] = {}
        for one in batch:
            chains.setdefault(one.chain, []).append(one)
        workers = [begin] * CHAINS_AT_ONCE
        for chain in chains.values():
            worker = workers.index(min(workers))
            self.clock.now = workers[worker]
            for place, one in enumerate(chain):
                self._handle(one, [other.event for other in chain[place + 1 :]])
            workers[worker] = self.clock.now
        end = max(workers)
        self.rates.slowest = max(self.rates.slowest, *(end - one.at for one in batch))
        return end

    def _handle(self, one: Arrived, later: list[ContactEvent]) -> None:
        deadline = self.clock.deadline(RECORD_SECONDS)
        try:
            ended = self.source.without_salesforce(one.event, later)
            ended = ended or self.source.handle(one.event, deadline)
        except TransientFailure as failure:
            self.rates.ends[f"retried {failure}"] += 1
        else:
            self.rates.ends[f"{ended.disposition} {ended.reason}".strip()] += 1


def hash_of(contact_id: str) -> int:
    """The same hash in every process, unlike Python's own."""
    return sum(contact_id.encode())


def main() -> None:
    """Print the table of docs/guarantees.md."""
    for calls in (9, 12, 20):
        rates = Simulation(calls).run()
        half = rates.waited[len(rates.waited) // 2]
        print(
            f"{calls} calls a second: {rates.live / rates.calls:.0%} created live, half of them"
            f" after {half:.1f} s; the slowest event took {rates.slowest:.1f} s; DescribeContact"
            f" answered {rates.answered}, throttled {rates.throttled}; {dict(rates.ends)}"
        )


if __name__ == "__main__":
    main()
