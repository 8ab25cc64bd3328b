"""A short soak: the same seed repeats the same run, and no promise is broken."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DELIVERIES = 1_500


def soak() -> subprocess.CompletedProcess[str]:
    """A process of its own: a soak replaces the process's clocks."""
    return subprocess.run(
        [sys.executable, "-m", "tests.soak", "--deliveries", str(DELIVERIES), "--seed", "7"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "layers" / "voicecall_bridge")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def done() -> subprocess.CompletedProcess[str]:
    return soak()


def test_no_promise_is_broken(done: subprocess.CompletedProcess[str]) -> None:
    """Given calls with faults and kills, then no promise is violated and every kind of fault
    occurs."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^violations +0$", done.stdout, re.MULTILINE)
    for kind in ("killed", "dynamodb", "salesforce", "deliveries in between"):
        assert re.search(rf"\d  {kind}", done.stdout), kind


def test_a_seed_repeats_a_run(done: subprocess.CompletedProcess[str]) -> None:
    """Given a seed, then two runs print the same but for the time they took."""
    first, second = (each.stdout.partition("CPU")[0] for each in (done, soak()))
    assert first == second
    assert "tally" in first
