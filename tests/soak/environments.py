"""The execution environments of `contact_lens`, each with its own memory.

Only the environment that put lines into the queue knows that they wait: the order of a call's lines
depends on which environment is at work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voicecall_bridge.composition.contact_lens import contact_lens

if TYPE_CHECKING:
    from tests.soak.fifo import Fifo


class Environments:
    """Lambda's rule: an invocation gets a free environment, else a new one."""

    def __init__(self, queue: Fifo) -> None:
        self._queue = queue
        self._services: dict[int, Any] = {}
        self._free: list[int] = []
        self._made = 0

    def begin(self) -> int:
        """The environment of an invocation."""
        if not self._free:
            self._made += 1
            self._free.append(self._made)
            self._services[self._made] = contact_lens.__wrapped__()
        return self._free.pop()

    def end(self, environment: int, *, killed: bool) -> None:
        """The invocation has ended, or its process was killed."""
        if killed:
            del self._services[environment]
        else:
            self._free.append(environment)

    def service(self) -> Any:
        """The service of the environment that is at work."""
        return self._services[self._queue.environment]
