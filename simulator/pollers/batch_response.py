"""Reads a function's answer about its batch.

As in AWS Lambda Developer Guide, "Configuring partial batch response with Kinesis Data Streams and
Lambda" and "Handling errors for an SQS event source": without ReportBatchItemFailures any answer is
success. With it, an empty or null answer or list is success, and an identifier that is empty, null,
under a wrong name or not of this batch fails the whole batch. A stream starts again at the lowest
sequence number listed, a queue delivers again what is listed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from simulator.pollers.batch import Invoked
from simulator.pollers.stream_record import StreamRecord

__all__ = ["Verdict", "failed_items", "judge"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a batch came.

    Attributes:
        done: so many records, from the first one, are done with.
        failed: the whole batch failed, as after a function error.
        reason: why not all records are done; empty when they are.
    """

    done: int
    failed: bool
    reason: str


def judge(records: Sequence[StreamRecord], invoked: Invoked, *, reports: bool) -> Verdict:
    """The verdict on a stream's records; `reports` is ReportBatchItemFailures."""
    places = {record.sequence_number: place for place, record in enumerate(records)}
    failed, reason = failed_items(places.keys(), invoked, reports=reports)
    if failed is None:
        return Verdict(0, failed=True, reason=reason)
    if not failed:
        return Verdict(len(records), failed=False, reason="")
    lowest = min(places[identifier] for identifier in failed)
    reason = f"failed from sequence number {records[lowest].sequence_number}"
    return Verdict(lowest, failed=False, reason=reason)


def failed_items(
    identifiers: Collection[str], invoked: Invoked, *, reports: bool
) -> tuple[list[str] | None, str]:
    """The items that the function names as failed; None for the whole batch, and the reason."""
    if invoked.error is not None:
        error = invoked.error
        return None, f"{error.get('errorType', 'Error')}: {error.get('errorMessage', '')}"
    if not reports or invoked.payload in (None, "", {}):
        return [], ""
    if not isinstance(invoked.payload, Mapping):
        return None, "the answer is not an object"
    failures = invoked.payload.get("batchItemFailures") or []
    if not isinstance(failures, list):
        return None, "batchItemFailures is not a list"
    found: list[str] = []
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
        if not isinstance(identifier, str) or identifier not in identifiers:
            return None, f"{failure!r} names no record of the batch"
        found.append(identifier)
    return found, ""
