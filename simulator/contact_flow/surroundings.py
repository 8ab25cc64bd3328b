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
        mute: blocks whose prompt does not play; EVERY: none does.
        keeps_attributes: whether attributes can be set.
    """

    is_open: bool | None = True
    key: str | None = ""
    unknown: frozenset[str] = frozenset()
    full: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()
    keeps_attributes: bool = True


def among(name: str, names: frozenset[str]) -> bool:
    """Whether a target or a block is one of those."""
    return EVERY in names or name in names
