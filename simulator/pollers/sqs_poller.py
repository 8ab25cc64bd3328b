"""Feeds an SQS queue to a function as Lambda's event source mapping does.

As in AWS Lambda Developer Guide, "Using Lambda with Amazon SQS": a message that succeeds is
deleted, one that fails becomes visible again when the queue's visibility time-out is over, and the
queue's redrive policy moves it away when it was received too often.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from simulator.pollers.batch import BatchResult, Invoked, Outcome
from simulator.pollers.batch_response import failed_items
from simulator.pollers.queue_mapping import QueueMapping

__all__ = ["Message", "SqsPoller"]

_MOST_RECEIVED: Final = 10
"""Messages of one ReceiveMessage, which takes no more."""
_CONCURRENCY: Final = 4
"""Batches at the same time: as many as the simulator has environments of a function."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the function is given it.

    Attributes:
        event: its place in the event's Records.
    """

    event: Mapping[str, Any]

    @property
    def input_id(self) -> str:
        """The message's id."""
        return str(self.event["messageId"])

    @property
    def data(self) -> bytes:
        """The body."""
        return str(self.event["body"]).encode()

    @property
    def arrived(self) -> float:
        """When it was sent, epoch seconds."""
        return int(self.event["attributes"]["SentTimestamp"]) / 1000

    @property
    def received(self) -> int:
        """How often it was received so far."""
        return int(self.event["attributes"]["ApproximateReceiveCount"])


class SqsPoller:
    """One mapping at work.

    Args:
        sqs: a botocore client.
        mapping: its settings.
        invoke: invokes the function with a batch; called from several threads.
        visible_in: seconds until the queue of this name has a message to give; None: it is empty.
        clock: epoch seconds.
    """

    def __init__(
        self,
        sqs: Any,
        mapping: QueueMapping,
        invoke: Callable[[dict[str, Any]], Invoked],
        visible_in: Callable[[str], float | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Find the queue. Raises botocore's errors for a missing one."""
        self._sqs = sqs
        self._mapping = mapping
        self._invoke = invoke
        self._visible_in = visible_in
        self._clock = clock
        self._deliver_again = 0
        self._url = str(sqs.get_queue_url(QueueName=mapping.queue)["QueueUrl"])
        self._dead_letters, self._most_received = self._redrive_policy()

    @property
    def next_due(self) -> float | None:
        """When the next message can be received, epoch seconds; None for an empty queue."""
        seconds = self._visible_in(self._mapping.queue)
        return None if seconds is None else self._clock() + seconds

    def poll_once(self) -> list[BatchResult]:
        """Receive what is visible, and invoke the function with it, batch by batch."""
        batches = self._visible_batches()
        if not batches:
            return []
        with ThreadPoolExecutor(max_workers=len(batches)) as executor:
            running = [executor.submit(self._invoke, _function_event(it)) for it in batches]
        return [
            result
            for batch, future in zip(batches, running, strict=True)
            for result in self._settle(batch, future.result())
        ]

    def deliver_twice(self, batches: int = 1) -> None:
        """Deliver each of the next `batches` successful batches once more."""
        self._deliver_again = batches

    def _visible_batches(self) -> list[list[Message]]:
        """As many as the function takes at once; a queue without a visible message is not asked."""
        batches: list[list[Message]] = []
        while len(batches) < _CONCURRENCY and self._visible_in(self._mapping.queue) == 0.0:
            if not (batch := self._receive()):
                break
            batches.append(batch)
        return batches

    def _receive(self) -> list[Message]:
        messages: list[Message] = []
        while (room := self._mapping.batch_size - len(messages)) > 0:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(room, _MOST_RECEIVED),
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            received = answer.get("Messages", [])
            messages += [Message(self._as_event(message)) for message in received]
            if not received:
                break
        return messages

    def _settle(self, batch: Sequence[Message], invoked: Invoked) -> list[BatchResult]:
        ids = {message.input_id for message in batch}
        reports = self._mapping.report_item_failures
        failed_ids, reason = failed_items(ids, invoked, reports=reports)
        failed = [it for it in batch if failed_ids is None or it.input_id in failed_ids]
        done = [it for it in batch if it not in failed]
        again = not failed and self._deliver_again > 0
        for message in done:
            self._finish(message, again=again)
        if again:
            self._deliver_again -= 1
        if failed and not reason:
            reason = f"{len(failed)} of {len(batch)} messages failed"
        outcome = Outcome.PARTIAL if done else Outcome.FAILED
        return [
            BatchResult(
                records=(*done, *failed),
                outcome=outcome if failed else Outcome.SUCCEEDED,
                invocations=max(message.received for message in batch),
                done=len(done),
                reason=reason,
                retry_in=self._visible_in(self._mapping.queue) if failed or again else None,
                invoked=invoked,
                feeds=self._mapping.queue,
            ),
            *self._given_up(failed, reason, invoked),
        ]

    def _given_up(
        self, failed: Sequence[Message], reason: str, invoked: Invoked
    ) -> list[BatchResult]:
        """The messages that the queue moves to its dead-letter queue at the next receive."""
        if not self._most_received:
            return []
        return [
            BatchResult(
                records=(message,),
                outcome=Outcome.DISCARDED,
                invocations=message.received,
                done=1,
                reason=f"received {message.received} times: {reason}",
                destination=self._dead_letters,
                invoked=invoked,
                feeds=self._mapping.queue,
            )
            for message in failed
            if message.received >= self._most_received
        ]

    def _finish(self, message: Message, *, again: bool) -> None:
        handle = message.event["receiptHandle"]
        if again:
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=0
            )
        else:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=handle)

    def _redrive_policy(self) -> tuple[str, int]:
        answer = self._sqs.get_queue_attributes(
            QueueUrl=self._url, AttributeNames=["RedrivePolicy"]
        )
        policy = json.loads(answer.get("Attributes", {}).get("RedrivePolicy", "{}"))
        return str(policy.get("deadLetterTargetArn", "")), int(policy.get("maxReceiveCount", 0))

    def _as_event(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """As in "Using Lambda with Amazon SQS", example of a standard queue's message event."""
        attributes = message.get("MessageAttributes", {})
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": dict(message.get("Attributes", {})),
            "messageAttributes": {
                name: {
                    "stringValue": value.get("StringValue"),
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": value.get("DataType"),
                }
                for name, value in attributes.items()
            },
            "md5OfBody": message.get("MD5OfBody", ""),
            "eventSource": "aws:sqs",
            "eventSourceARN": self._mapping.queue_arn,
            "awsRegion": self._mapping.region,
        }


def _function_event(batch: Sequence[Message]) -> dict[str, Any]:
    return {"Records": [dict(message.event) for message in batch]}
