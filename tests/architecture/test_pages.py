"""The pages for people: links lead somewhere, and the commands they name exist."""

import pytest

from tests.architecture.source_code import ROOT
from tools import commands
from tools.commands import Command
from tools.links import anchors, faults, pages


def test_links_and_commands_of_the_pages() -> None:
    assert list(faults()) == []
    assert list(commands.faults()) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("make flow FLOW=a.json ARGS=-v", ""),
        ("make flow FLOOR=a.json", "the Makefile reads no FLOOR"),
        ('make trigger SET="NAME=x"', ""),
        ("./bridge trigger", ""),
        ("./bridge trigger inbound --set NAME=x | head", ""),
        ("./bridge trigger inbound --sat NAME=x", "unrecognized arguments: --sat NAME=x"),
        ("./bridge doctor --stack <name> --region <region>", ""),
        ("./bridge doctor --secrets x", "unrecognized arguments: --secrets"),
        ("./bridge deploy <instance>", "the following arguments are required: secret"),
        ("aws sqs delete-queue --queue-url <url>", ""),
        ("aws sqs remove-queue --queue-url <url>", "there is no such operation"),
        ("aws sqs delete-queue --queue <url>", "there is no option --queue"),
    ],
)
def test_a_command_that_cannot_run_is_named(text: str, fault: str) -> None:
    found = list(commands.faults([Command(ROOT / "README.md", text)]))
    assert len(found) == bool(fault)
    assert all(each.endswith(f": {fault}") for each in found)


def test_commands_of_the_pages_are_run() -> None:
    """Without commands, `make docs` would run nothing and report success."""
    texts = commands.runnable()
    assert {text.split()[1] for text in texts} == set(commands.RUN)
    assert "./bridge flow flows/callback.json --press 1" in texts


def test_a_command_that_fails_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    [failed] = commands.run(["exit 0", "echo said; exit 2"])
    assert failed == "echo said; exit 2: status 2\nsaid\n"
    assert "exit 0" in capsys.readouterr().out


def test_pages_are_found() -> None:
    """Without any page the test above would pass."""
    found = {page.name: anchors(page) for page in pages()}
    assert {"README.md", "CONTRIBUTING.md", "guarantees.md"} <= set(found)
    assert "not-promised" in found["guarantees.md"]


def test_readme_is_one_page() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 150
    assert max(map(len, lines)) <= 160
