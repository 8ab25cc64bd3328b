"""Execution environments of one function: as many as are busy at once, as Lambda starts them."""

from collections.abc import Callable
from contextlib import ExitStack
from threading import BoundedSemaphore, Lock
from typing import Any

from simulator.functions.lambda_process import Invocation, LambdaProcess


class FunctionPool:
    """Invokes a function in an environment that is free, or in a new one.

    Args:
        most: environments at the same time, as reserved concurrency has it; callers beyond it wait.
    """

    def __init__(self, make: Callable[[], LambdaProcess], most: int) -> None:
        """`make` makes an environment; none is made before the first invocation."""
        self._make = make
        self._places = BoundedSemaphore(most)
        self._lock = Lock()
        self._all: list[LambdaProcess] = []
        self._free: list[LambdaProcess] = []

    @property
    def process_ids(self) -> list[int]:
        """The processes that run now."""
        with self._lock:
            return [process.pid for process in self._all if process.pid is not None]

    def invoke(self, event: Any) -> Invocation:
        """Run the handler. Raises what LambdaProcess.invoke raises."""
        with self._places:
            process = self._take()
            try:
                return process.invoke(event)
            finally:
                with self._lock:
                    self._free.append(process)

    def close(self) -> None:
        """End every process."""
        with ExitStack() as processes, self._lock:
            for process in self._all:
                processes.callback(process.close)

    def _take(self) -> LambdaProcess:
        with self._lock:
            if self._free:
                # The one used last: the others may go cold, as Lambda's do.
                return self._free.pop()
            process = self._make()
            self._all.append(process)
            return process
