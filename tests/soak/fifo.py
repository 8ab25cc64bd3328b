"""The queue of deferred lines: SQS FIFO, one group a call.

Source: SQS developer guide, "FIFO delivery logic" and "Exactly-once processing".
"""

from __future__ import annotations

import json
import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DELAY_SECONDS = 2.0
VISIBILITY_SECONDS = 180.0
"""Both as in the template."""
DEDUPLICATION_SECONDS = 300.0
LATE_SECONDS = 3.0
"""A queue that delivers later keeps no order (docs/guarantees.md)."""


@dataclass(eq=False, slots=True)
class Waiting:
    """A message.

    Attributes:
        record_id: of the record in it.
        group: its group.
        message: as Lambda passes it.
        maker: the environment that put it there.
        holder: the one that tried it last, or its maker.
        visible_at: when its delay is over.
        hidden_until: when it is received again, if it is not deleted.
        received: how often it was.
    """

    record_id: str
    group: str
    message: dict[str, Any]
    maker: int
    holder: int
    visible_at: float
    hidden_until: float = 0.0
    received: int = 0


class Fifo:
    """The queue.

    Attributes:
        environment: which environment is at work.
        on_park: called with the id of each record that is taken.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.environment = 0
        self.on_park: Callable[[str], None] = lambda _: None
        self._groups: dict[str, list[Waiting]] = {}
        self._by_id: dict[str, Waiting] = {}
        self._recent: dict[str, float] = {}
        self._order: deque[tuple[float, str]] = deque()
        self._now = now

    def __bool__(self) -> bool:
        """Whether a message waits."""
        return bool(self._by_id)

    def is_due(self) -> bool:
        """Whether a message can be received."""
        return any(moment <= self._now() for moment in self.next_due())

    def next_due(self) -> Iterator[float]:
        """When each message can be received."""
        return (max(it.visible_at, it.hidden_until) for it in self._by_id.values())

    def holds(self, record_id: str, later_id: str) -> bool | None:
        """Whether the environment at work holds the record and could have kept a later one behind
        it; None: the record does not wait at all.

        A message that the queue should have delivered seconds ago holds nothing up. A later record
        that another environment has put into another group is not behind it.
        """
        found = [it for it in self._by_id.values() if it.record_id == record_id]
        later = [it for it in self._by_id.values() if it.record_id == later_id]
        if not found:
            return None
        late = self._now() - LATE_SECONDS
        return any(
            it.holder == self.environment
            and max(it.visible_at, it.hidden_until) > late
            and not any(it.group != each.group and it.maker != each.maker for each in later)
            for it in found
        )

    def send_message_batch(self, **given: Any) -> dict[str, Any]:
        """SQS's own."""
        for entry in given["Entries"]:
            if self._is_new(entry["MessageDeduplicationId"]):
                self._put(entry["MessageGroupId"], entry["MessageBody"])
        return {}

    def hide(self, receipt: str, seconds: float) -> None:
        """Changes a message's visibility."""
        if waiting := self._by_id.get(receipt):
            waiting.hidden_until = self._now() + seconds

    def _is_new(self, name: str) -> bool:
        while self._order and self._order[0][0] <= self._now() - DEDUPLICATION_SECONDS:
            self._recent.pop(self._order.popleft()[1], None)
        if name in self._recent:
            return False
        self._recent[name] = self._now()
        self._order.append((self._now(), name))
        return True

    def _put(self, group: str, body: str) -> None:
        message_id = str(uuid.uuid4())
        record_id = json.loads(body)["inputId"]
        message = {
            "messageId": message_id,
            "receiptHandle": message_id,
            "body": body,
            "attributes": {"MessageGroupId": group},
            "eventSource": "aws:sqs",
        }
        maker, visible_at = self.environment, self._now() + DELAY_SECONDS
        waiting = Waiting(record_id, group, message, maker, maker, visible_at)
        self._groups.setdefault(group, []).append(waiting)
        self._by_id[message_id] = waiting
        self.on_park(record_id)

    def receive(self, most: int, environment: int) -> list[Waiting]:
        """Messages for an environment: the head of each group without a message in flight."""
        found: list[Waiting] = []
        now = self._now()
        for group in self._groups.values():
            if any(it.hidden_until > now for it in group):
                continue
            for waiting in group:
                if len(found) == most or waiting.visible_at > now:
                    break
                found.append(waiting)
        for waiting in found:
            waiting.received += 1
            waiting.message["attributes"]["ApproximateReceiveCount"] = str(waiting.received)
            waiting.hidden_until = now + VISIBILITY_SECONDS
            waiting.holder = environment
        return found

    def delete(self, waiting: Waiting) -> bool:
        """Deletes a message. Returns whether it was there."""
        if self._by_id.pop(waiting.message["messageId"], None) is None:
            return False
        group = self._groups[waiting.group]
        group.remove(waiting)
        if not group:
            del self._groups[waiting.group]
        return True
