"""The one lease protocol, over DynamoDB in memory and as moto speaks it."""

from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.unit.aws import TABLE, Through
from tests.unit.doubles import Clock
from tests.unit.records import Failing
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.lease import LAPSED, Acquired, Change, Lease, LeaseHeld, Leases, held
from voicecall_bridge.ledger.table import ConditionFailed, LedgerUnavailable, Table, number, text

KEY = ContactKey("instance-1", "contact-1")
SECONDS = 5.0
CLOSED = ConnectionClosedError(endpoint_url="https://x.example")
DONE = Change({":done": text("yes")}, "outcome = :done")


@pytest.fixture
def leases(table: Table, clock: Clock) -> Leases:
    return Leases(table, clock)


def acquired(leases: Leases, slot: str = "work", **how: Any) -> Lease:
    return leases.acquire(KEY, slot, SECONDS, **how).lease


def refused(leases: Leases, slot: str = "work", **how: Any) -> Any:
    with pytest.raises(ConditionFailed) as caught:
        leases.acquire(KEY, slot, SECONDS, **how)
    return caught.value.item


def test_a_free_lease_is_acquired_once(leases: Leases, clock: Clock) -> None:
    got = leases.acquire(KEY, "work", SECONDS)
    assert got == Acquired(got.lease, {}, answer_lost=False)
    assert (got.lease.key, got.lease.slot) == (KEY, "work")
    assert held(refused(leases), "work").until == pytest.approx(clock.now + SECONDS, abs=0.002)


def test_a_lease_that_ran_out_is_free(leases: Leases, clock: Clock) -> None:
    first = acquired(leases)
    clock.sleep(SECONDS)
    refused(leases)
    clock.sleep(0.01)
    second = leases.acquire(KEY, "work", SECONDS)
    assert second.lease.owner != first.owner
    assert second.item["work_owner"] == text(first.owner), "what stood there before"


def test_a_lease_that_does_not_lapse_is_never_free(leases: Leases, clock: Clock) -> None:
    acquired(leases, lapses=False)
    clock.sleep(1e6)
    refused(leases, lapses=False)


@pytest.mark.parametrize(("until", "free"), [(None, True), (0, True), (LAPSED, False)])
def test_what_release_leaves_behind(leases: Leases, until: int | None, free: bool) -> None:
    lease = acquired(leases, lapses=False)
    leases.release(lease, until=None if until is None else number(until))
    if free:
        acquired(leases, lapses=False)
    else:
        refused(leases, lapses=False)


def test_a_released_lease_is_free_at_once(leases: Leases) -> None:
    leases.release(acquired(leases))
    assert not leases.acquire(KEY, "work", SECONDS).item.keys() & {"work_until", "work_owner"}


def test_settling_writes_the_outcome_and_frees_the_lease(leases: Leases) -> None:
    assert leases.settle(acquired(leases), DONE) is None
    item = leases.table.read(str(KEY))
    assert item["outcome"] == text("yes")
    assert not item.keys() & {"work_until", "work_owner"}


@pytest.mark.parametrize("taken_over", [True, False])
def test_a_worker_that_was_overtaken_changes_nothing(
    leases: Leases, clock: Clock, taken_over: bool
) -> None:
    """Given a lease that ran out, then the first worker's outcome is stored only while no other
    worker has acquired the lease."""
    late = acquired(leases)
    clock.sleep(SECONDS + 0.1)
    second = acquired(leases) if taken_over else late
    before = leases.table.read(str(KEY))
    if not taken_over:
        assert leases.settle(late, DONE) is None
        return
    assert leases.settle(late, DONE) == before
    leases.release(late, DONE)
    assert leases.table.read(str(KEY)) == before, "neither finished nor freed"
    assert leases.settle(second, DONE) is None


def test_a_worker_settles_once(leases: Leases) -> None:
    lease = acquired(leases)
    leases.settle(lease, DONE)
    again = leases.settle(lease, Change({":done": text("no")}, "outcome = :done"))
    assert again is not None
    assert again["outcome"] == text("yes")


def test_the_first_fact_stands(leases: Leases, clock: Clock) -> None:
    """Given two workers that both made something, then both learn of the first outcome."""
    slow = acquired(leases)
    clock.sleep(SECONDS + 0.1)
    quick = acquired(leases)
    assert leases.establish(slow, "made", "a", DONE) == "a"
    assert leases.establish(quick, "made", "b") == "a"
    assert leases.establish(slow, "made", "a") == "a"
    leases.release(quick, Change({":done": text("no")}, "outcome = :done"))
    item = leases.table.read(str(KEY))
    assert (item["made"], item["outcome"]) == (text("a"), text("yes"))
    assert not item.keys() & {"work_until", "work_owner"}


def test_a_further_condition_keeps_a_free_lease(leases: Leases) -> None:
    never = Change(condition="attribute_not_exists(vendor_call_key)")
    leases.release(acquired(leases, change=never))
    assert "work_owner" not in refused(leases, change=never)


def test_slots_and_contacts_do_not_meet(leases: Leases) -> None:
    acquired(leases, "work")
    acquired(leases, "other")
    leases.acquire(ContactKey("instance-2", "contact-1"), "work", SECONDS)
    leases.acquire(ContactKey("instance-1", "contact-2"), "work", SECONDS)


def losing_one_answer(dynamodb: Any, clock: Clock) -> Leases:
    """Leases with a lost answer: DynamoDB takes their next write, and the write is sent again."""
    client = Through(dynamodb, after=Failing(CLOSED, 1))
    return Leases(Table(lambda: client, TABLE), clock)


def test_ones_own_lost_write_is_recognised(dynamodb: Any, clock: Clock) -> None:
    got = losing_one_answer(dynamodb, clock).acquire(KEY, "work", SECONDS)
    assert got.answer_lost
    assert got.item["work_owner"] == text(got.lease.owner)


def test_ones_own_lost_outcome_stands(dynamodb: Any, clock: Clock) -> None:
    leases = Leases(Table(lambda: dynamodb, TABLE), clock)
    there = losing_one_answer(dynamodb, clock).settle(acquired(leases), DONE)
    assert there is not None
    assert there["outcome"] == text("yes")
    lease = acquired(leases)
    losing_one_answer(dynamodb, clock).release(lease)
    assert losing_one_answer(dynamodb, clock).establish(acquired(leases), "made", "a") == "a"


def test_whatever_is_written_keeps_the_item_alive(leases: Leases, clock: Clock) -> None:
    lease = acquired(leases)
    clock.sleep(3.0)
    leases.settle(lease, DONE)
    assert leases.table.read(str(KEY)) == {
        "ledger_key": text(str(KEY)),
        "vendor_call_key": text("contact-1"),
        "expires_at": number(int(clock.now) + 14 * 24 * 3600),
        "outcome": text("yes"),
    }


def test_owners_are_never_the_same(leases: Leases) -> None:
    owners = set()
    for _ in range(10):
        lease = acquired(leases)
        owners.add(lease.owner)
        leases.release(lease)
    assert len(owners) == 10


def test_a_silent_table_is_reported(dynamodb: Any, clock: Clock) -> None:
    silent = Through(dynamodb, before=Failing(CLOSED, 99))
    leases = Leases(Table(lambda: silent, TABLE), clock)
    lease = Lease(KEY, "work", "me")
    for call in (
        lambda: leases.acquire(KEY, "work", SECONDS),
        lambda: leases.settle(lease, DONE),
        lambda: leases.release(lease),
        lambda: leases.establish(lease, "made", "a"),
    ):
        with pytest.raises(LedgerUnavailable):
            call()


def test_until_when_a_lease_is_held() -> None:
    assert held({"work_until": {"N": "1500"}}, "work") == LeaseHeld(1.5)
    assert held({}, "work") == LeaseHeld(0.0)
