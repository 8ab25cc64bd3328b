"""Dead letters reach the queue whole, or are logged as lost."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError, ReadTimeoutError
from moto import mock_aws

from tests.unit import aws
from tests.unit.samples import flow_event
from voicecall_bridge.aws.dead_letters import (
    LETTER_BYTES,
    OVERFLOW_PREFIX,
    DeadLetter,
    DeadLetterLost,
    DeadLetterQueue,
    DeadLetterSender,
)
from voicecall_bridge.aws.given_up_batches import GivenUpBatches


def test_a_dead_letter_holds_the_whole_input() -> None:
    event = flow_event(Attributes={"name": "für “alle” \ud83d"})
    with mock_aws():
        sqs = aws.client("sqs")
        url = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        DeadLetterSender(lambda: sqs, url).keep("contact_flow", "400", event)
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {
        "source": "contact_flow",
        "reason": "400",
        "payload": event,
    }


class Sqs:
    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.bodies: list[str] = []

    def send_message(self, **parameters: Any) -> None:
        if self.fault:
            raise self.fault
        self.bodies.append(parameters["MessageBody"])


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "HUSH"}}, "SendMessage"),
            "AccessDenied",
        ),
        (ReadTimeoutError(endpoint_url="https://HUSH.example"), "ReadTimeoutError"),
    ],
)
def test_a_dead_letter_that_is_lost(fault: Exception, name: str) -> None:
    with pytest.raises(DeadLetterLost) as caught:
        DeadLetterSender(lambda: Sqs(fault), "url").keep("contact_flow", "400", {})
    assert str(caught.value) == name
    assert caught.value.__suppress_context__


def test_a_client_that_cannot_be_made() -> None:
    def make() -> Any:
        raise NoRegionError

    with pytest.raises(DeadLetterLost, match="NoRegionError"):
        DeadLetterSender(make, "url").keep("contact_flow", "400", {})


def test_a_payload_json_does_not_know() -> None:
    """Given an input that was not made from JSON, then the dead letter keeps its text."""
    sqs = Sqs()
    DeadLetterSender(lambda: sqs, "url").keep("contact_flow", "400", {"x": {1, 2}})
    assert json.loads(sqs.bodies[0])["payload"] == {"x": "{1, 2}"}


def test_a_payload_nested_beyond_reason_is_logged_as_lost() -> None:
    payload: list[Any] = []
    for _ in range(200_000):
        payload = [payload]
    with pytest.raises(DeadLetterLost, match="RecursionError"):
        DeadLetterSender(Sqs, "url").keep("contact_flow", "400", payload)


class Bucket:
    """An S3 client that keeps objects, or fails."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.objects: dict[str, bytes] = {}

    def put_object(self, **parameters: Any) -> None:
        if self.fault:
            raise self.fault
        self.objects[parameters["Key"]] = parameters["Body"]


def large(letters: int) -> dict[str, str]:
    return {"x": "ü" * (letters // 6)}


@pytest.mark.parametrize(("size", "in_bucket"), [(LETTER_BYTES - 100, 0), (LETTER_BYTES, 1)])
def test_a_payload_too_large_for_the_queue_lies_in_the_bucket(size: int, in_bucket: int) -> None:
    """Source: SQS takes 256 KiB. As JSON, every ü takes six bytes."""
    sqs, s3 = Sqs(), Bucket()
    DeadLetterQueue(lambda: sqs, "url", lambda: s3, "bucket").keep("events", "400", large(size))
    (letter,) = map(json.loads, sqs.bodies)
    assert len(sqs.bodies[0].encode()) <= LETTER_BYTES
    assert len(s3.objects) == in_bucket
    if in_bucket:
        ((key, body),) = s3.objects.items()
        assert key.startswith(OVERFLOW_PREFIX)
        assert letter == {"source": "events", "reason": "400", "payloadAt": key}
        assert json.loads(body) == large(size)
    else:
        assert letter["payload"] == large(size)


def test_a_payload_the_bucket_does_not_take_is_logged_as_lost() -> None:
    """Then no dead letter names an object that does not exist."""
    sqs, s3 = Sqs(), Bucket(ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject"))
    letters = DeadLetterQueue(lambda: sqs, "url", lambda: s3, "bucket")
    with pytest.raises(DeadLetterLost, match="AccessDenied"):
        letters.keep("events", "400", large(LETTER_BYTES))
    assert sqs.bodies == []


def test_without_a_bucket_the_queue_decides() -> None:
    """Given a flow's queue, then it needs no bucket: a flow's events are far smaller than a
    message."""
    sqs = Sqs()
    DeadLetterSender(lambda: sqs, "url").keep("contact_flow", "400", large(LETTER_BYTES))
    assert len(sqs.bodies) == 1


class Failing:
    """A client that fails every call."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def __getattr__(self, operation: str) -> Any:
        def call(*_arguments: Any, **_parameters: Any) -> None:
            raise self.fault

        return call


LETTER = DeadLetter("events", "400", {}, "receipt", "dead-letters/x")


@pytest.mark.parametrize(
    "call",
    [
        lambda letters: list(letters.letters()),
        lambda letters: letters.remove(LETTER),
        lambda letters: letters.show_again([LETTER.receipt]),
        lambda letters: letters.set_aside(LETTER),
    ],
)
def test_a_queue_or_bucket_that_does_not_answer(call: Callable[[DeadLetterQueue], None]) -> None:
    client = Failing(ReadTimeoutError(endpoint_url="https://HUSH.example"))
    with pytest.raises(DeadLetterLost) as caught:
        call(DeadLetterQueue(lambda: client, "url", lambda: client, "bucket"))
    assert str(caught.value) == "ReadTimeoutError"


@pytest.mark.parametrize(
    "call",
    [
        lambda batches: list(batches.all()),
        lambda batches: batches.remove("key"),
        lambda batches: batches.shrink("key", []),
    ],
)
def test_a_bucket_of_batches_that_does_not_answer(call: Callable[[GivenUpBatches], None]) -> None:
    client = Failing(ReadTimeoutError(endpoint_url="https://HUSH.example"))
    with pytest.raises(DeadLetterLost, match=r"^ReadTimeoutError$"):
        call(GivenUpBatches(lambda: client, "bucket"))


def test_dead_letters_that_were_not_handed_out_are_shown_again() -> None:
    """Given ten dead letters in one look, and a reader who stops after the third."""
    with mock_aws():
        sqs = aws.client("sqs")
        url = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        letters = DeadLetterQueue(lambda: sqs, url, lambda: None, "bucket", look_seconds=0)
        for number in range(10):
            letters.keep("events", str(number), {})
        looked_at = letters.letters()
        seen = [next(looked_at) for _ in range(3)]
        looked_at.close()
        again = {letter.reason for letter in letters.letters()}
        assert again == {str(number) for number in range(10)} - {one.reason for one in seen}
        letters.show_again([letter.receipt for letter in seen])
        assert {one.reason for one in letters.letters()} == {one.reason for one in seen}


class FewServers:
    """Queues with a dead letter that a look without waiting does not find.

    Source: SQS developer guide, "Short and long polling".
    """

    def __init__(self) -> None:
        self.bodies = [json.dumps({"source": "events", "reason": "400", "payload": {}})]

    def receive_message(self, **parameters: Any) -> dict[str, Any]:
        if not self.bodies or not parameters.get("WaitTimeSeconds"):
            return {}
        return {"Messages": [{"Body": self.bodies.pop(), "ReceiptHandle": "receipt"}]}


def test_dead_letters_are_looked_for_on_all_servers() -> None:
    sqs = FewServers()
    letters = DeadLetterQueue(lambda: sqs, "url", lambda: None, "bucket")
    assert [letter.reason for letter in letters.letters()] == ["400"]


def test_a_dead_letter_shows_neither_payload_nor_receipt() -> None:
    shown = repr(DeadLetter("events", "400", "HUSH", "HUSH"))
    assert "HUSH" not in shown
