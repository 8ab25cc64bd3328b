"""Updates of many threads, grouped: what waits while one request is under way goes into the next.

Each item is still decided by its own condition. A group is sent as one transaction, whose refusal
tells which conditions do not hold; the others are sent again. One thread alone sends a plain
update. This is what makes a thousand contact records a second possible: most of what a write costs
is the request, not the item.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voicecall_bridge.ledger.table import (
    Cancelled,
    ConditionFailed,
    LedgerUnavailable,
    Table,
    update_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ITEMS = 100
"""Of one transaction (DynamoDB API reference, TransactWriteItems)."""
_REFUSED = "ConditionalCheckFailed"


@dataclass(slots=True, eq=False)
class _Write:
    """An update and its turn, which comes when it is settled or when it is to send for all."""

    key: str
    update: dict[str, Any]
    turn: threading.Event = field(default_factory=threading.Event)
    settled: bool = False
    error: Exception | None = None

    def settle(self, error: Exception | None = None) -> None:
        self.settled, self.error = True, error
        self.turn.set()


@dataclass(slots=True)
class GroupedTable(Table):
    """A table whose updates are sent in groups. Use it from many threads."""

    _waiting: list[_Write] = field(default_factory=list, init=False, repr=False)
    _sending: bool = field(default=False, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def update(
        self,
        key: str,
        update: str,
        values: Mapping[str, Mapping[str, Any]],
        *,
        condition: str = "",
        names: Mapping[str, str] | None = None,
        tell_before: bool = False,
    ) -> Mapping[str, Mapping[str, Any]]:
        """As Table.update, but for `tell_before`, which a transaction cannot.

        Raises:
            ConditionFailed, LedgerUnavailable: as Table.update does.
            ValueError: `tell_before` is asked for.
        """
        if tell_before:
            raise ValueError("a grouped update does not tell what stood before")
        sent = update_of(self.name, key, update, values, condition=condition, names=names)
        write = _Write(key, sent)
        self._join(write)
        if not write.settled:
            try:
                self._send(self._take(write))
            finally:
                self._pass_on()
        if write.error is not None:
            raise write.error
        return {}

    def _join(self, write: _Write) -> None:
        """Waits until the write is settled, or it is its thread's turn to send."""
        with self._lock:
            self._waiting.append(write)
            if not self._sending:
                self._sending = True
                return
        write.turn.wait()

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting[0].turn.set()
            else:
                self._sending = False

    def _take(self, first: _Write) -> list[_Write]:
        """`first` and others that wait, each of another item: a transaction takes one update of
        an item."""
        with self._lock:
            group = {first.key: first}
            for write in self._waiting:
                if len(group) == MOST_ITEMS:
                    break
                group.setdefault(write.key, write)
            taken = list(group.values())
            self._waiting = [write for write in self._waiting if write not in taken]
        return taken

    def _send(self, group: list[_Write]) -> None:
        try:
            left = group
            while len(left) > 1:
                again = self._send_together(left)
                if len(again) == len(left):
                    break  # no condition failed: another transaction was at one of the items
                left = again
            for write in left:
                self._send_alone(write)
        finally:
            for write in group:
                if not write.settled:  # a defect must not leave the others waiting for nothing
                    write.settle(LedgerUnavailable("UNSETTLED"))

    def _send_together(self, group: list[_Write]) -> list[_Write]:
        """Sends a transaction; answers what is still to be sent."""
        try:
            self.together([write.update for write in group])
        except Cancelled as refused:
            for write, reason in zip(group, refused.reasons, strict=False):
                if reason.get("Code") == _REFUSED:
                    write.settle(ConditionFailed(reason.get("Item", {})))
            return [write for write in group if not write.settled]
        except LedgerUnavailable as fault:
            for write in group:
                write.settle(LedgerUnavailable(str(fault)))
            return []
        for write in group:
            write.settle()
        return []

    def _send_alone(self, write: _Write) -> None:
        try:
            self.alone(write.update)
        except (ConditionFailed, LedgerUnavailable) as error:
            write.settle(error)
        else:
            write.settle()
