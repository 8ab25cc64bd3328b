"""What the ledger promises, held against DynamoDB as moto's server speaks it, by the real client,
and against the ledger in memory that the unit tests take in its place.

Source: docs/guarantees.md, "Promised", 3: one item a contact, conditional writes only, CREATED is
final, a lease that has run out counts as unknown.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.aws import TABLE, Aws
from tests.contract.servers import (
    LOOPBACK,
    AwsRefusal,
    Relay,
    refusing_server,
    silent_server,
)
from tests.unit.doubles import MemoryLedger
from tests.unit.samples import CENTER
from voicecall_bridge.ledger.creations import (
    Busy,
    ContactKey,
    Created,
    Lease,
    Ledger,
)
from voicecall_bridge.ledger.table import LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = ContactKey("instance-1", "contact-1")
# The number is fictional.
REQUEST = {"vendorCallKey": "contact-1", "startTime": "2026-10-20T10:00:00Z", "to": "+18005550100"}
FOURTEEN_DAYS = 14 * 24 * 3600


@dataclass
class Clock:
    """Epoch seconds that pass when a test says so."""

    at: float = 1_800_000_000.0

    def __call__(self) -> float:
        """Now."""
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dynamodb(aws: Aws) -> Iterator[Any]:
    """The client under test; it is the ledger's own, not the one that tests look with."""
    client = aws.client("dynamodb")
    yield client
    client.close()


@pytest.fixture
def in_dynamodb(dynamodb: Any, clock: Clock) -> Ledger:
    return Ledger(lambda: dynamodb, TABLE, clock)


@pytest.fixture(params=["DynamoDB", "memory"])
def ledger(request: pytest.FixtureRequest, clock: Clock) -> Ledger:
    """Either ledger: what holds for the one holds for the other."""
    if request.param == "memory":
        return MemoryLedger(clock)
    real: Ledger = request.getfixturevalue("in_dynamodb")
    return real


def lease(ledger: Ledger, seconds: float = 5.0, key: ContactKey = KEY) -> Lease:
    turn = ledger.begin(key, REQUEST, seconds, CENTER)
    assert isinstance(turn, Lease)
    return turn


def test_the_first_to_begin_may_send(ledger: Ledger) -> None:
    """Given nothing; when a worker begins; then it has the lease, and nothing came before it."""
    granted = lease(ledger)
    assert (granted.key, granted.after_unknown, dict(granted.earlier_request)) == (KEY, False, {})


def test_the_request_is_remembered_before_it_is_sent(
    in_dynamodb: Ledger, aws: Aws, clock: Clock
) -> None:
    """Given nothing; when a worker begins; then the item holds all that the next one needs."""
    granted = lease(in_dynamodb)
    item = aws.item("instance-1/contact-1")
    owner = item.pop("lease_owner")
    request = item.pop("create_request")
    assert owner == granted.owner
    assert '"to": "+18005550100"' in request
    assert item == {
        "ledger_key": "instance-1/contact-1",
        "vendor_call_key": "contact-1",
        "create_status": "CREATING",
        "contact_center": CENTER.name,
        "create_attempts": 1,
        "create_start": REQUEST.get("startTime", ""),
        "lease_until": int((clock.at + 5) * 1000),
        "expires_at": int(clock.at) + FOURTEEN_DAYS,
    }


def test_a_second_worker_finds_the_contact_busy(ledger: Ledger, clock: Clock) -> None:
    """Given a live lease; when another begins; then it hears until when, and nothing changes."""
    lease(ledger, seconds=5)
    clock.at += 4.9
    turn = ledger.begin(KEY, {"other": "request"}, 5, CENTER)
    assert turn == Busy(clock.at - 4.9 + 5) == ledger.standing(KEY)


def test_created_is_remembered_and_final(ledger: Ledger, clock: Clock) -> None:
    """Given a created call; when anybody begins or ends otherwise; then its id stands."""
    first = lease(ledger)
    assert ledger.created(first, "0LQ1") == "0LQ1"
    clock.at += 3600
    ledger.not_created(first, "500", unknown=True)
    assert ledger.begin(KEY, REQUEST, 5, CENTER) == Created("0LQ1", REQUEST) == ledger.standing(KEY)


def test_a_created_item_has_no_lease_any_more(in_dynamodb: Ledger, aws: Aws) -> None:
    """Given an attempt that failed; when the next one creates; then nothing of both is left."""
    in_dynamodb.not_created(lease(in_dynamodb), "503", unknown=False)
    in_dynamodb.created(lease(in_dynamodb), "0LQ1")
    item = aws.item("instance-1/contact-1")
    assert (item["create_status"], item["voice_call_id"]) == ("CREATED", "0LQ1")
    assert item["create_attempts"] == 2
    assert not {"lease_owner", "lease_until", "create_error"} & item.keys()


def test_the_first_id_stands(ledger: Ledger, clock: Clock) -> None:
    """Given two workers that both created; when the second tells its id; then it gets the first."""
    slow = lease(ledger, seconds=1)
    clock.at += 2
    quick = lease(ledger)
    assert ledger.created(quick, "0LQ1") == "0LQ1"
    assert ledger.created(slow, "0LQ2") == "0LQ1"
    assert ledger.created(quick, "0LQ1") == "0LQ1"
    assert ledger.standing(KEY) == Created("0LQ1", REQUEST)


def test_an_id_is_taken_also_after_the_lease_ran_out(ledger: Ledger, clock: Clock) -> None:
    """Given a slow worker whose lease ran out; when it created; then its id is remembered."""
    slow = lease(ledger, seconds=1)
    clock.at += 60
    assert ledger.created(slow, "0LQ1") == "0LQ1"
    assert ledger.begin(KEY, REQUEST, 5, CENTER) == Created("0LQ1", REQUEST)


@pytest.mark.parametrize("unknown", [True, False])
def test_an_end_without_a_voice_call_frees_the_contact(ledger: Ledger, unknown: bool) -> None:
    """Given an attempt that ended without a call; when the next begins; then it knows how."""
    ledger.not_created(lease(ledger), "503", unknown=unknown)
    assert ledger.standing(KEY) is None
    again = lease(ledger)
    assert again.after_unknown is unknown
    assert again.earlier_request == REQUEST


@pytest.mark.parametrize(("unknown", "status"), [(True, "UNKNOWN"), (False, "FAILED")])
def test_an_end_without_a_voice_call_is_remembered(
    in_dynamodb: Ledger, aws: Aws, unknown: bool, status: str
) -> None:
    """Given an attempt that ended without a call; when read; then the item says how, and keeps
    the request."""
    in_dynamodb.not_created(lease(in_dynamodb), "503", unknown=unknown)
    item = aws.item("instance-1/contact-1")
    assert (item["create_status"], item["create_error"]) == (status, "503")
    assert "create_request" in item
    assert not {"lease_owner", "lease_until"} & item.keys()


def test_the_first_request_is_the_one_that_is_remembered(ledger: Ledger) -> None:
    """Given two attempts with different starts; when a third begins; then it hears of the first:
    a call starts once."""
    ledger.not_created(lease(ledger), "503", unknown=False)
    second = ledger.begin(KEY, REQUEST | {"startTime": "2026-10-20T10:00:09Z"}, 5, CENTER)
    assert isinstance(second, Lease)
    ledger.not_created(second, "503", unknown=False)
    assert lease(ledger).earlier_request["startTime"] == "2026-10-20T10:00:00Z"


def test_a_lease_that_ran_out_counts_as_unknown(ledger: Ledger, clock: Clock) -> None:
    """Given a worker that never told how it ended; when its lease is over; then another may send,
    and the first one's late word does not count."""
    lost = lease(ledger, seconds=5)
    clock.at += 5.1
    assert ledger.standing(KEY) is None
    again = lease(ledger)
    assert again.after_unknown is True
    assert again.earlier_request == REQUEST
    ledger.not_created(lost, "500", unknown=False)
    assert isinstance(ledger.standing(KEY), Busy)


def test_instances_do_not_meet(ledger: Ledger) -> None:
    """Given one contact id in two instances; when both begin; then both may send."""
    lease(ledger, key=ContactKey("instance-1", "contact-1"))
    lease(ledger, key=ContactKey("instance-2", "contact-1"))


def test_nobody_knows_the_contact(ledger: Ledger) -> None:
    """Given an empty table; when asked; then nothing is known."""
    assert ledger.standing(KEY) is None


def test_of_many_at_once_one_may_send(aws: Aws) -> None:
    """Given eight workers with clients of their own; when all begin at once; then one may send."""
    together = Barrier(8)
    clients = [aws.client("dynamodb") for _ in range(8)]

    def begin(client: Any) -> object:
        ledger = Ledger(lambda: client, TABLE)
        together.wait(timeout=10)
        return ledger.begin(KEY, REQUEST, 30, CENTER)

    with ThreadPoolExecutor(8) as workers:
        turns = list(workers.map(begin, clients))
    for client in clients:
        client.close()
    assert sum(isinstance(turn, Lease) for turn in turns) == 1
    assert sum(isinstance(turn, Busy) for turn in turns) == 7
    assert aws.item("instance-1/contact-1")["create_attempts"] == 1


def test_a_large_request_is_kept_as_it_is(ledger: Ledger) -> None:
    """Given 32 KB of attributes (Connect's limit) in any script; when read; then it is the same."""
    large = {"callAttributes": "Zürich ✓ 電話 \U0001f4de" * 1500}
    first = ledger.begin(KEY, large, 5, CENTER)
    assert isinstance(first, Lease)
    ledger.not_created(first, "503", unknown=False)
    assert lease(ledger).earlier_request == large


def every_call(ledger: Ledger) -> list[tuple[str, Any]]:
    key = ContactKey("instance-1", "contact-1")
    held = Lease(key, "owner", False, {})
    return [
        ("begin", lambda: ledger.begin(key, REQUEST, 5, CENTER)),
        ("created", lambda: ledger.created(held, "0LQ1")),
        ("not_created", lambda: ledger.not_created(held, "500", unknown=True)),
        ("standing", lambda: ledger.standing(key)),
    ]


@pytest.mark.parametrize("call", range(4), ids=["begin", "created", "not_created", "standing"])
class TestUnavailable:
    """Given a DynamoDB that does not do it; when asked; then it is said to be unavailable."""

    def expect(self, aws: Aws, port: int, call: int) -> str:
        client = aws.client("dynamodb", f"http://{LOOPBACK}:{port}", seconds=0.2)
        started = time.monotonic()
        with pytest.raises(LedgerUnavailable) as raised:
            every_call(Ledger(lambda: client, TABLE))[call][1]()
        client.close()
        assert time.monotonic() - started < 5, "the contract is 0.2 s a call; this is ample"
        return str(raised.value)

    def test_refuses_connections(self, aws: Aws, call: int) -> None:
        with refusing_server() as port:
            assert self.expect(aws, port, call) == "EndpointConnectionError"

    def test_never_answers(self, aws: Aws, call: int) -> None:
        with silent_server() as port:
            assert self.expect(aws, port, call) == "ReadTimeoutError"

    def test_refuses_the_request(self, aws: Aws, call: int) -> None:
        with AwsRefusal("ThrottlingException") as refusal:
            assert self.expect(aws, refusal.port, call) == "ThrottlingException"
        assert refusal.requests == 1

    def test_has_no_such_table(self, dynamodb: Any, call: int) -> None:
        with pytest.raises(LedgerUnavailable, match=r"^ResourceNotFoundException$"):
            every_call(Ledger(lambda: dynamodb, "another-table"))[call][1]()


@pytest.mark.parametrize(("breaking", "recovers"), [(1, True), (2, False)])
def test_a_connection_that_breaks_is_replaced_once(aws: Aws, breaking: int, recovers: bool) -> None:
    """Given a connection that died while the environment was frozen; when used; then one more is
    tried, and no third."""
    with Relay(aws.port) as relay:
        client = aws.client("dynamodb", f"http://{LOOPBACK}:{relay.port}")
        ledger = Ledger(lambda: client, TABLE)
        relay.breaking = breaking
        if recovers:
            lease(ledger)
        else:
            with pytest.raises(LedgerUnavailable, match=r"^ConnectionClosedError$"):
                ledger.begin(KEY, REQUEST, 5, CENTER)
        assert relay.accepted == 2
        client.close()
    assert aws.items() == (1 if recovers else 0)


def test_the_client_is_made_once_and_late(aws: Aws) -> None:
    """Given a ledger; when it is used twice; then its client was made once, not before."""
    made: list[Any] = []

    def client() -> Any:
        made.append(aws.client("dynamodb"))
        return made[-1]

    ledger = Ledger(client, TABLE)
    assert made == []
    ledger.standing(KEY)
    ledger.standing(KEY)
    assert len(made) == 1
    made[0].close()
