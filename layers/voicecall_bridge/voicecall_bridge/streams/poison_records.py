"""Records that keep failing while others get through: a fault of their own, not an outage's.

Salesforce may fail over one record for good (a trigger, a flow of the org) with the very answers of
an outage. An outage hits all; so a record is given up only when, time and again, others of its kind
were delivered between two of its failures. What one environment sees is enough: where nothing else
comes in, nothing else is held up either.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

MOST_FAILURES = 5
"""Failures with others' successes between them, each of up to four attempts: at an outage that lets
every second request through, one record in a million."""
_KNOWN_RECORDS = 10_000
"""So many failing records an environment keeps in mind."""


@dataclass(slots=True)
class PoisonRecords:
    """What one environment has seen fail. Use it from many threads."""

    _delivered: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    _failures: dict[str, tuple[int, int]] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def delivered(self, kind: str) -> None:
        """A record of this kind has reached Salesforce."""
        with self._lock:
            self._delivered[kind] += 1

    def failed(self, record_id: str, kind: str) -> bool:
        """Whether this record's failures are its own; `record_id` is the same at every delivery."""
        with self._lock:
            delivered = self._delivered[kind]
            failures, before = self._failures.pop(record_id, (0, -1))
            failures += delivered > before
            if failures >= MOST_FAILURES:
                return True
            self._failures[record_id] = (failures, delivered)
            while len(self._failures) > _KNOWN_RECORDS:
                del self._failures[next(iter(self._failures))]
            return False
