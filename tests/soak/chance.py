"""Every accident of a soak, drawn from one seed: faults, kills and deliveries in between."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

SALESFORCE_FAULTS = {
    "429": 0.04,
    "500": 0.03,
    "500 after": 0.03,
    "503": 0.06,
    "cut before": 0.03,
    "cut after": 0.04,
    "hang": 0.01,
    "hang after": 0.015,
    "not json": 0.02,
    "401": 0.01,
}
"""Kind -> how likely it hits a request. "after": Salesforce did it, and its answer is lost."""
AWS_FAULTS = {"throttled": 0.02, "down": 0.015, "answer lost": 0.02}
KILL = 0.01
"""Before a request, and again after it."""
MEANWHILE = 0.06
"""Another delivery runs while a request is under way."""
DEEPEST = 2


class Killed(BaseException):
    """The process was killed here: nothing after it runs, not even a handler of errors."""


@dataclass(slots=True)
class Chance:
    """Draws accidents; with `calm` it draws none, so that everything can end.

    Attributes:
        random: of the seed.
        meanwhile: runs another delivery.
        faults: what was drawn, by kind.
    """

    random: random.Random
    meanwhile: Callable[[], None] = lambda: None
    faults: Counter[str] = field(default_factory=Counter)
    calm: bool = False
    depth: int = 0

    def kill(self, where: str) -> None:
        """Kill the process, perhaps. Raises Killed."""
        if not self.calm and self.random.random() < KILL:
            self.faults[f"killed {where}"] += 1
            raise Killed

    def fault(self, service: str, kinds: dict[str, float]) -> str:
        """The kind of fault that hits a request; empty for most requests."""
        if self.calm:
            return ""
        drawn = self.random.random()
        for kind, likely in kinds.items():
            drawn -= likely
            if drawn < 0:
                self.faults[f"{service} {kind}"] += 1
                return kind
        return ""

    def interrupt(self) -> None:
        """Let another delivery run in between, perhaps."""
        if self.calm or self.depth >= DEEPEST or self.random.random() >= MEANWHILE:
            return
        self.depth += 1
        try:
            self.faults["deliveries in between"] += 1
            self.meanwhile()
        finally:
            self.depth -= 1
