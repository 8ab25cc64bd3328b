"""Measures revisions side by side: each measurement of one is followed by the same of the other.

Both have their processes at the same time, beside the same fakes, and alternate in short blocks, so
that a change of the machine's load affects both. One pair is one such measurement of everything; a
pair's ratio compares only what was measured within it.
"""

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from simulator.functions.lambda_process import LambdaProcess
from simulator.sam.template import LambdaFunction, resource_types
from tests.performance.deployed import Deployed
from tests.performance.event_stream import measure_events
from tests.performance.fakes import (
    AWS,
    CREATE,
    LEDGER_OPERATIONS,
    LEDGER_WRITES,
    SALESFORCE,
    SECRET,
    Fakes,
)
from tests.performance.lens_stream import LENS_FUNCTION, measure_lines
from tests.performance.machine import cpu, largest_memory
from tests.performance.measure import (
    MeasurementError,
    create,
    flow_function,
    pid_of,
    process_of,
)
from tests.performance.record_stream import measure_records

Figures = dict[str, float]
"""What was measured of one revision in one pair, by the row's key."""

LEDGER_SECONDS: Final = 0.004
SECRET_SECONDS: Final = 0.010
SALESFORCE_SECONDS: Final = 0.040
AS_IN_AWS: Final = {**dict.fromkeys(LEDGER_OPERATIONS, LEDGER_SECONDS), SECRET: SECRET_SECONDS}
WAITING: Final = {CREATE: SALESFORCE_SECONDS}
NETWORKS: Final = {
    "instant": {},
    "aws": AS_IN_AWS,
    "salesforce": WAITING,
    "all": {**AS_IN_AWS, **WAITING},
}
"""Latencies by the name that the rows' keys use."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much one pair measures.

    Attributes:
        warm_up: creates before the measured ones: connections, caches, the interpreter.
        idle: creates after the servers have closed the connections.
        blocks, block: blocks of each revision, and creates in each.
        starts: starts of each kind.
        contacts, records, line_seconds: through the streams' functions; 0 records leave them
            out.
    """

    warm_up: int = 60
    idle: int = 20
    blocks: int = 6
    block: int = 30
    starts: int = 3
    contacts: int = 100
    records: int = 1600
    line_seconds: int = 5


def measure_pair(
    revisions: Sequence[Deployed], fakes: Fakes, transport: str, amount: Amount, *, last_first: bool
) -> list[Figures]:
    """All that contact flows notice, over one transport.

    Args:
        revisions: what is compared; one alone is measured alone.
        fakes: serve that transport.
        transport: as the rows' keys name it.
        amount: how much.
        last_first: the last revision goes first.

    Returns:
        The figures of each revision.

    Raises:
        MeasurementError: a function did not do what is measured.
    """
    order = list(range(len(revisions)))[:: -1 if last_first else 1]
    found = _measure_starts(revisions, fakes, amount, order)
    for figures, new in zip(found, _measure_warm(revisions, fakes, amount, order), strict=True):
        figures.update(new)
    return [{f"{transport} {key}": value for key, value in each.items()} for each in found]


def _measure_starts(
    revisions: Sequence[Deployed], fakes: Fakes, amount: Amount, order: Sequence[int]
) -> list[Figures]:
    functions = [flow_function(each, fakes) for each in revisions]
    figures: list[Figures] = [{} for _ in revisions]
    for name in ("instant", "aws"):
        fakes.set_latency(NETWORKS[name])
        colds = _starts(order, amount.starts, lambda n: _cold(revisions[n], functions[n]))
        for number, found in enumerate(colds):
            figures[number][f"cold {name}"] = found["wall"]
            figures[number][f"cold {name} cpu"] = found["cpu"]
    fakes.set_latency({})
    restored = _starts(order, amount.starts, lambda n: _restored(revisions[n], functions[n]))
    for number, found in enumerate(restored):
        figures[number].update(found)
    return figures


def _measure_warm(
    revisions: Sequence[Deployed], fakes: Fakes, amount: Amount, order: Sequence[int]
) -> list[Figures]:
    figures: list[Figures] = [{} for _ in revisions]
    with ExitStack() as open_ones:
        processes = [
            open_ones.enter_context(process_of(each, flow_function(each, fakes)))
            for each in revisions
        ]
        for process in processes:
            for _ in range(amount.warm_up):
                create(process)
        for name, latency in NETWORKS.items():
            fakes.set_latency(latency)
            for number, found in enumerate(_warm(processes, order, fakes, amount)):
                figures[number].update({f"warm {name}{key}": value for key, value in found.items()})
        fakes.set_latency({})
        for number, found in enumerate(_idle(processes, order, fakes, amount.idle)):
            figures[number].update(found)
        for number, process in enumerate(processes):
            figures[number]["memory"] = largest_memory(pid_of(process))
    return figures


def measure_streams(revision: Deployed, fakes: Fakes, amount: Amount) -> Figures:
    """What the streams' functions cost. Raises MeasurementError."""
    events = measure_events(fakes, revision, amount.contacts)
    records = measure_records(fakes, revision, amount.records, amount.contacts)
    if records.stale:
        raise MeasurementError(f"{records.stale} contact records arrived behind newer ones")
    figures = {
        "event first": events.cpu,
        "event later": events.again_cpu,
        "event rate": events.again_per_second,
        "record": records.cpu,
        "record rate": records.per_second,
        "record ledger": records.ledger_requests,
    }
    if LENS_FUNCTION not in resource_types(revision.root / "template.yaml"):
        return figures
    lines = measure_lines(fakes, revision, amount.line_seconds)
    return figures | {
        "line": lines.cpu,
        "line requests": lines.requests,
        "line ledger": lines.ledger_requests,
        "line rate": lines.per_second,
    }


def _starts(order: Sequence[int], starts: int, start: Callable[[int], Figures]) -> list[Figures]:
    """The medians of each revision's starts; the revisions alternate."""
    runs: list[list[Figures]] = [[] for _ in order]
    for _ in range(starts):
        for number in order:
            runs[number].append(start(number))
    return [_medians(each) for each in runs]


def _cold(revision: Deployed, function: LambdaFunction) -> Figures:
    """One start on demand: from the start of the process to the first answer."""
    with process_of(revision, function) as process:
        invocation = create(process)
        used = cpu(pid_of(process))
    if invocation.init_ms is None:
        raise MeasurementError("the first invocation was not cold")
    return {"wall": invocation.init_ms + invocation.duration_ms, "cpu": used}


def _restored(revision: Deployed, function: LambdaFunction) -> Figures:
    """One start from a snapshot: CPU before it, and from the restore to the first answer."""
    with process_of(revision, function, snap_start=True) as process:
        if not process.publish():
            raise MeasurementError("the function came to no snapshot")
        before = cpu(pid_of(process))
        create(process)
        after = cpu(pid_of(process))
        memory = largest_memory(pid_of(process))
    return {"snapshot": before, "restored": after - before, "restored memory": memory}


def _warm(
    processes: Sequence[LambdaProcess], order: Sequence[int], fakes: Fakes, amount: Amount
) -> list[Figures]:
    """Creates of processes that alternate: median duration, and a create's CPU and requests."""
    durations: list[list[float]] = [[] for _ in processes]
    used = [0.0 for _ in processes]
    counted: list[Figures] = [{} for _ in processes]
    for block in range(amount.blocks):
        for number in order[:: -1 if block % 2 else 1]:
            process, counts = processes[number], fakes.counts()
            began = cpu(pid_of(process))
            durations[number] += [create(process).duration_ms for _ in range(amount.block)]
            used[number] += cpu(pid_of(process)) - began
            new = fakes.counts().since(counts)
            for key, value in {
                " writes": sum(new.requests.get(each, 0) for each in LEDGER_WRITES),
                " secrets": new.requests.get(SECRET, 0),
                " posts": new.requests.get(CREATE, 0),
                " connections": new.connections.get(AWS, 0) + new.connections.get(SALESFORCE, 0),
            }.items():
                counted[number][key] = counted[number].get(key, 0.0) + value
    creates = amount.blocks * amount.block
    return [
        {
            "": statistics.median(durations[number]),
            " cpu": used[number] / creates,
            **{key: value / creates for key, value in counted[number].items()},
        }
        for number in range(len(processes))
    ]


def _idle(
    processes: Sequence[LambdaProcess], order: Sequence[int], fakes: Fakes, creates: int
) -> list[Figures]:
    """Creates that find their connections closed, as after some minutes without a call."""
    runs: list[list[Figures]] = [[] for _ in processes]
    for number in [*order, *reversed(order)] * (creates // 2):
        fakes.close_connections()
        process = processes[number]
        began = cpu(pid_of(process))
        duration = create(process).duration_ms
        runs[number].append({"idle": duration, "idle cpu": cpu(pid_of(process)) - began})
    return [_medians(each) for each in runs]


def _medians(runs: Sequence[Figures]) -> Figures:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}
