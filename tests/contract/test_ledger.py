"""The ledger's behaviour that only a wire can show: races, faults and broken connections, against
DynamoDB as moto's server speaks it. The ledger's other promises are tested in
tests/unit/test_*_ledger.py, over DynamoDB in memory and over moto.

Source: docs/guarantees.md, "Promised", 3: one item a contact, conditional writes only.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.aws import TABLE, Aws
from tests.contract.servers import LOOPBACK, AwsRefusal, Relay, refusing_server, silent_server
from tests.unit.samples import CENTER
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.creations import CreateLease, CreationLedger, PlannedCreate
from voicecall_bridge.ledger.lease import Lease, LeaseHeld
from voicecall_bridge.ledger.records import RecordLease, RecordLedger, RecordVersion
from voicecall_bridge.ledger.requests import RequestLedger
from voicecall_bridge.ledger.routing import RoutingLedger, RoutingStep
from voicecall_bridge.ledger.table import LedgerUnavailable, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = ContactKey("instance-1", "contact-1")
# The numbers are fictional.
REQUEST = {"vendorCallKey": "contact-1", "startTime": "2026-10-20T10:00:00Z", "to": "+18005550100"}
SECONDS = 30.0
WORKERS = 8

ACQUISITIONS: list[Callable[[Table], object]] = [
    lambda table: CreationLedger(table).acquire(PlannedCreate(KEY, CENTER, REQUEST), SECONDS),
    lambda table: RecordLedger(table).acquire(RecordVersion(KEY, 1, "a"), SECONDS, CENTER),
    lambda table: RequestLedger(table).acquire(KEY, "c", SECONDS),
    lambda table: RoutingLedger(table).acquire(KEY, RoutingStep.REROUTE, SECONDS),
]
CALLS: list[Callable[[Table], object]] = [
    *ACQUISITIONS,
    lambda table: CreationLedger(table).settle(CreateLease(KEY, "lease", "owner"), "0LQ1"),
    lambda table: CreationLedger(table).entry(KEY),
    lambda table: RequestLedger(table).release(Lease(KEY, "c", "owner"), unknown=True),
    lambda table: RecordLedger(table).settle(RecordLease(KEY, "record", "owner", 1, "a", "", "")),
]


@pytest.fixture
def table(aws: Aws) -> Iterator[Table]:
    client = aws.dynamodb()
    yield Table(lambda: client, TABLE)
    client.client.close()


@pytest.mark.parametrize("acquire", ACQUISITIONS)
def test_of_many_at_once_one_gets_the_lease(aws: Aws, acquire: Callable[[Table], object]) -> None:
    """Given workers with clients of their own; when all acquire at once; then one gets the
    lease."""
    together = Barrier(WORKERS)
    clients = [aws.dynamodb() for _ in range(WORKERS)]

    def work(client: Any) -> object:
        together.wait(timeout=20)
        return acquire(Table(lambda: client, TABLE))

    with ThreadPoolExecutor(WORKERS) as workers:
        answers = list(workers.map(work, clients))
    for client in clients:
        client.client.close()
    assert sum(isinstance(answer, Lease) for answer in answers) == 1
    assert sum(isinstance(answer, LeaseHeld) for answer in answers) == WORKERS - 1


def test_a_large_request_is_kept_as_it_is(table: Table) -> None:
    """Given 32 KB of attributes (Connect's limit) in any script; when read; then they are the
    same."""
    large = {"callAttributes": "Zürich ✓ 電話 \U0001f4de" * 1500}
    ledger = CreationLedger(table)
    first = ledger.acquire(PlannedCreate(KEY, CENTER, large), SECONDS)
    assert isinstance(first, CreateLease)
    ledger.release(first, "503", unknown=False)
    assert ledger.entry(KEY).request == large


@pytest.mark.parametrize("call", CALLS)
class TestUnavailable:
    """Given a DynamoDB that fails; when the ledger asks; then the error says that it is
    unavailable."""

    def expect(self, aws: Aws, port: int, call: Callable[[Table], object]) -> str:
        client = aws.dynamodb(f"http://{LOOPBACK}:{port}", seconds=0.2)
        with pytest.raises(LedgerUnavailable) as raised:
            call(Table(lambda: client, TABLE))
        client.client.close()
        return str(raised.value)

    def test_refuses_connections(self, aws: Aws, call: Callable[[Table], object]) -> None:
        with refusing_server() as port:
            assert self.expect(aws, port, call) == "EndpointConnectionError"

    def test_never_answers(self, aws: Aws, call: Callable[[Table], object]) -> None:
        with silent_server() as port:
            assert self.expect(aws, port, call) == "ReadTimeoutError"

    def test_refuses_the_request(self, aws: Aws, call: Callable[[Table], object]) -> None:
        with AwsRefusal("ThrottlingException") as refusal:
            assert self.expect(aws, refusal.port, call) == "ThrottlingException"
        assert refusal.requests == 1

    def test_has_no_such_table(self, table: Table, call: Callable[[Table], object]) -> None:
        with pytest.raises(LedgerUnavailable, match=r"^ResourceNotFoundException$"):
            call(Table(table.client, "another-table"))


@pytest.mark.parametrize(("breaking", "recovers"), [(1, True), (2, False)])
def test_a_connection_that_breaks_is_replaced_once(aws: Aws, breaking: int, recovers: bool) -> None:
    """Given a connection that died while the environment was frozen; when used; then one more
    attempt is made, and no third."""
    with Relay(aws.port) as relay:
        client = aws.dynamodb(f"http://{LOOPBACK}:{relay.port}")
        ledger = CreationLedger(Table(lambda: client, TABLE))
        relay.breaking = breaking
        if recovers:
            assert isinstance(
                ledger.acquire(PlannedCreate(KEY, CENTER, REQUEST), SECONDS), CreateLease
            )
        else:
            with pytest.raises(LedgerUnavailable, match=r"^ConnectionClosedError$"):
                ledger.acquire(PlannedCreate(KEY, CENTER, REQUEST), SECONDS)
        assert relay.accepted == 2
        client.client.close()
    assert aws.items() == (1 if recovers else 0)
