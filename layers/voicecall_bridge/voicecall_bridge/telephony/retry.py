"""Decides whether a failed call is sent again, and after how long: the only place that does."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.telephony.errors import Effect

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.telephony.errors import TelephonyError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `retries` further attempts, with full jitter, within the deadline.

    Source: Salesforce's voice resiliency rule (implementation guide): retry a failed create up to
    three times, then route the call anyway.

    Attributes:
        retries: further attempts after the first.
        base, cap: seconds; the n-th pause is drawn evenly from 0 to min(cap, base * 2**n), so that
            callers that failed together do not come back together.
        least_attempt: seconds an attempt must have left to be worth sending.
        draw: random number generator of the jitter, uniform(a, b).
    """

    retries: int = 3
    base: float = 0.2
    cap: float = 2.0
    least_attempt: float = 0.25
    draw: Callable[[float, float], float] = field(default=random.uniform, repr=False)

    def pause(
        self, error: TelephonyError, tries: int, deadline: Deadline, *, repeatable: bool = True
    ) -> float | None:
        """Seconds to wait before the next attempt; None: do not try again.

        Args:
            error: how the last attempt failed.
            tries: how often it was tried so far, at least 1.
            deadline: the whole call's.
            repeatable: the call may take effect twice without harm.
        """
        if not error.retryable:
            return None  # Salesforce would refuse it again
        if not repeatable and error.effect is Effect.UNKNOWN:
            return None  # it may have taken effect, and must not twice
        if tries > self.retries:
            return None
        # Salesforce's Retry-After replaces the jitter: an earlier attempt would be refused.
        pause = error.retry_after
        if pause is None:
            pause = self.draw(0.0, min(self.cap, self.base * 2 ** (tries - 1)))
        if not deadline.allows(pause + self.least_attempt):
            return None  # the answer would come too late
        return pause
