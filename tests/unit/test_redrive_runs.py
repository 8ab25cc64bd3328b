"""One run of the redrive: each dead letter once, discarding, faults, and many that stay."""

import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from moto import mock_aws

from tests.unit import aws
from tests.unit.redrive_scene import OTHER, Scene, record
from tests.unit.samples import flow_event, stream_record
from voicecall_bridge.aws.dead_letters import DeadLetterLost, DeadLetterQueue


@pytest.fixture
def scene() -> Iterator[Scene]:
    with mock_aws():
        yield Scene(aws.client("sqs"), aws.client("s3"))


def test_a_dead_letter_is_handled_once_a_run(scene: Scene) -> None:
    """Given a record that fails again at once, so that its new dead letter arrives during the run,
    then this run leaves the new one alone, and the next run puts it back."""
    scene.keep("400", record(1))
    put = scene.kinesis.put_record

    def fail_again(**parameters: Any) -> None:
        put(**parameters)
        scene.keep("400", stream_record(json.loads(parameters["Data"]), 1, key="key-1"))

    scene.kinesis.put_record = fail_again  # type: ignore[method-assign]
    tally = scene.run(dryRun=False)
    assert (tally.redriven, tally.failed_again) == (1, 1)
    scene.redrive.new_run = lambda: "another"
    assert scene.run(dryRun=False).redriven == 1


def test_discarding_is_counted_first(scene: Scene) -> None:
    """Given dead letters with two reasons, then a dry run counts both, and discarding one leaves
    the other."""
    scene.keep("400", record(1), record(2), flow_event())
    scene.keep("413", record(3))
    assert scene.run(discard=True, reason="400").discarded == 3
    assert scene.waiting() == 4
    tally = scene.run(discard=True, reason="400", dryRun=False)
    assert (tally.discarded, tally.redriven) == (3, 0)
    assert scene.waiting() == 1
    assert scene.kinesis.records == []


def test_discarding_one_contact_of_a_batch(scene: Scene) -> None:
    scene.put_batch(record(1), record(2, OTHER))
    tally = scene.run(bucket=True, discard=True, contactId=OTHER, dryRun=False)
    assert tally.discarded == 1
    assert scene.run(bucket=True).found == 1


def test_a_fault_of_the_queue_keeps_the_tally(scene: Scene) -> None:
    """Given a queue that fails in the middle, then the tally holds what was done so far, and the
    fault."""
    scene.keep("400", record(1), record(2))
    removed = scene.letters.remove
    calls = []

    def failing(letter: Any) -> None:
        calls.append(letter)
        if len(calls) == 2:
            raise DeadLetterLost("ReadTimeoutError")
        removed(letter)

    with mock.patch.object(DeadLetterQueue, "remove", lambda _, letter: failing(letter)):
        tally = scene.run(dryRun=False)
    assert (tally.redriven, tally.finished, tally.fault) == (2, False, "ReadTimeoutError")


def test_many_dead_letters_that_stay_cost_few_requests(scene: Scene) -> None:
    """Given dead letters with another reason, then the queue makes them visible again, ten a
    request."""
    scene.keep("413", *[record(number) for number in range(45)])
    shown: list[int] = []
    show = scene.sqs.change_message_visibility_batch

    def counted(**given: Any) -> Any:
        shown.append(len(given["Entries"]))
        return show(**given)

    with mock.patch.object(scene.sqs, "change_message_visibility_batch", counted):
        assert scene.run(reason="400").found == 0
    assert sorted(shown, reverse=True) == [10, 10, 10, 10, 5]
    assert scene.waiting() == 45
