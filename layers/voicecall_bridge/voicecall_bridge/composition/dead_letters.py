"""The dead letters, and the retry queue, of a function that no caller waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voicecall_bridge.aws.dead_letters import DeadLetterQueue
from voicecall_bridge.aws.retry_queue import RetryQueue

if TYPE_CHECKING:
    from voicecall_bridge.composition.aws import AwsClients
    from voicecall_bridge.settings.stack import DeadLetterSettings


def dead_letter_queue(settings: DeadLetterSettings, aws: AwsClients) -> DeadLetterQueue:
    """The queue, and the bucket for what it cannot hold."""
    return DeadLetterQueue(aws.maker("sqs"), settings.queue_url, aws.maker("s3"), settings.bucket)


def retry_queue(url: str, settings: DeadLetterSettings, aws: AwsClients) -> RetryQueue:
    """The queue of records that failed, and the bucket for what it cannot hold."""
    letters = DeadLetterQueue(aws.maker("sqs"), url, aws.maker("s3"), settings.bucket)
    return RetryQueue(letters)
