"""The environments of all functions, made when they are first needed."""

from collections.abc import Mapping
from contextlib import ExitStack
from threading import Lock

from simulator.functions.function_pool import FunctionPool
from simulator.functions.lambda_process import LambdaProcess
from simulator.sam.template import LambdaFunction

_Environment = tuple[str, frozenset[tuple[str, str]]]
"""A function's logical id, and what its processes have in their environment."""


class FunctionPools:
    """A pool for each function and environment: one with other settings has other processes.

    Args:
        concurrency: environments of one pool at the same time.
    """

    def __init__(self, concurrency: int) -> None:
        """Nothing runs yet."""
        self._concurrency = concurrency
        self._pools: dict[_Environment, FunctionPool] = {}
        self._lock = Lock()

    @property
    def process_ids(self) -> list[int]:
        """The processes that run now."""
        return [process_id for pool in self._pools.values() for process_id in pool.process_ids]

    def of(self, function: LambdaFunction, environment: Mapping[str, str]) -> FunctionPool:
        """The pool of a function; `environment` is stronger than its own."""
        wanted = (function.logical_id, frozenset(environment.items()))
        with self._lock:
            if wanted not in self._pools:
                self._pools[wanted] = FunctionPool(
                    lambda: LambdaProcess(function, function.layers, environment),
                    self._concurrency,
                )
            return self._pools[wanted]

    def close(self) -> None:
        """End all processes; what is needed after that starts cold."""
        with self._lock:
            pools, self._pools = self._pools, {}
        with ExitStack() as closing:
            for pool in pools.values():
                closing.callback(pool.close)
