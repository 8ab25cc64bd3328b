"""A flow's surroundings in Amazon Connect: queues, agents, hours, keys, faults."""

from dataclasses import dataclass
from typing import Final

EVERY: Final = "*"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that is not the flow's, the caller's or the function's.

    Attributes:
        is_open: what Check hours of operation finds; None: it fails.
        keys: what the caller presses in one menu after the other, the last one in all further
            ones too; empty: nothing; None: the blocks fail.
        unknown: queues and agents that cannot be set as target; EVERY: none can.
        full: targets that are at capacity.
        broken: targets that take no caller.
        mute: blocks that cannot play their prompt; EVERY: none can.
        agents: how many a queue has, online and available; it is empty. None: Check staffing
            and Check queue status fail.
        keeps_attributes: whether attributes can be set.
    """

    is_open: bool | None = True
    keys: tuple[str, ...] | None = ()
    unknown: frozenset[str] = frozenset()
    full: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()
    agents: int | None = 1
    keeps_attributes: bool = True

    def key(self, menu: int) -> str:
        """The keys that are pressed in the menu of this number, from 0; empty: nothing."""
        return self.keys[min(menu, len(self.keys) - 1)] if self.keys else ""


def among(name: str, names: frozenset[str]) -> bool:
    """Whether a target or a block is one of those."""
    return EVERY in names or name in names
