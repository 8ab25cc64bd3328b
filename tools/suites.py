"""Runs targets of the Makefile side by side, names each when it begins and ends, and sums up.

A target's output goes to .build/test/<target>.log, and is shown only where it failed. On a
terminal a line moves while the targets run; anywhere else one is printed now and then. Needs
nothing of make that version 3.81 does not have, and nothing but Python's own library.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

__all__ = ["Suites", "main"]

ROOT: Final = Path(__file__).resolve().parents[1]
LOGS: Final = ROOT / ".build" / "test"
_LOOK_SECONDS: Final = 0.2
_SAY_SECONDS: Final = 30.0
"""How often a line is printed without a terminal."""
_PERCENT: Final = re.compile(rb"\[ *([0-9]+)%\]")
_SUMMARY: Final = re.compile(r"([0-9]+) (passed|failed|skipped|error)s?")
_JOB_SERVER: Final = re.compile(r"--jobserver|-j|--output-sync|-O")
_SHOWN_LINES: Final = 60
"""Lines of a failed target's log that are shown; the file has all."""


@dataclass(slots=True)
class _Running:
    """A target that runs."""

    target: str
    process: subprocess.Popen[bytes]
    log: Path
    began: float

    def percent(self) -> str:
        """How far pytest says it is; empty where it says nothing."""
        found = _PERCENT.findall(self.log.read_bytes()[-4096:])
        return f" {int(found[-1])} %" if found else ""


@dataclass(slots=True)
class Suites:
    """Runs targets, and shows how far they are.

    Attributes:
        command: makes the command of a target.
        jobs: so many at the same time.
        out: where to.
        logs: the folder of what they print.
        clock: seconds.
    """

    command: Callable[[str], Sequence[str]]
    jobs: int
    out: TextIO = field(default_factory=lambda: sys.stdout)
    logs: Path = LOGS
    clock: Callable[[], float] = time.monotonic
    _running: list[_Running] = field(default_factory=list, init=False)
    _failed: list[str] = field(default_factory=list, init=False)
    _passed: int = field(default=0, init=False)
    _said: float = field(default=0.0, init=False)

    def run(self, targets: Sequence[str], last: str = "") -> bool:
        """Run all of them, whatever becomes of the others; whether all passed.

        Args:
            targets: side by side, in this order.
            last: a target that is run when all have passed.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        began = self._said = self.clock()
        try:
            self._side_by_side(list(targets))
            if last and not self._failed:
                self._side_by_side([last])
        finally:
            self._end_all()
        self._sum_up([*targets, *([last] if last else [])], self.clock() - began)
        return not self._failed

    def _side_by_side(self, waiting: list[str]) -> None:
        while waiting or self._running:
            while waiting and len(self._running) < self.jobs:
                self._begin(waiting.pop(0))
            self._look(len(waiting))

    def _begin(self, target: str) -> None:
        log = self.logs / f"{target}.log"
        with log.open("wb") as written:
            process = subprocess.Popen(  # noqa: S603 - the Makefile's own targets
                self.command(target),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                env=_environment(),
            )
        self._running.append(_Running(target, process, log, self.clock()))
        self._line(f"begins  {target}")

    def _look(self, waiting: int) -> None:
        """Wait a moment, see which have ended, and show how far the others are."""
        time.sleep(_LOOK_SECONDS)
        for ended in [it for it in self._running if it.process.poll() is not None]:
            self._running.remove(ended)
            self._ended(ended)
        if not self._running:
            return
        if self.out.isatty():
            self.out.write(f"\r\x1b[2K{self._status(waiting)[: _columns() - 1]}")
            self.out.flush()
        elif self.clock() - self._said > _SAY_SECONDS:
            self._line(self._status(waiting))

    def _status(self, waiting: int) -> str:
        now = self.clock()
        parts = [f"{it.target}{it.percent()} {now - it.began:.0f} s" for it in self._running]
        return f"        {', '.join(parts)}" + (f"; {waiting} wait" if waiting else "")

    def _ended(self, ended: _Running) -> None:
        text = ended.log.read_text(encoding="utf-8", errors="replace")
        seconds = f"{self.clock() - ended.began:.0f} s"
        if ended.process.returncode == 0:
            counted = _counted(text)
            self._passed += counted.get("passed", 0)
            said = ", ".join(f"{number} {word}" for word, number in counted.items())
            self._line(f"passed  {ended.target}  {said}{'  ' if said else ''}{seconds}")
            return
        self._failed.append(ended.target)
        for line in text.rstrip().splitlines()[-_SHOWN_LINES:]:
            self._line(f"        {line}")
        self._line(f"FAILED  {ended.target}  {seconds}; all of it: {_short(ended.log)}")

    def _sum_up(self, targets: Sequence[str], seconds: float) -> None:
        took = f"{int(seconds) // 60} min {int(seconds) % 60} s"
        if self._failed:
            failed = " ".join(self._failed)
            self._line(f"FAILED: {failed}, in {took}")
            self._line(f"        again: make {failed}")
        else:
            tests = f", {self._passed} tests" if self._passed else ""
            self._line(f"passed: {' '.join(targets)}{tests}, in {took}")

    def _line(self, text: str) -> None:
        self._said = self.clock()
        self.out.write(f"\r\x1b[2K{text}\n" if self.out.isatty() else f"{text}\n")
        self.out.flush()

    def _end_all(self) -> None:
        for it in self._running:
            it.process.terminate()
        for it in self._running:
            it.process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the targets; 0 where all passed, 1 where one did not."""
    parser = argparse.ArgumentParser(prog="python -m tools.suites", description=__doc__)
    parser.add_argument("--make", default="make")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--last", default="", help="a target for when all others have passed")
    parser.add_argument("targets", nargs="+")
    parsed = parser.parse_args(arguments)
    suites = Suites(lambda target: [parsed.make, "--no-print-directory", target], parsed.jobs)
    try:
        return 0 if suites.run(parsed.targets, parsed.last) else 1
    except KeyboardInterrupt:
        return 130


def _environment() -> dict[str, str]:
    """Without the job server of the make around this one: its pipes are not handed on."""
    flags = os.environ.get("MAKEFLAGS", "").split(" ")
    kept = [flag for flag in flags if not _JOB_SERVER.match(flag)]
    return {**os.environ, "MAKEFLAGS": " ".join(kept), "MFLAGS": ""}


def _counted(text: str) -> dict[str, int]:
    """The counts of pytest's last line."""
    lines = [line for line in text.splitlines() if _SUMMARY.search(line) and " in " in line]
    found = _SUMMARY.findall(lines[-1]) if lines else []
    return {word: int(number) for number, word in found}


def _columns() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 80


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(main())
