"""What a function's answer says about its batch.

As in AWS Lambda Developer Guide, "Configuring partial batch response with Kinesis Data Streams and
Lambda": without ReportBatchItemFailures any answer is success. With it, an empty or null answer or
list is success, the lowest sequence number listed is where the batch starts again, and an
identifier that is empty, null, under a wrong name or not of this batch fails the whole batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.streams.stream_record import Invoked, StreamRecord

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a batch came.

    done      so many records, from the first one, are done with
    failed    the whole batch failed, as after a function error
    reason    why not all records are done; "" when they are
    """

    done: int
    failed: bool
    reason: str


def judge(records: Sequence[StreamRecord], invoked: Invoked, *, reports: bool) -> Verdict:
    """The verdict on `records`; `reports` is ReportBatchItemFailures."""
    if invoked.error is not None:
        return _failed(
            f"{invoked.error.get('errorType', 'Error')}: {invoked.error.get('errorMessage', '')}"
        )
    success = Verdict(len(records), failed=False, reason="")
    if not reports or invoked.payload in (None, "", {}):
        return success
    if not isinstance(invoked.payload, Mapping):
        return _failed("the answer is no object")
    failures = invoked.payload.get("batchItemFailures")
    if failures is None or failures == []:
        return success
    if not isinstance(failures, list):
        return _failed("batchItemFailures is no list")
    return _from_failures(records, failures)


def _from_failures(records: Sequence[StreamRecord], failures: Sequence[Any]) -> Verdict:
    places = {record.sequence_number: place for place, record in enumerate(records)}
    lowest = len(records)
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
        if not isinstance(identifier, str) or identifier not in places:
            return _failed(f"{failure!r} names no record of the batch")
        lowest = min(lowest, places[identifier])
    reason = f"failed from sequence number {records[lowest].sequence_number}"
    return Verdict(lowest, failed=False, reason=reason)


def _failed(reason: str) -> Verdict:
    return Verdict(0, failed=True, reason=reason)
