"""Dead letters reach the queue whole, or are told to be lost."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError, ReadTimeoutError
from moto import mock_aws

from tests.unit import aws
from tests.unit.samples import flow_event
from voicecall_bridge.dead_letters import DeadLetterLost, DeadLetterQueue


def test_a_letter_holds_the_whole_input() -> None:
    event = flow_event(Attributes={"name": "für “alle” \ud83d"})
    with mock_aws():
        sqs = aws.client("sqs")
        url = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        DeadLetterQueue(lambda: sqs, url).keep("contact_flow", "400", event)
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
def test_a_letter_that_is_lost(fault: Exception, name: str) -> None:
    with pytest.raises(DeadLetterLost) as caught:
        DeadLetterQueue(lambda: Sqs(fault), "url").keep("contact_flow", "400", {})
    assert str(caught.value) == name
    assert caught.value.__suppress_context__


def test_a_client_that_cannot_be_made() -> None:
    def make() -> Any:
        raise NoRegionError

    with pytest.raises(DeadLetterLost, match="NoRegionError"):
        DeadLetterQueue(make, "url").keep("contact_flow", "400", {})


def test_the_client_is_made_once_and_late() -> None:
    made: list[Sqs] = []

    def make() -> Sqs:
        made.append(Sqs())
        return made[-1]

    letters = DeadLetterQueue(make, "url")
    assert made == []
    letters.keep("contact_flow", "400", {})
    letters.keep("contact_flow", "400", {})
    assert len(made) == 1
    assert len(made[0].bodies) == 2


def test_a_payload_json_does_not_know() -> None:
    """Given an input that was not made from JSON, then its text is kept."""
    sqs = Sqs()
    DeadLetterQueue(lambda: sqs, "url").keep("contact_flow", "400", {"x": {1, 2}})
    assert json.loads(sqs.bodies[0])["payload"] == {"x": "{1, 2}"}


def test_a_payload_nested_beyond_reason_is_told_to_be_lost() -> None:
    payload: list[Any] = []
    for _ in range(200_000):
        payload = [payload]
    with pytest.raises(DeadLetterLost, match="RecursionError"):
        DeadLetterQueue(Sqs, "url").keep("contact_flow", "400", payload)
