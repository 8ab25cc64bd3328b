"""The create side of the ledger, over DynamoDB in memory and as moto speaks it."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.aws import TABLE, Through
from tests.unit.doubles import Clock
from tests.unit.samples import CENTER, VOICE_CALL_ID
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.assignment import AssignedTo
from voicecall_bridge.ledger.creations import (
    Created,
    CreateHeld,
    CreateLease,
    CreateStatus,
    CreationLedger,
    Entry,
    PlannedCreate,
)
from voicecall_bridge.ledger.lease import TIME_TO_LIVE_SECONDS, LeaseHeld
from voicecall_bridge.ledger.table import LedgerUnavailable, Table

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)
REQUEST = {"vendorCallKey": CONTACT_ID, "startTime": "2026-03-01T12:00:00Z"}


@pytest.fixture
def ledger(table: Table, clock: Clock) -> CreationLedger:
    return CreationLedger(table, clock)


def standing(ledger: CreationLedger, key: ContactKey = KEY) -> Created | CreateHeld | None:
    """The state of the creation; None: it is free."""
    entry = ledger.entry(key)
    if entry.voice_call_id:
        return Created(key, entry.voice_call_id, entry.request)
    return (
        CreateHeld(entry.lease_until, entry.request) if entry.lease_until >= ledger.now() else None
    )


def acquired(ledger: CreationLedger, key: ContactKey = KEY, seconds: float = 5.0) -> CreateLease:
    lease = ledger.acquire(PlannedCreate(key, CENTER, REQUEST), seconds)
    assert isinstance(lease, CreateLease)
    return lease


def test_the_first_worker_may_send(ledger: CreationLedger) -> None:
    assert standing(ledger) is None
    lease = acquired(ledger)
    assert lease.key == KEY
    assert not lease.after_unknown
    assert lease.earlier_request == {}


def test_the_second_worker_may_not(ledger: CreationLedger, clock: Clock) -> None:
    acquired(ledger, seconds=5.0)
    busy = ledger.acquire(PlannedCreate(KEY, CENTER, REQUEST), 5.0)
    assert isinstance(busy, LeaseHeld)
    assert busy.until == pytest.approx(clock.now + 5.0, abs=0.002)
    assert standing(ledger) == busy


def test_what_was_created_stands(ledger: CreationLedger) -> None:
    lease = acquired(ledger)
    assert ledger.settle(lease, VOICE_CALL_ID) == VOICE_CALL_ID
    assert ledger.acquire(PlannedCreate(KEY, CENTER, REQUEST), 5.0) == Created(
        KEY, VOICE_CALL_ID, REQUEST
    )
    assert standing(ledger) == Created(KEY, VOICE_CALL_ID, REQUEST)


def test_created_is_final(ledger: CreationLedger, clock: Clock) -> None:
    """Given a VoiceCall, then neither its own worker nor time undoes the outcome."""
    lease = acquired(ledger)
    ledger.settle(lease, VOICE_CALL_ID)
    ledger.release(lease, "400", unknown=False)
    clock.sleep(3600.0)
    assert ledger.acquire(PlannedCreate(KEY, CENTER, REQUEST), 5.0) == Created(
        KEY, VOICE_CALL_ID, REQUEST
    )


def test_the_first_id_stands(ledger: CreationLedger) -> None:
    lease = acquired(ledger)
    assert ledger.settle(lease, VOICE_CALL_ID) == VOICE_CALL_ID
    assert ledger.settle(lease, "0LQ000000000002AAA") == VOICE_CALL_ID
    assert ledger.settle(lease, VOICE_CALL_ID) == VOICE_CALL_ID
    assert standing(ledger) == Created(KEY, VOICE_CALL_ID, REQUEST)


@pytest.mark.parametrize("unknown", [True, False])
def test_after_a_failure_the_next_worker_may_send(ledger: CreationLedger, unknown: bool) -> None:
    ledger.release(acquired(ledger), "503", unknown=unknown)
    assert standing(ledger) is None
    lease = acquired(ledger)
    assert lease.after_unknown is unknown
    assert lease.earlier_request == REQUEST


def test_the_last_request_is_kept_with_the_first_start(ledger: CreationLedger) -> None:
    """Given three attempts, each with its own start time, then the third attempt reads the second
    one's request and the first one's start time."""
    for number in (1, 2):
        request = {"to": f"number {number}", "startTime": f"2026-03-01T12:00:0{number}Z"}
        lease = ledger.acquire(PlannedCreate(KEY, CENTER, request), 5.0)
        assert isinstance(lease, CreateLease)
        ledger.release(lease, "503", unknown=False)
    known = {"to": "number 2", "startTime": "2026-03-01T12:00:01Z"}
    assert ledger.entry(KEY).request == known
    assert acquired(ledger).earlier_request == known


def test_nothing_is_known_of_a_contact_without_an_item(ledger: CreationLedger) -> None:
    assert ledger.entry(KEY) == Entry()


def test_an_entry_shows_how_far_it_has_come(ledger: CreationLedger, clock: Clock) -> None:
    lease = acquired(ledger, seconds=5.0)
    creating = ledger.entry(KEY)
    assert (creating.create_status, creating.voice_call_id) == (CreateStatus.CREATING, "")
    assert creating.lease_until == pytest.approx(clock.now + 5.0, abs=0.002)
    ledger.release(lease, "503", unknown=True)
    assert ledger.entry(KEY) == Entry(
        CreateStatus.UNKNOWN, request=REQUEST, assignment=AssignedTo(CENTER.name)
    )
    ledger.settle(acquired(ledger), VOICE_CALL_ID)
    assert ledger.entry(KEY) == Entry(
        CreateStatus.CREATED, VOICE_CALL_ID, REQUEST, assignment=AssignedTo(CENTER.name)
    )


def test_what_was_sent_later_is_remembered(ledger: CreationLedger) -> None:
    ledger.settle(acquired(ledger), VOICE_CALL_ID)
    later = {**REQUEST, "callAttributes": "{}"}
    ledger.resent(KEY, later)
    assert ledger.acquire(PlannedCreate(KEY, CENTER, REQUEST), 5.0) == Created(
        KEY, VOICE_CALL_ID, later
    )


def test_an_end_is_remembered_beside_the_creation(ledger: CreationLedger) -> None:
    """Given a call that ended before a worker began, then the ledger keeps the end, and a running
    flow may still create the call: it knows more than the ledger."""
    ledger.ended(KEY)
    assert ledger.entry(KEY) == Entry(call_ended=True)
    ledger.settle(acquired(ledger), VOICE_CALL_ID)
    assert ledger.entry(KEY) == Entry(
        CreateStatus.CREATED,
        VOICE_CALL_ID,
        REQUEST,
        call_ended=True,
        assignment=AssignedTo(CENTER.name),
    )


def test_a_lease_that_ran_out_counts_as_unknown(ledger: CreationLedger, clock: Clock) -> None:
    """Given a worker that never stored its outcome."""
    acquired(ledger, seconds=5.0)
    clock.sleep(5.1)
    assert standing(ledger) is None
    lease = acquired(ledger)
    assert lease.after_unknown
    assert lease.earlier_request == REQUEST


def test_a_worker_without_its_lease_cannot_end_another_ones(
    ledger: CreationLedger, clock: Clock
) -> None:
    late = acquired(ledger, seconds=5.0)
    clock.sleep(5.1)
    acquired(ledger, seconds=5.0)
    ledger.release(late, "OUTCOME_UNKNOWN", unknown=True)
    assert isinstance(standing(ledger), LeaseHeld)


def test_a_worker_without_its_lease_may_still_settle_its_voice_call(
    ledger: CreationLedger, clock: Clock
) -> None:
    """Given two workers with one answer each, then the first VoiceCall that is stored stands."""
    late = acquired(ledger, seconds=5.0)
    clock.sleep(5.1)
    second = acquired(ledger, seconds=5.0)
    assert ledger.settle(late, VOICE_CALL_ID) == VOICE_CALL_ID
    ledger.release(second, "500", unknown=True)
    assert ledger.settle(second, "0LQ000000000002AAA") == VOICE_CALL_ID
    assert standing(ledger) == Created(KEY, VOICE_CALL_ID, REQUEST)


@pytest.mark.parametrize("other", [ContactKey("another-instance", CONTACT_ID), ContactKey("", "c")])
def test_two_instances_do_not_meet(ledger: CreationLedger, other: ContactKey) -> None:
    ledger.settle(acquired(ledger), VOICE_CALL_ID)
    assert standing(ledger, other) is None
    assert not acquired(ledger, other).after_unknown


def test_the_item(ledger: CreationLedger, dynamodb: Any, clock: Clock) -> None:
    """Then the table holds what the template's TTL and the operators look for."""
    lease = acquired(ledger)
    ledger.settle(lease, VOICE_CALL_ID)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item["ledger_key"] == {"S": f"{INSTANCE_ID}/{CONTACT_ID}"}
    assert item["vendor_call_key"] == {"S": CONTACT_ID}
    assert item["create_status"] == {"S": "CREATED"}
    assert item["create_attempts"] == {"N": "1"}
    assert item["voice_call_id"] == {"S": VOICE_CALL_ID}
    assert int(item["expires_at"]["N"]) == int(clock.now) + TIME_TO_LIVE_SECONDS
    assert not {"lease_owner", "lease_until", "create_error"} & set(item)


def test_the_item_of_a_failure(ledger: CreationLedger, dynamodb: Any) -> None:
    ledger.release(acquired(ledger), "503", unknown=True)
    ledger.release(acquired(ledger), "400", unknown=False)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item["create_status"] == {"S": "FAILED"}
    assert item["create_error"] == {"S": "400"}
    assert item["create_attempts"] == {"N": "2"}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "+12065550100"}}, "UpdateItem")


FAULTS = [
    (refused("ProvisionedThroughputExceededException"), "ProvisionedThroughputExceededException"),
    (refused("AccessDeniedException"), "AccessDeniedException"),
    (ConnectTimeoutError(endpoint_url="https://x.example"), "ConnectTimeoutError"),
    (ReadTimeoutError(endpoint_url="https://x.example"), "ReadTimeoutError"),
    (NoCredentialsError(), "NoCredentialsError"),
]
CALLS: list[Callable[[CreationLedger], object]] = [
    lambda ledger: ledger.acquire(PlannedCreate(KEY, CENTER, REQUEST), 5.0),
    lambda ledger: ledger.settle(CreateLease(KEY, "lease", "me"), VOICE_CALL_ID),
    lambda ledger: ledger.release(CreateLease(KEY, "lease", "me"), "500", unknown=True),
    lambda ledger: ledger.entry(KEY),
    lambda ledger: ledger.resent(KEY, REQUEST),
    lambda ledger: ledger.ended(KEY),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("fault", "name"), FAULTS)
def test_each_fault_of_dynamodb_is_named_and_no_more(
    call: Callable[[CreationLedger], object], fault: Exception, name: str
) -> None:
    def fail() -> None:
        raise fault

    client = Through(None, before=fail)
    with pytest.raises(LedgerUnavailable) as caught:
        call(CreationLedger(Table(lambda: client, TABLE)))
    assert str(caught.value) == name
    assert caught.value.__suppress_context__
    assert len(client.calls) == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_client_that_cannot_be_made(call: Callable[[CreationLedger], object]) -> None:
    def make() -> Any:
        raise NoRegionError

    with pytest.raises(LedgerUnavailable, match="NoRegionError"):
        call(CreationLedger(Table(make, TABLE)))


class Failing:
    """Raises an error for the first `times` calls."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times = error, times

    def __call__(self) -> None:
        self.times -= 1
        if self.times >= 0:
            raise self.error


CLOSED = ConnectionClosedError(endpoint_url="https://x.example")


def test_a_kept_connection_that_is_dead_is_replaced_once(dynamodb: Any, clock: Clock) -> None:
    client = Through(dynamodb, before=Failing(CLOSED, 1))
    acquired(CreationLedger(Table(lambda: client, TABLE), clock))
    assert client.calls == ["update_item", "update_item"]


def test_a_connection_that_closes_twice_is_a_fault(dynamodb: Any, clock: Clock) -> None:
    client = Through(dynamodb, before=Failing(CLOSED, 2))
    with pytest.raises(LedgerUnavailable, match="ConnectionClosedError"):
        CreationLedger(Table(lambda: client, TABLE), clock).acquire(
            PlannedCreate(KEY, CENTER, REQUEST), 5.0
        )


def test_a_worker_is_not_kept_out_by_its_own_lease(dynamodb: Any, clock: Clock) -> None:
    """Given DynamoDB wrote the lease and the connection closed before its answer, when the write is
    sent again, then the worker holds the lease that it finds."""
    client = Through(dynamodb, after=Failing(CLOSED, 1))
    lease = CreationLedger(Table(lambda: client, TABLE), clock).acquire(
        PlannedCreate(KEY, CENTER, REQUEST), 5.0
    )
    assert isinstance(lease, CreateLease)


def test_settling_a_voice_call_twice_is_harmless(dynamodb: Any, clock: Clock) -> None:
    lease = acquired(CreationLedger(Table(lambda: dynamodb, TABLE), clock))
    client = Through(dynamodb, after=Failing(CLOSED, 1))
    ledger = CreationLedger(Table(lambda: client, TABLE), clock)
    assert ledger.settle(lease, VOICE_CALL_ID) == VOICE_CALL_ID
    assert standing(ledger) == Created(KEY, VOICE_CALL_ID, REQUEST)


@pytest.mark.parametrize("kept", ["[]", "null", '"text"'])
def test_an_earlier_request_of_another_shape_counts_as_none(
    ledger: CreationLedger, dynamodb: Any, kept: str
) -> None:
    dynamodb.put_item(
        TableName=TABLE,
        Item={
            "ledger_key": {"S": str(KEY)},
            "create_status": {"S": "FAILED"},
            "create_request": {"S": kept},
        },
    )
    assert acquired(ledger).earlier_request == {}
