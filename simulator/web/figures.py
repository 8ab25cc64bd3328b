"""The console's figures: outcomes, latency and the tally. Not for several threads by itself."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

_SECONDS: Final = 60
_MOST_DURATIONS: Final = 10_000


class Figures:
    """Counts what happens."""

    def __init__(self) -> None:
        """Begin at nought."""
        self._durations: deque[tuple[float, float]] = deque(maxlen=_MOST_DURATIONS)
        self._outcomes: Counter[str] = Counter()
        self._dispositions: Counter[str] = Counter()

    def invoked(self, at: float, milliseconds: float) -> None:
        """A flow's invocation that began at that moment (epoch seconds) took so long."""
        self._durations.append((at, milliseconds))

    def log(self, line: Mapping[str, Any]) -> None:
        """Counts a delivery line of the log."""
        if line.get("message") != "delivery":
            return
        self._dispositions[str(line.get("disposition"))] += 1
        if status := str(line.get("status") or ""):
            self._outcomes[status] += 1

    def to_json(self, now: float) -> dict[str, Any]:
        """The figures as the REST interface shows them."""
        taken = sorted(took for _, took in self._durations)
        return {
            "callsPerMinute": sum(now - at < _SECONDS for at, _ in self._durations),
            "outcomes": dict(self._outcomes),
            "latencyMs": {
                "p50": _percentile(taken, 0.50),
                "p99": _percentile(taken, 0.99),
                "count": len(taken),
            },
            "tally": dict(self._dispositions),
            "perSecond": _per_second(self._durations, now),
        }


def _percentile(ordered: list[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def _per_second(durations: Iterable[tuple[float, float]], now: float) -> list[int]:
    """Invocations in each of the last 60 seconds, oldest first."""
    counts = [0] * _SECONDS
    for at, _ in durations:
        age = int(now - at)
        if 0 <= age < _SECONDS:
            counts[_SECONDS - 1 - age] += 1
    return counts
