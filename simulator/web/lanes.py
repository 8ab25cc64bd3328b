"""The lanes of the streams: how far each is, and its newest batches."""

import time
from collections.abc import Callable
from typing import Any, Final

from simulator.pollers.kinesis_poller import BatchResult

_MOST_BATCHES: Final = 200


class Lanes:
    """The results of the batches. The pollers' thread reports, others read."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Begin with nothing; `clock` returns epoch seconds."""
        self._clock = clock
        self._batches: list[dict[str, Any]] = []
        self._lanes: dict[str, dict[str, Any]] = {}

    def batch(self, result: BatchResult) -> None:
        """Takes the result of a batch: the pollers report it."""
        lane = f"{result.feeds} {result.shard_id} lane {result.lane}"
        last = result.records[min(result.done, len(result.records)) - 1]
        known = self._lanes.setdefault(lane, {"lane": lane, "batches": 0, "retries": 0})
        known["batches"] += 1
        known["retries"] += result.invocations > 1
        known["outcome"], known["reason"] = result.outcome.value, result.reason
        known["retryInSeconds"] = result.retry_in
        known["lagSeconds"] = round(self._clock() - result.records[0].arrived, 1)
        if result.done:
            known["checkpoint"] = last.input_id.rpartition(":")[2]
        shown = {
            "at": self._clock(),
            "lane": lane,
            "records": len(result.records),
            "done": result.done,
            "outcome": result.outcome.value,
            "invocations": result.invocations,
            "reason": result.reason,
            "keptIn": result.destination,
        }
        self._batches = [*self._batches[-(_MOST_BATCHES - 1) :], shown]

    def to_json(self) -> dict[str, Any]:
        """The lanes as they stand, and the newest batches."""
        return {"lanes": list(self._lanes.values()), "batches": self._batches[::-1]}

    def clear(self) -> None:
        """Forget everything."""
        self._batches, self._lanes = [], {}
