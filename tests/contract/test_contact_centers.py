"""Contact center assignment, held against DynamoDB as moto's server speaks it: the first request
that is about to make a record decides, whatever other workers do at the same moment.

Source: docs/guarantees.md, "Promised", 8: one contact, one center, by conditional writes only.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.aws import TABLE, Aws
from tests.unit.samples import FIRST, SECOND
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.assignment import AssignedTo, AssignedToDefault, Refused
from voicecall_bridge.ledger.assignments import AssignedElsewhere
from voicecall_bridge.ledger.creations import CreateLease, CreationLedger, PlannedCreate
from voicecall_bridge.ledger.lease import LeaseHeld, Superseded
from voicecall_bridge.ledger.records import RecordLease, RecordLedger, RecordVersion
from voicecall_bridge.ledger.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voicecall_bridge.contact_centers.registry import ContactCenter

KEY = ContactKey("instance-1", "contact-1")
REQUEST = {"vendorCallKey": "contact-1", "startTime": "2026-10-20T10:00:00Z"}
SECONDS = 5.0
WORKERS = 6


@pytest.fixture
def clients(aws: Aws) -> Iterator[list[Any]]:
    """One client for each worker, as each environment has."""
    made = [aws.dynamodb() for _ in range(WORKERS)]
    yield made
    for client in made:
        client.client.close()


def ledger(client: Any) -> CreationLedger:
    return CreationLedger(Table(lambda: client, TABLE))


def record_lease(
    client: Any, center: ContactCenter, key: ContactKey = KEY, version: int = 1
) -> RecordLease | Superseded | LeaseHeld | AssignedElsewhere:
    records = RecordLedger(Table(lambda: client, TABLE))
    return records.acquire(RecordVersion(key, version, "a"), SECONDS, center)


@pytest.mark.parametrize("round_", range(5))
def test_workers_with_different_choices_agree_on_one(clients: list[Any], round_: int) -> None:
    """Given flows and records that begin at once and name different contact centers; when all have
    tried; then one assignment stands, and every other worker gets it as the answer."""
    key = ContactKey("instance-1", f"contact-{round_}")
    ready = Barrier(WORKERS)

    def work(number: int) -> tuple[ContactCenter, object]:
        center = SECOND if number % 2 else FIRST
        ready.wait(10.0)
        if number % 3:
            return center, ledger(clients[number]).acquire(
                PlannedCreate(key, center, REQUEST), SECONDS
            )
        return center, record_lease(clients[number], center, key, number + 1)

    with ThreadPoolExecutor(WORKERS) as threads:
        answers = list(threads.map(work, range(WORKERS)))
    stands = ledger(clients[0]).assignment(key)
    assert stands in (AssignedTo(FIRST.name), AssignedTo(SECOND.name))
    for center, answer in answers:
        if AssignedTo(center.name) == stands:
            assert not isinstance(answer, AssignedElsewhere)
        else:
            # A version is superseded while a newer one is being sent, whichever center owns the
            # contact.
            assert answer == AssignedElsewhere(stands) or isinstance(answer, Superseded)
    assert sum(isinstance(answer, CreateLease) for _, answer in answers) <= 1
    assert sum(isinstance(answer, CreateLease | RecordLease) for _, answer in answers) >= 1


def test_a_choice_stands_over_failure_and_time(clients: list[Any]) -> None:
    """Given a creation that failed, and one with a lease that ran out; when another center is
    named; then the answer is the first assignment, and with that center it may send."""
    first = ledger(clients[0])
    lease = first.acquire(PlannedCreate(KEY, SECOND, REQUEST), SECONDS)
    assert isinstance(lease, CreateLease)
    first.release(lease, "503", unknown=False)
    late = CreationLedger(Table(lambda: clients[1], TABLE), lambda: 4e9)
    for other in (first, late):
        assert other.acquire(PlannedCreate(KEY, FIRST, REQUEST), SECONDS) == AssignedElsewhere(
            AssignedTo(SECOND.name)
        )
    assert isinstance(late.acquire(PlannedCreate(KEY, SECOND, REQUEST), SECONDS), CreateLease)
    assert isinstance(late.acquire(PlannedCreate(KEY, SECOND, REQUEST), SECONDS), LeaseHeld)


def test_records_follow_what_the_flow_began(clients: list[Any]) -> None:
    ledger(clients[0]).acquire(PlannedCreate(KEY, SECOND, REQUEST), SECONDS)
    records = RecordLedger(Table(lambda: clients[1], TABLE))
    assert records.assignment(KEY) == AssignedTo(SECOND.name)
    assert record_lease(clients[1], FIRST) == AssignedElsewhere(AssignedTo(SECOND.name))
    lease = record_lease(clients[1], SECOND)
    assert isinstance(lease, RecordLease)
    assert records.settle(lease)


def test_a_refusal_keeps_all_workers_away_and_takes_nothing_back(clients: list[Any]) -> None:
    mark = Refused.of("elsewhere")
    book = ledger(clients[0])
    book.refuse(KEY, mark)
    assert book.acquire(PlannedCreate(KEY, FIRST, REQUEST), SECONDS) == AssignedElsewhere(mark)
    assert record_lease(clients[1], SECOND) == AssignedElsewhere(mark)
    other = ContactKey("instance-1", "contact-2")
    book.acquire(PlannedCreate(other, FIRST, REQUEST), SECONDS)
    book.refuse(other, mark)
    assert book.assignment(other) == AssignedTo(FIRST.name)


@pytest.mark.parametrize("name", ["create_request", "record_claim", "record_version"])
def test_items_from_before_are_the_defaults(aws: Aws, clients: list[Any], name: str) -> None:
    """Given an item of a contact with requests but without an assignment; when any worker asks;
    then the default contact center owns the contact, and from then on the item says so."""
    value = {"S": "{}"} if name == "create_request" else {"N": "1"}
    aws["dynamodb"].put_item(TableName=TABLE, Item={"ledger_key": {"S": str(KEY)}, name: value})
    book = ledger(clients[0])
    book.refuse(KEY, Refused.of("elsewhere"))
    assert book.assignment(KEY) == AssignedToDefault()
    assert book.acquire(PlannedCreate(KEY, SECOND, REQUEST), SECONDS) == AssignedElsewhere(
        AssignedToDefault()
    )
    assert record_lease(clients[1], SECOND, version=2) == AssignedElsewhere(AssignedToDefault())
    assert isinstance(book.acquire(PlannedCreate(KEY, FIRST, REQUEST), SECONDS), CreateLease)
    assert book.assignment(KEY) == AssignedTo(FIRST.name)
