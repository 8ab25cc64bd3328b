"""`python -m tests.performance.profile`: where a create, a record, an event and a start spend CPU.

Under the deployed layer and AWS's runtime client, beside fakes that answer at once over TLS. A
profiler makes small functions look larger than they are: `make bench` shows the effect of a change.
Imports are timed by Python itself (`-X importtime`), in a start of their own without the profiler.
"""

import argparse
import dataclasses
import json
import re
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from simulator.functions.lambda_process import LambdaProcess
from simulator.pollers.event_source_mapping import read_mappings
from simulator.pollers.kinesis_poller import KinesisPoller
from tests.performance.authority import authority
from tests.performance.deployed import (
    FOLDER,
    VERSIONS,
    Deployed,
    NotDeployableError,
    deployed,
)
from tests.performance.event_stream import EVENTS_FUNCTION, MemoryStream, Refusing, contact_event
from tests.performance.fakes import Fakes
from tests.performance.measure import (
    FUNCTION,
    PROBE,
    MeasurementError,
    create,
    function,
    secret,
    template,
)
from tests.performance.record_stream import RECORDS_FUNCTION, contact_record, require_success

CREATES: Final = 200
WARM_UP: Final = 40
ITEMS: Final = 200
"""Records and events: all of one chain, so that one thread handles them one after the other."""
LARGEST: Final = 10
WIDTH: Final = 150
_STANDARD_LIBRARIES: Final = tuple(f"python{version}" for version in VERSIONS)
_IMPORT: Final = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)")

Found = list[tuple[str, str, float]]
"""File, function, CPU seconds."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What so many of one kind cost.

    Attributes:
        what: for people.
        number: of them.
        found: all functions.
    """

    what: str
    number: int
    found: Found

    def modules(self) -> list[tuple[str, float]]:
        """Milliseconds each, by module."""
        return self._largest((_module(file), spent) for file, _, spent in self.found)

    def functions(self) -> list[tuple[str, float]]:
        """Milliseconds each, by function."""
        return self._largest(
            (f"{_module(file)}: {name}", spent) for file, name, spent in self.found
        )

    def total(self) -> float:
        """Milliseconds each."""
        return sum(spent for _, _, spent in self.found) * 1000 / self.number

    def _largest(self, items: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
        sums: defaultdict[str, float] = defaultdict(float)
        for name, spent in items:
            sums[name] += spent
        largest = sorted(sums.items(), key=lambda item: item[1], reverse=True)[:LARGEST]
        return [(name, spent * 1000 / self.number) for name, spent in largest]


def _module(file: str) -> str:
    """A file's place below the folder that it is imported from, shortened."""
    parts = PurePath(file).with_suffix("").parts
    for folder in ("python", "site-packages", *_STANDARD_LIBRARIES, "functions"):
        if folder in parts:
            last = len(parts) - parts[::-1].index(folder)
            return ".".join(parts[last:]).removesuffix(".__init__") or file
    return ".".join(parts[-2:])


def profiled(runtime: Deployed, fakes: Fakes, logical_id: str, **variables: str) -> LambdaProcess:
    """An environment of a function under the profiler."""
    found = dataclasses.replace(
        function(runtime, fakes, logical_id), handler="profile_probe.handler"
    )
    return LambdaProcess(found, [PROBE, *runtime.layers], variables, runtime.python)


def of_creates(runtime: Deployed, fakes: Fakes) -> Profile:
    """Warm creates."""
    with profiled(runtime, fakes, FUNCTION) as process:
        for _ in range(WARM_UP):
            create(process)
        process.invoke({"profile": "start"})
        for _ in range(CREATES):
            create(process)
        return Profile("a warm create", CREATES, _stop(process))


def of_start(runtime: Deployed, fakes: Fakes) -> Profile:
    """A start on demand, to the first answer."""
    with profiled(runtime, fakes, FUNCTION, PROFILE_START="1") as process:
        create(process)
        return Profile("a start on demand", 1, _stop(process))


def of_stream(runtime: Deployed, fakes: Fakes, logical_id: str, item: Any, what: str) -> Profile:
    """Items of a stream; `item` makes one of a contact and of its chain."""
    (mapping,) = [
        each for each in read_mappings(template(runtime, fakes)) if each.function == logical_id
    ]
    with profiled(runtime, fakes, logical_id) as process:
        for count in (WARM_UP, ITEMS):
            if count == ITEMS:
                process.invoke({"profile": "start"})
            stream, chain = MemoryStream(), str(uuid.uuid4())
            for _ in range(count):
                stream.put(chain, json.dumps(item(str(uuid.uuid4()), chain)).encode())
            poller = KinesisPoller(stream, mapping, process.invoke, s3=Refusing(), sqs=Refusing())
            for result in poller.drain():
                require_success(result)
        return Profile(what, ITEMS, _stop(process))


def _stop(process: LambdaProcess) -> Found:
    invocation = process.invoke({"profile": "stop"})
    if invocation.error is not None:
        raise MeasurementError(f"no profile: {invocation.error}")
    return [(file, name, spent) for file, name, spent in invocation.payload["functions"]]


def of_imports(runtime: Deployed, fakes: Fakes) -> list[tuple[str, int, float]]:
    """Package, modules and milliseconds of what a start on demand imports, the largest first."""
    found = function(runtime, fakes, FUNCTION)
    variables = {"PYTHONPROFILEIMPORTTIME": "1"}
    with LambdaProcess(found, runtime.layers, variables, runtime.python) as process:
        logs = create(process).logs
    times, modules = Counter[str](), Counter[str]()
    for line in logs:
        if (timed := _IMPORT.search(line)) is not None:
            package = timed[2].partition(".")[0]
            if package in sys.stdlib_module_names:
                package = "the standard library"
            times[package] += int(timed[1])
            modules[package] += 1
    return [(name, modules[name], spent / 1000) for name, spent in times.most_common(LARGEST)]


def _table(profile: Profile) -> Table:
    total = profile.total()
    title = f"{profile.what}: {total:.2f} ms of CPU under the profiler"
    table = Table(title=title, title_justify="left")
    for column in ("module, its built-ins included", "ms", "share", "function", "ms", "share"):
        table.add_column(column, justify="left" if len(column) > 5 else "right", no_wrap=True)
    for (module, spent), (name, own) in zip(profile.modules(), profile.functions(), strict=False):
        shares = (f"{spent / total:.0%}", f"{own / total:.0%}")
        table.add_row(module, f"{spent:.2f}", shares[0], name, f"{own:.2f}", shares[1])
    return table


def _imports(found: Sequence[tuple[str, int, float]]) -> Table:
    table = Table("package", "modules", "ms", title="imports of a start", title_justify="left")
    for name, modules, spent in found:
        table.add_row(name, str(modules), f"{spent:.1f}")
    return table


def main() -> int:
    """Print the tables; exit status 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="make profile", description=__doc__)
    parser.add_argument("--revision", default="", help="of git; without it this tree")
    options = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    try:
        runtime = deployed(options.revision)
        with Fakes(secret(), authority(FOLDER).server) as fakes:
            console.print(f"Python {runtime.version}, {runtime.name}")
            console.print(_table(of_creates(runtime, fakes)))
            for logical_id, item, what in (
                (RECORDS_FUNCTION, contact_record, "a contact record"),
                (EVENTS_FUNCTION, contact_event, "a contact event without a flow before it"),
            ):
                console.print(_table(of_stream(runtime, fakes, logical_id, item, what)))
            console.print(_table(of_start(runtime, fakes)))
            console.print(_imports(of_imports(runtime, fakes)))
    except (NotDeployableError, MeasurementError) as error:
        print(f"profile: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
