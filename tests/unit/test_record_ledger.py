"""Which version Salesforce has: the ledger's record side, on the real table (botocore, moto)."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.unit.aws import TABLE, Through, ledger_table
from tests.unit.doubles import Clock
from tests.unit.records import Failing
from tests.unit.samples import CENTER, CONTACT_ID, INSTANCE_ID, VOICE_CALL_ID
from voicecall_bridge.ledger.creations import (
    TIME_TO_LIVE_SECONDS,
    ContactKey,
    Created,
    Lease,
    Ledger,
)
from voicecall_bridge.ledger.records import AtWork, Claim, Outrun, RecordLedger
from voicecall_bridge.ledger.table import LedgerUnavailable, Table

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)
LEASE = 8.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with ledger_table() as made:
        yield made


@pytest.fixture
def ledger(dynamodb: Any, clock: Clock) -> RecordLedger:
    return RecordLedger(Table(lambda: dynamodb, TABLE), clock)


def claim(ledger: RecordLedger, version: int, content: str = "a") -> Claim:
    turn = ledger.claim(KEY, version, content, LEASE, CENTER)
    assert isinstance(turn, Claim)
    return turn


def test_the_first_version_may_be_sent(ledger: RecordLedger) -> None:
    assert ledger.sent(claim(ledger, 5))


@pytest.mark.parametrize(
    ("version", "reason"),
    [(5, "ALREADY_DELIVERED"), (4, "NEWER_DELIVERED"), (0, "NEWER_DELIVERED")],
)
def test_what_is_not_newer_is_outrun(ledger: RecordLedger, version: int, reason: str) -> None:
    ledger.sent(claim(ledger, 5))
    assert ledger.claim(KEY, version, "a", LEASE, CENTER) == Outrun(reason)


def test_a_newer_version_may_be_sent(ledger: RecordLedger) -> None:
    ledger.sent(claim(ledger, 5))
    assert ledger.sent(claim(ledger, 6))
    assert ledger.claim(KEY, 5, "a", LEASE, CENTER) == Outrun("NEWER_DELIVERED")


@pytest.mark.parametrize("version", [5, 6])
def test_one_at_a_time(ledger: RecordLedger, clock: Clock, version: int) -> None:
    """Given a worker at version 5, then the same and a newer one must wait, so that the newest is
    the last to arrive."""
    claim(ledger, 5)
    turn = ledger.claim(KEY, version, "a", LEASE, CENTER)
    assert isinstance(turn, AtWork)
    assert turn.lease_until == pytest.approx(clock.now + LEASE, abs=0.002)


def test_an_older_one_need_not_wait(ledger: RecordLedger) -> None:
    claim(ledger, 5)
    assert ledger.claim(KEY, 4, "a", LEASE, CENTER) == Outrun("NEWER_UNDER_WAY")


def test_a_worker_that_died_leaves_its_version_to_its_next_delivery(
    ledger: RecordLedger, clock: Clock
) -> None:
    """Given a lease that ran out, then an older version is still not sent, but this one is."""
    claim(ledger, 5)
    clock.sleep(LEASE + 0.1)
    assert ledger.claim(KEY, 4, "a", LEASE, CENTER) == Outrun("NEWER_UNDER_WAY")
    assert ledger.sent(claim(ledger, 5))


def test_a_version_that_comes_again_is_free_at_once(ledger: RecordLedger) -> None:
    ledger.not_sent(claim(ledger, 5), comes_again=True)
    assert ledger.claim(KEY, 4, "a", LEASE, CENTER) == Outrun("NEWER_UNDER_WAY")
    assert ledger.sent(claim(ledger, 5))


def test_a_version_that_is_refused_for_good_makes_way(ledger: RecordLedger) -> None:
    ledger.sent(claim(ledger, 3))
    ledger.not_sent(claim(ledger, 5), comes_again=False)
    assert ledger.claim(KEY, 3, "a", LEASE, CENTER) == Outrun("ALREADY_DELIVERED")
    assert ledger.sent(claim(ledger, 4))
    assert ledger.sent(claim(ledger, 5))


def test_who_comes_too_late_to_tell_must_come_again(ledger: RecordLedger, clock: Clock) -> None:
    """Given a lease that ran out while version 6 was sent and a worker that took the contact over,
    then version 6 does not count as sent."""
    late = claim(ledger, 6)
    clock.sleep(LEASE + 0.1)
    second = claim(ledger, 6)
    assert not ledger.sent(late)
    ledger.not_sent(late, comes_again=True)
    assert isinstance(ledger.claim(KEY, 6, "a", LEASE, CENTER), AtWork), (
        "the second one's lease stands"
    )
    assert ledger.sent(second)
    assert ledger.sent(late), "it is there by now"
    assert ledger.sent(claim(ledger, 7))
    assert ledger.sent(late), "and a newer one is"


def test_each_content_of_a_second_is_sent_once(ledger: RecordLedger) -> None:
    """Given versions that were written within one second, in whatever order and however often."""
    for content in ("a", "b", "c"):
        assert ledger.sent(claim(ledger, 5, content))
    for content in ("b", "a", "c"):
        assert ledger.claim(KEY, 5, content, LEASE, CENTER) == Outrun("ALREADY_DELIVERED")
    assert ledger.sent(claim(ledger, 6, "a"))
    assert ledger.claim(KEY, 5, "d", LEASE, CENTER) == Outrun("NEWER_DELIVERED")
    assert ledger.sent(claim(ledger, 6, "b")), "what was sent of an older second does not count"


def test_an_item_that_does_not_tell_what_was_sent(ledger: RecordLedger, dynamodb: Any) -> None:
    """Given an item of an earlier release, then this version is sent once more."""
    ledger.sent(claim(ledger, 5))
    dynamodb.update_item(
        TableName=TABLE,
        Key={"ledger_key": {"S": str(KEY)}},
        UpdateExpression="REMOVE record_contents",
    )
    assert ledger.sent(claim(ledger, 5))
    assert ledger.claim(KEY, 5, "a", LEASE, CENTER) == Outrun("ALREADY_DELIVERED")


def test_contents_of_a_second_go_one_at_a_time(ledger: RecordLedger, clock: Clock) -> None:
    ledger.sent(claim(ledger, 5, "a"))
    second = claim(ledger, 5, "b")
    for content in ("b", "c"):
        assert isinstance(ledger.claim(KEY, 5, content, LEASE, CENTER), AtWork)
    assert ledger.claim(KEY, 5, "a", LEASE, CENTER) == Outrun("ALREADY_DELIVERED")
    clock.sleep(LEASE + 0.1)
    third = claim(ledger, 5, "c")
    assert not ledger.sent(second), "it must come again"
    assert ledger.sent(third)
    assert ledger.sent(claim(ledger, 5, "b"))


def test_a_newer_version_outruns_a_further_content(ledger: RecordLedger) -> None:
    ledger.sent(claim(ledger, 5, "a"))
    claim(ledger, 6)
    assert ledger.claim(KEY, 5, "b", LEASE, CENTER) == Outrun("NEWER_UNDER_WAY")


def test_who_comes_between_is_noticed(dynamodb: Any, clock: Clock) -> None:
    """Given another worker that sends a content between the look and the write."""
    ledger = RecordLedger(Table(lambda: dynamodb, TABLE), clock)
    ledger.sent(claim(ledger, 5, "a"))
    others: list[str] = ["b"]

    def come_between() -> None:
        if others:
            ledger.sent(claim(ledger, 5, others.pop()))

    slow = RecordLedger(Table(lambda: Through(dynamodb, before=come_between), TABLE), clock)
    slow_claim = slow.claim(KEY, 5, "c", LEASE, CENTER)
    assert isinstance(slow_claim, Claim)
    assert slow_claim.taken == "a b"
    ledger.not_sent(slow_claim, comes_again=True)
    looks = iter([None, "d"])

    def come_at_the_second_write() -> None:
        if content := next(looks, None):
            ledger.sent(claim(ledger, 5, content))

    slow = RecordLedger(
        Table(lambda: Through(dynamodb, before=come_at_the_second_write), TABLE), clock
    )
    assert isinstance(slow.claim(KEY, 5, "c", LEASE, CENTER), AtWork)
    assert slow.claim(KEY, 5, "d", LEASE, CENTER) == Outrun("ALREADY_DELIVERED")
    newer = iter([None, 6])

    def claim_a_newer_one() -> None:
        if version := next(newer, None):
            ledger.not_sent(claim(ledger, version), comes_again=True)

    slow = RecordLedger(Table(lambda: Through(dynamodb, before=claim_a_newer_one), TABLE), clock)
    assert slow.claim(KEY, 5, "c", LEASE, CENTER) == Outrun("NEWER_UNDER_WAY")


def test_two_instances_do_not_meet(ledger: RecordLedger) -> None:
    ledger.sent(claim(ledger, 5))
    assert isinstance(ledger.claim(ContactKey("other", CONTACT_ID), 5, "a", LEASE, CENTER), Claim)


def test_both_sides_of_an_item_leave_each_other_alone(
    ledger: RecordLedger, dynamodb: Any, clock: Clock
) -> None:
    live = Ledger(lambda: dynamodb, TABLE, clock)
    lease = live.begin(KEY, {"startTime": "t"}, LEASE, CENTER)
    assert isinstance(lease, Lease)
    mine = claim(ledger, 5)
    live.created(lease, VOICE_CALL_ID)
    ledger.sent(mine)
    assert live.standing(KEY) == Created(VOICE_CALL_ID, {"startTime": "t"})
    assert ledger.claim(KEY, 5, "a", LEASE, CENTER) == Outrun("ALREADY_DELIVERED")


def test_a_contact_with_a_record_is_not_created_live_any_more(
    ledger: RecordLedger, dynamodb: Any, clock: Clock
) -> None:
    mine = claim(ledger, 5)
    live = Ledger(lambda: dynamodb, TABLE, clock)
    assert (live.entry(KEY).call_ended, live.entry(KEY).updated) == (True, False)
    ledger.sent(mine)
    assert live.entry(KEY).updated, "by now it is there, whoever made it"


def test_the_item(ledger: RecordLedger, dynamodb: Any, clock: Clock) -> None:
    ledger.sent(claim(ledger, 5))
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item == {
        "ledger_key": {"S": f"{INSTANCE_ID}/{CONTACT_ID}"},
        "vendor_call_key": {"S": CONTACT_ID},
        "contact_center": {"S": CENTER.name},
        "record_version": {"N": "5"},
        "record_contents": {"S": "a"},
        "record_claim": {"N": "5"},
        "call_ended": {"BOOL": True},
        "expires_at": {"N": str(int(clock.now) + TIME_TO_LIVE_SECONDS)},
    }


CLOSED = ConnectionClosedError(endpoint_url="https://x.example")


def test_a_write_whose_answer_was_lost_is_no_other_worker(dynamodb: Any, clock: Clock) -> None:
    """Given DynamoDB wrote and the connection closed before its answer, when the write is sent
    again, then it finds its own work."""

    def losing_one_answer() -> RecordLedger:
        client = Through(dynamodb, after=Failing(CLOSED, 1))
        return RecordLedger(Table(lambda: client, TABLE), clock)

    mine = claim(losing_one_answer(), 5)
    assert losing_one_answer().sent(mine)


CONFLICT = ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")


@pytest.mark.parametrize("times", [1, 3])
def test_a_transaction_at_the_item_is_over_soon(dynamodb: Any, clock: Clock, times: int) -> None:
    """Source: DynamoDB API reference, "UpdateItem": another environment's group holds the item."""
    busy = Through(dynamodb, before=Failing(CONFLICT, times))
    ledger = RecordLedger(Table(lambda: busy, TABLE), clock)
    assert isinstance(ledger.claim(KEY, 5, "a", LEASE, CENTER), Claim)
    for_good = Through(dynamodb, before=Failing(CONFLICT, 99))
    with pytest.raises(LedgerUnavailable, match="TransactionConflictException"):
        RecordLedger(Table(lambda: for_good, TABLE), clock).claim(KEY, 5, "a", LEASE, CENTER)


def test_a_silent_table_is_told(dynamodb: Any, clock: Clock) -> None:
    silent = Through(dynamodb, before=Failing(ReadTimeoutError(endpoint_url="https://x"), 99))
    ledger = RecordLedger(Table(lambda: silent, TABLE), clock)
    mine = Claim(KEY, 5, "a", "me")
    with pytest.raises(LedgerUnavailable):
        ledger.claim(KEY, 5, "a", LEASE, CENTER)
    with pytest.raises(LedgerUnavailable):
        ledger.sent(mine)
    with pytest.raises(LedgerUnavailable):
        ledger.not_sent(mine, comes_again=True)
