"""Removes the stack, and what stays when a stack goes. Says what could not be removed."""

from collections.abc import Callable, Mapping
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from tools.first_deployment.trial import Clients, Trial

KEPT: Final = (
    *("LedgerTable", "DeadLetterQueue", "EventRuleDeadLetterQueue", "FailureBucket"),
    *("ContactEventRetryQueue", "ContactRecordRetryQueue", "WaitingDeadLetterQueue"),
    *("ContactRecordStream", "BridgeKey"),
)
"""Resources with DeletionPolicy RetainExceptOnCreate (docs/deploying.md, "Removing it")."""
KEY_DAYS: Final = 7
"""The shortest that KMS waits before it deletes a key."""


def remove(trial: Trial, secret: str) -> list[str]:
    """Remove everything; answers what is left over, each with AWS's reason."""
    kept: dict[str, str] = {}
    left: list[str] = []
    for name in KEPT:
        try:
            kept[name] = trial.resource(name)
        except (BotoCoreError, ClientError):
            continue  # it was never made
    cloudformation = trial.clients("cloudformation")
    cloudformation.delete_stack(StackName=trial.name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=trial.name)
    for name in KEPT:  # the key last: without it the others cannot be read
        if name in kept:
            left += _tried(name, lambda name=name: _REMOVE[name](trial.clients, kept[name]))  # type: ignore[misc]
    left += _tried(
        "secret",
        lambda: trial.clients("secretsmanager").delete_secret(
            SecretId=secret, ForceDeleteWithoutRecovery=True
        ),
    )
    return left


def _tried(name: str, act: Callable[[], object]) -> list[str]:
    try:
        act()
    except ClientError as error:
        return [f"{name}: {error.response.get('Error', {}).get('Code', '')}"]
    except BotoCoreError as error:
        return [f"{name}: {type(error).__name__}"]
    return []


def _bucket(clients: Clients, name: str) -> None:
    s3 = clients("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for each in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=each["Key"])
    s3.delete_bucket(Bucket=name)


def _queue(clients: Clients, url: str) -> None:
    clients("sqs").delete_queue(QueueUrl=url)


_REMOVE: Final[Mapping[str, Callable[[Clients, str], object]]] = {
    "LedgerTable": lambda clients, name: clients("dynamodb").delete_table(TableName=name),
    "DeadLetterQueue": _queue,
    "EventRuleDeadLetterQueue": _queue,
    "WaitingDeadLetterQueue": _queue,
    "ContactEventRetryQueue": _queue,
    "ContactRecordRetryQueue": _queue,
    "FailureBucket": _bucket,
    "ContactRecordStream": lambda clients, name: clients("kinesis").delete_stream(StreamName=name),
    "BridgeKey": lambda clients, key: clients("kms").schedule_key_deletion(
        KeyId=key, PendingWindowInDays=KEY_DAYS
    ),
}
