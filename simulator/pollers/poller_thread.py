"""Runs the pollers of a simulator that is left running, and shows the results."""

import traceback
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from simulator.functions.lambda_process import Invocation
from simulator.pollers.batch import BatchResult, Outcome
from simulator.sources import Sources

_PAUSE_SECONDS: Final = 0.2


class PollerThread:
    """A thread that polls, as a context manager."""

    def __init__(
        self, sources: Sources, report: Callable[[BatchResult], None] | None = None
    ) -> None:
        """Nothing is read before the context is entered; `report` sees each batch."""
        self._sources = sources
        self._report = report
        self._ended = Event()
        self._thread = Thread(target=self._poll, daemon=True)

    def __enter__(self) -> Self:
        """Poll from now on."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End after the round that is under way."""
        self._ended.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._ended.wait(_PAUSE_SECONDS):
            try:
                results = self._sources.poll_once()
            except Exception:
                traceback.print_exc()
                continue
            for result in results:
                _show(result)
                if self._report is not None:
                    self._report(result)


def _show(result: BatchResult) -> None:
    if result.outcome is not Outcome.DISCARDED and isinstance(result.invoked, Invocation):
        for line in result.invoked.logs:
            print(line, flush=True)
    if result.reason:
        again = "" if result.retry_in is None else f", again in {result.retry_in:g} s"
        kept = f", kept in {result.destination}" if result.destination else ""
        print(f"batch {result.outcome}: {result.reason}{again}{kept}", flush=True)
