"""Records with a transient fault leave the stream and are tried again from a queue."""

from collections import Counter
from types import SimpleNamespace

import pytest

from tests.unit.aws import ledger_table
from tests.unit.doubles import Clock
from tests.unit.memory_retry_queue import VISIBILITY_SECONDS, MemoryRetryQueue
from tests.unit.record_function import Function
from tests.unit.records import batch, version
from tests.unit.retry_world import ALL, World
from voicecall_bridge.streams import processor, retries
from voicecall_bridge.streams.results import Subject, TransientFailure
from voicecall_bridge.streams.retries import (
    LONGEST_PAUSE,
    MOST_SECONDS,
    OUTAGE,
    OVERDUE_SECONDS,
    PAUSES,
    PROBES,
    UNTRIED_PAUSES,
    Health,
    ParkedRecord,
    pause_after,
)
from voicecall_bridge.telephony.errors import Effect, OutcomeUnknown, TelephonyError, Unavailable

MINUTE, HOUR = 60.0, 3600.0
FAULTS: list[TelephonyError] = [
    Unavailable("x", status=500, effect=Effect.UNKNOWN),
    OutcomeUnknown("x", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN),
    Unavailable("x", status=503),
]


@pytest.mark.parametrize("environments", [1, 3])
@pytest.mark.parametrize("error", FAULTS, ids=["500", "cut", "503"])
def test_one_record_never_holds_up_the_others(environments: int, error: TelephonyError) -> None:
    """Given one record among 400 of its shard that always fails, however Lambda assigns
    environments, then no other record waits longer than a minute, and none becomes a dead
    letter."""
    world = World(environments, error)
    world.failing = {"bad"}
    contacts = [f"c{number}" for number in range(400)]
    contacts[3] = "bad"
    came: dict[str, float] = {}
    for first in range(0, 400, 100):
        came |= dict.fromkeys(contacts[first : first + 100], world.clock.now)
        assert world.stream(*contacts[first : first + 100]) == []
        world.run(10.0)
    world.run(2 * MINUTE)
    assert world.delivered.keys() == set(contacts) - {"bad"}
    assert max(world.delivered[it] - came[it] for it in world.delivered) <= MINUTE
    assert world.letters() == []


def test_what_fails_for_a_day_is_a_dead_letter_with_its_reason() -> None:
    world = World()
    world.failing = {"bad"}
    world.stream("bad")
    world.run(MOST_SECONDS - LONGEST_PAUSE, step=60.0)
    assert world.letters() == []
    world.run(2 * LONGEST_PAUSE, step=60.0)
    ((source, reason, payload),) = world.letters()
    assert (source, reason) == ("contact_records", "500")
    assert payload == batch([version(1, ContactId="bad")])["Records"][0]
    assert world.ends() == Counter({"dead_lettered": 1})
    assert world.retries.messages == {}


def test_what_was_not_tried_is_never_given_up() -> None:
    world = World()
    (environment,) = world.environments
    world.stream("bad")
    record = ParkedRecord("1", "s:1", {}, None, "m1", "m1", 9, world.clock.now - 2 * MOST_SECONDS)
    aside = environment.processor._postponing
    assert not aside.put(record, Subject("bad"), TransientFailure(OUTAGE))
    assert world.letters() == []
    assert aside.put(record, Subject("bad"), TransientFailure("500"))
    assert [reason for _, reason, _ in world.letters()] == ["500"]


@pytest.mark.parametrize(("together", "hours"), [(1, 1.0), (1, 20.0), (40, 1.0), (10, 20.0)])
def test_an_outage_makes_no_dead_letters_and_costs_few_requests(
    together: int, hours: float
) -> None:
    """Given an outage while records come in, one by one or many at once, then all are delivered
    after it. While it lasts, a record is tried at most six times in the first hour and once an hour
    after that."""
    world = World()
    world.failing = {ALL}
    contacts = [f"c{number}" for number in range(2 * together)]
    for first in range(0, len(contacts), together):
        assert world.stream(*contacts[first : first + together]) == []
        world.run(MINUTE)
    world.run(hours * HOUR, step=30.0)
    assert world.letters() == []
    assert max(world.requests.values()) <= 5 + hours
    world.failing = set()
    world.run(LONGEST_PAUSE + MINUTE, step=30.0)
    assert world.delivered.keys() == set(contacts)
    assert world.retries.messages == {}
    assert world.ends() == Counter({"delivered": len(contacts)})


def test_what_without_salesforce_ends_also_in_an_outage() -> None:
    """Given an outage that is known after the first records of a batch, then records that are
    skipped or superseded still end. Only those that must be sent wait."""
    world = World()
    world.failing = {ALL}
    event = world.batch(*[(f"c{number}", 1) for number in range(PROBES)], ("d", 1), ("d", 2))
    assert world.deliver(event) == []
    assert world.ends() == Counter({"superseded": 1})
    assert world.retries.parked == PROBES + 1


def test_records_that_fail_for_themselves_do_not_pass_for_an_outage_for_long() -> None:
    """Given enough failing records to assume an outage, then the records that wait untried with
    them are tried within five minutes, whatever comes behind."""
    world = World()
    bad = {f"bad{number}" for number in range(PROBES + 2)}
    world.failing = {ALL}
    began = world.clock.now
    world.stream(*sorted(bad), "good")
    world.failing = bad
    world.run(sum(UNTRIED_PAUSES) + MINUTE)
    assert world.delivered["good"] - began <= 5 * MINUTE


def test_a_chain_is_parked_with_its_first_record_that_fails() -> None:
    """Then each record waits on its own: the first one does not hold up the rest of its chain."""
    world = World()
    world.failing = {"first"}
    records = [version(1, ContactId=it, InitialContactId="first") for it in ("first", "second")]
    assert world.environments[0](*records) == []
    assert world.requests == Counter({"first": 1})
    assert world.retries.parked == 2
    world.run(10.0)
    assert "second" in world.delivered


def test_a_newer_version_overtakes_a_parked_one() -> None:
    world = World()
    world.failing = {"c"}
    world.stream("c")
    world.failing = set()
    assert world.deliver(world.batch(("c", 2))) == []
    world.run(10.0)
    assert world.salesforce.versions("c") == [2]
    assert world.ends() == Counter({"delivered": 1, "superseded": 1})


def test_killed_between_the_queue_and_the_answer() -> None:
    """Given a worker that parked a record and died, then the stream delivers the record again and
    the queue may hold it twice. It is one input and ends once."""
    world = World()
    world.failing = {"c"}
    event = world.batch(("c", 1))
    world.deliver(event)
    world.kill()
    assert world.deliver(event) == []
    assert world.retries.parked == 2
    world.failing = set()
    world.run(MINUTE)
    assert world.salesforce.versions("c") == [1]
    assert world.ends().total() == 1
    assert world.letters() == []


def test_a_message_that_comes_twice_changes_nothing() -> None:
    world = World()
    world.failing = {"c"}
    world.stream("c")
    world.failing = set()
    world.clock.sleep(10.0)
    world.poll(killed=True)
    world.run(2 * VISIBILITY_SECONDS)
    assert world.salesforce.versions("c") == [1]
    assert [line["reason"] for line in world.lines()] == ["", "ALREADY_DELIVERED"]


def test_a_queue_that_takes_nothing_leaves_the_record_in_its_stream() -> None:
    """Then later records of its chain stay behind it, and nothing is lost."""
    world = World()
    world.retries.fault = "ThrottlingException"
    world.failing = {"a"}
    records = [version(1, ContactId=it, InitialContactId="a") for it in ("a", "b")]
    assert world.environments[0](*records) == ["1", "2"]
    logged = [line["message"] for line in world.environments[0].logged.lines()]
    assert logged == ["retry later", "record not parked"]


def test_a_record_that_the_stream_delivers_again_is_parked_once() -> None:
    world = World()
    world.failing = {"a"}
    for _ in range(3):
        assert world.environments[0](version(1, ContactId="a")) == []
    assert world.retries.parked == 1


def test_what_cannot_be_postponed_comes_with_its_visibility_time_out() -> None:
    world = World()
    world.failing = {"a"}
    world.stream("a")
    world.retries.fault = "ThrottlingException"
    world.run(10.0)
    world.failing = set()
    world.run(VISIBILITY_SECONDS + 10.0)
    assert "a" in world.delivered


def test_a_record_that_fails_for_long_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    world.failing = {"a"}
    world.stream("a")
    world.run(OVERDUE_SECONDS - 5.0)
    assert '"RetryOverdue"' not in capsys.readouterr().out
    world.run(4 * OVERDUE_SECONDS)
    assert '"RetryOverdue"' in capsys.readouterr().out


def test_another_worker_at_a_contact_says_nothing_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given enough leases of other workers to assume an outage, then the records of other contacts
    are still tried."""
    with ledger_table() as dynamodb:
        clock = Clock()
        # The time of the batch passes on the same clock; else the wait would be a busy loop.
        monkeypatch.setattr(processor, "Deadline", SimpleNamespace(after=clock.deadline))
        queue = MemoryRetryQueue(now=clock)
        function = Function(dynamodb, now=clock, sleep=clock.sleep, retries=queue)
        held = [f"held{number}" for number in range(PROBES)]
        for contact_id in held:
            instance = version(1)["InstanceARN"].rpartition("/")[2]
            dynamodb.put_item(
                TableName="ledger",
                Item={
                    "ledger_key": {"S": f"{instance}/{contact_id}"},
                    "contact_center": {"S": "SalesforceServiceVoice/example"},
                    "record_claim": {"N": "1"},
                    "record_until": {"N": str(int((clock.now + 1e6) * 1000))},
                    "record_owner": {"S": "another"},
                },
            )
        assert function(*(version(1, ContactId=it) for it in [*held, "free"])) == []
        assert queue.parked == PROBES
        assert function.ended() == [("delivered", "")]


def test_the_least_tried_come_first_and_a_shards_order_is_kept() -> None:
    """Then old failures do not make new records wait: the first records of a batch are tried
    first."""
    clock = Clock()
    queue = MemoryRetryQueue(now=clock)
    for number in (10, 9, 2):
        queue.park("contact_records", "500", batch([version(1)], number)["Records"][0])
    clock.sleep(10.0)
    (first,) = queue.due(1)["Records"]
    queue.postpone(first["receiptHandle"], 0)
    found = retries.read(queue.due(), queue)
    assert [(it.sequence_number, it.tries) for it in found] == [("2", 1), ("9", 1), ("10", 2)]


@pytest.mark.parametrize("body", ["no letter", "{}", '{"source": "x", "payloadAt": ""}'])
def test_a_message_that_is_no_record_is_a_dead_letter_as_it_came(body: str) -> None:
    world = World()
    world.retries.park("contact_records", "500", {})
    world.retries.messages["m1"]["body"] = body
    world.run(10.0)
    ((_, reason, payload),) = world.letters()
    assert reason == "NOT_A_CONTACT"
    assert isinstance(payload, dict)
    assert payload["body"] == body
    assert [line["inputId"] for line in world.lines()] == ["m1"]
    assert world.retries.messages == {}


def test_pauses_grow() -> None:
    pauses = [pause_after(number) for number in range(1, len(PAUSES) + 3)]
    assert pauses == [*PAUSES, LONGEST_PAUSE, LONGEST_PAUSE]
    assert pauses == sorted(pauses)
    assert [pause_after(number, untried=True) for number in (1, 2, 3, 9)] == [120, 120, 900, 900]
    assert LONGEST_PAUSE < 12 * 3600, "the longest that SQS hides a message"


def test_when_an_outage_is_assumed() -> None:
    health = Health()
    for _ in range(PROBES):
        assert health.fault is None
        health.failed()
    assert str(health.fault) == OUTAGE
    health.delivered()
    assert health.fault is None
