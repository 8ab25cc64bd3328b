"""Functions are invoked asynchronously as Lambda does it.

Rules: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
invocation", "Capturing records of Lambda asynchronous invocations".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from simulator.pollers.asynchronous import (
    AsynchronousInvocations,
    InvokeSettings,
    read_invoke_settings,
)
from simulator.pollers.batch import Outcome, drain
from tests.simulator.stream_simulator import (
    Aws,
    Clock,
    Function,
    HandlerError,
    aws_on_moto,
    template_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FUNCTION = "PostCallAnalysisFunction"


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with aws_on_moto() as aws:
        yield aws


def failing(times: int) -> Function:
    left = [times]

    def handler(_: Any) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise HandlerError("no")

    return Function(handler)


def invocations(
    aws: Aws, function: Function, clock: Clock, **settings: Any
) -> AsynchronousInvocations:
    return AsynchronousInvocations(
        {FUNCTION: InvokeSettings(**settings)},
        lambda _, event: function(event),
        s3=aws.s3,
        sqs=aws.sqs,
        clock=clock,
    )


def test_event_is_handed_over_once(aws: Aws) -> None:
    clock, function = Clock(), Function()
    queue = invocations(aws, function, clock)
    input_id = queue.accept(FUNCTION, {"detail": 1})

    (result,) = drain([queue], clock, clock.sleep)

    assert function.events == [{"detail": 1}]
    assert (result.outcome, result.records[0].input_id) == (Outcome.SUCCEEDED, input_id)
    assert json.loads(result.records[0].data) == {"detail": 1}


def test_failure_is_repeated_after_one_and_two_minutes(aws: Aws) -> None:
    clock, function = Clock(), failing(2)
    queue = invocations(aws, function, clock)
    queue.accept(FUNCTION, {})

    results = drain([queue], clock, clock.sleep)

    assert [it.outcome for it in results] == [Outcome.FAILED, Outcome.FAILED, Outcome.SUCCEEDED]
    assert clock.slept == pytest.approx([60, 120])


def test_failure_to_the_end_goes_to_the_queue(aws: Aws) -> None:
    clock, function, queue_arn = Clock(), failing(9), aws.queue()
    queue = invocations(aws, function, clock, on_failure=queue_arn)
    input_id = queue.accept(FUNCTION, {"detail": 1})

    results = drain([queue], clock, clock.sleep)

    assert len(function.events) == 3
    assert results[-1].outcome is Outcome.DISCARDED
    assert results[-1].destination == queue_arn
    (message,) = aws.messages(queue_arn)
    kept = json.loads(message["Body"])
    assert kept["requestPayload"] == {"detail": 1}
    assert kept["requestContext"] == {
        "requestId": input_id,
        "functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert kept["responsePayload"]["errorType"] == "HandlerError"


def test_failure_to_the_end_goes_to_the_bucket(aws: Aws) -> None:
    clock, bucket = Clock(), aws.bucket()
    queue = invocations(aws, failing(9), clock, on_failure=bucket, max_retries=0)
    queue.accept(FUNCTION, {"detail": 1})

    results = drain([queue], clock, clock.sleep)

    ((key, kept),) = aws.objects(bucket).items()
    assert key.startswith(f"aws/lambda/async/{FUNCTION}/")
    assert kept["requestPayload"] == {"detail": 1}
    assert results[-1].destination == f"s3://{bucket.rsplit(':', 1)[-1]}/{key}"


def test_event_that_gets_too_old_is_given_up(aws: Aws) -> None:
    clock, function = Clock(), failing(9)
    queue = invocations(aws, function, clock, max_age=60)
    queue.accept(FUNCTION, {})

    results = drain([queue], clock, clock.sleep)

    assert len(function.events) == 2
    assert results[-1].reason.startswith("EventAgeExceeded")
    assert results[-1].destination == ""


def test_success_delivered_twice(aws: Aws) -> None:
    clock, function = Clock(), Function()
    queue = invocations(aws, function, clock)
    queue.deliver_twice()
    queue.accept(FUNCTION, {})

    drain([queue], clock, clock.sleep)

    assert len(function.events) == 2


def test_settings_of_the_template(tmp_path: Path) -> None:
    resources = """
  Queue: {Type: AWS::SQS::Queue}
  Plain: {Type: AWS::Serverless::Function}
  Careful:
    Type: AWS::Serverless::Function
    Properties:
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        MaximumEventAgeInSeconds: 60
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Queue.Arn}}
"""
    arn = "arn:aws:sqs:us-east-1:123456789012:letters"

    assert read_invoke_settings(template_of(tmp_path, resources, {"Queue.Arn": arn})) == {
        "Plain": InvokeSettings(2, 21_600, ""),
        "Careful": InvokeSettings(0, 60, arn),
    }
