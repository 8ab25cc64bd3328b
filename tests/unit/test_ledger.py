"""The ledger: one suite over the real one (botocore, moto) and the double the bridge's tests use,
then what only DynamoDB can show."""

from collections.abc import Callable, Iterator
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

from tests.unit.aws import TABLE, Through, ledger_table
from tests.unit.doubles import Clock, MemoryLedger
from tests.unit.samples import CENTER, CONTACT_ID, INSTANCE_ID, VOICE_CALL_ID
from voicecall_bridge.ledger.creations import (
    TIME_TO_LIVE_SECONDS,
    Busy,
    ContactKey,
    Created,
    CreateStatus,
    Entry,
    Lease,
    Ledger,
    Step,
    StepLease,
)
from voicecall_bridge.ledger.table import LedgerUnavailable

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)
REQUEST = {"vendorCallKey": CONTACT_ID, "startTime": "2026-03-01T12:00:00Z"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with ledger_table() as made:
        yield made


@pytest.fixture
def real(clock: Clock, dynamodb: Any) -> Ledger:
    return Ledger(lambda: dynamodb, TABLE, clock)


@pytest.fixture(params=["real", "double"])
def ledger(request: pytest.FixtureRequest, clock: Clock) -> Ledger:
    if request.param == "double":
        return MemoryLedger(clock)
    made: Ledger = request.getfixturevalue("real")
    return made


def begin(ledger: Ledger, key: ContactKey = KEY, seconds: float = 5.0) -> Lease:
    lease = ledger.begin(key, REQUEST, seconds, CENTER)
    assert isinstance(lease, Lease)
    return lease


def test_the_first_worker_may_send(ledger: Ledger) -> None:
    assert ledger.standing(KEY) is None
    lease = begin(ledger)
    assert lease.key == KEY
    assert not lease.after_unknown
    assert lease.earlier_request == {}


def test_the_second_worker_may_not(ledger: Ledger, clock: Clock) -> None:
    begin(ledger, seconds=5.0)
    busy = ledger.begin(KEY, REQUEST, 5.0, CENTER)
    assert isinstance(busy, Busy)
    assert busy.lease_until == pytest.approx(clock.now + 5.0, abs=0.002)
    assert ledger.standing(KEY) == busy


def test_what_was_created_stands(ledger: Ledger) -> None:
    lease = begin(ledger)
    assert ledger.created(lease, VOICE_CALL_ID) == VOICE_CALL_ID
    assert ledger.begin(KEY, REQUEST, 5.0, CENTER) == Created(VOICE_CALL_ID, REQUEST)
    assert ledger.standing(KEY) == Created(VOICE_CALL_ID, REQUEST)


def test_created_is_final(ledger: Ledger, clock: Clock) -> None:
    """Given a VoiceCall, then neither its own worker nor time takes it away."""
    lease = begin(ledger)
    ledger.created(lease, VOICE_CALL_ID)
    ledger.not_created(lease, "400", unknown=False)
    clock.sleep(3600.0)
    assert ledger.begin(KEY, REQUEST, 5.0, CENTER) == Created(VOICE_CALL_ID, REQUEST)


def test_the_first_id_stands(ledger: Ledger) -> None:
    lease = begin(ledger)
    assert ledger.created(lease, VOICE_CALL_ID) == VOICE_CALL_ID
    assert ledger.created(lease, "0LQ000000000002AAA") == VOICE_CALL_ID
    assert ledger.created(lease, VOICE_CALL_ID) == VOICE_CALL_ID
    assert ledger.standing(KEY) == Created(VOICE_CALL_ID, REQUEST)


@pytest.mark.parametrize("unknown", [True, False])
def test_after_a_failure_the_next_worker_may_send(ledger: Ledger, unknown: bool) -> None:
    ledger.not_created(begin(ledger), "503", unknown=unknown)
    assert ledger.standing(KEY) is None
    lease = begin(ledger)
    assert lease.after_unknown is unknown
    assert lease.earlier_request == REQUEST


def test_the_last_request_is_kept_with_the_first_start(ledger: Ledger) -> None:
    """Given three attempts, each with a start of its own, then the third knows what the second
    was to send, and when the first one began."""
    for number in (1, 2):
        request = {"to": f"number {number}", "startTime": f"2026-03-01T12:00:0{number}Z"}
        lease = ledger.begin(KEY, request, 5.0, CENTER)
        assert isinstance(lease, Lease)
        ledger.not_created(lease, "503", unknown=False)
    known = {"to": "number 2", "startTime": "2026-03-01T12:00:01Z"}
    assert ledger.entry(KEY).request == known
    assert begin(ledger).earlier_request == known


def test_nothing_is_known_of_a_contact_nobody_began(ledger: Ledger) -> None:
    assert ledger.entry(KEY) == Entry()


def test_an_entry_tells_how_far_it_has_come(ledger: Ledger, clock: Clock) -> None:
    lease = begin(ledger, seconds=5.0)
    creating = ledger.entry(KEY)
    assert (creating.create_status, creating.voice_call_id) == (CreateStatus.CREATING, "")
    assert creating.lease_until == pytest.approx(clock.now + 5.0, abs=0.002)
    ledger.not_created(lease, "503", unknown=True)
    assert ledger.entry(KEY) == Entry(CreateStatus.UNKNOWN, request=REQUEST, center=CENTER.name)
    ledger.created(begin(ledger), VOICE_CALL_ID)
    assert ledger.entry(KEY) == Entry(
        CreateStatus.CREATED, VOICE_CALL_ID, REQUEST, center=CENTER.name
    )


def test_what_was_sent_later_is_remembered(ledger: Ledger) -> None:
    ledger.created(begin(ledger), VOICE_CALL_ID)
    later = {**REQUEST, "callAttributes": "{}"}
    ledger.resent(KEY, later)
    assert ledger.begin(KEY, REQUEST, 5.0, CENTER) == Created(VOICE_CALL_ID, later)


def test_an_end_is_remembered_beside_the_creation(ledger: Ledger) -> None:
    """Given a call that ended before anybody began, then it can be told, and begun all the same:
    a flow that is running knows better."""
    ledger.ended(KEY)
    assert ledger.entry(KEY) == Entry(call_ended=True)
    ledger.created(begin(ledger), VOICE_CALL_ID)
    assert ledger.entry(KEY) == Entry(
        CreateStatus.CREATED, VOICE_CALL_ID, REQUEST, call_ended=True, center=CENTER.name
    )


def test_a_step_is_done_once(ledger: Ledger, clock: Clock) -> None:
    assert ledger.begin_step(KEY, Step.REROUTE, 5.0) == StepLease()
    ledger.finish_step(KEY, Step.REROUTE, done=True)
    clock.sleep(14 * 24 * 3600.0)
    assert ledger.begin_step(KEY, Step.REROUTE, 5.0) is None
    assert ledger.begin_step(KEY, Step.CLEAR_ROUTING, 5.0) == StepLease(), "each step for itself"


def test_a_step_another_worker_is_at_is_not_done(ledger: Ledger, clock: Clock) -> None:
    """Given a worker that never tells how it ended, then its lease runs out."""
    ledger.begin_step(KEY, Step.REROUTE, 5.0)
    busy = ledger.begin_step(KEY, Step.REROUTE, 5.0)
    assert isinstance(busy, Busy)
    assert busy.lease_until == pytest.approx(clock.now + 5.0, abs=0.002)
    clock.sleep(5.1)
    assert ledger.begin_step(KEY, Step.REROUTE, 5.0) == StepLease()


def test_a_step_that_failed_is_free_at_once(ledger: Ledger) -> None:
    ledger.begin_step(KEY, Step.REROUTE, 5.0)
    ledger.finish_step(KEY, Step.REROUTE, done=False)
    assert ledger.begin_step(KEY, Step.REROUTE, 5.0) == StepLease()


def test_a_lease_that_ran_out_counts_as_unknown(ledger: Ledger, clock: Clock) -> None:
    """Given a worker that never told how it ended."""
    begin(ledger, seconds=5.0)
    clock.sleep(5.1)
    assert ledger.standing(KEY) is None
    lease = begin(ledger)
    assert lease.after_unknown
    assert lease.earlier_request == REQUEST


def test_a_worker_whose_lease_ran_out_cannot_end_another_ones(ledger: Ledger, clock: Clock) -> None:
    late = begin(ledger, seconds=5.0)
    clock.sleep(5.1)
    begin(ledger, seconds=5.0)
    ledger.not_created(late, "OUTCOME_UNKNOWN", unknown=True)
    assert isinstance(ledger.standing(KEY), Busy)


def test_a_worker_whose_lease_ran_out_may_still_tell_of_its_voice_call(
    ledger: Ledger, clock: Clock
) -> None:
    """Given two workers and one answer each, then the first VoiceCall that is told of stands."""
    late = begin(ledger, seconds=5.0)
    clock.sleep(5.1)
    second = begin(ledger, seconds=5.0)
    assert ledger.created(late, VOICE_CALL_ID) == VOICE_CALL_ID
    ledger.not_created(second, "500", unknown=True)
    assert ledger.created(second, "0LQ000000000002AAA") == VOICE_CALL_ID
    assert ledger.standing(KEY) == Created(VOICE_CALL_ID, REQUEST)


@pytest.mark.parametrize("other", [ContactKey("another-instance", CONTACT_ID), ContactKey("", "c")])
def test_two_instances_do_not_meet(ledger: Ledger, other: ContactKey) -> None:
    ledger.created(begin(ledger), VOICE_CALL_ID)
    assert ledger.standing(other) is None
    assert not begin(ledger, other).after_unknown


def test_the_item(real: Ledger, dynamodb: Any, clock: Clock) -> None:
    """Then the table holds what the template's TTL and operators look for."""
    lease = begin(real)
    real.created(lease, VOICE_CALL_ID)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item["ledger_key"] == {"S": f"{INSTANCE_ID}/{CONTACT_ID}"}
    assert item["vendor_call_key"] == {"S": CONTACT_ID}
    assert item["create_status"] == {"S": "CREATED"}
    assert item["create_attempts"] == {"N": "1"}
    assert item["voice_call_id"] == {"S": VOICE_CALL_ID}
    assert int(item["expires_at"]["N"]) == int(clock.now) + TIME_TO_LIVE_SECONDS
    assert not {"lease_owner", "lease_until", "create_error"} & set(item)


def test_the_item_of_a_failure(real: Ledger, dynamodb: Any) -> None:
    real.not_created(begin(real), "503", unknown=True)
    real.not_created(begin(real), "400", unknown=False)
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
CALLS: list[Callable[[Ledger], object]] = [
    lambda ledger: ledger.begin(KEY, REQUEST, 5.0, CENTER),
    lambda ledger: ledger.created(Lease(KEY, "me", False, {}), VOICE_CALL_ID),
    lambda ledger: ledger.not_created(Lease(KEY, "me", False, {}), "500", unknown=True),
    lambda ledger: ledger.standing(KEY),
    lambda ledger: ledger.entry(KEY),
    lambda ledger: ledger.resent(KEY, REQUEST),
    lambda ledger: ledger.ended(KEY),
    lambda ledger: ledger.begin_step(KEY, Step.REROUTE, 5.0),
    lambda ledger: ledger.finish_step(KEY, Step.REROUTE, done=True),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("fault", "name"), FAULTS)
def test_each_fault_of_dynamodb_is_named_and_no_more(
    call: Callable[[Ledger], object], fault: Exception, name: str
) -> None:
    def fail() -> None:
        raise fault

    client = Through(None, before=fail)
    with pytest.raises(LedgerUnavailable) as caught:
        call(Ledger(lambda: client, TABLE))
    assert str(caught.value) == name
    assert caught.value.__suppress_context__
    assert len(client.calls) == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_client_that_cannot_be_made(call: Callable[[Ledger], object]) -> None:
    def make() -> Any:
        raise NoRegionError

    with pytest.raises(LedgerUnavailable, match="NoRegionError"):
        call(Ledger(make, TABLE))


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
    begin(Ledger(lambda: client, TABLE, clock))
    assert client.calls == ["update_item", "update_item"]


def test_a_connection_that_closes_twice_is_a_fault(dynamodb: Any, clock: Clock) -> None:
    client = Through(dynamodb, before=Failing(CLOSED, 2))
    with pytest.raises(LedgerUnavailable, match="ConnectionClosedError"):
        Ledger(lambda: client, TABLE, clock).begin(KEY, REQUEST, 5.0, CENTER)


def test_a_worker_is_not_kept_out_by_its_own_lease(dynamodb: Any, clock: Clock) -> None:
    """Given DynamoDB wrote the lease and the connection closed before its answer, when the write
    is sent again, then the worker holds the lease that it finds."""
    client = Through(dynamodb, after=Failing(CLOSED, 1))
    lease = Ledger(lambda: client, TABLE, clock).begin(KEY, REQUEST, 5.0, CENTER)
    assert isinstance(lease, Lease)


def test_telling_twice_of_a_voice_call_is_harmless(dynamodb: Any, clock: Clock) -> None:
    lease = begin(Ledger(lambda: dynamodb, TABLE, clock))
    client = Through(dynamodb, after=Failing(CLOSED, 1))
    ledger = Ledger(lambda: client, TABLE, clock)
    assert ledger.created(lease, VOICE_CALL_ID) == VOICE_CALL_ID
    assert ledger.standing(KEY) == Created(VOICE_CALL_ID, REQUEST)


def test_a_step_whose_answer_was_lost_is_not_taken_for_done(dynamodb: Any, clock: Clock) -> None:
    client = Through(dynamodb, after=Failing(CLOSED, 1))
    assert isinstance(
        Ledger(lambda: client, TABLE, clock).begin_step(KEY, Step.CLEAR_ROUTING, 5.0), Busy
    )


def test_the_client_is_made_once_and_late(dynamodb: Any, clock: Clock) -> None:
    made: list[Any] = []
    ledger = Ledger(lambda: made.append(dynamodb) or dynamodb, TABLE, clock)  # type: ignore[func-returns-value]
    assert made == []
    begin(ledger)
    ledger.standing(KEY)
    assert len(made) == 1


@pytest.mark.parametrize("kept", ["[]", "null", '"text"'])
def test_an_earlier_request_of_another_shape_counts_as_none(
    real: Ledger, dynamodb: Any, kept: str
) -> None:
    dynamodb.put_item(
        TableName=TABLE,
        Item={
            "ledger_key": {"S": str(KEY)},
            "create_status": {"S": "FAILED"},
            "create_request": {"S": kept},
        },
    )
    assert begin(real).earlier_request == {}
