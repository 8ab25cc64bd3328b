"""The dead letters of a function that no caller waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voicecall_bridge.aws.dead_letters import DeadLetterQueue

if TYPE_CHECKING:
    from voicecall_bridge.composition.aws import AwsClients
    from voicecall_bridge.settings.shared import DeadLetterSettings


def dead_letter_queue(settings: DeadLetterSettings, aws: AwsClients) -> DeadLetterQueue:
    """The queue, and the bucket for what it cannot hold."""
    return DeadLetterQueue(aws.maker("sqs"), settings.queue_url, aws.maker("s3"), settings.bucket)
