"""The ledger over any order of workers, outcomes and time, on DynamoDB as moto speaks it and on
DynamoDB in memory: both must give the model's answer at each step."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
)

from tests.unit.aws import TABLE, ledger_table
from tests.unit.doubles import Clock
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.samples import FIRST, SECOND
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.assignment import UNASSIGNED, AssignedTo, Assignment, Refused
from voicecall_bridge.contact_centers.registry import ContactCenter
from voicecall_bridge.ledger.assignments import AssignedElsewhere
from voicecall_bridge.ledger.creations import (
    Created,
    CreateLease,
    CreateStatus,
    CreationLedger,
    PlannedCreate,
)
from voicecall_bridge.ledger.lease import LeaseHeld, Superseded
from voicecall_bridge.ledger.routing import RoutingLease, RoutingLedger, RoutingStep
from voicecall_bridge.ledger.table import Table

KEYS = [ContactKey("i1", "c1"), ContactKey("i2", "c1")]
LEASE_SECONDS = 5.0
DONE = float("inf")


class Ledgers:
    """The sides of one ledger."""

    def __init__(self, dynamodb: Any, clock: Clock) -> None:
        table = Table(lambda: dynamodb, TABLE)
        self.create, self.routing = CreationLedger(table, clock), RoutingLedger(table, clock)


class LedgerMachine(RuleBasedStateMachine):
    """Workers acquire, settle, release and die."""

    leases = Bundle("leases")
    steps = Bundle("steps")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.clock = Clock()
        self.real = Ledgers(self.stack.enter_context(ledger_table()), self.clock)
        self.double = Ledgers(MemoryDynamoDB(), self.clock)
        self.live: dict[ContactKey, tuple[CreateLease, float]] = {}
        self.known: dict[ContactKey, str] = {}
        self.unknown: set[ContactKey] = set()
        self.over: set[ContactKey] = set()
        self.held: dict[tuple[ContactKey, str], tuple[RoutingLease | None, float]] = {}
        self.assigned: dict[ContactKey, Assignment] = {}

    def teardown(self) -> None:
        self.stack.close()

    def lease_is_live(self, key: ContactKey) -> bool:
        return key in self.live and self.live[key][1] >= self.clock.now

    def is_elsewhere(self, key: ContactKey, center: ContactCenter) -> bool:
        return self.assigned.get(key, AssignedTo(center.name)) != AssignedTo(center.name)

    @rule(
        target=leases,
        key=st.sampled_from(KEYS),
        start=st.integers(0, 99),
        center=st.sampled_from([FIRST, SECOND]),
    )
    def acquire(self, key: ContactKey, start: int, center: ContactCenter) -> object:
        request = {"startTime": str(start)}
        real = self.real.create.acquire(PlannedCreate(key, center, request), LEASE_SECONDS)
        double = self.double.create.acquire(PlannedCreate(key, center, request), LEASE_SECONDS)
        assert type(real) is type(double)
        assert isinstance(real, AssignedElsewhere) is self.is_elsewhere(key, center)
        if isinstance(real, AssignedElsewhere):
            assert real == double == AssignedElsewhere(self.assigned[key]), "a contact never moves"
            return hypothesis.stateful.multiple()
        if not (isinstance(real, CreateLease) and isinstance(double, CreateLease)):
            assert isinstance(real, Created) is (key in self.known)
            assert isinstance(real, Created) or self.lease_is_live(key)
            return hypothesis.stateful.multiple()
        assert key not in self.known, "created is final"
        assert not self.lease_is_live(key), "at most one live lease"
        ran_out = key in self.live
        assert real.after_unknown == double.after_unknown == (ran_out or key in self.unknown)
        assert real.earlier_request == double.earlier_request
        self.unknown.discard(key)
        self.assigned[key] = AssignedTo(center.name)
        self.live[key] = (real, self.clock.now + LEASE_SECONDS)
        return (real, double)

    @rule(pair=consumes(leases), voice_call_id=st.sampled_from(["a", "b"]))
    def settle(self, pair: tuple[CreateLease, CreateLease], voice_call_id: str) -> None:
        key = pair[0].key
        standing = self.real.create.settle(pair[0], voice_call_id)
        assert standing == self.double.create.settle(pair[1], voice_call_id)
        assert standing == self.known.setdefault(key, voice_call_id), "the id never changes"
        self.live.pop(key, None)

    @rule(pair=consumes(leases), unknown=st.booleans())
    def release(self, pair: tuple[CreateLease, CreateLease], unknown: bool) -> None:
        key = pair[0].key
        self.real.create.release(pair[0], "503", unknown=unknown)
        self.double.create.release(pair[1], "503", unknown=unknown)
        if key in self.live and self.live[key][0] is pair[0]:
            del self.live[key]
            if unknown:
                self.unknown.add(key)

    @rule(key=st.sampled_from(KEYS), refused=st.sampled_from([Refused.of("x"), Refused.of("y")]))
    def refuse(self, key: ContactKey, refused: Refused) -> None:
        self.real.create.refuse(key, refused)
        self.double.create.refuse(key, refused)
        self.assigned.setdefault(key, refused)

    @rule(key=st.sampled_from(KEYS))
    def ended(self, key: ContactKey) -> None:
        self.real.create.ended(key)
        self.double.create.ended(key)
        self.over.add(key)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), text=st.sampled_from(["x", "y"]))
    def resent(self, data: st.DataObject, text: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.known, key=str)))
        self.real.create.resent(key, {"callAttributes": text})
        self.double.create.resent(key, {"callAttributes": text})

    @rule(target=steps, key=st.sampled_from(KEYS), step=st.sampled_from(RoutingStep))
    def acquire_step(self, key: ContactKey, step: RoutingStep) -> object:
        real = self.real.routing.acquire(key, step, LEASE_SECONDS)
        double = self.double.routing.acquire(key, step, LEASE_SECONDS)
        assert type(real) is type(double)
        _, until = self.held.get((key, step.value), (None, 0.0))
        assert isinstance(real, Superseded) is (until == DONE), "a done step stays done"
        assert isinstance(real, LeaseHeld) is (self.clock.now <= until < DONE), "one at a time"
        if not (isinstance(real, RoutingLease) and isinstance(double, RoutingLease)):
            return hypothesis.stateful.multiple()
        assert real.assignment == double.assignment == self.assigned.get(key, UNASSIGNED)
        self.held[key, step.value] = (real, self.clock.now + LEASE_SECONDS)
        return (real, double)

    @rule(pair=consumes(steps), done=st.booleans())
    def end_step(self, pair: tuple[RoutingLease, RoutingLease], done: bool) -> None:
        for ledgers, lease in ((self.real, pair[0]), (self.double, pair[1])):
            end = ledgers.routing.settle if done else ledgers.routing.release
            end(lease)
        held, _ = self.held[pair[0].key, pair[0].slot]
        if held is pair[0]:  # a worker that lost its lease neither settles nor releases the step
            self.held[pair[0].key, pair[0].slot] = (None, DONE if done else 0.0)

    @rule(seconds=st.sampled_from([0.5, 2.0, 4.5, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.sleep(seconds + 0.01)

    @invariant()
    def both_know_what_was_written(self) -> None:
        for key in KEYS:
            real, double = self.real.create.entry(key), self.double.create.entry(key)
            assert abs(real.lease_until - double.lease_until) < 0.002
            assert replace(real, lease_until=0.0) == replace(double, lease_until=0.0)
            assert real.assignment == self.assigned.get(key, UNASSIGNED)
            assert real.voice_call_id == self.known.get(key, "")
            assert (real.create_status is CreateStatus.CREATED) is (key in self.known)
            assert (real.lease_until >= self.clock.now) is self.lease_is_live(key)
            assert real.call_ended is (key in self.over)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = hypothesis.settings(max_examples=12, stateful_step_count=20)
