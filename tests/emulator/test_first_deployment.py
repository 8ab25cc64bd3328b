"""tools/first-deployment on the emulator, as far as the emulator goes."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
from botocore.exceptions import ClientError

from simulator.aws.cloud import CONNECT_INSTANCE_ARN
from tests.emulator.conftest import Code
from tests.emulator.ministack import Ministack
from tests.emulator.stack import STACK, EmulatedStack, StackFailure
from tools.first_deployment.__main__ import examine, own_secret
from tools.first_deployment.checks import CHECKS, Check
from tools.first_deployment.removal import KEPT
from tools.first_deployment.trial import BAD, OK, UNKNOWN, DeploymentFailed, Finding, Trial

NOT_HERE = {
    "a second CodeDeploy deployment": "there is no CodeDeploy",
    "KMS: EventBridge to its dead-letter queue": "a rule's target has no dead-letter queue",
    "a null partition key": "such an event is neither delivered nor kept",
    "KMS: Lambda to failure bucket": "a stream's failure destination is a queue or a topic only",
}
"""The checks that the emulator cannot answer."""


@dataclass(frozen=True, slots=True)
class Emulated:
    """Deploys on the emulator what SAM deploys in an account."""

    stack: EmulatedStack

    def deploy(self, parameters: Mapping[str, str]) -> None:
        try:
            self.stack.deploy(**parameters)
        except StackFailure as failure:
            raise DeploymentFailed(str(failure)) from failure


def _briefly(check: Check) -> Check:
    """With short waits: on the emulator the awaited state does not come."""
    return lambda trial: check(replace(trial, rounds=3))


@pytest.fixture(scope="module")
def examined(code: Code) -> Iterator[tuple[list[Finding], list[str], Ministack]]:
    """The examination on an emulator of its own, since the stack is removed at the end."""
    with Ministack() as aws:
        stack = EmulatedStack(aws, code, connect="https://127.0.0.1:1")
        secret = own_secret(aws.client, "first-deployment")
        trial = Trial(
            STACK,
            aws.client,
            Emulated(stack),
            CONNECT_INSTANCE_ARN,
            has_instance=False,
            sleep=lambda seconds: time.sleep(min(seconds, 0.3)),
            rounds=30,
        )
        parameters = {
            "ConnectInstanceArn": CONNECT_INSTANCE_ARN,
            "ContactCenterSecretArn": secret,
            "CreateFromEvents": "never",
        }
        tried = {
            name: _briefly(check) if name in NOT_HERE else check for name, check in CHECKS.items()
        }
        findings, left = examine(trial, secret, parameters, tried)
        yield findings, left, aws


def test_each_check_ends_as_far_as_the_emulator_goes(
    examined: tuple[list[Finding], list[str], Ministack],
) -> None:
    findings, _, _ = examined
    ended = {each.name: (each.status, each.says, each.facts) for each in findings}
    for name in NOT_HERE:
        assert ended.pop(name)[0] in (UNKNOWN, BAD), f"{name}: the emulator can answer it now"
    assert {name: each for name, each in ended.items() if each[0] != OK} == {}


def test_nothing_is_left(examined: tuple[list[Finding], list[str], Ministack]) -> None:
    _, left, aws = examined
    assert left == []
    with pytest.raises(ClientError):
        aws.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId=KEPT[0]
        )
    assert aws.client("dynamodb").list_tables()["TableNames"] == []
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    assert aws.client("secretsmanager").list_secrets()["SecretList"] == []
