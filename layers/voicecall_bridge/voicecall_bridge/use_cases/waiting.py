"""Waiting for a lease that another worker holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.use_cases.results import LeaseTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.deadline import Deadline

LOOK_AGAIN_SECONDS = 0.1
"""The pause between two looks at a lease, where a caller waits."""
LEAST_RESERVE_SECONDS = 0.25
"""Time that is kept for storing the outcome and answering; of little time, a quarter."""


def with_reserve(deadline: Deadline) -> Deadline:
    """The deadline less the time for storing the outcome."""
    left = deadline.remaining()
    return deadline.less(max(left / 10, min(LEAST_RESERVE_SECONDS, left / 4)))


@dataclass(eq=False, repr=False, slots=True)
class Waiting:
    """The pauses between two looks at a lease.

    Attributes:
        deadline: until when it is worth looking.
        sleep: waits for seconds.
        pause: seconds until the next look; twice as long each time, up to `longest`.
        longest: see there.
        needed: seconds that whoever gets the lease needs at least.
    """

    deadline: Deadline
    sleep: Callable[[float], object]
    pause: float = LOOK_AGAIN_SECONDS
    longest: float = LOOK_AGAIN_SECONDS
    needed: float = 0.0

    def wait(self, text: str, *, request_kept: bool = False) -> None:
        """Waits until the next look.

        Args:
            text: what the other worker is doing.
            request_kept: see LeaseTimeout.

        Raises:
            LeaseTimeout: there is no time for another look.
        """
        if not self.deadline.allows(self.pause + self.needed):
            raise LeaseTimeout(text, request_kept=request_kept)
        self.sleep(self.pause)
        self.pause = min(2 * self.pause, self.longest)
