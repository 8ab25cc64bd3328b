"""Dead letters: inputs that end without effect, kept whole with the reason. The only SQS."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable


class DeadLetterLost(Exception):
    """The queue did not take the letter; the text is the fault's name only."""


@dataclass(slots=True)
class DeadLetterQueue:
    """The queue.

    Attributes:
        client: makes the SQS client when it is needed.
        url: the queue's address.
    """

    client: Callable[[], Any]
    url: str
    _made: Any = field(default=None, init=False, repr=False)

    def keep(self, source: str, reason: str, payload: object) -> None:
        """Keeps an input.

        Args:
            source: where the input came from, e.g. contact_flow.
            reason: the error code.
            payload: the whole input as it came.

        Raises:
            DeadLetterLost: the queue did not take it.
        """
        letter = {"source": source, "reason": reason, "payload": payload}
        try:
            body = json.dumps(letter, default=str)
            if self._made is None:
                self._made = self.client()
            self._made.send_message(QueueUrl=self.url, MessageBody=body)
        except ClientError as error:
            raise DeadLetterLost(error.response["Error"].get("Code", "")) from None
        except (BotoCoreError, RecursionError) as error:
            raise DeadLetterLost(type(error).__name__) from None
