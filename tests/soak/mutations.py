"""Breaks each promise in a copy of the package, and runs a soak on it: each must fail.

    python -m tests.soak.mutations            all of them, a few minutes
    python -m tests.soak.mutations --table    the rows of docs/guarantees.md

A soak that finds nothing where a promise is broken proves nothing where it is kept.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "voicecall_bridge" / "voicecall_bridge"
DELIVERIES = 20_000
SEED = 7
MOST_SECONDS = 600
_FOUND = re.compile(r"^violations +([0-9,]+)\n((?:  .*\n)*)", re.MULTILINE)
_FACTS = re.compile(r"^ *[0-9a-f-]{36}: |: \[.*")
"""The parts of a violation that differ between runs: the contact, and quoted values."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A promise, broken.

    Attributes:
        promise: its number in docs/guarantees.md.
        what: what is broken.
        file: in the package.
        old, new: the code, and its replacement; the file holds `old` once.
        shows: how the soak names it.
    """

    promise: int
    what: str
    file: str
    old: str
    new: str
    shows: str

    @property
    def row(self) -> str:
        """The row of docs/guarantees.md."""
        return f"| {self.promise} | {self.what} | `{self.file}` | {self.shows} |"


MUTATIONS = (
    Mutation(
        1,
        "the budget is ignored",
        "flow/service.py",
        "seconds = min(self.budget, seconds_left - HAND_OVER_SECONDS)",
        "seconds = 60.0",
        "a flow that waited too long",
    ),
    Mutation(
        2,
        "a flow's invocation is not logged",
        "flow/service.py",
        "        self._log(result, log)\n        call = parsed.call",
        "        call = parsed.call",
        "a flow's invocation that ended without its line",
    ),
    Mutation(
        2,
        "a superseded record is not logged",
        "observability.py",
        "        if delivery.disposition is Disposition.DEAD_LETTERED:\n            kept",
        "        if delivery.disposition is Disposition.SUPERSEDED:\n            return\n"
        "        if delivery.disposition is Disposition.DEAD_LETTERED:\n            kept",
        "a record that ended unseen",
    ),
    Mutation(
        3,
        "a contact with a VoiceCall is created again",
        "ledger/creations.py",
        '_NOT_CREATED = "attribute_not_exists(voice_call_id)"',
        '_NOT_CREATED = "attribute_not_exists(nothing)"',
        "a POST although the ledger knows its VoiceCall",
    ),
    Mutation(
        3,
        "a lease stops no second worker",
        "ledger/lease.py",
        "milliseconds(now) if lapses",
        "milliseconds(now + 3600) if lapses",
        "two POSTs at a time",
    ),
    Mutation(
        4,
        "a clearing is not remembered",
        "ledger/routing.py",
        "self._leases.settle(lease, NOTHING, until=number(_DONE))",
        "self._leases.settle(lease, NOTHING)",
        "cleared again after an answer",
    ),
    Mutation(
        5,
        "an event's child does not wait for its parent",
        "use_cases/safety_net.py",
        "if entry.create_status is CreateStatus.CREATED or entry.updated:\n"
        "            return entry",
        "return entry",
        "an event's child before its parent",
    ),
    Mutation(
        6,
        "a dead letter does not count as done",
        "streams/results.py",
        "        self.remember(record)  # one dead letter is enough\n        return True",
        "        return False",
        "a record that stays in its lane",
    ),
    Mutation(
        6,
        "a failing record is not parked",
        "streams/retries.py",
        "            self.queue.park(self.log.source, str(fault), record.raw)\n",
        "            return False\n",
        "a record that stays in its lane",
    ),
    Mutation(
        6,
        "a parked record is forgotten",
        "streams/retries.py",
        '"record not postponed", error=str(unavailable))\n        return False',
        '"record not postponed", error=str(unavailable))\n        return True',
        "a parked record that ended unseen",
    ),
    Mutation(
        7,
        "an older version is not superseded",
        "ledger/records.py",
        '_NEWER = (\n    "(attribute_not_exists(record_version) OR record_version < :version)"\n'
        '    " AND (attribute_not_exists(record_claim) OR record_claim <= :version)"\n)',
        '_NEWER = "attribute_not_exists(nothing)"',
        "a version behind a newer one that the ledger knows",
    ),
    Mutation(
        8,
        "the ledger's contact center does not stand",
        "ledger/assignments.py",
        'return f"({free} OR contact_center = :center)"',
        'return f"({free} OR contact_center = :center OR attribute_not_exists(nothing))"',
        "a second org for one contact",
    ),
    Mutation(
        8,
        "a secret is read that the stack does not list",
        "contact_centers/registry.py",
        "        if center := self.known.get(secret_name):\n            return center\n"
        "        raise OtherContactCenter",
        "        return self.known.get(secret_name) or ContactCenter(secret_name, secret_name)",
        "a secret that is not listed was read",
    ),
    Mutation(
        9,
        "lines go past those that wait",
        "streams/lens_queue.py",
        "job.message is not None or self._behind(job) is None",
        "True",
        "a line before one that its environment knows",
    ),
    Mutation(
        9,
        "a line that comes too late is not kept",
        "streams/contact_lens.py",
        'self.late.keep("TOO_LATE", [job.record.raw for job in jobs])',
        "pass",
        "a line too late is not kept",
    ),
    Mutation(
        9,
        "a line that waits ends with its first try",
        "streams/contact_lens.py",
        "failed = [job.identifier for job in jobs if not job.ended]",
        "failed = [job.identifier for job in jobs if not (job.ended or job.message)]",
        "a line that waited ended unseen",
    ),
    Mutation(
        10,
        "a flow's event is in the log",
        "flow/service.py",
        "        result = self._run(parsed, deadline)\n",
        "        result = self._run(parsed, deadline)\n        self.observer.report(str(event))\n",
        "a caller's number in a log",
    ),
    Mutation(
        10,
        "what was said is in the log",
        "streams/contact_lens.py",
        "        job.take(segments, self.options, self.now())\n",
        "        job.take(segments, self.options, self.now())\n"
        "        self.observer.report(str([line.message.content for line in job.lines]))\n",
        "a caller's words in a log",
    ),
)


def soak(package: Path, shows: str, deliveries: int = DELIVERIES) -> str:
    """The output of a soak on a package, until the first violation with a text."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.soak", "--stop", shows),
            *("--deliveries", str(deliveries), "--seed", str(SEED)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
    )
    return done.stdout + done.stderr


def mutated(mutation: Mutation, folder: Path) -> Path:
    """A copy of the package with the mutation.

    Raises:
        ValueError: its code is not there once.
    """
    package = Path(shutil.copytree(PACKAGE, folder / PACKAGE.name))
    file = package / mutation.file
    code = file.read_text(encoding="utf-8")
    if code.count(mutation.old) != 1:
        raise ValueError(f"{mutation.file}: not there once: {mutation.old}")
    file.write_text(code.replace(mutation.old, mutation.new), encoding="utf-8")
    return package


def found(printed: str) -> list[str]:
    """The violations of a soak, each once, without the parts that differ between runs."""
    match = _FOUND.search(printed)
    lines = match.group(2).splitlines() if match else []
    return sorted({_FACTS.sub("", line).strip() for line in lines})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them; exit status 1 where one is not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.mutations", description=__doc__)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--deliveries", type=int, default=DELIVERIES)
    parsed = parser.parse_args(arguments)
    if parsed.table:
        print("\n".join(mutation.row for mutation in MUTATIONS))
        return 0
    missed = 0
    for mutation in MUTATIONS:
        with tempfile.TemporaryDirectory() as folder:
            printed = soak(mutated(mutation, Path(folder)), mutation.shows, parsed.deliveries)
        violations = found(printed)
        seen = mutation.shows in violations
        missed += not seen
        said = "; ".join(violations) or printed[-400:]
        print(f"{'found ' if seen else 'MISSED'} {mutation.promise} {mutation.what}: {said}")
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
