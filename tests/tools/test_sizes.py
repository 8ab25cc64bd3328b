"""The sizes that the deployed package keeps to."""

import subprocess
import sys

from tests.architecture.source_code import LAYER, ROOT
from tools.sizes import sizes

NOT_REACHED = {"lines of the package"}
"""Figures that are over their limit today."""


def test_sizes_keep_to_their_limits() -> None:
    over = {size.what: (size.value, size.where) for size in sizes() if not size.within}
    assert over.keys() <= NOT_REACHED, over


def test_every_way_to_salesforce_is_short() -> None:
    """Given a process of its own, then it calls all three functions and keeps to 12 frames."""
    script = (
        "from tools.sizes import frame_sizes\n"
        "found = frame_sizes()\n"
        "print(*(f'{size.what}: {size.value}' for size in found), sep='\\n')\n"
        "assert len(found) == 3\n"
        "assert all(1 < size.value and size.within for size in found), found\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": f"{LAYER}:{ROOT}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
