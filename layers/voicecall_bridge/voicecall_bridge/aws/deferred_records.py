"""Records with lines that Salesforce could not take at once, in a queue of the function's own.

A stream's shard waits for each of its batches; this queue does not. It is an SQS FIFO queue with
one group a call: the lines of a call stay in their order, and a call that has to wait holds up no
other one (SQS developer guide, "FIFO delivery logic").
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from voicecall_bridge.aws.dead_letters import fault_of
from voicecall_bridge.sources.kinesis import StreamRecord, read_record
from voicecall_bridge.sources.reading import members, parsed_object, text, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MOST_BYTES = 250_000
"""Of a message: below the 256 KiB that every queue takes."""
_MOST_ENTRIES = 10
_MOST_SENT_BYTES = 250_000
"""Of all messages of one request together."""


class NotDeferred(Exception):
    """The queue did not take it, or change it; the text is the fault's name only."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """A record that waits.

    Attributes:
        record: as the stream had it.
        done: ids of those of its lines that have ended; of its categories "categories".
        group: records of one group are received in order; a name that SQS takes (see group_name).
    """

    record: StreamRecord
    done: tuple[str, ...] = ()
    group: str = ""

    def body(self) -> str:
        """The message."""
        raw = {**self.record.raw}
        return json.dumps({"inputId": self.record.id, "record": raw, "done": self.done})


@dataclass(frozen=True, slots=True)
class ReceivedAgain:
    """A message of the queue.

    Attributes:
        message_id: what a batch item failure names.
        receipt: what the queue wants to change it.
        received: how often it was received so far.
        group: its group; empty where unstated.
        deferred: what it says; None: another sender put it there.
        raw: the message as Lambda passed it.
    """

    message_id: str
    receipt: str = field(repr=False)
    received: int
    group: str
    deferred: Deferred | None
    raw: object = field(repr=False)


@dataclass(eq=False, repr=False, slots=True)
class DeferredRecords:
    """The queue.

    Attributes:
        client: gives the SQS client when it is needed.
        url: the queue's address.
    """

    client: Callable[[], Any]
    url: str

    def send(self, records: Sequence[Deferred]) -> list[Deferred]:
        """Puts records into the queue; those that it did not take."""
        return [item for batch in _batches(records) for item in self._send(batch)]

    def wait(self, message: ReceivedAgain, seconds: float) -> None:
        """Hides a message, and those behind it in its group, for so long.

        Raises:
            NotDeferred: the queue does not answer; it shows the message again when its own
                visibility time-out is over.
        """
        try:
            self.client().change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=message.receipt, VisibilityTimeout=round(seconds)
            )
        except (BotoCoreError, ClientError) as error:
            raise NotDeferred(fault_of(error)) from None

    def _send(self, batch: Sequence[Deferred]) -> list[Deferred]:
        entries = [
            {
                "Id": str(number),
                "MessageBody": item.body(),
                "MessageGroupId": item.group,
                # The stream may deliver the record again: once in the queue is enough.
                "MessageDeduplicationId": group_name(item.record.id),
            }
            for number, item in enumerate(batch)
        ]
        try:
            answer = self.client().send_message_batch(QueueUrl=self.url, Entries=entries)
        except (BotoCoreError, ClientError):
            return list(batch)
        return [batch[int(failed["Id"])] for failed in answer.get("Failed", [])]


def is_queue_event(event: object) -> bool:
    """Whether a batch comes from a queue, and not from a stream."""
    records = members(event).get("Records")
    first = members(records[0]) if isinstance(records, list) and records else {}
    return first.get("eventSource") == "aws:sqs"


def read(event: object) -> list[ReceivedAgain]:
    """The messages of a batch."""
    records = members(event).get("Records")
    found = []
    for raw in records if isinstance(records, list) else []:
        message = members(raw)
        body = parsed_object(message.get("body")) or {}
        done = body.get("done")
        deferred = Deferred(
            read_record(body.get("record")),
            tuple(map(text, done)) if isinstance(done, list) else (),
        )
        attributes = members(message.get("attributes"))
        found.append(
            ReceivedAgain(
                text(message.get("messageId")),
                text(message.get("receiptHandle")),
                whole_number(attributes.get("ApproximateReceiveCount")) or 1,
                text(attributes.get("MessageGroupId")),
                deferred if deferred.record.raw else None,
                raw,
            )
        )
    return found


def _batches(records: Sequence[Deferred]) -> Iterator[list[Deferred]]:
    batch: list[Deferred] = []
    size = 0
    for record in records:
        length = len(record.body())
        if batch and (len(batch) == _MOST_ENTRIES or size + length > _MOST_SENT_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch


def group_name(name: str) -> str:
    """A name as SQS takes it: ids may hold other characters, and more than its 128."""
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
