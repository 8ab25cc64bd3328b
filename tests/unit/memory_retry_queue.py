"""A retry queue without SQS, and the part of Lambda that drains it."""

import json
from collections.abc import Callable
from typing import Any

from voicecall_bridge.aws.dead_letters import DeadLetterLost, DeadLetterQueue
from voicecall_bridge.aws.retry_queue import FIRST_SECONDS, RetryQueue

VISIBILITY_SECONDS = 360
"""The queue's visibility time-out."""


class MemoryRetryQueue(RetryQueue):
    """A retry queue without SQS. With `fault` it takes nothing, so that records stay in the stream.

    Attributes:
        messages: what is in it, as Lambda hands it over.
        visible: message id -> when it is delivered next.
    """

    def __init__(self, fault: str = "", now: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__(DeadLetterQueue(lambda: None, "memory", lambda: None, "memory"))
        self.fault, self.now = fault, now
        self.messages: dict[str, dict[str, Any]] = {}
        self.visible: dict[str, float] = {}
        self.parked = 0

    def park(self, source: str, reason: str, payload: object) -> None:
        if self.fault:
            raise DeadLetterLost(self.fault)
        self.parked += 1
        message_id = f"m{self.parked}"
        self.messages[message_id] = {
            "messageId": message_id,
            "receiptHandle": message_id,
            "body": json.dumps({"source": source, "reason": reason, "payload": payload}),
            "attributes": {
                "ApproximateReceiveCount": "0",
                "SentTimestamp": str(int(self.now() * 1000)),
            },
            "eventSource": "aws:sqs",
        }
        self.visible[message_id] = self.now() + FIRST_SECONDS

    def postpone(self, receipt: str, seconds: int) -> None:
        if self.fault:
            raise DeadLetterLost(self.fault)
        self.visible[receipt] = self.now() + seconds

    def due(self, most: int = 100) -> dict[str, Any]:
        """The event of the messages that are visible now."""
        ready = [name for name, at in self.visible.items() if at <= self.now()][:most]
        for name in ready:
            attributes = self.messages[name]["attributes"]
            received = int(attributes["ApproximateReceiveCount"])
            attributes["ApproximateReceiveCount"] = str(received + 1)
            self.visible[name] = self.now() + VISIBILITY_SECONDS
        return {"Records": [self.messages[name] for name in ready]}

    def settle(self, event: dict[str, Any], answer: dict[str, list[dict[str, str]]]) -> None:
        """Deletes the messages that ended, as Lambda does."""
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in event["Records"]:
            if message["messageId"] not in failed:
                del self.messages[message["messageId"]], self.visible[message["messageId"]]
