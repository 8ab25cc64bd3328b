"""Lines of live calls under any order of faults, repeats and deaths of the environment.

Salesforce takes a line once for its id (see TranscriptOrg), so the lines that it has are counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.samples.lens_records import segments, utterance
from tests.unit.lens import LensFunction
from tests.unit.samples import a_contact
from voicecall_bridge.observability import Disposition
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    TelephonyError,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLS = [f"c-{number}" for number in range(7)]
ENTRY = {
    "limit": (429, "RESOURCE_EXHAUSTED"),
    "missing": (404, "not found"),
    "broken": (500, "internal"),
    "unknown": (0, ""),
}
"""Faults of one call in an answer that takes the lines of others."""
WHOLE: dict[str, type[TelephonyError]] = {
    "429": LimitExceeded,
    "503": Unavailable,
    "unsent": OutcomeUnknown,
}
LOST = "lost"
"""A lost answer: the lines were taken."""
KILLED = ("killed before", "killed behind")
"""The environment dies before the lines are taken, and afterwards."""
ROUNDS = 40
"""Tries of the waiting lines; without faults, one is enough for each call."""


class Killed(BaseException):
    """Lambda's time-out, or a lack of memory."""


class World:
    """A stream, its queue, an org; the environment may die and another takes over."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        self.function = LensFunction(workers=1)
        self.ready()
        self.said: dict[str, list[str]] = {call: [] for call in CALLS}
        self.number = 0

    def ready(self) -> None:
        """Lets the environment meet the faults that are left."""
        for call in CALLS:
            self.function.directory.know(a_contact(contact_id=call, initial_contact_id=call))
        org = self.function.org
        org.fault = self._whole
        org.entry = self._entry
        org.at_work = lambda _: self._die(KILLED[0])
        org.taken = self._lose

    def replace(self) -> None:
        """Starts another environment, without the first one's memory."""
        old = self.function
        self.function = LensFunction(workers=1)
        self.function.clock = old.clock
        self.function.lens.now = self.function.lens.queue.now = old.clock
        self.function.orgs.clear()
        self.function.orgs.update(old.orgs)
        self.function.waiting = self.function.lens.queue.messages = old.waiting
        self.ready()

    def _next(self, among: Sequence[str]) -> str:
        return self.faults.pop(0) if self.faults and self.faults[0] in among else ""

    def _whole(self) -> TelephonyError | None:
        found = self._next([*WHOLE, "ok"])
        if found in ("", "ok"):
            return None
        effect = Effect.UNKNOWN if found == "unsent" else Effect.NONE
        return WHOLE[found]("fault", code=found, effect=effect)

    def _entry(self, _: str) -> tuple[int, str] | None:
        found = self._next(list(ENTRY))
        return ENTRY[found] if found else None

    def _die(self, when: str) -> None:
        if self._next([when]):
            raise Killed

    def _lose(self, _: Sequence[str]) -> None:
        self._die(KILLED[1])
        if self._next([LOST]):
            raise OutcomeUnknown("fault", code=LOST, effect=Effect.UNKNOWN)

    def say(self, batch: Sequence[tuple[int, int]]) -> list[object]:
        """Records of some calls, each with so many lines."""
        records: list[object] = []
        for call, lines in batch:
            spoken = []
            for _ in range(lines):
                self.number += 1
                words = f"line {self.number}"
                spoken.append(utterance(f"u-{self.number}", words, self.number * 1000))
                self.said[CALLS[call]].append(words)
            records.append(segments(*spoken, contact=CALLS[call]))
        return records

    def deliver(self, records: Sequence[object], first: int) -> None:
        """Delivers a batch until Lambda has it off its shard."""
        left = list(enumerate(records, first))
        for _ in range(ROUNDS):
            try:
                failed = set(self.function(*[payload for _, payload in left], first=left[0][0]))
            except Killed:
                self.replace()
                continue
            left = [each for each in left if str(each[0]) in failed]
            if not left:
                return
        raise AssertionError("a record stays in its shard for ever")

    def drain(self) -> None:
        """Delivers the queue until it is empty."""
        for _ in range(ROUNDS):
            if not self.function.waiting.messages:
                return
            try:
                self.function.try_waiting()
            except Killed:
                self.replace()
            self.function.clock.now += 1.0
        raise AssertionError("a record waits for ever")

    @property
    def arrived(self) -> dict[str, list[str]]:
        """The lines of each call that the org has."""
        return {call: self.function.org.said(call) for call in CALLS}


batches = st.lists(
    st.lists(st.tuples(st.integers(0, len(CALLS) - 1), st.integers(1, 7)), min_size=1, max_size=8),
    min_size=1,
    max_size=4,
)
transient = st.lists(st.sampled_from([*ENTRY, *WHOLE, LOST, "ok"]), max_size=8)
deadly = st.lists(st.sampled_from([*ENTRY, *WHOLE, LOST, *KILLED, "ok"]), max_size=8)


@given(batches, transient)
@settings(deadline=None)
def test_each_line_arrives_once_in_the_order_it_was_said(
    spoken: list[list[tuple[int, int]]], faults: list[str]
) -> None:
    """Given any transient faults, of whole requests or of one call in an answer; then each call has
    each of its lines once, in order, and each record has ended once."""
    world, first = World(faults), 1
    for batch in spoken:
        records = world.say(batch)
        world.deliver(records, first)
        first += len(records)
        world.function.clock.now += 1.0
    world.drain()
    assert world.arrived == world.said
    assert world.function.ended() == [(Disposition.DELIVERED.value, "")] * (first - 1)
    assert not world.function.letters.kept


@given(spoken=batches, faults=deadly, again=st.booleans())
@settings(deadline=None)
def test_no_line_is_lost_when_environments_die(
    spoken: list[list[tuple[int, int]]], faults: list[str], *, again: bool
) -> None:
    """Given environments that die within requests, and batches that are delivered twice; then each
    call has each of its lines once."""
    world, first = World(faults), 1
    for batch in spoken:
        records = world.say(batch)
        world.deliver(records, first)
        if again:
            world.replace()
            world.deliver(records, first)
        first += len(records)
    world.drain()
    assert {call: sorted(lines) for call, lines in world.arrived.items()} == {
        call: sorted(lines) for call, lines in world.said.items()
    }


@pytest.mark.parametrize("fault", ENTRY)
def test_one_failing_call_holds_up_no_other(fault: str) -> None:
    """Given one call that fails within a request; then every other call has its lines at once."""
    world = World([fault])
    world.deliver(world.say([(call, 1) for call in range(7)]), 1)
    missing = [call for call in CALLS if world.arrived[call] != world.said[call]]
    assert missing == CALLS[:1]
    world.drain()
    assert world.arrived == world.said
