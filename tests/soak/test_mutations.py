"""The mutations fit the present code; `python -m tests.soak.mutations` runs them."""

from pathlib import Path

import pytest

from tests.soak.mutations import MUTATIONS, ROOT, Mutation, found, mutated


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda it: it.what)
def test_each_mutation_changes_the_code(mutation: Mutation, tmp_path: Path) -> None:
    changed = (mutated(mutation, tmp_path) / mutation.file).read_text(encoding="utf-8")
    compile(changed, mutation.file, "exec")


def test_the_page_lists_them() -> None:
    """Else: the rows of python -m tests.soak.mutations --table."""
    page = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    assert [each.row for each in MUTATIONS if each.row not in page] == []


def test_violations_are_listed_without_their_run() -> None:
    contact = "0f0e0d0c-1111-4222-8333-444455556666"
    printed = f"violations   1,002\n  {contact}: two POSTs at a time\n  a defect: [1]\nCPU 1\n"
    assert found(printed) == ["a defect", "two POSTs at a time"]
    assert found("violations   0\nCPU 1\n") == []
