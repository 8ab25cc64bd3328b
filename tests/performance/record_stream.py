"""Measures contact records through the poller and the handler, at a round trip of 40 ms.

Two loads. Records of contacts of their own, as many a second as come through. And versions: every
record in several versions, each delivered twice, shuffled, under partition keys of their own, so
that shards and environments race; the fakes hold the ledger's conditions, so what Salesforce gets
is what it would get. A stale write is a PATCH with an older version than one before it.

The poller is the simulator's, with the template's mapping over the four shards that a stream on
demand begins with; the stream is in memory. Poller, functions and fakes share the machine's cores.
"""

import json
import random
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from simulator.functions.function_pool import FunctionPool
from simulator.functions.lambda_process import Invocation
from simulator.pollers.event_source_mapping import EventSourceMapping, read_mappings
from simulator.pollers.kinesis_poller import BatchResult, KinesisPoller, Outcome
from tests.performance.deployed import Deployed
from tests.performance.event_stream import MemoryStream, Refusing
from tests.performance.fakes import LEDGER_OPERATIONS, UPDATE, Fakes
from tests.performance.machine import cpu
from tests.performance.measure import MeasurementError, function, process_of, template
from tests.samples.contact_records import agent
from tests.samples.contact_records import contact_record as record_sample
from tests.samples.members import INSTANCE_ID

RECORDS_FUNCTION: Final = "ContactRecordsFunction"
ROUND_TRIP: Final = 0.040
"""Seconds of Salesforce's answers (docs/speed.md)."""
LEDGER_TRIP: Final = 0.005
"""Seconds of DynamoDB's answers, about what it takes in the same region."""
ENVIRONMENTS: Final = 4
"""At most, on two cores."""
WARM_UP: Final = 400
VERSIONS: Final = 4
"""Of each record in the second load, each delivered twice."""


@dataclass(frozen=True, slots=True)
class Records:
    """One run.

    Attributes:
        per_second: records a second.
        cpu: milliseconds of the functions' processes a record.
        invocations: of the function, a record.
        patches, ledger_requests: a record.
        patches_per_version: of those versions that were sent at all, how often.
        stale: PATCHes with an older version than one before.
        newest: share of the contacts that ended in their newest version.
    """

    per_second: float
    cpu: float
    invocations: float
    patches: float
    ledger_requests: float
    patches_per_version: float
    stale: int
    newest: float


def measure_records(fakes: Fakes, deployed: Deployed, records: int, contacts: int) -> Records:
    """Let so many records through, then the versions of so many contacts' records.

    Raises MeasurementError.
    """
    (mapping,) = [
        each
        for each in read_mappings(template(deployed, fakes))
        if each.function == RECORDS_FUNCTION
    ]
    definition = function(deployed, fakes, RECORDS_FUNCTION)
    pool = FunctionPool(lambda: process_of(deployed, definition), ENVIRONMENTS)
    try:
        _through(_unique(WARM_UP), mapping, pool)
        fakes.set_latency({UPDATE: ROUND_TRIP, **dict.fromkeys(LEDGER_OPERATIONS, LEDGER_TRIP)})
        before, used = fakes.counts(), sum(map(cpu, pool.process_ids))
        seconds, invocations = _through(_unique(records), mapping, pool)
        used = sum(map(cpu, pool.process_ids)) - used
        new = fakes.counts().since(before).requests
        names = [str(uuid.uuid4()) for _ in range(contacts)]
        arrived = len(fakes.updates())
        _through(_versions(names), mapping, pool)
        updates = fakes.updates()[arrived:]
    finally:
        pool.close()
        fakes.set_latency({})
    stale, sent, newest = _order(updates)
    return Records(
        per_second=records / seconds,
        cpu=used / records,
        invocations=invocations / records,
        patches=new.get(UPDATE, 0) / records,
        ledger_requests=sum(new.get(each, 0) for each in LEDGER_OPERATIONS) / records,
        patches_per_version=len(updates) / sent,
        stale=stale,
        newest=newest / contacts,
    )


def _order(updates: Iterable[tuple[str, int]]) -> tuple[int, int, int]:
    """Stale PATCHes, versions that were sent, contacts that ended in the newest version."""
    latest: dict[str, int] = {}
    last: dict[str, int] = {}
    sent = set()
    stale = 0
    for name, version in updates:
        stale += version < latest.get(name, version)
        latest[name] = max(version, latest.get(name, version))
        last[name] = version
        sent.add((name, version))
    return stale, len(sent), sum(version == VERSIONS for version in last.values())


def _through(
    items: Iterable[tuple[str, dict[str, Any]]], mapping: EventSourceMapping, pool: FunctionPool
) -> tuple[float, int]:
    """Deliver records; seconds and invocations."""
    stream = MemoryStream()
    for key, item in items:
        stream.put(key, json.dumps(item).encode())
    poller = KinesisPoller(stream, mapping, pool.invoke, s3=Refusing(), sqs=Refusing())
    began = time.perf_counter()
    results = poller.drain()
    seconds = time.perf_counter() - began
    for result in results:
        require_success(result)
    return seconds, len(results)


def require_success(result: BatchResult) -> None:
    """Raises MeasurementError for a batch that did not succeed."""
    if result.outcome is not Outcome.SUCCEEDED:
        said = result.invoked.logs[-5:] if isinstance(result.invoked, Invocation) else ""
        raise MeasurementError(f"a batch: {result.reason}\n{said}")


def _unique(count: int) -> list[tuple[str, dict[str, Any]]]:
    names = [str(uuid.uuid4()) for _ in range(count)]
    return [(name, contact_record(name, name, VERSIONS)) for name in names]


def _versions(names: list[str]) -> list[tuple[str, dict[str, Any]]]:
    items = [
        (str(uuid.uuid4()), contact_record(name, name, version))
        for name in names
        for version in range(1, VERSIONS + 1)
        for _ in range(2)
    ]
    random.Random(len(names)).shuffle(items)
    return items


_AGENT = agent(
    AfterContactWorkDuration=30, CustomerHoldDuration=12, LongestHoldDuration=12, NumberOfHolds=1
)


def contact_record(contact_id: str, chain: str, version: int = VERSIONS) -> dict[str, Any]:
    """A contact's record in one of its versions; `chain` is the first contact of the call."""
    return record_sample(
        ContactId=contact_id,
        InitialContactId=None if chain == contact_id else chain,
        LastUpdateTimestamp=f"2026-11-20T10:06:{version:02d}Z",
        Attributes={"sfdc-Version__c": str(version), "voiceCallId": "0LQ000000000001AAA"},
        Agent=_AGENT,
        AgentConnectionAttempts=1,
        MediaStreams=[{"Type": "AUDIO"}],
        Tags={"aws:connect:instanceId": INSTANCE_ID},
    )
