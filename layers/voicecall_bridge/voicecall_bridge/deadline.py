"""The time that is left. Every network call takes a deadline and is cut to it."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


class DeadlineExceeded(TimeoutError):
    """The time ran out before there was an answer. A request under way may still take effect."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock, in seconds."""

    at: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """The deadline that many seconds from now."""
        return cls(clock() + seconds, clock)

    def less(self, seconds: float) -> Deadline:
        """An earlier deadline: keeps that many seconds for the work after a call."""
        return replace(self, at=self.at - seconds)

    def within(self, seconds: float) -> Deadline:
        """The earlier of this deadline and the one that many seconds from now."""
        return replace(self, at=min(self.at, self.clock() + seconds))

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - self.clock())

    def allows(self, seconds: float) -> bool:
        """Whether more than that many seconds are left."""
        return self.remaining() > seconds


def run_before(deadline: Deadline, work: Callable[[], Answer]) -> Answer:
    """The work's answer, if it comes before the deadline.

    A socket's time-out bounds one read, not a whole call: a name look-up has none, and a server
    that sends a byte now and then never reaches one. So the caller stops waiting at the deadline,
    and the thread ends by itself.

    Raises:
        DeadlineExceeded: the work has not ended.
        Exception: whatever the work raised.
    """
    done: queue.SimpleQueue[tuple[bool, Answer | BaseException]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((True, work()))
        except BaseException as error:  # handed to the waiting thread, which raises it
            done.put((False, error))

    threading.Thread(target=run, name="before-deadline", daemon=True).start()
    try:
        succeeded, answer = done.get(timeout=deadline.remaining())
    except queue.Empty:
        raise DeadlineExceeded("the time for this answer has run out") from None
    if not succeeded and isinstance(answer, BaseException):
        raise answer
    return answer  # type: ignore[return-value]  # the flag says which of the two it is
