"""`python -m tests.performance.bench --base REVISION`: the working tree beside another revision.

Each figure is taken from both alternately (pairs.py), several pairs, and the ratio is that of a
pair. Nothing fails for being slow. The bench fails when a function does not do what is measured,
and it ends where others use the machine: then the ratios are noise. `--busy` measures all the same.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.performance import machine
from tests.performance.authority import authority
from tests.performance.deployed import FOLDER, Deployed, NotDeployableError, deployed
from tests.performance.fakes import Fakes
from tests.performance.measure import MeasurementError, secret
from tests.performance.pairs import (
    SALESFORCE_SECONDS,
    Amount,
    Figures,
    measure_pair,
    measure_streams,
)

PAIRS: Final = 5
BUSY_PAIRS: Final = 3
"""So many pairs may be thrown away because others used the machine meanwhile."""
LOOK_SECONDS: Final = 2.0
WIDTH: Final = 170
_TRIP: Final = SALESFORCE_SECONDS * 1000


class BusyError(Exception):
    """Others use the machine."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table.

    Attributes:
        what: for people.
        key: of the figures.
        unit, digits: how a value is shown.
        less: taken off each value: what only waiting for Salesforce takes.
    """

    what: str
    key: str
    unit: str = " ms"
    digits: int = 2
    less: float = 0.0

    def cells(self, measured: "Measured") -> list[str]:
        """The line's texts: spread of each revision, ratio of each pair, their median."""
        columns = [
            [figures[self.key] - self.less for figures in pairs] for pairs in measured.figures
        ]
        cells = [self.what]
        for values in columns:
            spread = (min(values), statistics.median(values), max(values))
            cells += [f"{value:.{self.digits}f}{self.unit}" for value in spread]
        if len(columns) == 2:
            base, tree = columns
            ratios = [new / old for old, new in zip(base, tree, strict=True) if old]
            cells.append(" ".join(f"{ratio:.2f}" for ratio in ratios))
            cells.append(f"{statistics.median(ratios):.2f}" if ratios else "")
        return cells


@dataclass(frozen=True, slots=True)
class Measured:
    """Of each revision, the base first, the figures of each pair."""

    revisions: Sequence[Deployed]
    figures: Sequence[list[Figures]]


TABLES: Final[Mapping[str, Sequence[Row]]] = {
    "A warm create, median": (
        Row("as in AWS: TLS, ledger 4 ms, secret 10 ms", "TLS warm aws"),
        Row("as in AWS, Salesforce 40 ms, less it", "TLS warm all", less=_TRIP),
        Row("TLS, all at once", "TLS warm instant"),
        Row("TLS, Salesforce 40 ms, less it", "TLS warm salesforce", less=_TRIP),
        Row("HTTP, ledger 4 ms, secret 10 ms", "HTTP warm aws"),
        Row("HTTP, the same, Salesforce 40 ms, less it", "HTTP warm all", less=_TRIP),
        Row("HTTP, all at once", "HTTP warm instant"),
        Row("HTTP, Salesforce 40 ms, less it", "HTTP warm salesforce", less=_TRIP),
        Row("TLS, all at once, connections closed meanwhile", "TLS idle"),
        Row("CPU, TLS, connections closed meanwhile", "TLS idle cpu"),
        Row("CPU, TLS", "TLS warm instant cpu"),
        Row("CPU, HTTP", "HTTP warm instant cpu"),
        Row("ledger writes", "TLS warm instant writes", ""),
        Row("requests to Salesforce", "TLS warm instant posts", ""),
        Row("secrets read", "TLS warm instant secrets", ""),
        Row("new connections", "TLS warm instant connections", ""),
    ),
    "A start, to the first answer": (
        Row("on demand as in AWS: TLS, ledger 4 ms, secret 10 ms", "TLS cold aws", digits=0),
        Row("on demand, TLS", "TLS cold instant", digits=0),
        Row("on demand, HTTP, ledger 4 ms, secret 10 ms", "HTTP cold aws", digits=0),
        Row("on demand, HTTP", "HTTP cold instant", digits=0),
        Row("on demand, TLS, CPU", "TLS cold instant cpu", digits=0),
        Row("on demand, HTTP, CPU", "HTTP cold instant cpu", digits=0),
        Row("restored, TLS, CPU", "TLS restored", digits=1),
        Row("restored, HTTP, CPU", "HTTP restored", digits=1),
        Row("before the snapshot, CPU", "HTTP snapshot", digits=0),
    ),
    "Streams": (
        Row("a contact record, CPU", "record"),
        Row("  requests to the ledger", "record ledger", ""),
        Row("  records a second", "record rate", "", 0),
        Row("a contact event without a flow before it, CPU", "event first"),
        Row("a contact event whose call is there, CPU", "event later"),
        Row("  events a second", "event rate", "", 0),
        Row("a line of a transcript, CPU", "line"),
        Row("  requests to Salesforce", "line requests", ""),
        Row("  requests to the ledger", "line ledger", ""),
        Row("  lines a second, Salesforce at 40 ms", "line rate", "", 0),
    ),
    "Size": (
        Row("resident memory, TLS", "TLS memory", " MB", 1),
        Row("resident memory, HTTP", "HTTP memory", " MB", 1),
        Row("resident memory after a restore, TLS", "TLS restored memory", " MB", 1),
        Row("layer, unpacked", "layer", " MB", 1),
    ),
}


def measure(
    revisions: Sequence[Deployed], pairs: int, amount: Amount, console: Console, *, busy: bool
) -> Measured:
    """All pairs. Raises MeasurementError, BusyError."""
    measured = Measured(revisions, [[] for _ in revisions])
    keys = secret()
    thrown_away = 0
    if not busy:
        began = machine.now()
        time.sleep(LOOK_SECONDS)
        _require_quiet(began, machine.now())
    with (
        Fakes(keys) as plain,
        Fakes(keys, authority(FOLDER).server) as tls,
    ):
        while len(measured.figures[0]) < pairs:
            began = machine.now()
            last_first = len(measured.figures[0]) % 2 == 1
            found = _pair(revisions, plain, tls, amount, last_first=last_first)
            ended = machine.now()
            others = ended.others_since(began)
            console.print(
                f"pair {len(measured.figures[0]) + 1} of {pairs}: {ended.wall - began.wall:.0f} s, "
                f"load {os.getloadavg()[0]:.1f}, others used {others:.2f} cores"
            )
            if others > machine.BUSY_CORES and not busy:
                thrown_away += 1
                if thrown_away == BUSY_PAIRS:
                    _require_quiet(began, ended)
                continue
            for figures, new in zip(measured.figures, found, strict=True):
                figures.append(new)
    return measured


def _pair(
    revisions: Sequence[Deployed], plain: Fakes, tls: Fakes, amount: Amount, *, last_first: bool
) -> list[Figures]:
    found: list[Figures] = [{"layer": revision.size} for revision in revisions]
    for transport, fakes in (("TLS", tls), ("HTTP", plain)):
        for figures, new in zip(
            found,
            measure_pair(revisions, fakes, transport, amount, last_first=last_first),
            strict=True,
        ):
            figures.update(new)
    if amount.records:
        numbered = list(enumerate(revisions))
        for number, revision in reversed(numbered) if last_first else numbered:
            found[number].update(measure_streams(revision, plain, amount))
    return found


def _require_quiet(began: machine.Moment, ended: machine.Moment) -> None:
    others = ended.others_since(began)
    if others > machine.BUSY_CORES:
        raise BusyError(
            f"the machine is busy: load {os.getloadavg()[0]:.1f}, others use {others:.1f} of its "
            f'{os.cpu_count()} cores. Wait, or measure all the same: make bench ARGS="--busy"'
        )


def _table(title: str, rows: Sequence[Row], measured: Measured) -> Table:
    table = Table("", title=title, title_justify="left")
    for revision in measured.revisions:
        for column in ("min", "median", "max"):
            table.add_column(f"{revision.name}\n{column}", justify="right", no_wrap=True)
    if len(measured.revisions) == 2:
        table.add_column("ratio\npair by pair", no_wrap=True)
        table.add_column("\nmedian", justify="right", no_wrap=True)
    for row in rows:
        # A revision may lack what is measured yet.
        if all(row.key in figures[0] for figures in measured.figures):
            table.add_row(*row.cells(measured))
    return table


def main() -> int:
    """Print the tables; exit status 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--base", default="", help="the revision to compare with")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--busy", action="store_true", help="measure on a busy machine too")
    parser.add_argument("--without-streams", action="store_true")
    options = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH  # a log has no width of its own
    began = time.monotonic()
    amount = Amount(contacts=0, records=0) if options.without_streams else Amount()
    try:
        console.print("building the layers, if they are not there ...")
        bases = [deployed(options.base)] if options.base else []
        revisions = [*bases, deployed()]
        console.print(
            f"Python {revisions[0].version}, {platform.machine()}, {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}; {options.pairs} pairs"
        )
        measured = measure(revisions, options.pairs, amount, console, busy=options.busy)
    except (NotDeployableError, MeasurementError, BusyError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    for title, rows in TABLES.items():
        if any(row.key in measured.figures[0][0] for row in rows):
            console.print(_table(title, rows, measured))
    console.print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
