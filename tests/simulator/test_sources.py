"""The simulator finds a template's sources: streams, queues, rules that invoke functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from simulator.pollers.batch import Outcome
from simulator.replay.streamed import deliver
from simulator.sam.template import TemplateError
from simulator.samples.steps import Batch, Input
from simulator.simulator import TEMPLATE, Simulator
from simulator.sources import Source, Way, read_sources
from tests.template.deployment import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUSE = """
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, Handler: app.handler}}
Resources:
  Segments: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}
  Retries:
    Type: AWS::SQS::Queue
    Properties:
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Failures.Arn, maxReceiveCount: 2}
  Failures: {Type: AWS::SQS::Queue}
  SegmentFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: segments
      Environment: {Variables: {RETRY_QUEUE_URL: !Ref Retries}}
      Events:
        Stream:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Segments.Arn
            StartingPosition: TRIM_HORIZON
            FunctionResponseTypes: [ReportBatchItemFailures]
        Retry:
          Type: SQS
          Properties:
            Queue: !GetAtt Retries.Arn
            FunctionResponseTypes: [ReportBatchItemFailures]
  FileFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: files
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Failures.Arn}}
      Events:
        Created:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [aws.s3], detail-type: [Object Created]}
  Asked: {Type: AWS::SQS::Queue}
  MessageFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: messages
      Events: {Retry: {Type: SQS, Properties: {Queue: !GetAtt Asked.Arn}}}
  AskedFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: asked}
"""
APP = """
import base64, json, os
import boto3

def end(record, disposition="delivered"):
    print(json.dumps({"message": "delivery", "source": "segments", "disposition": disposition,
                      "inputId": record["eventID"], "reason": ""}))

def handler(event, context):
    if "Records" not in event:
        if event["detail"].get("fails"):
            raise ValueError("no")
        print(json.dumps({"message": "delivery", "source": "files", "disposition": "delivered",
                          "reason": ""}))
        return None
    failed = []
    for record in event["Records"]:
        if "kinesis" in record:
            data = json.loads(base64.b64decode(record["kinesis"]["data"]))
            if data.get("park"):
                queue = os.environ["RETRY_QUEUE_URL"]
                sqs = boto3.client("sqs", region_name="us-east-1",
                                   aws_access_key_id="x", aws_secret_access_key="x")
                body = json.dumps({"record": record, "lost": data["park"] == "lost"})
                sqs.send_message(QueueUrl=queue, MessageBody=body, DelaySeconds=60)
            else:
                end(record)
        else:
            parked = json.loads(record["body"])
            if parked["lost"]:
                failed.append(record["messageId"])
            else:
                end(parked["record"])
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template of another application."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("segments", "files", "asked", "messages"):
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(APP, encoding="utf-8")
    (folder / "template.yaml").write_text(HOUSE, encoding="utf-8")
    return folder / "template.yaml"


@pytest.fixture(scope="module")
def simulator(house: Path) -> Iterator[Simulator]:
    with Simulator(house) as running:
        yield running


def file_created(name: str, **detail: Any) -> dict[str, Any]:
    return {"id": name, "source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def test_sources_of_the_bridge() -> None:
    """Given the bridge's template, then every function is a source, and the template says how its
    inputs arrive."""
    found = read_sources(deployed())

    assert found["contact_flow"].way is Way.CALL
    assert found["redrive"].way is Way.CALL
    assert found["contact_events"].way is Way.BUS
    assert found["contact_records"].way is Way.STREAM
    folders = {path.parent.name for path in (TEMPLATE.parent / "functions").glob("*/app.py")}
    assert set(found) == folders


def test_sources_of_another_house(simulator: Simulator) -> None:
    ways = {name: it.way for name, it in read_sources(simulator.template).items()}

    assert ways == {
        "segments": Way.STREAM,
        "files": Way.BUS,
        "asked": Way.CALL,
        "messages": Way.QUEUE,
    }
    asked = simulator.sources["asked"]
    assert asked == Source("asked", "AskedFunction", Way.CALL)
    with pytest.raises(TemplateError, match="no source nobody; there are asked, files, messages"):
        simulator.sources["nobody"]


def test_record_that_a_function_parks_in_its_queue(simulator: Simulator) -> None:
    """Given a record that the function sends to its own queue with a delay, then it is one input,
    which ends with the line that the second delivery wrote."""
    records = [Input("segments", {"ContactId": "c-1"}), Input("segments", {"park": "late"})]

    plain, parked = deliver(simulator.sources, Batch(tuple(records)), {})

    assert [line.disposition for line in plain.lines] == ["delivered"]
    assert [line.disposition for line in parked.lines] == ["delivered"]
    assert parked.record is not None
    assert parked.lines[0].input_id == parked.record.input_id


def test_parked_record_that_the_queue_gives_up(simulator: Simulator) -> None:
    """Given a parked record that fails as often as the queue allows, then it is dead-lettered, and
    is in the queue of failures."""
    (parked,) = deliver(simulator.sources, Batch((Input("segments", {"park": "lost"}),)), {})

    (line,) = parked.lines
    assert (line.disposition, line.reason, line.payload_kept) == (
        "dead_lettered",
        "GIVEN_UP",
        "failure_queue",
    )
    assert simulator.undelivered_events() == 1


def test_rule_invokes_a_function(simulator: Simulator) -> None:
    """Given an event that a rule gives to a function, then it is invoked, and its line is the
    event's end; an event that no rule takes goes nowhere."""
    other = {**file_created("e-2"), "source": "aws.other"}
    inputs = (Input("files", file_created("e-1")), Input("files", other))

    taken, ignored = deliver(simulator.sources, Batch(inputs), {})

    assert [line.source for line in taken.lines] == ["files"]
    assert taken.passage.deliveries == 1
    assert not ignored.passage.matched


def test_invocation_that_fails_to_the_end(simulator: Simulator) -> None:
    """Given a function that always fails, then Lambda repeats as often as the template says, and
    the event is in the queue of failures."""
    before = simulator.undelivered_events()

    event = Input("files", file_created("e-3", fails=True))
    (lost,) = deliver(simulator.sources, Batch((event,)), {})

    assert lost.passage.deliveries == 2
    assert [(line.reason, line.payload_kept) for line in lost.lines] == [
        ("GIVEN_UP", "failure_queue")
    ]
    assert simulator.undelivered_events() == before + 1


def test_message_straight_into_a_queue(simulator: Simulator) -> None:
    """Given a function that only a queue feeds, then an input becomes a message of that queue."""
    body = json.dumps({"record": {"eventID": "shard:1"}, "lost": False})

    name = simulator.sources.put("messages", "-", body)
    (result,) = simulator.sources.poll()

    assert result.outcome is Outcome.SUCCEEDED
    assert result.records[0].input_id == name
