"""What a flow finds in Amazon Connect while it is walked: queues, agents, hours, keys, faults."""

from dataclasses import dataclass
from typing import Final

EVERY: Final = "*"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that is not the flow's, the caller's or the function's.

    Attributes:
        is_open: what Check hours of operation finds; None: it fails.
        key: the key that the caller presses in a menu; empty: none; None: the block fails.
        unknown: queues and agents that cannot be set as target; EVERY: none can.
        full: targets that are at capacity.
        broken: targets into which nobody can be put.
        speaks: whether prompts play.
        keeps_attributes: whether attributes can be set.
    """

    is_open: bool | None = True
    key: str | None = ""
    unknown: frozenset[str] = frozenset()
    full: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    speaks: bool = True
    keeps_attributes: bool = True


def among(target: str, targets: frozenset[str]) -> bool:
    """Whether a target is one of those."""
    return EVERY in targets or target in targets
