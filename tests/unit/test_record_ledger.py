"""Which version of a contact's record Salesforce has, over DynamoDB in memory and as moto speaks
it."""

from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.aws import TABLE, Through
from tests.unit.doubles import Clock
from tests.unit.records import Failing
from tests.unit.samples import CENTER, VOICE_CALL_ID
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.assignments import AssignedElsewhere
from voicecall_bridge.ledger.creations import Created, CreateLease, CreationLedger, PlannedCreate
from voicecall_bridge.ledger.lease import TIME_TO_LIVE_SECONDS, LeaseHeld, Superseded
from voicecall_bridge.ledger.records import RecordLease, RecordLedger, RecordVersion
from voicecall_bridge.ledger.table import LedgerUnavailable, Table

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)
LEASE = 8.0


@pytest.fixture
def ledger(table: Table, clock: Clock) -> RecordLedger:
    return RecordLedger(table, clock)


def acquire(
    ledger: RecordLedger, version: int, content: str = "a"
) -> RecordLease | Superseded | LeaseHeld | AssignedElsewhere:
    return ledger.acquire(RecordVersion(KEY, version, content), LEASE, CENTER)


def acquired(ledger: RecordLedger, version: int, content: str = "a") -> RecordLease:
    lease = acquire(ledger, version, content)
    assert isinstance(lease, RecordLease)
    return lease


def test_the_first_version_may_be_sent(ledger: RecordLedger) -> None:
    assert ledger.settle(acquired(ledger, 5))


@pytest.mark.parametrize(
    ("version", "reason"),
    [(5, "ALREADY_DELIVERED"), (4, "NEWER_DELIVERED"), (0, "NEWER_DELIVERED")],
)
def test_what_is_not_newer_is_superseded(ledger: RecordLedger, version: int, reason: str) -> None:
    ledger.settle(acquired(ledger, 5))
    assert acquire(ledger, version, "a") == Superseded(reason)


def test_a_newer_version_may_be_sent(ledger: RecordLedger) -> None:
    ledger.settle(acquired(ledger, 5))
    assert ledger.settle(acquired(ledger, 6))
    assert acquire(ledger, 5, "a") == Superseded("NEWER_DELIVERED")


@pytest.mark.parametrize("version", [5, 6])
def test_one_at_a_time(ledger: RecordLedger, clock: Clock, version: int) -> None:
    """Given a worker at version 5, then the same version and a newer one must wait, so that the
    newest is the last to arrive."""
    acquired(ledger, 5)
    lease = acquire(ledger, version, "a")
    assert isinstance(lease, LeaseHeld)
    assert lease.until == pytest.approx(clock.now + LEASE, abs=0.002)


def test_an_older_one_need_not_wait(ledger: RecordLedger) -> None:
    acquired(ledger, 5)
    assert acquire(ledger, 4, "a") == Superseded("NEWER_UNDER_WAY")


def test_a_worker_that_died_leaves_its_version_to_its_next_delivery(
    ledger: RecordLedger, clock: Clock
) -> None:
    """Given a lease that ran out, then an older version is still not sent, but the same version
    is."""
    acquired(ledger, 5)
    clock.sleep(LEASE + 0.1)
    assert acquire(ledger, 4, "a") == Superseded("NEWER_UNDER_WAY")
    assert ledger.settle(acquired(ledger, 5))


def test_a_version_that_retry_later_is_free_at_once(ledger: RecordLedger) -> None:
    ledger.release(acquired(ledger, 5), retry_later=True)
    assert acquire(ledger, 4, "a") == Superseded("NEWER_UNDER_WAY")
    assert ledger.settle(acquired(ledger, 5))


def test_a_version_that_is_refused_for_good_makes_way(ledger: RecordLedger) -> None:
    ledger.settle(acquired(ledger, 3))
    ledger.release(acquired(ledger, 5), retry_later=False)
    assert acquire(ledger, 3, "a") == Superseded("ALREADY_DELIVERED")
    assert ledger.settle(acquired(ledger, 4))
    assert ledger.settle(acquired(ledger, 5))


def test_a_version_that_settles_too_late_must_be_delivered_again(
    ledger: RecordLedger, clock: Clock
) -> None:
    """Given a lease that ran out while version 6 was sent, when another worker has acquired it,
    then version 6 does not count as sent."""
    late = acquired(ledger, 6)
    clock.sleep(LEASE + 0.1)
    second = acquired(ledger, 6)
    assert not ledger.settle(late)
    ledger.release(late, retry_later=True)
    assert isinstance(acquire(ledger, 6, "a"), LeaseHeld), "the second one's lease stands"
    assert ledger.settle(second)
    assert ledger.settle(late), "Salesforce has it by now"
    assert ledger.settle(acquired(ledger, 7))
    assert ledger.settle(late), "and Salesforce has a newer one"


def test_each_content_of_a_second_is_sent_once(ledger: RecordLedger) -> None:
    """Given versions that were written within one second, in any order and any number."""
    for content in ("a", "b", "c"):
        assert ledger.settle(acquired(ledger, 5, content))
    for content in ("b", "a", "c"):
        assert acquire(ledger, 5, content) == Superseded("ALREADY_DELIVERED")
    assert ledger.settle(acquired(ledger, 6, "a"))
    assert acquire(ledger, 5, "d") == Superseded("NEWER_DELIVERED")
    assert ledger.settle(acquired(ledger, 6, "b")), "an older second's do not count"


def test_an_item_that_does_not_say_what_was_sent(ledger: RecordLedger, dynamodb: Any) -> None:
    """Given an item of an earlier release, then the same version is sent once more."""
    ledger.settle(acquired(ledger, 5))
    dynamodb.update_item(
        TableName=TABLE,
        Key={"ledger_key": {"S": str(KEY)}},
        UpdateExpression="REMOVE record_contents",
    )
    assert ledger.settle(acquired(ledger, 5))
    assert acquire(ledger, 5, "a") == Superseded("ALREADY_DELIVERED")


def test_contents_of_a_second_go_one_at_a_time(ledger: RecordLedger, clock: Clock) -> None:
    ledger.settle(acquired(ledger, 5, "a"))
    second = acquired(ledger, 5, "b")
    for content in ("b", "c"):
        assert isinstance(acquire(ledger, 5, content), LeaseHeld)
    assert acquire(ledger, 5, "a") == Superseded("ALREADY_DELIVERED")
    clock.sleep(LEASE + 0.1)
    third = acquired(ledger, 5, "c")
    assert not ledger.settle(second), "it must be delivered again"
    assert ledger.settle(third)
    assert ledger.settle(acquired(ledger, 5, "b"))


def test_a_newer_version_supersedes_a_further_content(ledger: RecordLedger) -> None:
    ledger.settle(acquired(ledger, 5, "a"))
    acquired(ledger, 6)
    assert acquire(ledger, 5, "b") == Superseded("NEWER_UNDER_WAY")


def test_who_comes_between_is_noticed(dynamodb: Any, clock: Clock) -> None:
    """Given another worker that sends a content between the read and the write."""
    ledger = RecordLedger(Table(lambda: dynamodb, TABLE), clock)
    ledger.settle(acquired(ledger, 5, "a"))
    others: list[str] = ["b"]

    def come_between() -> None:
        if others:
            ledger.settle(acquired(ledger, 5, others.pop()))

    slow = RecordLedger(Table(lambda: Through(dynamodb, before=come_between), TABLE), clock)
    slow_lease = acquire(slow, 5, "c")
    assert isinstance(slow_lease, RecordLease)
    assert slow_lease.taken == "a b"
    ledger.release(slow_lease, retry_later=True)
    looks = iter([None, "d"])

    def come_at_the_second_write() -> None:
        if content := next(looks, None):
            ledger.settle(acquired(ledger, 5, content))

    slow = RecordLedger(
        Table(lambda: Through(dynamodb, before=come_at_the_second_write), TABLE), clock
    )
    assert isinstance(acquire(slow, 5, "c"), LeaseHeld)
    assert acquire(slow, 5, "d") == Superseded("ALREADY_DELIVERED")
    newer = iter([None, 6])

    def claim_a_newer_one() -> None:
        if version := next(newer, None):
            ledger.release(acquired(ledger, version), retry_later=True)

    slow = RecordLedger(Table(lambda: Through(dynamodb, before=claim_a_newer_one), TABLE), clock)
    assert acquire(slow, 5, "c") == Superseded("NEWER_UNDER_WAY")


def test_two_instances_do_not_meet(ledger: RecordLedger) -> None:
    ledger.settle(acquired(ledger, 5))
    other = RecordVersion(ContactKey("other", CONTACT_ID), 5, "a")
    assert isinstance(ledger.acquire(other, LEASE, CENTER), RecordLease)


def test_both_sides_of_an_item_leave_each_other_alone(
    ledger: RecordLedger, dynamodb: Any, clock: Clock
) -> None:
    live = CreationLedger(Table(lambda: dynamodb, TABLE), clock)
    lease = live.acquire(PlannedCreate(KEY, CENTER, {"startTime": "t"}), LEASE)
    assert isinstance(lease, CreateLease)
    mine = acquired(ledger, 5)
    live.settle(lease, VOICE_CALL_ID)
    ledger.settle(mine)
    assert live.acquire(PlannedCreate(KEY, CENTER, {}), LEASE) == Created(
        KEY, VOICE_CALL_ID, {"startTime": "t"}
    )
    assert acquire(ledger, 5, "a") == Superseded("ALREADY_DELIVERED")


def test_a_contact_with_a_record_is_not_created_live_any_more(
    ledger: RecordLedger, dynamodb: Any, clock: Clock
) -> None:
    mine = acquired(ledger, 5)
    live = CreationLedger(Table(lambda: dynamodb, TABLE), clock)
    assert (live.entry(KEY).call_ended, live.entry(KEY).updated) == (True, False)
    ledger.settle(mine)
    assert live.entry(KEY).updated, "by now Salesforce has it, whichever worker sent it"


def test_the_item(ledger: RecordLedger, dynamodb: Any, clock: Clock) -> None:
    lease = ledger.acquire(RecordVersion(KEY, 5, "a", "brought"), LEASE, CENTER)
    assert isinstance(lease, RecordLease)
    ledger.settle(lease)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item == {
        "ledger_key": {"S": f"{INSTANCE_ID}/{CONTACT_ID}"},
        "vendor_call_key": {"S": CONTACT_ID},
        "contact_center": {"S": CENTER.name},
        "record_version": {"N": "5"},
        "record_contents": {"S": "a"},
        "record_brought": {"S": "brought"},
        "record_claim": {"N": "5"},
        "call_ended": {"BOOL": True},
        "expires_at": {"N": str(int(clock.now) + TIME_TO_LIVE_SECONDS)},
    }


CLOSED = ConnectionClosedError(endpoint_url="https://x.example")


def test_a_write_with_a_lost_answer_is_not_another_workers(dynamodb: Any, clock: Clock) -> None:
    """Given DynamoDB wrote and the connection closed before its answer, when the write is sent
    again, then it finds its own work."""

    def losing_one_answer() -> RecordLedger:
        client = Through(dynamodb, after=Failing(CLOSED, 1))
        return RecordLedger(Table(lambda: client, TABLE), clock)

    mine = acquired(losing_one_answer(), 5)
    assert losing_one_answer().settle(mine)


def test_a_silent_table_is_reported(dynamodb: Any, clock: Clock) -> None:
    silent = Through(dynamodb, before=Failing(ReadTimeoutError(endpoint_url="https://x"), 99))
    ledger = RecordLedger(Table(lambda: silent, TABLE), clock)
    mine = RecordLease(KEY, "record", "me", 5, "a", "", "")
    with pytest.raises(LedgerUnavailable):
        acquire(ledger, 5, "a")
    with pytest.raises(LedgerUnavailable):
        ledger.settle(mine)
    with pytest.raises(LedgerUnavailable):
        ledger.release(mine, retry_later=True)
