"""What the callback side of the ledger promises, held against DynamoDB as moto's server speaks it
and against the one in memory that the unit tests take in its place: one request for each contact
and number, and none after an outcome that nobody learned.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from tests.contract.aws import TABLE, Aws
from tests.contract.servers import LOOPBACK, refusing_server
from tests.unit.doubles import Clock, MemoryCallbackLedger
from tests.unit.samples import CENTER
from voicecall_bridge.ledger.callbacks import (
    CallbackLedger,
    CallbackTurn,
    Requested,
    Untold,
    name_of,
)
from voicecall_bridge.ledger.creations import Busy, ContactKey, Created, Lease, Ledger
from voicecall_bridge.ledger.table import LedgerUnavailable, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = ContactKey("instance-1", "contact-1")
# The numbers are fictional, the ids invented.
NUMBER, OTHER = "+12065550101", "+12065550102"
RECORD_ID = "0aQ000000000001AAA"
FOURTEEN_DAYS = 14 * 24 * 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(aws: Aws) -> Iterator[Table]:
    client = aws.client("dynamodb")
    yield Table(lambda: client, TABLE)
    client.close()


@pytest.fixture(params=["DynamoDB", "memory"])
def ledger(request: pytest.FixtureRequest, clock: Clock) -> CallbackLedger:
    if request.param == "memory":
        return MemoryCallbackLedger(clock)
    return CallbackLedger(request.getfixturevalue("table"), clock)


def turn(ledger: CallbackLedger, number: str = NUMBER, key: ContactKey = KEY) -> CallbackTurn:
    granted = ledger.begin(key, number, 5.0)
    assert isinstance(granted, CallbackTurn)
    return granted


def test_a_second_worker_waits_while_the_first_is_at_it(
    ledger: CallbackLedger, clock: Clock
) -> None:
    turn(ledger)
    busy = ledger.begin(KEY, NUMBER, 5.0)
    assert isinstance(busy, Busy)
    assert busy.lease_until == pytest.approx(clock.now + 5.0, abs=0.002)


def test_a_record_that_was_made_stands(ledger: CallbackLedger, clock: Clock) -> None:
    ledger.made(turn(ledger), RECORD_ID)
    assert ledger.begin(KEY, NUMBER, 5.0) == Requested(RECORD_ID)
    clock.now += 1000.0
    assert ledger.begin(KEY, NUMBER, 5.0) == Requested(RECORD_ID)


def test_what_failed_is_free_at_once(ledger: CallbackLedger) -> None:
    first = turn(ledger)
    ledger.not_made(first, unknown=False)
    second = turn(ledger)
    assert second.owner != first.owner
    ledger.not_made(first, unknown=True)
    assert isinstance(ledger.begin(KEY, NUMBER, 5.0), Busy), "the second's word counts now"


@pytest.mark.parametrize("dies", [True, False])
def test_what_nobody_learned_is_never_free_again(
    ledger: CallbackLedger, clock: Clock, dies: bool
) -> None:
    granted = turn(ledger)
    if dies:
        clock.now += 5.1
    else:
        ledger.not_made(granted, unknown=True)
    for _ in range(2):
        assert ledger.begin(KEY, NUMBER, 5.0) == Untold()
        clock.now += 1000.0


def test_a_record_told_late_stands_all_the_same(ledger: CallbackLedger, clock: Clock) -> None:
    granted = turn(ledger)
    clock.now += 100.0
    assert ledger.begin(KEY, NUMBER, 5.0) == Untold()
    ledger.made(granted, RECORD_ID)
    assert ledger.begin(KEY, NUMBER, 5.0) == Requested(RECORD_ID)


def test_contacts_and_numbers_do_not_meet(ledger: CallbackLedger) -> None:
    turn(ledger)
    turn(ledger, OTHER)
    turn(ledger, NUMBER, ContactKey("instance-1", "contact-2"))
    turn(ledger, NUMBER, ContactKey("instance-2", "contact-1"))
    assert isinstance(ledger.begin(KEY, OTHER, 5.0), Busy)


def test_the_item_names_no_number_and_lives_fourteen_days(
    table: Table, aws: Aws, clock: Clock
) -> None:
    ledger = CallbackLedger(table, clock)
    granted = turn(ledger)
    clock.now += 60.0
    ledger.made(granted, RECORD_ID)
    item = aws.item(str(KEY))
    name = name_of(NUMBER)
    assert NUMBER.lstrip("+") not in str(item)
    assert item == {
        "ledger_key": str(KEY),
        "vendor_call_key": "contact-1",
        "expires_at": int(clock.now) + FOURTEEN_DAYS,
        f"{name}_until": int((clock.now - 60.0 + 5.0) * 1000),
        f"{name}_record": RECORD_ID,
    }


def test_the_other_sides_of_the_item_are_left_alone(table: Table, clock: Clock) -> None:
    """Given a contact whose VoiceCall is created, then callbacks change nothing of that."""
    creation = Ledger(table.client, table.name, clock)
    request = {"startTime": "2026-10-20T10:00:00Z"}
    lease = creation.begin(KEY, request, 5.0, CENTER)
    assert isinstance(lease, Lease)
    ledger = CallbackLedger(table, clock)
    ledger.made(turn(ledger), RECORD_ID)
    creation.created(lease, "0LQ000000000001AAA")
    ledger.not_made(turn(ledger, OTHER), unknown=True)
    assert creation.standing(KEY) == Created("0LQ000000000001AAA", request)
    assert ledger.begin(KEY, NUMBER, 5.0) == Requested(RECORD_ID)


def test_of_many_at_once_one_may_send(table: Table, clock: Clock) -> None:
    ledger = CallbackLedger(table, clock)
    together = Barrier(8, timeout=20.0)

    def ask(_: int) -> object:
        together.wait()
        return ledger.begin(KEY, NUMBER, 5.0)

    with ThreadPoolExecutor(8) as workers:
        kinds = [type(answer) for answer in workers.map(ask, range(8))]
    assert sorted(kind.__name__ for kind in kinds) == ["Busy"] * 7 + ["CallbackTurn"]


def test_a_write_that_came_twice_is_the_same_turn(table: Table, clock: Clock) -> None:
    """Given a first sending of the write whose answer was lost, then the second one is granted what
    the first one wrote."""
    ledger = CallbackLedger(table, clock, new_owner=lambda: "the same")
    first = turn(ledger)
    assert turn(ledger) == first
    ledger.not_made(first, unknown=False)
    ledger.not_made(first, unknown=False)
    assert turn(ledger) == first


def test_a_ledger_that_is_away(aws: Aws, clock: Clock) -> None:
    with refusing_server() as port:
        client = aws.client("dynamodb", endpoint=f"http://{LOOPBACK}:{port}")
        ledger = CallbackLedger(Table(lambda: client, TABLE), clock)
        granted = CallbackTurn(KEY, name_of(NUMBER), "me")
        with pytest.raises(LedgerUnavailable):
            ledger.begin(KEY, NUMBER, 5.0)
        with pytest.raises(LedgerUnavailable):
            ledger.made(granted, RECORD_ID)
        with pytest.raises(LedgerUnavailable):
            ledger.not_made(granted, unknown=False)
        client.close()
