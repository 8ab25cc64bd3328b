"""A record that fails while others get through, and one that fails with all others."""

import pytest

from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.record_function import Function
from tests.unit.records import version
from voicecall_bridge.streams import poison_records
from voicecall_bridge.streams.poison_records import MOST_FAILURES, PoisonRecords
from voicecall_bridge.telephony.errors import (
    Effect,
    OutcomeUnknown,
    TelephonyError,
    Unavailable,
)
from voicecall_bridge.voice_call.update import UpdateRequest

OTHERS_FIRST = 100


@pytest.fixture
def function() -> Function:
    return Function(MemoryDynamoDB())


def failing(function: Function, error: TelephonyError, contact_id: str = "") -> None:
    """Salesforce fails over this contact, or over all."""

    def fail(request: UpdateRequest) -> None:
        if contact_id in ("", request.vendor_call_key):
            raise error

    function.salesforce.before = fail


def deliveries(function: Function, *, others: bool = True, most: int = 2 * MOST_FAILURES) -> int:
    """How often Lambda gives the function the poison record before it has ended, while records of
    other contacts come through other shards; 0: it never does."""
    for number in range(1, most + 1):
        if others:
            function(version(1, ContactId=f"c{number}"), first=OTHERS_FIRST + number)
        if not function(version(1, ContactId="poison"), first=1):
            return number
    return 0


POISON = [
    Unavailable("x", status=500, effect=Effect.UNKNOWN),
    OutcomeUnknown("x", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN),
]


@pytest.mark.parametrize("error", POISON, ids=["500", "cut"])
def test_a_record_that_fails_alone_is_a_dead_letter(
    function: Function, error: TelephonyError
) -> None:
    """Then its shard goes on, and the letter says how it failed."""
    failing(function, error, "poison")
    assert deliveries(function) == MOST_FAILURES
    ((source, reason, _),) = function.letters.kept
    assert (source, reason) == ("contact_records", error.code)
    assert function.ended().count(("dead_lettered", error.code)) == 1


@pytest.mark.parametrize("error", POISON, ids=["500", "cut"])
def test_a_record_that_fails_with_all_others_comes_again(
    function: Function, error: TelephonyError
) -> None:
    """Given an outage, then nothing is given up, and after it all get through."""
    failing(function, error)
    assert deliveries(function) == 0
    assert function.letters.kept == []
    failing(function, error, "nobody")
    assert deliveries(function) == 1


def test_where_nothing_else_comes_in_it_cannot_be_told(function: Function) -> None:
    failing(function, POISON[0], "poison")
    assert deliveries(function, others=False) == 0


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("x", status=503),
        Unavailable("x", code="UNREACHABLE"),
        Unavailable("x", code="SECRET_UNAVAILABLE"),
    ],
    ids=["503", "unreachable", "secret"],
)
def test_what_salesforce_did_not_take_up_is_no_fault_of_the_record(
    function: Function, error: TelephonyError
) -> None:
    failing(function, error, "poison")
    assert deliveries(function) == 0
    assert function.letters.kept == []


def test_other_kinds_say_nothing(function: Function) -> None:
    """Given creates that all fail while abandoned calls are cleared, then it is an outage."""
    known = PoisonRecords()
    for _ in range(3 * MOST_FAILURES):
        known.delivered("DISCONNECTED")
        assert not known.failed("r", "QUEUED")


def test_what_is_kept_in_mind_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poison_records, "_KNOWN_RECORDS", 3)
    known = PoisonRecords()
    for number in range(10):
        known.failed(str(number), "KIND")
    assert list(known._failures) == ["7", "8", "9"]
