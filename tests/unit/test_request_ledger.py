"""Requests that are made once for a contact, and never after an unknown outcome. Over DynamoDB in
memory and moto's."""

import pytest

from tests.unit.doubles import Clock
from tests.unit.samples import CENTER
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.creations import Created, CreateLease, CreationLedger, PlannedCreate
from voicecall_bridge.ledger.lease import Lease, LeaseHeld, OutcomeUnknown
from voicecall_bridge.ledger.requests import Requested, RequestLedger, slot_of
from voicecall_bridge.ledger.table import Table, number, text

KEY = ContactKey("instance-1", "contact-1")
# The numbers are fictional, the ids invented.
PLAIN = "+12065550101"
NUMBER, OTHER = slot_of("callback", PLAIN), slot_of("callback", "+12065550102")
RECORD_ID = "0aQ000000000001AAA"
SECONDS = 5.0


@pytest.fixture
def ledger(table: Table, clock: Clock) -> RequestLedger:
    return RequestLedger(table, clock)


def acquired(ledger: RequestLedger, slot: str = NUMBER, key: ContactKey = KEY) -> Lease:
    lease = ledger.acquire(key, slot, SECONDS)
    assert isinstance(lease, Lease)
    return lease


def test_a_second_worker_waits_while_the_first_is_at_it(
    ledger: RequestLedger, clock: Clock
) -> None:
    acquired(ledger)
    other = ledger.acquire(KEY, NUMBER, SECONDS)
    assert isinstance(other, LeaseHeld)
    assert other.until == pytest.approx(clock.now + SECONDS, abs=0.002)
    clock.sleep(SECONDS)
    assert ledger.acquire(KEY, NUMBER, SECONDS) == other, "to the very end"


def test_a_record_that_was_made_stands(ledger: RequestLedger, clock: Clock) -> None:
    assert ledger.settle(acquired(ledger), RECORD_ID) == RECORD_ID
    for _ in range(2):
        assert ledger.acquire(KEY, NUMBER, SECONDS) == Requested(RECORD_ID)
        clock.sleep(1000.0)


def test_what_failed_is_free_at_once(ledger: RequestLedger) -> None:
    first = acquired(ledger)
    ledger.release(first, unknown=False)
    second = acquired(ledger)
    assert second.owner != first.owner
    ledger.release(first, unknown=True)
    assert isinstance(ledger.acquire(KEY, NUMBER, SECONDS), LeaseHeld), "the second's lease counts"


@pytest.mark.parametrize("dies", [True, False])
def test_after_an_unknown_outcome_it_is_never_free_again(
    ledger: RequestLedger, clock: Clock, dies: bool
) -> None:
    lease = acquired(ledger)
    if dies:
        clock.sleep(SECONDS + 0.1)
    else:
        ledger.release(lease, unknown=True)
    for _ in range(2):
        assert ledger.acquire(KEY, NUMBER, SECONDS) == OutcomeUnknown()
        clock.sleep(1000.0)


def test_a_record_known_late_stands_all_the_same(ledger: RequestLedger, clock: Clock) -> None:
    lease = acquired(ledger)
    clock.sleep(100.0)
    assert ledger.acquire(KEY, NUMBER, SECONDS) == OutcomeUnknown()
    ledger.settle(lease, RECORD_ID)
    assert ledger.acquire(KEY, NUMBER, SECONDS) == Requested(RECORD_ID)


def test_contacts_and_numbers_do_not_meet(ledger: RequestLedger) -> None:
    acquired(ledger)
    acquired(ledger, OTHER)
    acquired(ledger, NUMBER, ContactKey("instance-1", "contact-2"))
    acquired(ledger, NUMBER, ContactKey("instance-2", "contact-1"))
    assert isinstance(ledger.acquire(KEY, OTHER, SECONDS), LeaseHeld)


def test_the_item_names_no_number(ledger: RequestLedger, clock: Clock) -> None:
    ledger.settle(acquired(ledger), RECORD_ID)
    item = ledger.table.read(str(KEY))
    assert PLAIN.lstrip("+") not in str(item)
    assert item == {
        "ledger_key": text(str(KEY)),
        "vendor_call_key": text("contact-1"),
        "expires_at": number(int(clock.now) + 14 * 24 * 3600),
        f"{NUMBER}_record": text(RECORD_ID),
    }


@pytest.mark.parametrize(
    ("attributes", "answer"),
    [
        ({"until": {"N": "1"}}, OutcomeUnknown()),
        ({"until": {"N": "1772000005000"}, "record": {"S": RECORD_ID}}, Requested(RECORD_ID)),
    ],
)
def test_an_item_of_an_earlier_version(
    ledger: RequestLedger, attributes: dict[str, dict[str, str]], answer: object
) -> None:
    """Given a request with an unknown outcome, and an item that kept the end of its lease."""
    slot = "callback_56232530251eb640"
    named = {f"{slot}_{name}": value for name, value in attributes.items()}
    item = {"ledger_key": {"S": str(KEY)}, **named}
    ledger.table.client().put_item(TableName=ledger.table.name, Item=item)
    assert ledger.acquire(KEY, NUMBER, SECONDS) == answer


def test_the_other_sides_of_the_item_are_left_alone(
    ledger: RequestLedger, table: Table, clock: Clock
) -> None:
    """Given a contact with a VoiceCall, then callbacks change nothing of the creation."""
    creation = CreationLedger(table, clock)
    request = {"startTime": "2026-10-20T10:00:00Z"}
    lease = creation.acquire(PlannedCreate(KEY, CENTER, request), SECONDS)
    assert isinstance(lease, CreateLease)
    ledger.settle(acquired(ledger), RECORD_ID)
    creation.settle(lease, "0LQ000000000001AAA")
    ledger.release(acquired(ledger, OTHER), unknown=True)
    again = creation.acquire(PlannedCreate(KEY, CENTER, request), SECONDS)
    assert again == Created(KEY, "0LQ000000000001AAA", request)
    assert ledger.acquire(KEY, NUMBER, SECONDS) == Requested(RECORD_ID)
