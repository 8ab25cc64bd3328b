"""The pages that people read: links lead somewhere, and the commands they name exist."""

from tests.architecture.source_code import ROOT
from tools.links import anchors, faults, pages


def test_links_and_commands_of_the_pages() -> None:
    assert list(faults()) == []


def test_pages_are_found() -> None:
    """The test above would hold for no pages at all."""
    found = {page.name: anchors(page) for page in pages()}
    assert {"README.md", "CONTRIBUTING.md", "guarantees.md"} <= set(found)
    assert "not-promised" in found["guarantees.md"]


def test_readme_is_one_page() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 150
    assert max(map(len, lines)) <= 160
