"""Dead letters: inputs that end without effect, kept whole with the reason. The only SQS and S3.

A dead letter is {"source", "reason", "payload"}. A payload too large for the queue is in the
bucket, and the dead letter says where: {"source", "reason", "payloadAt": key}.
"""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

LETTER_BYTES = 250_000
"""Largest dead letter that goes into the queue: below the 256 KiB that every queue takes."""
OVERFLOW_PREFIX = "dead-letters/"
SET_ASIDE_PREFIX = "dead-letters/set-aside/"
"""Folder of dead letters that no redrive can bring back, apart from the others."""
_SHOWING_AT_ONCE = 16
_SEEN_SECONDS = 300
"""How long a dead letter that was looked at is hidden from the next look."""
LOOK_SECONDS = 1
"""How long SQS may look for dead letters. Without it, SQS asks only some of its servers and may
answer that there is none where there are (SQS developer guide, "Short and long polling")."""


class DeadLetterLost(Exception):
    """The queue or the bucket did not take, or give, it; the text is the fault's name only."""


@contextmanager
def answering() -> Generator[None, None, None]:
    """Raises DeadLetterLost for a queue or bucket that does not answer, or refuses."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise DeadLetterLost(fault_of(error)) from None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it lies in the queue.

    Attributes:
        source, reason: why it is there.
        payload: the whole input.
        receipt: what the queue wants to remove it.
        stored_at: key of its payload in the bucket, empty when the letter holds it.
    """

    source: str
    reason: str
    payload: object = field(repr=False)
    receipt: str = field(repr=False)
    stored_at: str = ""


@dataclass(eq=False, repr=False, slots=True)
class DeadLetterSender:
    """The queue, for inputs that always fit into a dead letter.

    Attributes:
        client: gives the SQS client when it is needed.
        url: the queue's address.
    """

    client: Callable[[], Any]
    url: str

    def keep(self, source: str, reason: str, payload: object, *, delay_seconds: int = 0) -> None:
        """Keeps an input.

        Args:
            source: where the input came from, e.g. contact_flow.
            reason: the error code.
            payload: the whole input as it came.
            delay_seconds: until the letter shows, at most 900.

        Raises:
            DeadLetterLost: it is not kept.
        """
        try:
            letter = self._written(source, reason, payload)
            self.client().send_message(
                QueueUrl=self.url, MessageBody=letter, DelaySeconds=delay_seconds
            )
        except (BotoCoreError, ClientError, RecursionError, TypeError, ValueError) as error:
            raise DeadLetterLost(fault_of(error)) from None

    def _written(self, source: str, reason: str, payload: object) -> str:
        # A value that JSON cannot write is kept by its text.
        return json.dumps({"source": source, "reason": reason, "payload": payload}, default=str)


class NoDeadLetterQueue:
    """Stands for the queue if its setting is missing: every dead letter is lost."""

    def keep(self, *_input: object) -> None:
        """Raises DeadLetterLost."""
        raise DeadLetterLost("DEAD_LETTER_QUEUE_URL is not set")


@dataclass(eq=False, repr=False, slots=True)
class DeadLetterQueue(DeadLetterSender):
    """The queue, and the bucket for payloads that it cannot hold.

    Attributes:
        storage: gives the S3 client when it is needed.
        bucket: the bucket's name.
        look_seconds: see LOOK_SECONDS.
    """

    storage: Callable[[], Any]
    bucket: str
    look_seconds: int = LOOK_SECONDS

    def letters(self) -> Generator[DeadLetter, None, None]:
        """The dead letters in the queue, each once; one that was looked at is hidden for a while.

        Closed before its end, it shows those again that it has not handed out.

        Raises:
            DeadLetterLost: the queue or the bucket does not answer.
        """
        waiting: list[Mapping[str, str]] = []
        try:
            while True:
                answer = self.client().receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=10,
                    VisibilityTimeout=_SEEN_SECONDS,
                    WaitTimeSeconds=self.look_seconds,
                )
                waiting = list(answer.get("Messages", []))
                if not waiting:
                    return
                while waiting:
                    letter = self.read(waiting[0]["Body"], waiting[0]["ReceiptHandle"])
                    del waiting[0]
                    yield letter
        except (BotoCoreError, ClientError) as error:
            raise DeadLetterLost(fault_of(error)) from None
        finally:
            if waiting:
                self._show([message["ReceiptHandle"] for message in waiting])

    def remove(self, letter: DeadLetter) -> None:
        """Takes a dead letter out of the queue, and its payload out of the bucket.

        Raises:
            DeadLetterLost: the queue or the bucket does not answer.
        """
        with answering():
            self.client().delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt)
            if letter.stored_at:
                self.storage().delete_object(Bucket=self.bucket, Key=letter.stored_at)

    def set_aside(self, letter: DeadLetter) -> None:
        """Moves a dead letter's payload into the bucket, under the reason, and out of the queue.

        Raises:
            DeadLetterLost: the queue or the bucket does not answer; the letter stays.
        """
        about = {"source": letter.source, "reason": letter.reason, "payload": letter.payload}
        key = f"{SET_ASIDE_PREFIX}{letter.reason or 'UNKNOWN'}/{uuid.uuid4()}.json"
        with answering():
            body = json.dumps(about, default=str).encode()
            self.storage().put_object(Bucket=self.bucket, Key=key, Body=body)
        self.remove(letter)

    def show_again(self, receipts: Sequence[str]) -> None:
        """Shows dead letters again that were looked at, ten a request and many requests at a time.

        Raises:
            DeadLetterLost: the queue does not answer; the letters show again by themselves.
        """
        groups = [receipts[first : first + 10] for first in range(0, len(receipts), 10)]
        if not groups:
            return
        with ThreadPoolExecutor(min(_SHOWING_AT_ONCE, len(groups))) as threads:
            for _ in threads.map(self._show, groups):
                pass

    def hide(self, receipt: str, seconds: int) -> None:
        """Hides a dead letter that was looked at for so long.

        Raises:
            DeadLetterLost: the queue does not answer; the letter shows at its time.
        """
        with answering():
            self.client().change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )

    def read(self, text: str, receipt: str) -> DeadLetter:
        """A message's text as a dead letter, its payload included.

        Raises:
            DeadLetterLost: the payload lies in the bucket, which does not answer.
        """
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return DeadLetter("", "NOT_A_LETTER", text, receipt)
        if "requestPayload" in body:
            # Lambda's own record of an asynchronous invocation that failed to the end (developer
            # guide, "Capturing records of Lambda asynchronous invocations").
            return DeadLetter("post_call_analysis", "GIVEN_UP", body["requestPayload"], receipt)
        stored_at = str(body.get("payloadAt", ""))
        payload = self._payload_at(stored_at) if stored_at else body.get("payload")
        return DeadLetter(
            str(body.get("source", "")), str(body.get("reason", "")), payload, receipt, stored_at
        )

    def _show(self, receipts: Sequence[str]) -> None:
        entries = [
            {"Id": str(place), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            for place, receipt in enumerate(receipts)
        ]
        with answering():
            self.client().change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def _payload_at(self, key: str) -> object:
        """The payload; None where the object is gone: one dead letter must not block the others."""
        try:
            return self._stored(key)
        except (BotoCoreError, ClientError) as error:
            if fault_of(error) != "NoSuchKey":
                raise DeadLetterLost(fault_of(error)) from None
            return None

    def _stored(self, key: str) -> Any:
        stored = self.storage().get_object(Bucket=self.bucket, Key=key)
        return json.loads(stored["Body"].read())

    def _written(self, source: str, reason: str, payload: object) -> str:
        letter = DeadLetterSender._written(self, source, reason, payload)
        if len(letter) <= LETTER_BYTES:
            return letter
        key = f"{OVERFLOW_PREFIX}{uuid.uuid4()}.json"
        body = json.dumps(payload, default=str).encode()
        self.storage().put_object(Bucket=self.bucket, Key=key, Body=body)
        return json.dumps({"source": source, "reason": reason, "payloadAt": key})


def fault_of(error: Exception) -> str:
    """The name of a fault of AWS, without its text."""
    if isinstance(error, ClientError):
        return str(error.response["Error"].get("Code", ""))
    return type(error).__name__
