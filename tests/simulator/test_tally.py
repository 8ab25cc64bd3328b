"""The tally: what it reads from a log, and when in = delivered + superseded + skipped + dead."""

import json
from dataclasses import replace

import pytest

from simulator.replay.tally import (
    DeadLetter,
    DeliveryLine,
    LedgerItem,
    StoredRecord,
    Tally,
    delivery_lines,
)

DELIVERED = DeliveryLine(
    contact_id="c-1",
    source="contact_flow",
    method="createVoiceCall",
    disposition="delivered",
    reason="",
    status="created",
    voice_call_id="0LQ000000000001AAA",
    error_code="",
    attempts=1,
    duration_ms=12,
    payload_kept="",
)
DEAD = replace(
    DELIVERED, contact_id="c-2", disposition="dead_lettered", reason="503", payload_kept="ledger"
)
QUEUED = replace(DEAD, contact_id="c-3", reason="SETTINGS", payload_kept="queue")
UNSURE = replace(DEAD, contact_id="c-4", reason="DEADLINE", payload_kept="unknown")
SKIPPED = replace(DELIVERED, contact_id="c-5", disposition="skipped", reason="NOT_VOICE")


def tally(
    *lines: DeliveryLine, ledger: tuple[LedgerItem, ...] = (), letters: tuple[DeadLetter, ...] = ()
) -> Tally:
    return Tally([(line,) for line in lines], ledger, letters)


def kept(line: DeliveryLine, status: str = "FAILED") -> LedgerItem:
    return LedgerItem(line.contact_id, status, has_request=True)


def dead_letter(line: DeliveryLine) -> DeadLetter:
    return DeadLetter("contact_flow", line.reason)


def test_tally_closes() -> None:
    """Given an input of each disposition, with payloads as logged, then no fault is found."""
    closed = tally(
        DELIVERED,
        DEAD,
        QUEUED,
        SKIPPED,
        ledger=(kept(DELIVERED, "CREATED"), kept(DEAD)),
        letters=(dead_letter(QUEUED),),
    )

    assert closed.faults() == []
    assert closed.inputs == 4
    assert {name: dict(reasons) for name, reasons in closed.totals().items()} == {
        "delivered": {"": 1},
        "superseded": {},
        "skipped": {"NOT_VOICE": 1},
        "dead_lettered": {"503": 1, "SETTINGS": 1},
    }


def test_nothing_in_nothing_out() -> None:
    assert tally().faults() == []


def test_later_success_closes_an_earlier_dead_letter() -> None:
    """Given a contact that failed and was created later, then the item's request is still there."""
    later = replace(DELIVERED, contact_id=DEAD.contact_id)

    assert tally(DEAD, later, ledger=(kept(DEAD, "CREATED"),)).faults() == []


@pytest.mark.parametrize("number", [0, 2])
def test_input_without_exactly_one_line(number: int) -> None:
    """Given an input without a log line, or with two, then that input is named."""
    faulty = Tally([(DELIVERED,), (DELIVERED,) * number], [], [])

    assert faulty.faults() == [f"input 2 of 2 has {number} delivery lines, not one"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (replace(DELIVERED, disposition="lost"), "c-1 ended as lost, which is not a known end"),
        (replace(DELIVERED, disposition=""), "c-1 ended as nothing, which is not a known end"),
        (replace(SKIPPED, reason=""), "c-5 is skipped without a reason"),
        (replace(DEAD, payload_kept="none"), "the payload of c-2, dead-lettered by 503, is lost"),
        (replace(DEAD, payload_kept=""), "the payload of c-2, dead-lettered by 503, is lost"),
        (DEAD, "the ledger lacks the request of c-2, which the log puts there"),
        (QUEUED, "the log puts 1 dead letters of SETTINGS into the queue, which holds 0"),
        (UNSURE, "the payload of c-4 is neither in the ledger nor in the queue"),
    ],
)
def test_line_that_does_not_hold(line: DeliveryLine, fault: str) -> None:
    """Given a wrong log line, then the tally names it."""
    assert tally(line).faults() == [fault]


def test_dead_letter_without_a_line() -> None:
    faults = tally(DELIVERED, letters=(dead_letter(QUEUED),)).faults()

    assert faults == ["the log puts 0 dead letters of SETTINGS into the queue, which holds 1"]


def test_unfinished_contact_without_a_line() -> None:
    faults = tally(DELIVERED, ledger=(kept(DEAD, "UNKNOWN"),)).faults()

    assert faults == ["c-2 is UNKNOWN in the ledger, and has no line"]


@pytest.mark.parametrize("where", ["ledger", "queue"])
def test_answer_at_the_deadline(where: str) -> None:
    """Given an answer before the end of its work, then its payload may be in ledger or queue."""
    found = (
        tally(UNSURE, ledger=(kept(UNSURE, "CREATING"),))
        if where == "ledger"
        else tally(UNSURE, letters=(dead_letter(UNSURE),))
    )

    assert found.faults() == []


STREAMED = replace(DELIVERED, source="contact_events", input_id="shard:1")
BURIED = replace(QUEUED, source="contact_events", input_id="shard:2")
GIVEN_UP = replace(BURIED, reason="GIVEN_UP", payload_kept="bucket", input_id="shard:3")
UNDELIVERED = replace(GIVEN_UP, reason="UNDELIVERED", payload_kept="failure_queue")


def buried(line: DeliveryLine) -> DeadLetter:
    return DeadLetter("contact_events", line.reason, StoredRecord(line.input_id, ""))


def test_record_delivered_again_counts_once() -> None:
    """Given a record that was delivered twice and dead-lettered twice, then its first line is its
    end, and each dead letter has its line."""
    again = replace(STREAMED, disposition="superseded", reason="ALREADY_CREATED")
    closed = Tally([(STREAMED, again), (BURIED, BURIED)], [], [buried(BURIED)] * 2)

    assert closed.faults() == []
    assert closed.inputs == 2
    totals = closed.totals()
    assert (totals["delivered"].total(), totals["superseded"].total()) == (1, 0)
    assert totals["dead_lettered"].total() == 1


def test_record_without_a_line() -> None:
    assert Tally([()], [], []).faults() == ["input 1 of 1 has 0 delivery lines, not one"]


def test_other_places_of_dead_letters() -> None:
    """Given a batch in the bucket and an event in the queue of the rules, then both are looked for.
    A message in the queue without a log line is a fault as well."""
    lines = [(GIVEN_UP,), (UNDELIVERED,)]

    assert Tally(lines, [], [], given_up=1, undelivered=1).faults() == []
    assert Tally(lines, [], [], given_up=2).faults() == [
        "the log puts 1 records into the bucket, where 2 are",
        "the log puts 1 records into the queues of failures, where 0 are",
    ]


def test_dead_letter_that_was_redriven() -> None:
    """Given a dead letter that a redrive has taken out of the queue, then it is not missing."""
    lines = [(BURIED,), (GIVEN_UP,), (STREAMED,), (replace(STREAMED, input_id="shard:9"),)]

    assert Tally(lines, [], [], taken_back={"SETTINGS": 1, "GIVEN_UP": 1}).faults() == []
    assert Tally(lines, [], [], taken_back={"GIVEN_UP": 1}).faults() == [
        "the log puts 1 dead letters of SETTINGS into the queue, which holds 0"
    ]


def test_dead_letter_without_its_record() -> None:
    """Given a dead letter that holds another record, then the tally says which record is lost."""
    other = DeadLetter("contact_events", BURIED.reason, StoredRecord("shard:7", ""))

    assert Tally([(BURIED,)], [], [other]).faults() == [
        "no dead letter holds the record shard:2 of SETTINGS"
    ]


def test_dead_letter_as_the_queue_holds_it() -> None:
    record = {"eventID": "shard:1", "kinesis": {"data": "e30="}}
    body = {"source": "contact_events", "reason": "400", "payload": record}

    assert DeadLetter.from_json(body) == DeadLetter(
        "contact_events", "400", StoredRecord("shard:1", "e30=")
    )
    assert DeadLetter.from_json({**body, "payload": {}}).record is None


def test_delivery_lines_of_a_log() -> None:
    """Given a log with other lines, JSON and not, then only delivery lines are read."""
    line = {"message": "delivery", "ContactId": "c-1", "disposition": "skipped", "attempts": 2}
    logs = ["START", json.dumps({"message": "attempt failed"}), json.dumps(line), "[]", "{", "null"]

    assert delivery_lines(logs) == (
        DeliveryLine("c-1", "", "", "skipped", "", "", "", "", 2, 0, ""),
    )


def test_ledger_item_as_dynamodb_returns_it() -> None:
    item = {
        "ledger_key": {"S": "instance/c-1"},
        "vendor_call_key": {"S": "c-1"},
        "create_status": {"S": "FAILED"},
        "create_request": {"S": "{}"},
    }

    assert LedgerItem.from_dynamodb(item) == LedgerItem("c-1", "FAILED", has_request=True)
    assert LedgerItem.from_dynamodb({}) == LedgerItem("", "", has_request=False)
