"""The format of a sample, and the recognition of material, do not depend on what runs them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SIMULATOR = Path(__file__).resolve().parents[2] / "simulator"
MAY_IMPORT = {
    "samples": {"samples", "instance", "aws.connect_faults", "salesforce.faults"},
    "material": {"material", "samples", "instance"},
}
"""Room of the simulator -> the rooms, or single modules, that it imports."""


def imported(path: Path) -> set[str]:
    """The simulator's own modules that a module imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    own = {name.removeprefix("simulator.") for name in names if name.startswith("simulator.")}
    return {
        name
        if name.count(".") and name.split(".")[0] in ("aws", "salesforce")
        else name.split(".")[0]
        for name in own
    }


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_what_the_table_says(room: str) -> None:
    found = {name for path in (SIMULATOR / room).glob("*.py") for name in imported(path)}

    assert found == MAY_IMPORT[room]
