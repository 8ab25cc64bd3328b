"""Routing steps of a contact, each done once, over DynamoDB in memory and moto's."""

from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.unit.aws import TABLE, Through
from tests.unit.doubles import Clock
from tests.unit.records import Failing
from tests.unit.samples import CENTER
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.assignment import UNASSIGNED, AssignedTo
from voicecall_bridge.ledger.creations import CreationLedger, PlannedCreate
from voicecall_bridge.ledger.lease import LeaseHeld, Superseded
from voicecall_bridge.ledger.routing import RoutingLease, RoutingLedger, RoutingStep
from voicecall_bridge.ledger.table import Table

KEY = ContactKey("instance-1", "contact-1")
SECONDS = 5.0
REROUTE, CLEAR = RoutingStep.REROUTE, RoutingStep.CLEAR_ROUTING


@pytest.fixture
def ledger(table: Table, clock: Clock) -> RoutingLedger:
    return RoutingLedger(table, clock)


def acquired(ledger: RoutingLedger, step: RoutingStep = REROUTE) -> RoutingLease:
    lease = ledger.acquire(KEY, step, SECONDS)
    assert isinstance(lease, RoutingLease)
    return lease


def test_a_step_is_done_once(ledger: RoutingLedger, clock: Clock) -> None:
    ledger.settle(acquired(ledger))
    clock.sleep(14 * 24 * 3600.0)
    assert ledger.acquire(KEY, REROUTE, SECONDS) == Superseded("ALREADY_DONE")
    acquired(ledger, CLEAR)


def test_a_step_another_worker_is_at_is_not_done(ledger: RoutingLedger, clock: Clock) -> None:
    """Given a worker that never stores its outcome, then its lease runs out."""
    acquired(ledger)
    other = ledger.acquire(KEY, REROUTE, SECONDS)
    assert isinstance(other, LeaseHeld)
    assert other.until == pytest.approx(clock.now + SECONDS, abs=0.002)
    clock.sleep(SECONDS + 0.1)
    acquired(ledger)


def test_a_step_that_failed_is_free_at_once(ledger: RoutingLedger) -> None:
    ledger.release(acquired(ledger))
    acquired(ledger)


@pytest.mark.parametrize("end", ["settle", "release"])
def test_a_late_worker_neither_finishes_nor_frees_the_step_of_another(
    ledger: RoutingLedger, clock: Clock, end: str
) -> None:
    late = acquired(ledger)
    clock.sleep(SECONDS + 0.1)
    second = acquired(ledger)
    getattr(ledger, end)(late)
    assert isinstance(ledger.acquire(KEY, REROUTE, SECONDS), LeaseHeld)
    ledger.release(second)
    acquired(ledger)


def test_a_late_worker_that_no_other_has_overtaken_finishes(
    ledger: RoutingLedger, clock: Clock
) -> None:
    late = acquired(ledger)
    clock.sleep(SECONDS + 0.1)
    ledger.settle(late)
    assert ledger.acquire(KEY, REROUTE, SECONDS) == Superseded("ALREADY_DONE")


def test_a_write_with_a_lost_answer_is_recognised(dynamodb: Any, clock: Clock) -> None:
    closed = Failing(ConnectionClosedError(endpoint_url="https://x.example"), 1)
    client = Through(dynamodb, after=closed)
    acquired(RoutingLedger(Table(lambda: client, TABLE), clock))


def test_the_lease_says_which_contact_center_owns_the_contact(
    ledger: RoutingLedger, table: Table, clock: Clock
) -> None:
    assert acquired(ledger).assignment == UNASSIGNED
    CreationLedger(table, clock).acquire(PlannedCreate(KEY, CENTER, {}), SECONDS)
    assert acquired(ledger, CLEAR).assignment == AssignedTo(CENTER.name)


@pytest.mark.parametrize(("until", "found"), [(0, RoutingLease), (10**15, Superseded)])
def test_an_item_of_an_earlier_version(
    ledger: RoutingLedger, dynamodb: Any, until: int, found: type
) -> None:
    """Given a step that an earlier version of the bridge settled or released, without an owner."""
    item = {"ledger_key": {"S": str(KEY)}, "reroute_until": {"N": str(until)}}
    dynamodb.put_item(TableName=TABLE, Item=item)
    assert isinstance(ledger.acquire(KEY, REROUTE, SECONDS), found)
