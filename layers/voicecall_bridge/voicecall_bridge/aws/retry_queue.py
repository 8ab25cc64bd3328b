"""The retry queue of a function: stream records that failed, each by itself until its next try.

A message is written as a dead letter is ({"source", "reason", "payload"}), so that a message that
SQS itself gives up can be redriven like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicecall_bridge.aws.dead_letters import DeadLetterQueue

FIRST_SECONDS = 5
"""Until the first try from the queue."""


@dataclass(eq=False, repr=False, slots=True)
class RetryQueue:
    """The queue.

    Attributes:
        letters: writes and reads its messages.
    """

    letters: DeadLetterQueue

    def park(self, source: str, reason: str, payload: object) -> None:
        """Puts a record into the queue.

        Raises:
            DeadLetterLost: it is not in the queue.
        """
        self.letters.keep(source, reason, payload, delay_seconds=FIRST_SECONDS)

    def payload_of(self, body: str) -> object:
        """The record of a message; None if it can no longer be read.

        Raises:
            DeadLetterLost: it lies in the bucket, which does not answer.
        """
        return self.letters.read(body, receipt="").payload

    def postpone(self, receipt: str, seconds: int) -> None:
        """Hides a message for so long, before SQS delivers it again.

        Raises:
            DeadLetterLost: SQS delivers it when its visibility time-out is over.
        """
        self.letters.hide(receipt, seconds)
