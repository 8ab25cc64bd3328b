"""Newest wins: versions of contact records in any order and number, with faults and deaths.

Whatever happens, Salesforce ends in the newest version, no PATCH of a contact is older than one
before it, and every record that went in ended exactly once.
"""

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.aws import Through
from tests.unit.doubles import Clock
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.record_function import Function
from tests.unit.records import PatchedCalls, version
from voicecall_bridge.telephony.errors import Effect, OutcomeUnknown, Unavailable

CONTACTS = ("c1", "c2", "c3")
ENDS = {"delivered", "superseded", "skipped", "dead_lettered"}
DELIVERIES = 40
"""No record may need more rounds; the faults below end much sooner."""


class Death(BaseException):
    """A worker's death, in the middle of its work."""


def deliver(function: Function, payloads: Sequence[dict[str, Any]], first: int) -> None:
    """Deliver a batch as Lambda does: from the lowest failure on again, until all have ended."""
    for _ in range(DELIVERIES):
        failed = function(*payloads, first=first)
        if not failed:
            return
        done = min(int(number) for number in failed) - first
        payloads, first = payloads[done:], first + done
    raise AssertionError("a record never ended")


def ends(function: Function) -> dict[str, list[str]]:
    """Dispositions by the record's place in the stream."""
    found: dict[str, list[str]] = {}
    for line in function.logged.deliveries():
        found.setdefault(line["inputId"], []).append(line["disposition"])
    return found


def assert_closed(function: Function, records: int) -> None:
    """Every record ended in one of the four ways. An ended record may be delivered once more behind
    a failure of the batch; then it is superseded."""
    found = ends(function)
    assert len(found) == records
    for dispositions in found.values():
        assert set(dispositions) <= ENDS
        assert set(dispositions[1:]) <= {"superseded"}


VERSIONS = st.lists(
    st.tuples(st.sampled_from(CONTACTS), st.integers(1, 5)), min_size=1, max_size=14
)
SIZES = st.lists(st.integers(1, 6), min_size=1)


def in_batches(
    records: Sequence[dict[str, Any]], sizes: Sequence[int]
) -> list[list[dict[str, Any]]]:
    rest = list(records)
    batches: list[list[dict[str, Any]]] = []
    for size in itertools.cycle(sizes):
        if not rest:
            return batches
        batches.append(rest[:size])
        rest = rest[size:]
    return batches


@given(VERSIONS, SIZES)
def test_any_order_and_duplication_ends_in_the_newest(
    arrivals: list[tuple[str, int]], sizes: list[int]
) -> None:
    function = Function(MemoryDynamoDB())
    first = 1
    for part in in_batches([version(n, ContactId=c) for c, n in arrivals], sizes):
        assert function(*part, first=first) == []
        first += len(part)
    for contact in CONTACTS:
        sent = function.salesforce.versions(contact)
        assert sent == sorted(set(sent)), "each version at most once, none behind a newer one"
        assert sent[-1:] == [max(n for c, n in arrivals if c == contact)] if sent else True
        assert bool(sent) is any(c == contact for c, _ in arrivals)
    assert_closed(function, len(arrivals))
    assert Counter(line["disposition"] for line in function.logged.deliveries()).total() == len(
        arrivals
    )


FAULTS = st.lists(
    st.sampled_from(["", "", "", "503", "unknown", "death before", "death after"]), max_size=12
)


@given(VERSIONS, SIZES, FAULTS)
def test_faults_and_deaths_bring_back_the_same_version_and_nothing_older(
    arrivals: list[tuple[str, int]], sizes: list[int], faults: list[str]
) -> None:
    """Given a fault at each PATCH, one after the other (refused, answer lost, worker dead before or
    after it), then a version may arrive again, but never behind a newer one."""
    script, clock = iter(faults), Clock()
    behind: list[str] = []

    def before(_: object) -> None:
        fault = next(script, "")
        if fault == "503":
            raise Unavailable("x", status=503)
        if fault == "death before":
            raise Death
        behind[:] = [fault]

    def after(_: object) -> None:
        if behind == ["unknown"]:
            raise OutcomeUnknown("x", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN)
        if behind == ["death after"]:
            raise Death

    salesforce = PatchedCalls(before, after)
    function = Function(MemoryDynamoDB(), salesforce=salesforce, now=clock, sleep=clock.sleep)
    first = 1
    for part in in_batches([version(n, ContactId=c) for c, n in arrivals], sizes):
        deliver(function, part, first)
        first += len(part)
    for contact in {c for c, _ in arrivals}:
        sent = salesforce.versions(contact)
        assert sent == sorted(sent)
        assert sent[-1] == max(n for c, n in arrivals if c == contact)
    again = sum(len(salesforce.versions(c)) - len(set(salesforce.versions(c))) for c in CONTACTS)
    assert again <= faults.count("unknown") + faults.count("death after")
    assert_closed(function, len(arrivals))


@pytest.mark.parametrize(
    ("write", "when", "expected"),
    [
        ("claim", "before", [4, 5]),  # no worker knew of version 5 yet
        ("claim", "after", [5]),
        ("end", "before", [5, 5]),
        ("end", "after", [5]),
    ],
)
def test_each_kill_point_around_the_ledger(write: str, when: str, expected: list[int]) -> None:
    """Given a worker that dies before or after one of its two writes, when an older version comes
    and then the same record again, then the same version is sent once more at most, and nothing
    older behind it."""
    calls = itertools.count()

    def die() -> None:
        if ("claim", "end")[next(calls)] == write:
            raise Death

    clock = Clock()
    dynamodb = MemoryDynamoDB()
    salesforce = PatchedCalls()
    shaky = Through(dynamodb, **{when: die})
    dying = Function(shaky, salesforce=salesforce, now=clock, sleep=clock.sleep)
    other = Function(dynamodb, salesforce=salesforce, now=clock, sleep=clock.sleep)
    assert dying(version(5)) == ["1"]
    assert other(version(4), first=100) == []
    assert other(version(5)) == []
    assert salesforce.versions() == expected


def test_every_permutation_of_three_versions() -> None:
    for order in itertools.permutations([1, 2, 3]):
        for split in (1, 2, 3):
            function = Function(MemoryDynamoDB())
            records = [version(number) for number in order]
            function(*records[:split])
            function(*records[split:], first=10)
            sent = function.salesforce.versions()
            assert sent == sorted(sent)
            assert sent[-1] == 3


def test_shuffled_thousandfold() -> None:
    """Given 60 contacts with six versions each, every one delivered three times, shuffled, then
    Salesforce has 60 calls in their newest version."""
    draw = random.Random(4)
    records = [version(n, ContactId=f"c{c}") for c in range(60) for n in range(6)] * 3
    draw.shuffle(records)
    function = Function(MemoryDynamoDB())
    for first in range(0, len(records), 100):
        assert function(*records[first : first + 100], first=first + 1) == []
    for contact in range(60):
        sent = function.salesforce.versions(f"c{contact}")
        assert sent == sorted(set(sent))
        assert sent[-1] == 5
    assert_closed(function, len(records))
