"""Queues feed functions as Lambda's event source mapping does.

Rules: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS", "Handling errors for an SQS event
source".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.aws.moto_server import MotoServer
from simulator.aws.queue_clock import let_time_pass, visible_in
from simulator.pollers.batch import Outcome, drain
from simulator.pollers.queue_mapping import QueueMapping, read_queue_mappings
from simulator.pollers.sqs_poller import SqsPoller
from simulator.sam.template import TemplateError
from tests.simulator.stream_simulator import Aws, Clock, Function, HandlerError, template_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

QUEUE = "arn:aws:sqs:us-east-1:123456789012:retries"
TEMPLATE = """
  Queue: {{Type: AWS::SQS::Queue}}
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Retries: {{Type: SQS, Properties: {{{0}}}}}
"""


class QueueClock(Clock):
    """A clock that also moves the times of messages in moto's queues."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        let_time_pass(seconds)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with MotoServer() as server:
        yield Aws(server.endpoint)


@pytest.fixture
def clock() -> QueueClock:
    return QueueClock()


def poller(aws: Aws, queue_arn: str, function: Any, clock: Clock, **settings: Any) -> SqsPoller:
    mapping = QueueMapping("ReaderRetries", "Reader", queue_arn, **settings)
    return SqsPoller(aws.sqs, mapping, function, visible_in, clock)


def send(aws: Aws, queue_arn: str, *bodies: str, delay: int = 0) -> None:
    url = url_of(aws, queue_arn)
    for body in bodies:
        aws.sqs.send_message(QueueUrl=url, MessageBody=body, DelaySeconds=delay)


def url_of(aws: Aws, queue_arn: str) -> str:
    return str(aws.sqs.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[-1])["QueueUrl"])


def bodies(event: Mapping[str, Any]) -> list[str]:
    return [record["body"] for record in event["Records"]]


def failing(*poison: str) -> Any:
    """A handler that names the messages with these bodies as failed."""

    def handler(event: Mapping[str, Any]) -> Any:
        failed = [it["messageId"] for it in event["Records"] if it["body"] in poison]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    return handler


def test_what_succeeds_is_deleted(aws: Aws, clock: QueueClock) -> None:
    """Given messages, when they are polled, then the function gets Lambda's event, and the queue is
    empty."""
    queue = aws.queue()
    function = Function()
    send(aws, queue, *[f"m{number}" for number in range(12)])

    results = drain([poller(aws, queue, function, clock)], clock, clock.sleep)

    assert {result.outcome for result in results} == {Outcome.SUCCEEDED}
    given = [body for event in function.events for body in bodies(event)]
    assert sorted(given) == sorted(f"m{number}" for number in range(12))
    assert max(len(event["Records"]) for event in function.events) == 10
    record = function.events[0]["Records"][0]
    assert (record["eventSource"], record["eventSourceARN"]) == ("aws:sqs", queue)
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert visible_in(queue.rsplit(":", 1)[-1]) is None


def test_what_fails_is_delivered_again_and_alone(aws: Aws, clock: QueueClock) -> None:
    """Given ReportBatchItemFailures and one message that fails once, then it alone is delivered
    again, when the queue's visibility time-out is over."""
    queue = aws.queue()
    seen: list[list[str]] = []

    def once(event: Mapping[str, Any]) -> Any:
        seen.append(sorted(bodies(event)))
        return failing("bad")(event) if len(seen) == 1 else None

    send(aws, queue, "bad", "good")
    results = drain(
        [poller(aws, queue, Function(once), clock, report_item_failures=True)], clock, clock.sleep
    )

    assert seen == [["bad", "good"], ["bad"]]
    assert [result.outcome for result in results] == [Outcome.PARTIAL, Outcome.SUCCEEDED]
    assert results[0].done == 1
    assert results[0].records[1].data == b"bad"
    assert 0 < sum(clock.slept) <= 30  # SQS's default visibility time-out, less what has passed


@pytest.mark.parametrize("reports", [True, False])
def test_error_fails_the_whole_batch(aws: Aws, clock: QueueClock, reports: bool) -> None:
    """Given a function that raises once, then the whole batch is delivered again."""
    queue = aws.queue()
    seen: list[list[str]] = []

    def once(event: Mapping[str, Any]) -> None:
        seen.append(sorted(bodies(event)))
        if len(seen) == 1:
            raise HandlerError("no")

    send(aws, queue, "a", "b")
    drain(
        [poller(aws, queue, Function(once), clock, report_item_failures=reports)],
        clock,
        clock.sleep,
    )

    # The queue hides each message separately, so they may become visible one after the other.
    assert seen[0] == ["a", "b"]
    assert sorted(name for batch in seen[1:] for name in batch) == ["a", "b"]


def test_delay_is_waited_for(aws: Aws, clock: QueueClock) -> None:
    queue = aws.queue()
    send(aws, queue, "later", delay=900)
    function = Function()

    drain([poller(aws, queue, function, clock)], clock, clock.sleep)

    assert [bodies(event) for event in function.events] == [["later"]]
    assert 0 < sum(clock.slept) <= 900


def test_redrive_policy_moves_what_was_received_too_often(aws: Aws, clock: QueueClock) -> None:
    """Given maxReceiveCount 2 and a message that always fails, then it is given up into the
    dead-letter queue after two deliveries."""
    queue, letters = aws.queue(), aws.queue()
    policy = f'{{"deadLetterTargetArn": "{letters}", "maxReceiveCount": 2}}'
    aws.sqs.set_queue_attributes(QueueUrl=url_of(aws, queue), Attributes={"RedrivePolicy": policy})
    send(aws, queue, "bad")
    function = Function(failing("bad"))

    results = drain(
        [poller(aws, queue, function, clock, report_item_failures=True)], clock, clock.sleep
    )

    assert len(function.events) == 2
    assert results[-1].outcome is Outcome.DISCARDED
    assert results[-1].destination == letters
    assert [message["Body"] for message in aws.messages(letters)] == ["bad"]


def test_success_delivered_twice(aws: Aws, clock: QueueClock) -> None:
    """Standard queues deliver at least once: a handled message may be delivered again."""
    queue = aws.queue()
    send(aws, queue, "a")
    function = Function()
    reader = poller(aws, queue, function, clock)
    reader.deliver_twice()

    drain([reader], clock, clock.sleep)

    assert [bodies(event) for event in function.events] == [["a"], ["a"]]


def read(folder: Path, properties: str) -> list[QueueMapping]:
    return read_queue_mappings(
        template_of(folder, TEMPLATE.format(properties), {"Queue.Arn": QUEUE})
    )


def test_mapping_of_the_template(tmp_path: Path) -> None:
    whole = (
        "Queue: !GetAtt Queue.Arn, BatchSize: 5, FunctionResponseTypes: [ReportBatchItemFailures]"
    )

    assert read(tmp_path, whole) == [QueueMapping("ReaderRetries", "Reader", QUEUE, 5, True)]
    assert read(tmp_path, "Queue: !GetAtt Queue.Arn") == [
        QueueMapping("ReaderRetries", "Reader", QUEUE, 10, False)
    ]
    assert read(tmp_path, "Queue: !GetAtt Queue.Arn, Enabled: false") == []


@pytest.mark.parametrize(
    ("properties", "fault"),
    [
        ("Queue: retries", "Queue: the ARN of a queue"),
        ("Queue: !GetAtt Queue.Arn, BatchSize: 0", "BatchSize"),
        ("Queue: !GetAtt Queue.Arn, FilterCriteria: {Filters: []}", "FilterCriteria"),
    ],
)
def test_what_cannot_be_replayed_is_refused(tmp_path: Path, properties: str, fault: str) -> None:
    with pytest.raises(TemplateError, match=fault):
        read(tmp_path, properties)


def test_the_twelve_hours_of_hiding_begin_with_each_receive(aws: Aws) -> None:
    """Given a message that is a day old, when it is received, then it can be hidden for hours: the
    limit counts from the receive (SQS developer guide, "Amazon SQS visibility timeout")."""
    url = url_of(aws, aws.queue())
    aws.sqs.send_message(QueueUrl=url, MessageBody="old")
    let_time_pass(24 * 3600.0)
    (message,) = aws.sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    aws.sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=3600
    )
    assert "Messages" not in aws.sqs.receive_message(QueueUrl=url)
    let_time_pass(3601.0)
    assert aws.sqs.receive_message(QueueUrl=url)["Messages"]
