"""`python -m tests.performance.bench`: how fast flows and contact events make VoiceCalls,
and contact records finish them.

Each row is measured in several runs; a run is a new process. What it is compared with are
Salesforce's own Node.js Lambdas (ServiceCloudVoiceLambdas, July 2025), measured on a two-core
shared machine beside fakes that answer at once. Nothing here fails for being slow: the machine's
noise decides too much. It fails when the function does not do what is measured, and when an older
version of a contact record arrives behind a newer one.
"""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.performance.deployed import NotDeployableError, deployed
from tests.performance.event_stream import ROUND_TRIP, TYPES, Events, measure_events
from tests.performance.fakes import Fakes
from tests.performance.measure import (
    Cold,
    MeasurementError,
    Warm,
    flow_function,
    measure_cold,
    measure_warm,
    secret,
)
from tests.performance.record_stream import LEDGER_TRIP, VERSIONS, Records, measure_records

WARM_RUNS: Final = 5
WARM_INVOCATIONS: Final = 400
COLD_RUNS: Final = 12
EVENT_RUNS: Final = 3
EVENT_CONTACTS: Final = 300
RECORD_RUNS: Final = 3
RECORDS: Final = 4800
RECORD_CONTACTS: Final = 150
WIDTH: Final = 120
SLOW_SECRET: Final = {"GetSecretValue": 0.010}  # seconds, as in AWS


@dataclass(frozen=True, slots=True)
class Measured:
    """All runs. Run n of `slow_secret` followed run n of `warm` at once."""

    warm: list[Warm]
    slow_secret: list[Warm]
    cold: list[Cold]
    events: list[Events]
    records: list[Records]

    def of_warm(self, value: Callable[[Warm], float]) -> list[float]:
        """One value of each warm run."""
        return [value(run) for run in self.warm]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: how to get one value a run, its unit, and what is to be reached."""

    what: str
    values: Callable[[Measured], Sequence[float]]
    unit: str
    digits: int
    target: str

    def cells(self, measured: Measured) -> list[str]:
        """The line's texts."""
        values = self.values(measured)
        spread = (min(values), statistics.median(values), max(values))
        return [self.what, *(f"{v:.{self.digits}f}{self.unit}" for v in spread), self.target]


ROWS: Final = (
    Row(
        "create above the round trips, p50",
        lambda m: m.of_warm(lambda run: run.p50),
        " ms",
        2,
        "< 3 to 6 ms",
    ),
    Row(
        "create above the round trips, p99",
        lambda m: m.of_warm(lambda run: run.p99),
        " ms",
        2,
        "< 7 to 11 ms",
    ),
    Row(
        "  an empty handler, same way, p50",
        lambda m: m.of_warm(lambda run: run.empty),
        " ms",
        2,
        "",
    ),
    Row(
        "create, secret look-up takes 10 ms, p50",
        lambda m: [run.p50 for run in m.slow_secret],
        " ms",
        2,
        "unchanged (< 22 ms)",
    ),
    Row(
        "  ratio to the p50 of the run before it",
        lambda m: [b.p50 / a.p50 for a, b in zip(m.warm, m.slow_secret, strict=True)],
        "",
        2,
        "1",
    ),
    Row(
        "CPU per invocation",
        lambda m: m.of_warm(lambda run: run.cpu),
        " ms",
        2,
        "< 3 to 7 ms",
    ),
    Row(
        "secret look-ups per invocation",
        lambda m: m.of_warm(lambda run: run.secret_look_ups),
        "",
        3,
        "0",
    ),
    Row(
        "new AWS connections per invocation",
        lambda m: m.of_warm(lambda run: run.aws_connections),
        "",
        3,
        "0",
    ),
    Row(
        "new Salesforce connections per invocation",
        lambda m: m.of_warm(lambda run: run.salesforce_connections),
        "",
        3,
        "0",
    ),
    Row(
        "ledger writes per invocation",
        lambda m: m.of_warm(lambda run: run.ledger_writes),
        "",
        3,
        "2",
    ),
    Row(
        "POSTs per invocation",
        lambda m: m.of_warm(lambda run: run.posts),
        "",
        3,
        "1",
    ),
    Row(
        "cold: process start to first answer",
        lambda m: [run.first_answer for run in m.cold],
        " ms",
        0,
        "< 220 to 325 ms",
    ),
    Row(
        "  of which init (interpreter, imports)",
        lambda m: [run.init for run in m.cold],
        " ms",
        0,
        "",
    ),
    Row(
        "modules loaded after the creates",
        lambda m: m.of_warm(lambda run: run.modules),
        "",
        0,
        "",
    ),
)

EVENT_ROWS: Final = (
    Row(
        "events, no flow before them",
        lambda m: [run.per_second for run in m.events],
        "/s",
        0,
        "",
    ),
    Row(
        "  DescribeContact calls per contact", lambda m: [r.describes for r in m.events], "", 3, "1"
    ),
    Row("  POSTs per contact", lambda m: [run.posts for run in m.events], "", 3, "1"),
    Row(
        "events, the call is there already",
        lambda m: [run.again_per_second for run in m.events],
        "/s",
        0,
        "",
    ),
    Row(
        "  DescribeContact calls per contact",
        lambda m: [run.again_describes for run in m.events],
        "",
        3,
        "0",
    ),
    Row("  POSTs per contact", lambda m: [run.again_posts for run in m.events], "", 3, "0"),
)


RECORD_ROWS: Final = (
    Row(
        "contact records, each of a contact of its own",
        lambda m: [run.per_second for run in m.records],
        "/s",
        0,
        "1,000/s (120 to 290/s)",
    ),
    Row("  CPU per record", lambda m: [run.cpu for run in m.records], " ms", 2, ""),
    Row(
        "  invocations per record",
        lambda m: [run.invocations for run in m.records],
        "",
        3,
        "1 a batch (1.01 to 2)",
    ),
    Row("  PATCHes per record", lambda m: [run.patches for run in m.records], "", 3, "1"),
    Row(
        "  requests to the ledger per record",
        lambda m: [run.ledger_requests for run in m.records],
        "",
        3,
        "<= 2",
    ),
    Row(
        f"{VERSIONS} versions, each twice, shuffled: PATCHes per version",
        lambda m: [run.patches_per_version for run in m.records],
        "",
        3,
        "1",
    ),
    Row("  stale writes", lambda m: [run.stale for run in m.records], "", 0, "0 (46 % of pairs)"),
    Row("  contacts in their newest version", lambda m: [r.newest for r in m.records], "", 3, "1"),
)


def measure(fakes: Fakes, console: Console) -> Measured:
    """Run everything, with a progress bar on `console`."""
    console.print("building the layer, if it is not there ...")
    runtime = deployed()
    function = flow_function(fakes)
    measured = Measured([], [], [], [], [])
    console.print(
        f"Python {runtime.version} ({runtime.python}), {platform.machine()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"{WARM_RUNS} warm runs of {WARM_INVOCATIONS} creates, {COLD_RUNS} cold starts; "
        f"{EVENT_RUNS} runs of {EVENT_CONTACTS} contacts with {len(TYPES)} contact events; "
        f"{RECORD_RUNS} runs of {RECORDS} contact records"
    )
    with Progress(console=console, transient=True) as progress:
        total = 2 * WARM_RUNS + COLD_RUNS + EVENT_RUNS + RECORD_RUNS
        task = progress.add_task("measuring", total=total)
        for _ in range(COLD_RUNS):
            measured.cold.append(measure_cold(function, runtime))
            progress.advance(task)
        # Side by side, so that a change of the machine's load meets both.
        for _ in range(WARM_RUNS):
            for latency, runs in (({}, measured.warm), (SLOW_SECRET, measured.slow_secret)):
                fakes.set_latency(latency)
                runs.append(measure_warm(function, runtime, fakes, WARM_INVOCATIONS))
                progress.advance(task)
        for _ in range(EVENT_RUNS):
            measured.events.append(measure_events(fakes, runtime, EVENT_CONTACTS))
            progress.advance(task)
        for _ in range(RECORD_RUNS):
            measured.records.append(measure_records(fakes, runtime, RECORDS, RECORD_CONTACTS))
            progress.advance(task)
    return measured


def main() -> int:
    """Print the table; exit status 1 when something could not be measured."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH  # a log has no width of its own
    began = time.monotonic()
    try:
        with Fakes(secret()) as fakes:
            measured = measure(fakes, console)
    except (NotDeployableError, MeasurementError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    title = "A contact flow creates a VoiceCall (warm, unless it says cold)"
    console.print(_table(title, ROWS, measured))
    title = f"Contact events through poller and function, {ROUND_TRIP * 1000:.0f} ms round trip"
    console.print(_table(title, EVENT_ROWS, measured))
    title = (
        f"Contact records through poller and function, {ROUND_TRIP * 1000:.0f} ms round trip to "
        f"Salesforce, {LEDGER_TRIP * 1000:.0f} ms to the ledger"
    )
    console.print(_table(title, RECORD_ROWS, measured))
    console.print(f"{time.monotonic() - began:.0f} s")
    return int(any(run.stale for run in measured.records))


def _table(title: str, rows: Sequence[Row], measured: Measured) -> Table:
    table = Table("what", title=title)
    for column in ("min", "median", "max"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("target", no_wrap=True)
    table.caption = (
        "targets: docs/speed.md; after < or in brackets: Salesforce's own package (SCVL)"
    )
    for row in rows:
        table.add_row(*row.cells(measured))
    return table


if __name__ == "__main__":
    sys.exit(main())
