"""To whom a contact belongs, held against DynamoDB as moto's server speaks it: the first request
that is about to make a record decides, whoever comes at the same moment.

Source: docs/guarantees.md, "Promised", 8: one contact, one center, by conditional writes only.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.aws import TABLE, Aws
from tests.unit.samples import FIRST, SECOND
from voicecall_bridge.contact_centers.registry import refused
from voicecall_bridge.ledger.creations import Busy, ContactKey, Elsewhere, Lease, Ledger
from voicecall_bridge.ledger.grouped_table import GroupedTable
from voicecall_bridge.ledger.records import Claim, Outrun, RecordLedger
from voicecall_bridge.ledger.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voicecall_bridge.contact_centers.registry import Center

KEY = ContactKey("instance-1", "contact-1")
REQUEST = {"vendorCallKey": "contact-1", "startTime": "2026-10-20T10:00:00Z"}
SECONDS = 5.0
WORKERS = 6


@pytest.fixture
def clients(aws: Aws) -> Iterator[list[Any]]:
    """One for each worker, as each environment has."""
    made = [aws.client("dynamodb") for _ in range(WORKERS)]
    yield made
    for client in made:
        client.close()


def ledger(client: Any) -> Ledger:
    return Ledger(lambda: client, TABLE)


def records(client: Any, kind: Callable[[Callable[[], Any], str], Table] = Table) -> RecordLedger:
    return RecordLedger(kind(lambda: client, TABLE))


@pytest.mark.parametrize("round_", range(5))
def test_workers_with_different_choices_agree_on_one(clients: list[Any], round_: int) -> None:
    """Given flows and records that begin at once and name different contact centers; when all have
    tried; then one choice stands, and everybody else hears of it."""
    key = ContactKey("instance-1", f"contact-{round_}")
    ready = Barrier(WORKERS)

    def work(number: int) -> tuple[Center, object]:
        center = SECOND if number % 2 else FIRST
        ready.wait(10.0)
        if number % 3:
            return center, ledger(clients[number]).begin(key, REQUEST, SECONDS, center)
        return center, records(clients[number]).claim(key, number + 1, "a", SECONDS, center)

    with ThreadPoolExecutor(WORKERS) as threads:
        turns = list(threads.map(work, range(WORKERS)))
    stands = ledger(clients[0]).entry(key).center
    assert stands in (FIRST.name, SECOND.name)
    for center, turn in turns:
        if center.name == stands:
            assert not isinstance(turn, Elsewhere)
        else:
            # A version of which a newer one is under way is not needed, wherever it belongs.
            assert turn == Elsewhere(stands) or isinstance(turn, Outrun)
    assert sum(isinstance(turn, Lease) for _, turn in turns) <= 1
    assert sum(isinstance(turn, Lease | Claim) for _, turn in turns) >= 1


def test_a_choice_stands_over_failure_and_time(clients: list[Any]) -> None:
    """Given a creation that failed, and one whose lease ran out; when another choice begins; then
    it hears of the first; with that, it may send."""
    first = ledger(clients[0])
    lease = first.begin(KEY, REQUEST, SECONDS, SECOND)
    assert isinstance(lease, Lease)
    first.not_created(lease, "503", unknown=False)
    late = Ledger(lambda: clients[1], TABLE, lambda: 4e9)
    for other in (first, late):
        assert other.begin(KEY, REQUEST, SECONDS, FIRST) == Elsewhere(SECOND.name)
    assert isinstance(late.begin(KEY, REQUEST, SECONDS, SECOND), Lease)
    assert isinstance(late.begin(KEY, REQUEST, SECONDS, SECOND), Busy)


@pytest.mark.parametrize("kind", [Table, GroupedTable])
def test_records_follow_what_the_flow_began(
    clients: list[Any], kind: Callable[[Callable[[], Any], str], Table]
) -> None:
    ledger(clients[0]).begin(KEY, REQUEST, SECONDS, SECOND)
    claims = records(clients[1], kind)
    assert claims.center(KEY) == SECOND.name
    assert claims.claim(KEY, 1, "a", SECONDS, FIRST) == Elsewhere(SECOND.name)
    claim = claims.claim(KEY, 1, "a", SECONDS, SECOND)
    assert isinstance(claim, Claim)
    assert claims.sent(claim)


def test_grouped_claims_are_each_their_own_contact_centers(clients: list[Any]) -> None:
    """Given one transaction with claims of contacts here and there; when one of them is refused;
    then the others are made."""
    keys = [ContactKey("instance-1", f"contact-{number}") for number in range(WORKERS)]
    ledger(clients[0]).begin(keys[0], REQUEST, SECONDS, SECOND)
    claims = records(clients[1], GroupedTable)
    ready = Barrier(WORKERS)

    def claim(number: int) -> object:
        ready.wait(10.0)
        return claims.claim(keys[number], 1, "a", SECONDS, SECOND if number % 2 else FIRST)

    with ThreadPoolExecutor(WORKERS) as threads:
        turns = list(threads.map(claim, range(WORKERS)))
    assert turns[0] == Elsewhere(SECOND.name)
    assert all(isinstance(turn, Claim) for turn in turns[1:])
    pins = [claims.center(key) for key in keys[1:]]
    assert pins == [SECOND.name, FIRST.name, SECOND.name, FIRST.name, SECOND.name]


def test_a_refusal_keeps_everybody_away_and_takes_nothing_back(clients: list[Any]) -> None:
    mark = refused("elsewhere")
    book = ledger(clients[0])
    book.refused(KEY, mark)
    assert book.begin(KEY, REQUEST, SECONDS, FIRST) == Elsewhere(mark)
    assert records(clients[1]).claim(KEY, 1, "a", SECONDS, SECOND) == Elsewhere(mark)
    other = ContactKey("instance-1", "contact-2")
    book.begin(other, REQUEST, SECONDS, FIRST)
    book.refused(other, mark)
    assert book.entry(other).center == FIRST.name


@pytest.mark.parametrize("name", ["create_request", "record_claim", "record_version"])
def test_items_from_before_are_the_defaults(aws: Aws, clients: list[Any], name: str) -> None:
    """Given an item that was sent for and says nothing of contact centers; when anybody comes; then
    it is the default one's, and from then on says so."""
    value = {"S": "{}"} if name == "create_request" else {"N": "1"}
    aws["dynamodb"].put_item(TableName=TABLE, Item={"ledger_key": {"S": str(KEY)}, name: value})
    book = ledger(clients[0])
    book.refused(KEY, refused("elsewhere"))
    assert book.entry(KEY).center == ""
    assert book.begin(KEY, REQUEST, SECONDS, SECOND) == Elsewhere("")
    assert records(clients[1]).claim(KEY, 2, "a", SECONDS, SECOND) == Elsewhere("")
    assert isinstance(book.begin(KEY, REQUEST, SECONDS, FIRST), Lease)
    assert book.entry(KEY).center == FIRST.name
