"""The batches of a poller and their results; the same for every kind of poller."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["BatchResult", "Invoked", "Outcome", "PolledRecord", "Poller", "drain"]


class Invoked(Protocol):
    """An invocation as a poller sees it (see functions.lambda_process.Invocation)."""

    @property
    def payload(self) -> Any:
        """The handler's answer, parsed."""

    @property
    def error(self) -> Mapping[str, Any] | None:
        """errorType and errorMessage when the function failed or timed out, else None."""

    @property
    def request_id(self) -> str:
        """Lambda's id of the invocation."""


class PolledRecord(Protocol):
    """One input of a function: a stream's record, a queue's message, an event."""

    @property
    def input_id(self) -> str:
        """The id that stays the same at every delivery."""

    @property
    def data(self) -> bytes:
        """The input itself, without what Lambda puts around it."""

    @property
    def arrived(self) -> float:
        """When the stream, the queue or Lambda took it, epoch seconds."""


class Outcome(StrEnum):
    """The result of a batch at one moment."""

    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class BatchResult:
    """One invocation with a batch, or the end of a batch that is given up.

    Attributes:
        records: what the function was given, or what is given up.
        outcome: what became of it.
        invocations: how often the first of them was given to the function so far.
        done: so many of the records, from the first one, need no further invocation.
        reason: why not all of them, or why they are given up; empty on success.
        retry_in: seconds until the rest is delivered again; None when nothing is.
        destination: where a batch given up is kept; empty when it is not, and is lost.
        invoked: the invocation; the last one of a batch given up, None if there was none.
        feeds: name of the stream or the queue; of asynchronous invocations: the function.
        shard_id, lane: of a stream's batch: the shard, and the lane within it.
    """

    records: tuple[PolledRecord, ...]
    outcome: Outcome
    invocations: int
    done: int
    reason: str
    retry_in: float | None = None
    destination: str = ""
    invoked: Invoked | None = None
    feeds: str = ""
    shard_id: str = ""
    lane: int = 0


class Poller(Protocol):
    """Something that invokes one function with batches."""

    @property
    def next_due(self) -> float | None:
        """When there is something to do next, epoch seconds; None where nothing is pending."""

    def poll_once(self) -> list[BatchResult]:
        """Invoke the function with everything that is due now."""

    def deliver_twice(self, batches: int = 1) -> None:
        """Deliver each of the next `batches` successful batches once more, as Lambda may."""


def drain(
    pollers: Sequence[Poller],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    within: float | None = None,
) -> list[BatchResult]:
    """Poll until nothing is pending, sleeping through windows, delays and pauses.

    Args:
        pollers: one after the other, and again: a function may fill another poller's queue.
        clock, sleep: epoch seconds, and a wait in seconds.
        within: no sleep reaches so many seconds from now. A poller without limits keeps what fails
            until its stream or queue drops it, days later.
    """
    until = None if within is None else clock() + within
    results: list[BatchResult] = []
    while True:
        for poller in pollers:
            results += poller.poll_once()
        due = [at for at in (poller.next_due for poller in pollers) if at is not None]
        if not due or (until is not None and min(due) > until):
            return results
        wait = min(due) - clock()
        if wait > 0:
            sleep(wait)
