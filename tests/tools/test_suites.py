"""The runner of the suites: each is named when it begins and ends, and the last line sums up."""

from __future__ import annotations

import io
import re
import sys
from typing import TYPE_CHECKING

from tools.suites import Suites, main

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

PASSES = "print('...  [ 50%]'); print('===== 12 passed, 2 skipped in 0.31s =====')"
FAILS = "print('E   assert 1 == 2'); print('1 failed, 3 passed in 0.2s'); raise SystemExit(1)"
SILENT = "pass"
TOOK = re.compile(r"[0-9]+ (min|s)\b")


class Watched(io.StringIO):
    """Makes a file when something that matches was written."""

    def __init__(self, file: Path, pattern: str) -> None:
        super().__init__()
        self.file, self.pattern = file, re.compile(pattern, re.MULTILINE)

    def write(self, text: str, /) -> int:
        written = super().write(text)
        if self.pattern.search(self.getvalue()):
            self.file.touch()
        return written


class Screen(Watched):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def suites(folder: Path, out: io.StringIO, jobs: int = 2, **programs: str) -> Suites:
    """Suites with small programs as targets."""

    def command(target: str) -> Sequence[str]:
        return [sys.executable, "-c", programs[target]]

    return Suites(command, jobs, out, folder / "logs")


def wait_for(file: Path) -> str:
    """A program that ends when there is such a file, and fails when none comes in a minute."""
    return (
        "import pathlib, time; "
        f"assert any(pathlib.Path({str(file)!r}).exists() or time.sleep(0.05) for _ in range(1200))"
    )


def shown(out: io.StringIO) -> list[str]:
    return [TOOK.sub("N", line) for line in out.getvalue().splitlines()]


def test_all_pass(tmp_path: Path) -> None:
    """Given targets that pass, then each is named twice, what pytest counted is added up, and the
    last line says what passed."""
    out = io.StringIO()

    assert suites(tmp_path, out, jobs=1, one=PASSES, two=SILENT, three=PASSES).run(
        ["one", "two", "three"]
    )

    assert shown(out) == [
        "begins  one",
        "passed  one  12 passed, 2 skipped  N",
        "begins  two",
        "passed  two  N",
        "begins  three",
        "passed  three  12 passed, 2 skipped  N",
        "passed: one two three, 24 tests, in N N",
    ]
    assert (tmp_path / "logs" / "one.log").read_text(encoding="utf-8").startswith("...  [ 50%]")


def test_one_fails(tmp_path: Path) -> None:
    """Given a target that fails, then the others run all the same, its log is shown, and the last
    lines name it and the command. The last suite does not run."""
    out = io.StringIO()

    assert not suites(tmp_path, out, jobs=1, one=FAILS, two=PASSES, last=SILENT).run(
        ["one", "two"], "last"
    )

    lines = shown(out)
    assert lines[1:4] == [
        "        E   assert 1 == 2",
        "        1 failed, 3 passed in 0.2s",
        f"FAILED  one  N; all of it: {tmp_path / 'logs' / 'one.log'}",
    ]
    assert lines[-2:] == ["FAILED: one, in N N", "        again: make one"]
    assert "begins  last" not in lines


def test_last_runs_when_all_have_passed(tmp_path: Path) -> None:
    out = io.StringIO()

    assert suites(tmp_path, out, one=SILENT, last=PASSES).run(["one"], "last")

    assert shown(out)[-3:] == [
        "begins  last",
        "passed  last  12 passed, 2 skipped  N",
        "passed: one last, 12 tests, in N N",
    ]


def test_something_moves_on_a_terminal(tmp_path: Path) -> None:
    """Given a terminal, then what runs is shown with how far pytest is, until it ends."""
    seen = tmp_path / "seen"
    screen = Screen(seen, r"\r\x1b\[2K {8}one 50 % [0-9]+ s")
    printed, summary = PASSES.split("; ", 1)

    assert suites(
        tmp_path, screen, one=f"{printed[:-1]}, flush=True); {wait_for(seen)}; {summary}"
    ).run(["one"])

    assert seen.exists()


def test_progress_is_printed_without_a_terminal(tmp_path: Path) -> None:
    """Given a log, then a line names the running suite at fixed intervals."""
    seen = tmp_path / "seen"
    out = Watched(seen, r"^ {8}one [0-9]+ s$")
    running = suites(tmp_path, out, one=wait_for(seen))
    ticks = iter(range(0, 10_000_000, 31))
    running.clock = lambda: float(next(ticks))

    assert running.run(["one"])

    assert seen.exists()


def test_command(capfd: pytest.CaptureFixture[str]) -> None:
    """Given a make that fails, then the exit status is 1."""
    assert main(["--make", "false", "nothing"]) == 1
    assert main(["--make", "true", "nothing"]) == 0

    assert "passed: nothing, in 0 min" in capfd.readouterr().out
