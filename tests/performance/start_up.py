"""`python -m tests.performance.start_up`: what the flow function's start costs, by memory.

Measured here: CPU time of the function's process (the kernel's clock of that process) and its
largest resident memory, under AWS's runtime client, with the layer built for this machine, beside
fakes that answer at once. A run is a new process.

Computed from it: how long that CPU time takes in Lambda, where CPU grows with memory and 1769 MB
are one vCPU (Lambda developer guide, "Configure Lambda function memory"). Python uses one. A vCPU
is assumed to be as fast as this machine's, which cannot be measured here. What Lambda itself
adds cannot be measured here either: fetching the code, starting or restoring its virtual machine.

Measured by the clock: a new environment's first answer where AWS is silent, so that it takes its
whole budget. What that leaves of the flow block's limit is for Lambda, and for the start.
"""

import dataclasses
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from simulator.sam.template import LambdaFunction
from tests.contract.servers import LOOPBACK, silent_server
from tests.performance.deployed import Deployed, NotDeployableError, deployed
from tests.performance.fakes import Fakes
from tests.performance.machine import cpu, largest_memory
from tests.performance.measure import (
    MeasurementError,
    create,
    flow_event,
    flow_function,
    pid_of,
    process_of,
    secret,
)

RUNS: Final = 5
WARM_INVOCATIONS: Final = 200
WHOLE_CPU_MB: Final = 1769
LIMITS: Final = (1, 2, 3)
"""Seconds of the flow's block, for the first answer; above, more is left each time."""
SIZES_MB: Final = (256, 512, 768, 1024, 1536, 1769, 2048)
WIDTH: Final = 110


@dataclass(frozen=True, slots=True)
class Run:
    """CPU in milliseconds: of a start on demand to the first answer, of all before a snapshot, from
    the restore to the first answer, and of a warm create. Memory in MB."""

    on_demand: float
    before_snapshot: float
    restored: float
    warm: float
    memory: float


def measure(function: LambdaFunction, runtime: Deployed) -> Run:
    """One process started on demand, one restored from a snapshot. Raises MeasurementError."""
    with process_of(runtime, function) as process:
        create(process)
        on_demand = cpu(pid_of(process))
        for _ in range(WARM_INVOCATIONS):  # the interpreter specialises
            create(process)
        before = cpu(pid_of(process))
        for _ in range(WARM_INVOCATIONS):
            create(process)
        warm = (cpu(pid_of(process)) - before) / WARM_INVOCATIONS
        memory = largest_memory(pid_of(process))
    with process_of(runtime, function, snap_start=True) as process:
        if not process.publish():
            raise MeasurementError("the function came to no snapshot")
        before_snapshot = cpu(pid_of(process))
        create(process)
        restored = cpu(pid_of(process)) - before_snapshot
    return Run(on_demand, before_snapshot, restored, warm, memory)


def first_answer(function: LambdaFunction, runtime: Deployed, *, snap_start: bool) -> float:
    """Milliseconds from the first invocation of a new environment to its answer, without the init.

    Raises:
        MeasurementError: it was no answer that waited in vain.
    """
    with process_of(runtime, function, snap_start=snap_start) as process:
        if snap_start and not process.publish():
            raise MeasurementError("the function came to no snapshot")
        invocation = process.invoke(flow_event())
    if not isinstance(invocation.payload, dict) or invocation.payload["status"] != "deferred":
        raise MeasurementError(f"not deferred: {invocation.error or invocation.payload}")
    return invocation.duration_ms


def first_answers(function: LambdaFunction, runtime: Deployed) -> dict[int, tuple[float, float]]:
    """The slowest first answer by limit: on demand, and restored. Raises MeasurementError."""
    slowest = {}
    with silent_server() as port:
        for limit in LIMITS:
            environment = {
                **function.environment,
                "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{port}",
                "FLOW_TIME_LIMIT_SECONDS": str(limit),
            }
            silent = dataclasses.replace(function, environment=environment)
            on_demand, restored = (
                max(first_answer(silent, runtime, snap_start=start) for _ in range(RUNS))
                for start in (False, True)
            )
            slowest[limit] = (on_demand, restored)
    return slowest


def computed(milliseconds: float, memory: int) -> float:
    """The duration of CPU time where `memory` MB have their share of a vCPU."""
    return milliseconds / min(1.0, memory / WHOLE_CPU_MB)


def main() -> int:
    """Print both tables; exit status 1 when nothing could be measured."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    try:
        runtime = deployed()
        with Fakes(secret()) as fakes:
            function = flow_function(runtime, fakes)
            runs = [measure(function, runtime) for _ in range(RUNS)]
            answers = first_answers(function, runtime)
    except (NotDeployableError, MeasurementError) as error:
        print(f"start-up: {error}", file=sys.stderr)
        return 1
    console.print(f"Python {runtime.version}, {platform.machine()}, {RUNS} runs")
    console.print(_measured(runs))
    console.print(_computed(runs))
    console.print(_first_answers(answers))
    return 0


VALUES: Final[Sequence[tuple[str, Callable[[Run], float]]]] = (
    ("CPU, start on demand to the first answer", lambda run: run.on_demand),
    ("CPU before the snapshot (nobody waits)", lambda run: run.before_snapshot),
    ("CPU from the restore to the first answer", lambda run: run.restored),
    ("CPU of a warm create", lambda run: run.warm),
    ("largest resident memory, MB", lambda run: run.memory),
)


def _measured(runs: Sequence[Run]) -> Table:
    table = Table("measured (ms)", title="The flow function's start")
    for column in ("min", "median", "max"):
        table.add_column(column, justify="right")
    for what, value in VALUES:
        values = [value(run) for run in runs]
        spread = (min(values), statistics.median(values), max(values))
        table.add_row(what, *(f"{each:.1f}" for each in spread))
    return table


def _computed(runs: Sequence[Run]) -> Table:
    table = Table("MB", title="Computed from the medians: milliseconds by memory")
    for column in ("vCPU", "start on demand", "restored", "warm create"):
        table.add_column(column, justify="right")
    medians = [
        statistics.median(value(run) for run in runs)
        for value in (VALUES[0][1], VALUES[2][1], VALUES[3][1])
    ]
    for size in SIZES_MB:
        share = min(1.0, size / WHOLE_CPU_MB)
        times = [f"{computed(each, size):.0f}" for each in medians[:2]]
        table.add_row(str(size), f"{share:.2f}", *times, f"{computed(medians[2], size):.1f}")
    return table


def _first_answers(answers: dict[int, tuple[float, float]]) -> Table:
    table = Table(
        "limit (s)", title=f"The slowest of {RUNS} first answers where AWS is silent (ms)"
    )
    for column in ("on demand", "left for the start", "restored", "left for the restore"):
        table.add_column(column, justify="right")
    for limit, taken in answers.items():
        cells = [f"{each:.0f}" for each in taken]
        left = [f"{limit * 1000 - each:.0f}" for each in taken]
        table.add_row(str(limit), cells[0], left[0], cells[1], left[1])
    return table


if __name__ == "__main__":
    sys.exit(main())
