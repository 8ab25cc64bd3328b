"""One record never holds up the others: the real handler, its stream and its retry queue over moto,
and a Salesforce that fails. Time is the pollers' own: how fast this machine is changes nothing.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from simulator.aws.queue_clock import let_time_pass
from simulator.salesforce.faults import Fault
from tests.integration.event_simulator import (
    RecordsSimulator,
    Servers,
    batch_of,
    center,
    event,
    records,
    servers,
)
from tests.integration.killing import Point, Worker
from tests.integration.test_events_kill import known
from tests.samples.contact_records import contact_record as record
from tests.unit.samples import stream_record
from voicecall_bridge.aws.retry_queue import FIRST_SECONDS
from voicecall_bridge.streams.retries import MOST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["center", "records", "servers"]

HOUR = 3600.0
ATTEMPTS = 4
"""Requests of one try."""


def from_queue(bodies: Sequence[object]) -> dict[str, object]:
    """Lambda's event with those messages of a retry queue."""
    now = str(int(time.time() * 1000))
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"m{number}",
                "body": json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": now},
                "eventSource": "aws:sqs",
            }
            for number, body in enumerate(bodies)
        ]
    }


def put(records: RecordsSimulator, contacts: Sequence[str]) -> None:
    """A record of each contact, all into one shard and one lane."""
    for contact_id in contacts:
        records.put_raw(json.dumps(record(ContactId=contact_id)).encode(), "one key")


def delivered_at(records: RecordsSimulator) -> dict[str, float]:
    """Watches the pollers' clock: when each contact's record was delivered, from the beginning."""
    at: dict[str, float] = {}
    handle = records.handle

    def watching(event: dict[str, object], seconds: float = 60.0) -> object:
        answer = handle(event, seconds)
        for line in records.lines():
            if line["disposition"] == "delivered":
                at.setdefault(line["ContactId"], records.clock.ahead)
        return answer

    records.handle = watching  # type: ignore[method-assign]
    return at


def test_one_record_that_always_fails(records: RecordsSimulator) -> None:
    """Given one lane and 20 records, of which one gets 500 whenever it is sent, then no other
    waits longer than a minute and none is given up; the one ends as a dead letter with its
    reason when it has failed for a day. (Four hundred of them: tests/unit/test_retries.py.)"""
    contacts = [f"c{number}" for number in range(20)]
    contacts[7] = "bad"
    records.salesforce.inject(
        Fault("status", method="PATCH", times=None, vendor_call_key="bad", status=500)
    )
    at = delivered_at(records)
    put(records, contacts)
    records.poll()
    assert at.keys() == set(contacts) - {"bad"}
    assert max(at.values()) <= 60.0
    assert [letter["reason"] for letter in records.dead_letters()] == ["500"]
    assert records.ends() == {("delivered", ""): 19, ("dead_lettered", "500"): 1}
    assert MOST_SECONDS <= records.clock.ahead <= MOST_SECONDS + 2 * HOUR
    records.check_tally()


def test_an_hour_without_salesforce(records: RecordsSimulator) -> None:
    """Given an outage of an hour, then nothing is given up, all is delivered after it, and while it
    lasts a record is tried six times at most."""
    contacts = [f"c{number}" for number in range(8)]
    records.salesforce.inject(Fault("status", method="PATCH", times=None, status=503))
    over: list[int] = []

    def end(ahead: float) -> None:
        if ahead >= HOUR and not over:
            over.append(len(records.salesforce.journal()))
            records.salesforce.clear_faults()

    records.clock.on_sleep = end
    put(records, contacts)
    records.poll()
    (requests,) = over
    assert requests, "nothing was tried: the test shows nothing"
    by_contact = Counter(one.path for one in records.salesforce.journal()[:requests])
    assert max(by_contact.values()) <= 6 * ATTEMPTS
    assert records.dead_letters() == []
    assert records.ends() == {("delivered", ""): len(contacts)}
    records.check_tally()


@pytest.mark.parametrize("parked", [False, True], ids=["before the queue", "before the answer"])
def test_killed_while_parking(servers: Servers, *, parked: bool) -> None:
    """Given an event with a transient fault, and a worker that dies before the queue has the event
    or before it could answer, then Lambda delivers the event again from the stream. A copy in the
    queue changes nothing: one VoiceCall and no dead letter."""
    known(servers, "killed")
    point = Point(1, answer=parked, service="SQS")
    batch = batch_of([stream_record(event("QUEUED", "killed"))])
    servers.salesforce.inject(Fault("status", times=None, status=503))
    with Worker(servers, "ContactEventsFunction", point, "POST") as worker:
        worker.die(batch)
        worker.deliver_again(batch)
        let_time_pass(FIRST_SECONDS + 1.0)
        waiting = servers.aws.messages(worker.function.environment["RETRY_QUEUE_URL"])
        assert len(waiting) == parked
        worker.deliver_again(from_queue(waiting))
    (call,) = servers.salesforce.voice_calls()
    assert call.vendor_call_key == "killed"
    assert servers.aws.messages(worker.function.environment["DEAD_LETTER_QUEUE_URL"]) == []
    assert worker.deliveries() == 1
    assert len(worker.ends()) >= 1 + parked
