"""The ledger over any order of workers, outcomes and time: the real one on moto, and its double."""

from contextlib import ExitStack
from dataclasses import replace

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
from tests.unit.doubles import Clock, MemoryLedger
from tests.unit.samples import FIRST, SECOND
from voicecall_bridge.contact_centers.registry import Center, refused
from voicecall_bridge.ledger.creations import (
    Busy,
    ContactKey,
    Created,
    Elsewhere,
    Lease,
    Ledger,
    Step,
    StepLease,
)

KEYS = [ContactKey("i1", "c1"), ContactKey("i2", "c1")]
LEASE_SECONDS = 5.0


class LedgerMachine(RuleBasedStateMachine):
    """Workers begin, end and die; the double of the unit tests must say the same at each step."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        dynamodb = self.stack.enter_context(ledger_table())
        self.clock = Clock()
        self.real = Ledger(lambda: dynamodb, TABLE, self.clock)
        self.double = MemoryLedger(self.clock)
        self.live: dict[ContactKey, tuple[Lease, float]] = {}
        self.known: dict[ContactKey, str] = {}
        self.told_unknown: set[ContactKey] = set()
        self.over: set[ContactKey] = set()
        self.steps: dict[tuple[ContactKey, Step], float] = {}
        self.pins: dict[ContactKey, str] = {}

    def teardown(self) -> None:
        self.stack.close()

    def lease_is_live(self, key: ContactKey) -> bool:
        return key in self.live and self.live[key][1] >= self.clock.now

    def is_elsewhere(self, key: ContactKey, center: Center) -> bool:
        return self.pins.get(key, center.name) != center.name

    @rule(
        target=leases,
        key=st.sampled_from(KEYS),
        start=st.integers(0, 99),
        center=st.sampled_from([FIRST, SECOND]),
    )
    def begin(self, key: ContactKey, start: int, center: Center) -> object:
        request = {"startTime": str(start)}
        real = self.real.begin(key, request, LEASE_SECONDS, center)
        double = self.double.begin(key, request, LEASE_SECONDS, center)
        assert type(real) is type(double)
        assert isinstance(real, Elsewhere) is self.is_elsewhere(key, center)
        if isinstance(real, Elsewhere):
            assert real == double == Elsewhere(self.pins[key]), "a contact never moves"
            return hypothesis.stateful.multiple()
        if not (isinstance(real, Lease) and isinstance(double, Lease)):
            assert isinstance(real, Created) is (key in self.known)
            assert isinstance(real, Created) or self.lease_is_live(key)
            return hypothesis.stateful.multiple()
        assert key not in self.known, "created is final"
        assert not self.lease_is_live(key), "at most one live lease"
        ran_out = key in self.live
        assert real.after_unknown == double.after_unknown == (ran_out or key in self.told_unknown)
        assert real.earlier_request == double.earlier_request
        self.told_unknown.discard(key)
        self.pins[key] = center.name
        self.live[key] = (real, self.clock.now + LEASE_SECONDS)
        return (real, double)

    @rule(pair=consumes(leases), voice_call_id=st.sampled_from(["a", "b"]))
    def created(self, pair: tuple[Lease, Lease], voice_call_id: str) -> None:
        key = pair[0].key
        standing = self.real.created(pair[0], voice_call_id)
        assert standing == self.double.created(pair[1], voice_call_id)
        assert standing == self.known.setdefault(key, voice_call_id), "the id never changes"
        self.live.pop(key, None)

    @rule(pair=consumes(leases), unknown=st.booleans())
    def not_created(self, pair: tuple[Lease, Lease], unknown: bool) -> None:
        key = pair[0].key
        self.real.not_created(pair[0], "503", unknown=unknown)
        self.double.not_created(pair[1], "503", unknown=unknown)
        if key in self.live and self.live[key][0] is pair[0]:
            del self.live[key]
            if unknown:
                self.told_unknown.add(key)

    @rule(key=st.sampled_from(KEYS), mark=st.sampled_from([refused("x"), refused("y")]))
    def refused(self, key: ContactKey, mark: str) -> None:
        self.real.refused(key, mark)
        self.double.refused(key, mark)
        self.pins.setdefault(key, mark)

    @rule(key=st.sampled_from(KEYS))
    def ended(self, key: ContactKey) -> None:
        self.real.ended(key)
        self.double.ended(key)
        self.over.add(key)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), text=st.sampled_from(["x", "y"]))
    def resent(self, data: st.DataObject, text: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.known, key=str)))
        request = {"callAttributes": text}
        self.real.resent(key, request)
        self.double.resent(key, request)

    @rule(key=st.sampled_from(KEYS), step=st.sampled_from(Step))
    def begin_step(self, key: ContactKey, step: Step) -> None:
        real = self.real.begin_step(key, step, LEASE_SECONDS)
        double = self.double.begin_step(key, step, LEASE_SECONDS)
        assert type(real) is type(double)
        until = self.steps.get((key, step), 0.0)
        assert real is None if until == float("inf") else real is not None
        assert isinstance(real, Busy) is (self.clock.now <= until < float("inf"))
        if isinstance(real, StepLease):
            assert real == double == StepLease(self.pins.get(key))
            self.steps[key, step] = self.clock.now + LEASE_SECONDS

    @rule(key=st.sampled_from(KEYS), step=st.sampled_from(Step), done=st.booleans())
    def finish_step(self, key: ContactKey, step: Step, done: bool) -> None:
        self.real.finish_step(key, step, done=done)
        self.double.finish_step(key, step, done=done)
        self.steps[key, step] = float("inf") if done else 0.0

    @rule(seconds=st.sampled_from([0.5, 2.0, 4.5, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.sleep(seconds + 0.01)

    @invariant()
    def real_and_double_agree_with_what_was_told(self) -> None:
        for key in KEYS:
            real, double = self.real.standing(key), self.double.standing(key)
            assert type(real) is type(double)
            if key in self.known:
                assert isinstance(real, Created)
                assert real == double
                assert real.voice_call_id == self.known[key]
            else:
                assert isinstance(real, Busy) is self.lease_is_live(key)

    @invariant()
    def real_and_double_know_the_same(self) -> None:
        for key in KEYS:
            real, double = self.real.entry(key), self.double.entry(key)
            assert abs(real.lease_until - double.lease_until) < 0.002
            assert replace(real, lease_until=0.0) == replace(double, lease_until=0.0)
            assert real.call_ended is (key in self.over)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = hypothesis.settings(max_examples=20, stateful_step_count=20)
