"""The clock of moto's queues: delays, visibility time-outs and ages, which a replay jumps over.

moto keeps its queues in this process, and the times of a message as epoch milliseconds. Its twelve
hours of visibility time-out begin when a message was sent; SQS's begin when it is received (SQS
developer guide, "Amazon SQS visibility timeout"), so that one can be hidden again for days.
"""

import json
from collections.abc import Iterator
from typing import Any

from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import SQSBackend, sqs_backends

__all__ = ["let_records_age", "let_time_pass", "visible_in"]

_MILLISECONDS = 1000.0


def visible_in(queue_name: str) -> float | None:
    """Seconds until the queue of this name has a message to give; None for an empty queue."""
    now = unix_time_millis()
    due = [
        max(message.visible_at, message.delayed_until)
        for queue in _queues()
        if queue.name == queue_name
        for message in list(queue._messages)
    ]
    # moto compares with "later than": at the very millisecond the message is not visible yet.
    return max(0.0, (min(due) - now + 1) / _MILLISECONDS) if due else None


def let_time_pass(seconds: float) -> None:
    """Make every message of every queue so much older, and nearer to being visible."""
    for queue in _queues():
        for message in list(queue._messages):
            message.visible_at -= seconds * _MILLISECONDS
            message.delayed_until -= seconds * _MILLISECONDS
            message.sent_timestamp -= int(seconds * _MILLISECONDS)


def let_records_age(seconds: float) -> None:
    """Make records of a stream that wait in a queue (`record` in the body) arrive so much earlier.

    A function goes by its own clock, and gives up what has waited for too long.
    """
    for queue in _queues():
        for message in list(queue._messages):
            try:
                body = json.loads(message.body)
                body["record"]["kinesis"]["approximateArrivalTimestamp"] -= seconds
            except (ValueError, KeyError, TypeError):
                continue  # it waits for something else
            message.body = json.dumps(body)


def _change_visibility(
    backend: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    queue = backend.get_queue(queue_name)
    for message in queue._messages:
        if message.had_receipt_handle(receipt_handle):
            message.change_visibility(visibility_timeout)
            if message.visible:
                queue.pending_messages.discard(message)
            return
    raise ReceiptHandleIsInvalid


SQSBackend.change_message_visibility = _change_visibility  # type: ignore[method-assign, assignment]


def _queues() -> Iterator[Any]:
    for account in list(sqs_backends.values()):
        for backend in list(account.values()):
            yield from list(backend.queues.values())
