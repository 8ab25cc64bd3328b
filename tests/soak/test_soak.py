"""A short soak: the same seed tells the same story, and no promise is broken."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DELIVERIES = 1_500


def soak(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: a soak takes the place of the process's clocks."""
    return subprocess.run(
        [sys.executable, "-m", "tests.soak", "--deliveries", str(DELIVERIES), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "layers" / "voicecall_bridge")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_promise_is_broken() -> None:
    """Given calls with faults and kills, then nothing is violated and every kind of fault came."""
    done = soak("--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^violations +0$", done.stdout, re.MULTILINE)
    for kind in ("killed", "dynamodb", "salesforce", "deliveries in between"):
        assert re.search(rf"\d  {kind}", done.stdout), kind


def test_a_seed_repeats_a_run() -> None:
    """Given a seed, then two runs print the same but for the time they took."""
    first, second = (soak("--seed", "8").stdout.partition("CPU")[0] for _ in range(2))
    assert first == second
    assert "tally" in first
