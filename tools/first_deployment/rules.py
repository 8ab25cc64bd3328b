"""A rule of the trial's own: EventBridge accepts events of aws.connect from Connect only."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from tools.first_deployment.trial import NotThere, Trial

SOURCE: Final = "voicecall.first-deployment"
MISSING: Final = "first-deployment-missing"
"""A stream that is not there."""


@contextmanager
def rule(
    trial: Trial, key_path: str, *, broken: bool = False
) -> Iterator[Callable[[object], None]]:
    """A rule into the stream of contact events, with the stack's role and dead-letter queue.

    Args:
        trial: the stack.
        key_path: where the partition key is.
        broken: aim at a stream that is not there, so that each event becomes a dead letter.

    Yields what puts an event with that detail.
    """
    events = trial.clients("events")
    name = f"{trial.name}-trial"
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [SOURCE]}))["RuleArn"]
    try:
        with _may_send(trial, str(arn)):
            failed = events.put_targets(Rule=name, Targets=[_target(trial, key_path, broken)])
            if failed.get("FailedEntryCount"):
                raise NotThere("the rule's target")
            yield lambda detail: _put(trial, detail)
    finally:
        events.remove_targets(Rule=name, Ids=["trial"])
        events.delete_rule(Name=name)


def _target(trial: Trial, key_path: str, broken: bool) -> dict[str, Any]:
    stream = trial.output("ContactEventStreamArn")
    if broken:
        stream = f"{stream.rpartition('/')[0]}/{MISSING}"
    role = trial.clients("iam").get_role(RoleName=trial.resource("ContactEventRuleRole"))
    return {
        "Id": "trial",
        "Arn": stream,
        "RoleArn": role["Role"]["Arn"],
        "KinesisParameters": {"PartitionKeyPath": key_path},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0},
        "DeadLetterConfig": {"Arn": _queue_arn(trial)},
    }


def _queue_arn(trial: Trial) -> str:
    url = trial.output("EventRuleDeadLetterQueueUrl")
    answer = trial.clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


@contextmanager
def _may_send(trial: Trial, rule_arn: str) -> Iterator[None]:
    """Let the rule send dead letters: the queue's policy names the stack's three rules alone."""
    sqs, url = trial.clients("sqs"), trial.output("EventRuleDeadLetterQueueUrl")
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"][
        "Policy"
    ]
    policy = json.loads(before)
    policy["Statement"].append(
        {
            "Sid": "Trial",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": _queue_arn(trial),
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        }
    )
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    try:
        trial.sleep(60.0)  # SQS takes up to a minute to know a policy
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": before})


def _put(trial: Trial, detail: object) -> None:
    answer = trial.clients("events").put_events(
        Entries=[{"Source": SOURCE, "DetailType": "trial", "Detail": json.dumps(detail)}]
    )
    if answer.get("FailedEntryCount"):
        raise NotThere("an event bus that takes events")
