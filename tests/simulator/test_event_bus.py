"""Rules of the template deliver events into moto's streams as EventBridge does.

Rules: Amazon EventBridge User Guide, "How EventBridge
retries delivering events", "Using dead-letter queues to process undelivered events".
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.stub import Stubber

from simulator.aws.event_bus import EventBus
from simulator.aws.event_rules import Rule, read_rules
from simulator.sam.template import TemplateError
from tests.simulator.stream_simulator import (
    REGION,
    Aws,
    Clock,
    aws_on_moto,
    contact_event,
    template_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MISSING = "arn:aws:kinesis:us-east-1:123456789012:stream/missing"
RULES = """
  Stream: {Type: AWS::Kinesis::Stream}
  Queue: {Type: AWS::SQS::Queue}
  FirstOfChain:
    Type: AWS::Events::Rule
    Properties:
      EventPattern:
        source: [aws.connect]
        detail: {channel: [VOICE], initialContactId: [{exists: false}]}
      Targets:
        - Id: stream
          Arn: !GetAtt Stream.Arn
          RoleArn: arn:aws:iam::123456789012:role/events
          KinesisParameters: {PartitionKeyPath: $.detail.contactId}
          RetryPolicy: {MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 3600}
          DeadLetterConfig: {Arn: !GetAtt Queue.Arn}
  LaterInChain:
    Type: AWS::Events::Rule
    Properties:
      Name: later
      EventPattern:
        source: [aws.connect]
        detail: {channel: [VOICE], initialContactId: [{exists: true}]}
      Targets:
        - Id: stream
          Arn: !GetAtt Stream.Arn
          RoleArn: arn:aws:iam::123456789012:role/events
          KinesisParameters: {PartitionKeyPath: "$['detail'].initialContactId"}
"""
ONE_RULE = """
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {{source: [aws.connect]}}
      Targets: [{{Id: t, Arn: "{arn}", {more}}}]
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with aws_on_moto() as aws:
        yield aws


def rules(folder: Path, stream: str, queue: str) -> list[Rule]:
    return read_rules(template_of(folder, RULES, {"Stream.Arn": stream, "Queue.Arn": queue}))


def one_rule(folder: Path, more: str = "", arn: str = MISSING) -> list[Rule]:
    return read_rules(template_of(folder, ONE_RULE.format(arn=arn, more=more), {}))


class RefusingKinesis:
    """botocore's client with answers of Kinesis that moto does not give, in order."""

    def __init__(self, *codes: str) -> None:
        session = botocore.session.get_session()
        session.set_credentials("laptop", "laptop")
        self.client = session.create_client("kinesis", region_name=REGION)
        self.stubber = Stubber(self.client)
        for code in codes:
            if code:
                self.stubber.add_client_error("put_record", code, "as asked for", 400)
            else:
                answer = {"ShardId": "shardId-000000000000", "SequenceNumber": "1"}
                self.stubber.add_response("put_record", answer)
        self.stubber.activate()


def test_an_event_becomes_a_record_of_the_stream(aws: Aws, tmp_path: Path) -> None:
    """Given the two rules, when the events of a chain come, then they share one partition key."""
    stream = aws.stream()
    bus = EventBus(rules(tmp_path, stream, aws.queue()), aws.kinesis, aws.sqs)
    parent, child = contact_event("c-1"), contact_event("c-2", initialContactId="c-1", text="é")

    (first,), (second,) = bus.put(parent), bus.put(child)

    assert (first.rule, second.rule) == ("FirstOfChain", "later")
    assert {first.partition_key, second.partition_key} == {"c-1"}
    assert {(put.outcome, put.error, put.attempts) for put in (first, second)} == {
        ("delivered", "", 1)
    }
    name = stream.rsplit("/", 1)[-1]
    assert first.target == name
    iterator = aws.kinesis.get_shard_iterator(
        StreamName=name, ShardId=first.input_id.partition(":")[0], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = aws.kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [json.loads(record["Data"]) for record in records] == [parent, child]
    numbers = [delivery.input_id.partition(":")[2] for delivery in (first, second)]
    assert [record["SequenceNumber"] for record in records] == numbers


def test_an_event_that_no_rule_sees_goes_nowhere(aws: Aws, tmp_path: Path) -> None:
    """Given a chat's event, when it comes, then there is no delivery."""
    bus = EventBus(rules(tmp_path, aws.stream(), aws.queue()), aws.kinesis, aws.sqs)

    assert bus.put(contact_event(channel="CHAT")) == []


def test_without_a_path_the_events_id_is_the_key(aws: Aws, tmp_path: Path) -> None:
    """Given a target without KinesisParameters, then the key is the event's id."""
    bus = EventBus(one_rule(tmp_path, arn=aws.stream()), aws.kinesis, aws.sqs)

    (delivery,) = bus.put(contact_event("c-1"))

    assert delivery.partition_key == "event-of-c-1"


@pytest.mark.parametrize("value", [None, "", 7, {"id": "c"}, ["c"]])
def test_an_event_without_its_partition_key_is_a_dead_letter(
    aws: Aws, tmp_path: Path, value: object
) -> None:
    """Given an event without a text at the path, when put, then it is a dead letter, kept whole."""
    queue = aws.queue()
    bus = EventBus(rules(tmp_path, aws.stream(), queue), aws.kinesis, aws.sqs)
    event = contact_event(contactId=value)

    (delivery,) = bus.put(event)

    assert (delivery.outcome, delivery.attempts) == ("dead_lettered", 0)
    assert "no text at $.detail.contactId" in delivery.error
    (letter,) = aws.messages(queue)
    assert json.loads(letter["Body"]) == event


def test_a_stream_that_does_not_exist_is_not_tried_again(aws: Aws, tmp_path: Path) -> None:
    """Given no stream, when an event comes, then it is a dead letter at once, with the reasons."""
    queue, clock = aws.queue(), Clock()
    bus = EventBus(
        rules(tmp_path, MISSING, queue), aws.kinesis, aws.sqs, clock=clock, sleep=clock.sleep
    )

    (delivery,) = bus.put(contact_event())

    assert (delivery.outcome, delivery.attempts, clock.slept) == ("dead_lettered", 1, [])
    (letter,) = aws.messages(queue)
    attributes = {key: item["StringValue"] for key, item in letter["MessageAttributes"].items()}
    assert attributes.pop("ERROR_MESSAGE")
    assert attributes == {
        "RULE_ARN": "arn:aws:events:us-east-1:123456789012:rule/FirstOfChain",
        "TARGET_ARN": MISSING,
        "ERROR_CODE": "NO_RESOURCE",
        "RETRY_ATTEMPTS": "0",
    }


def test_a_passing_fault_is_tried_again(aws: Aws, tmp_path: Path) -> None:
    """Given a throttled stream, when it lets go within the retries, then the event arrives."""
    clock = Clock()
    kinesis = RefusingKinesis("ProvisionedThroughputExceededException", "ThrottlingException", "")
    bus = EventBus(
        rules(tmp_path, MISSING, aws.queue()),
        kinesis.client,
        aws.sqs,
        clock=clock,
        sleep=clock.sleep,
    )

    (delivery,) = bus.put(contact_event())

    assert (delivery.outcome, delivery.attempts) == ("delivered", 3)
    assert clock.slept == [1, 2]


def test_an_unreachable_service_is_a_passing_fault(aws: Aws, tmp_path: Path) -> None:
    """Given a port without a listener, when an event comes, then it is tried again as well."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    queue, clock = aws.queue(), Clock()
    bus = EventBus(
        rules(tmp_path, MISSING, queue),
        Aws(nobody).kinesis,
        aws.sqs,
        clock=clock,
        sleep=clock.sleep,
    )

    (delivery,) = bus.put(contact_event())

    assert (delivery.outcome, delivery.attempts) == ("dead_lettered", 3)
    attributes = aws.messages(queue)[0]["MessageAttributes"]
    assert attributes["ERROR_CODE"]["StringValue"] == "SDK_CLIENT_ERROR"


def test_retries_end_with_the_attempts_of_the_rule(aws: Aws, tmp_path: Path) -> None:
    """Given MaximumRetryAttempts 2, when the stream stays throttled, then three puts are made."""
    queue, clock = aws.queue(), Clock()
    kinesis = RefusingKinesis(*["ProvisionedThroughputExceededException"] * 4)
    bus = EventBus(
        rules(tmp_path, MISSING, queue), kinesis.client, aws.sqs, clock=clock, sleep=clock.sleep
    )

    (delivery,) = bus.put(contact_event())

    assert (delivery.outcome, delivery.attempts) == ("dead_lettered", 3)
    attributes = aws.messages(queue)[0]["MessageAttributes"]
    assert attributes["EXHAUSTED_RETRY_CONDITION"]["StringValue"] == "MaximumRetryAttempts"
    assert attributes["RETRY_ATTEMPTS"]["StringValue"] == "2"


def test_retries_end_with_the_age_of_the_event(aws: Aws, tmp_path: Path) -> None:
    """Given 60 seconds and 185 retries by default, then the pauses end before the 60 seconds do.

    Without a dead-letter queue the event is dropped.
    """
    clock = Clock()
    kinesis = RefusingKinesis(*["ProvisionedThroughputExceededException"] * 100)
    target = "RetryPolicy: {MaximumEventAgeInSeconds: 60}"
    bus = EventBus(
        one_rule(tmp_path, target), kinesis.client, aws.sqs, clock=clock, sleep=clock.sleep
    )

    (delivery,) = bus.put(contact_event())

    assert delivery.outcome == "dropped"
    assert clock.slept == [1, 2, 4, 8, 16]


def test_a_queue_that_refuses_is_reported(aws: Aws, tmp_path: Path) -> None:
    """Given neither stream nor queue, when an event comes, then both faults are in the answer."""
    queue = "arn:aws:sqs:us-east-1:123456789012:missing"
    bus = EventBus(rules(tmp_path, MISSING, queue), aws.kinesis, aws.sqs)

    (delivery,) = bus.put(contact_event())

    assert delivery.outcome == "dropped"
    assert "NO_RESOURCE" in delivery.error
    assert "the dead-letter queue refused it" in delivery.error


@pytest.mark.parametrize("event", [{}, {"id": "1", "source": "aws.connect"}, {"detail-type": 1}])
def test_what_is_no_envelope_is_refused(aws: Aws, tmp_path: Path, event: dict[str, Any]) -> None:
    """Given something that is not an event's envelope, when it is put, then it is an error."""
    bus = EventBus(rules(tmp_path, MISSING, aws.queue()), aws.kinesis, aws.sqs)

    with pytest.raises(ValueError, match="id, source and detail-type"):
        bus.put(event)


def test_the_defaults_of_a_target(tmp_path: Path) -> None:
    """Given a target with an ARN alone, then 24 h, 185 retries and no queue."""
    ((target,),) = [rule.targets for rule in one_rule(tmp_path)]

    assert (target.max_age, target.max_retries, target.dead_letter) == (86400, 185, "")
    assert target.key_path == ()


@pytest.mark.parametrize(
    "properties",
    [
        "State: DISABLED, EventPattern: {source: [a]}",
        "EventBusName: partner, EventPattern: {source: [a]}",
        "ScheduleExpression: rate(5 minutes)",
    ],
)
def test_rules_that_never_see_a_contact_event_are_left_out(tmp_path: Path, properties: str) -> None:
    """Given a disabled rule, one of another bus, or a schedule, then it is not read."""
    resources = f"""
  Rule:
    Type: AWS::Events::Rule
    Properties: {{{properties}, Targets: [{{Id: t, Arn: "{MISSING}"}}]}}
"""
    assert read_rules(template_of(tmp_path, resources, {})) == []


def test_targets_that_are_not_fed_are_left_out(tmp_path: Path) -> None:
    """Given a rule with a topic as target, then there is no rule to deliver for."""
    assert one_rule(tmp_path, arn="arn:aws:sns:us-east-1:123456789012:topic") == []


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("InputPath: $.detail", "InputPath: targets are given the whole event"),
        ("KinesisParameters: {PartitionKeyPath: detail.id}", "PartitionKeyPath: a path"),
        ("KinesisParameters: {PartitionKeyPath: '$..id'}", "PartitionKeyPath: a path"),
        ("RetryPolicy: {MaximumRetryAttempts: 186}", "MaximumRetryAttempts: a number from 0"),
        ("RetryPolicy: {MaximumEventAgeInSeconds: 59}", "MaximumEventAgeInSeconds: a number from"),
        ("RetryPolicy: {MaximumEventAgeInSeconds: often}", "MaximumEventAgeInSeconds: a number"),
    ],
)
def test_a_target_that_cannot_be_is_refused(tmp_path: Path, more: str, complaint: str) -> None:
    """Given a target that is refused, then the error names the rule and the cure."""
    with pytest.raises(TemplateError, match=f"Rule: {complaint}"):
        one_rule(tmp_path, more)


@pytest.mark.parametrize("target", ["{Id: t}", "text", "{Id: t, Arn: [a]}"])
def test_a_target_without_an_arn_is_refused(tmp_path: Path, target: str) -> None:
    """Given a target without an ARN, when the template is read, then the error names the rule."""
    resources = f"""
  Rule:
    Type: AWS::Events::Rule
    Properties: {{EventPattern: {{source: [aws.connect]}}, Targets: [{target}]}}
"""
    with pytest.raises(TemplateError, match="Rule: a target needs an Arn"):
        read_rules(template_of(tmp_path, resources, {}))


def test_a_wrong_pattern_names_its_rule(tmp_path: Path) -> None:
    """Given an invalid pattern, when the template is read, then the error names the rule."""
    resources = ONE_RULE.format(arn=MISSING, more="").replace("[aws.connect]", "aws.connect")

    with pytest.raises(TemplateError, match="Rule: the pattern: source"):
        read_rules(template_of(tmp_path, resources, {}))
