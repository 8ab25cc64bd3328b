"""What the poller does when a batch fails: checkpoints, retries, bisecting.

Rules: AWS Lambda Developer Guide, "Configuring partial batch
response with Kinesis Data Streams and Lambda".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.functions.lambda_process import Invocation
from simulator.pollers.kinesis_poller import Outcome
from tests.simulator.stream_simulator import (
    Aws,
    Clock,
    Function,
    aws_on_moto,
    data_of,
    fail_on,
    failures,
    feed,
    given_up,
    raise_on,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ONCE: dict[str, Any] = {"max_retries": 0}
REPORTING: dict[str, Any] = {"report_item_failures": True}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with aws_on_moto() as aws:
        yield aws


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        {},
        {"batchItemFailures": []},
        {"batchItemFailures": None},
        {"statusCode": 200},
    ],
)
def test_an_empty_answer_is_success(aws: Aws, clock: Clock, answer: Any) -> None:
    """Given ReportBatchItemFailures, when nothing is reported, then the batch is done."""
    results = feed(aws, Function(lambda _: answer), clock, "1", "2", **REPORTING, **ONCE).drain()

    assert [result.outcome for result in results] == [Outcome.SUCCEEDED]


@pytest.mark.parametrize(
    "answer",
    [
        failures(""),
        failures(None),
        failures(1),
        failures("unknown"),
        failures("1", "unknown"),
        {"batchItemFailures": [{}]},
        {"batchItemFailures": [{"itemIdentifer": "1"}]},
        {"batchItemFailures": ["1"]},
        {"batchItemFailures": "1"},
        {"batchItemFailures": {"itemIdentifier": "1"}},
        ["1"],
        "1",
        7,
    ],
)
def test_a_malformed_answer_fails_the_whole_batch(aws: Aws, clock: Clock, answer: Any) -> None:
    """Given an identifier that Lambda cannot use, when it is answered, then the batch has failed.

    moto numbers a shard's records from 1, so "1" is the first record's sequence number.
    """
    results = feed(aws, Function(lambda _: answer), clock, "1", "2", **REPORTING, **ONCE).drain()

    assert [(r.outcome, r.done) for r in results] == [
        (Outcome.FAILED, 0),
        (Outcome.DISCARDED, 2),
    ]


@pytest.mark.parametrize("answer", [failures("1"), "text", ["list"]])
def test_without_reporting_every_answer_is_success(aws: Aws, clock: Clock, answer: Any) -> None:
    """Given no FunctionResponseTypes, when failures are answered, then Lambda ignores them."""
    results = feed(aws, Function(lambda _: answer), clock, "1", "2").drain()

    assert [result.outcome for result in results] == [Outcome.SUCCEEDED]


def test_the_lowest_failure_is_the_checkpoint(aws: Aws, clock: Clock) -> None:
    """Given failures out of order, then the records from the lowest on are delivered again."""

    def handler(event: Mapping[str, Any]) -> Any:
        numbers = {data_of(r): r["kinesis"]["sequenceNumber"] for r in event["Records"]}
        return failures(numbers["d"], numbers["b"], numbers["c"]) if "a" in numbers else None

    function = Function(handler)
    results = feed(aws, function, clock, *"abcde", batch_size=4, **REPORTING).drain()

    assert function.batches == [list("abcd"), list("bcd"), ["e"]]
    assert [(r.outcome, r.done) for r in results] == [
        (Outcome.PARTIAL, 1),
        (Outcome.SUCCEEDED, 3),
        (Outcome.SUCCEEDED, 1),
    ]
    assert results[0].retry_in == 1
    assert results[0].reason == "failed from sequence number 2"


def test_sequence_numbers_are_compared_as_numbers(aws: Aws, clock: Clock) -> None:
    """Given failures 9 and 10, then the lowest is 9, though "10" is the lesser text."""
    function = Function(lambda e: failures("10", "9") if len(e["Records"]) == 12 else None)

    feed(aws, function, clock, *[str(n) for n in range(1, 13)], **REPORTING).drain()

    assert function.batches[1] == ["9", "10", "11", "12"]


def test_a_failing_batch_blocks_its_shard_until_it_expires(aws: Aws, clock: Clock) -> None:
    """Given the defaults and a poison record, then it blocks its shard until it expires at the end
    of the stream's retention.
    """
    function = Function(raise_on("poison"))
    poller = feed(aws, function, clock, "poison", "good", batch_size=1)

    results = poller.drain(within=3600)
    assert {tuple(batch) for batch in function.batches} == {("poison",)}
    assert len(function.batches) > 50
    assert poller.pending() == 2
    assert all(result.retry_in for result in results)
    assert sum(clock.slept) == pytest.approx(3600, abs=60)
    clock.now += 23 * 3600
    results = poller.drain()

    assert given_up(results) == [["poison"], ["good"]]
    assert results[-1].reason == "RecordAgeExceeded: older than 86400 s"


def test_pauses_between_retries_grow_up_to_a_minute(aws: Aws, clock: Clock) -> None:
    """Given a batch that keeps failing, then each retry waits twice as long, a minute at most."""
    function = Function(raise_on("poison"))

    results = feed(aws, function, clock, "poison", max_retries=8).drain()

    assert clock.slept == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60])
    assert [result.retry_in for result in results[:3]] == pytest.approx([1, 2, 4])
    assert results[0].reason == "HandlerError: cannot take ['poison']"


def test_a_batch_is_not_invoked_before_its_pause_is_over(aws: Aws, clock: Clock) -> None:
    """Given a batch that failed, when polled at once, then neither it nor the next is delivered."""
    function = Function(raise_on("poison"))
    poller = feed(aws, function, clock, "poison", "good", batch_size=1)

    poller.poll_once()
    assert poller.poll_once() == []
    clock.now += 1
    poller.poll_once()

    assert function.batches == [["poison"], ["poison"]]


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_bounded(aws: Aws, clock: Clock, retries: int) -> None:
    """Given MaximumRetryAttempts, then the batch is delivered again so often and then given up."""
    function = Function(raise_on("poison"))

    results = feed(
        aws, function, clock, "poison", "good", batch_size=1, max_retries=retries
    ).drain()

    assert function.batches == [["poison"]] * (retries + 1) + [["good"]]
    assert given_up(results) == [["poison"]]
    assert results[-2].reason.startswith("RetryAttemptsExhausted: HandlerError")
    assert (results[-2].invocations, results[-2].destination) == (retries + 1, "")


def test_a_time_out_fails_the_whole_batch(aws: Aws, clock: Clock) -> None:
    """Given a function that does not answer in time, then its batch is retried whole."""

    def invoke(event: dict[str, Any]) -> Invocation:
        error = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 3.00 s"}
        return Invocation(None, error, [], 3000.0, None, timed_out=True, request_id="r", cold=False)

    results = feed(aws, invoke, clock, "1", "2", max_retries=0).drain()

    assert [(r.outcome, r.done) for r in results] == [(Outcome.FAILED, 0), (Outcome.DISCARDED, 2)]
    assert results[0].reason.startswith("Sandbox.Timedout")


def test_bisecting_finds_the_poison_and_uses_up_no_retry(aws: Aws, clock: Clock) -> None:
    """Given one poison record of eight and one retry, then it alone is retried and given up."""
    function = Function(raise_on("6"))

    results = feed(aws, function, clock, *"12345678", bisect=True, max_retries=1).drain()

    assert function.batches == [
        list("12345678"),
        list("1234"),
        list("5678"),
        list("56"),
        ["5"],
        ["6"],
        ["6"],
        list("78"),
    ]
    assert given_up(results) == [["6"]]
    assert clock.slept == [pytest.approx(1)]


def test_bisecting_is_for_answers_that_fail_the_whole_batch_too(aws: Aws, clock: Clock) -> None:
    """Given a malformed answer and bisect, then the batch is split as after an error."""
    function = Function(lambda event: failures("") if len(event["Records"]) > 1 else None)

    results = feed(aws, function, clock, "1", "2", bisect=True, **REPORTING, **ONCE).drain()

    assert function.batches == [["1", "2"], ["1"], ["2"]]
    assert given_up(results) == []


def test_a_partial_answer_bisects_at_the_checkpoint(aws: Aws, clock: Clock) -> None:
    """Given bisect, reporting and no retry at all, then progress uses up no retry.

    Guide: the batch is bisected at the returned number, and the remaining records are retried.
    Where the failing record comes first, the remaining records are given up with it.
    """
    function = Function(fail_on("4"))

    results = feed(aws, function, clock, *"12345", bisect=True, **REPORTING, **ONCE).drain()

    assert function.batches == [list("12345"), list("45")]
    assert given_up(results) == [["4", "5"]]
    assert clock.slept == []


def test_progress_without_bisecting_uses_up_a_retry(aws: Aws, clock: Clock) -> None:
    """Given reporting alone and one retry, then the second failure is the last one."""
    function = Function(fail_on("2", "4"))

    results = feed(aws, function, clock, *"1234", max_retries=0, **REPORTING).drain()

    assert function.batches == [list("1234")]
    assert given_up(results) == [["2", "3", "4"]]
