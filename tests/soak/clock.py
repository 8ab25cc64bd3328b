"""Time that passes only where a model or the bridge lets it pass.

`install` must run before the bridge is imported: its parts take time.time and time.sleep as
defaults.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """Seconds; one number serves for both clocks, since this one is never set back."""

    now: float = 1_795_000_000.0

    def read(self) -> float:
        """The moment, in epoch seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += max(0.0, seconds)

    def install(self) -> None:
        """Replace the process's own clocks."""
        time.time = self.read
        time.monotonic = self.read
        time.sleep = self.sleep  # type: ignore[assignment]
