"""Measures lines of live calls through the poller and the handler, Salesforce at 40 ms.

The load is 1,000 lines a second: 2,000 calls, each with a line every two seconds, over the four
shards that a stream on demand begins with. A second's lines are delivered together, as the
mapping's batching window does, without waiting for it, and the next second's when those have ended:
`per_second` above 1,000 says that the load is kept up with. Every environment knows every call
before it is measured. The poller is the simulator's, the stream is in memory; poller, functions and
fakes share the machine's cores.
"""

import dataclasses
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulator.functions.function_pool import FunctionPool
from simulator.pollers.event_source_mapping import EventSourceMapping, read_mappings
from simulator.pollers.kinesis_poller import KinesisPoller
from tests.performance.deployed import Deployed
from tests.performance.event_stream import MemoryStream, Refusing
from tests.performance.fakes import LEDGER_OPERATIONS, LINES, Fakes
from tests.performance.machine import cpu
from tests.performance.measure import MeasurementError, function, process_of, template
from tests.performance.record_stream import require_success
from tests.samples.lens_records import segments, utterance

LENS_FUNCTION: Final = "ContactLensFunction"
ROUND_TRIP: Final = 0.040
"""Seconds of Salesforce's answers (docs/speed.md)."""
LEDGER_TRIP: Final = 0.005
"""Seconds of DynamoDB's answers, about what it takes in the same region."""
ENVIRONMENTS: Final = 4
"""At most, on two cores."""
A_SECOND: Final = 1000
WARM_UP_SECONDS: Final = 60
"""At most, until no environment asks the ledger which call a contact belongs to."""
QUIET_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Lines:
    """One run.

    Attributes:
        per_second: lines a second.
        cpu: milliseconds of the functions' processes a line.
        requests: to Salesforce, a line.
        ledger_requests: a line.
    """

    per_second: float
    cpu: float
    requests: float
    ledger_requests: float


def measure_lines(fakes: Fakes, deployed: Deployed, seconds: int) -> Lines:
    """Let the lines of so many seconds through. Raises MeasurementError."""
    (found,) = [
        each for each in read_mappings(template(deployed, fakes)) if each.function == LENS_FUNCTION
    ]
    mapping = dataclasses.replace(found, batching_window=0)
    definition = function(deployed, fakes, LENS_FUNCTION)
    pool = FunctionPool(lambda: process_of(deployed, definition), ENVIRONMENTS)
    calls = [str(uuid.uuid4()) for _ in range(2 * A_SECOND)]
    try:
        second = _warm_up(fakes, calls, mapping, pool)
        fakes.set_latency({LINES: ROUND_TRIP, **dict.fromkeys(LEDGER_OPERATIONS, LEDGER_TRIP)})
        before, used = fakes.counts(), sum(map(cpu, pool.process_ids))
        began = time.perf_counter()
        for number in range(second, second + seconds):
            _through(calls, number, mapping, pool)
        took = time.perf_counter() - began
        used = sum(map(cpu, pool.process_ids)) - used
        new = fakes.counts().since(before).requests
    finally:
        pool.close()
        fakes.set_latency({})
    lines = seconds * A_SECOND
    if waiting := new.get("SendMessageBatch", 0):
        raise MeasurementError(f"lines had to wait: {waiting} requests to their queue")
    return Lines(
        per_second=lines / took,
        cpu=used / lines,
        requests=new.get(LINES, 0) / lines,
        ledger_requests=sum(new.get(each, 0) for each in LEDGER_OPERATIONS) / lines,
    )


def _warm_up(
    fakes: Fakes, calls: Sequence[str], mapping: EventSourceMapping, pool: FunctionPool
) -> int:
    """Deliver lines until all is known; how many seconds' they were."""
    quiet = 0
    for second in range(WARM_UP_SECONDS):
        before = fakes.counts()
        _through(calls, second, mapping, pool)
        new = fakes.counts().since(before).requests
        quiet = 0 if any(new.get(each, 0) for each in LEDGER_OPERATIONS) else quiet + 1
        if quiet == QUIET_SECONDS:
            return second + 1
    raise MeasurementError("environments go on asking the ledger for calls that they know")


def _through(
    calls: Sequence[str], second: int, mapping: EventSourceMapping, pool: FunctionPool
) -> None:
    """Deliver one second's lines: every other call has one."""
    stream = MemoryStream()
    for call in calls[second % 2 :: 2]:
        stream.put(call, json.dumps(line(call, second)).encode())
    poller = KinesisPoller(stream, mapping, pool.invoke, s3=Refusing(), sqs=Refusing())
    for result in poller.drain():
        require_success(result)


def line(contact_id: str, second: int) -> dict[str, Any]:
    """A record with one line of a call."""
    said = utterance(
        str(uuid.uuid4()),
        "I wanted to ask about the invoice of last month.",
        second * 1000,
        TranscriptId=str(uuid.uuid4()),
        ParticipantId="CUSTOMER",
        ParticipantRole="CUSTOMER",
        EndOffsetMillis=second * 1000 + 900,
    )
    return segments(said, contact=contact_id)
