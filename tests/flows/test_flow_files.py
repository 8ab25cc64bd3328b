"""The files in flows/: what Connect takes, what their README says of them."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from simulator.flows.blocks import Meaning, block_of
from simulator.flows.checks import (
    PLACEHOLDERS,
    doubts,
    faults,
    missing_branches,
    placeholders,
    to_replace,
)
from simulator.flows.files import read_flow
from simulator.flows.flow import AGENT_TRANSFER, INBOUND, OUTBOUND_WHISPER, QUEUE_TRANSFER
from simulator.flows.layout import of_the_layout
from simulator.flows.ways import of_the_ways
from tools.flow_pictures import BEGIN, END, FOLDER, PAGE, flow_files, main, section

FILES = flow_files()
TYPES = {
    "agent_transfer.json": AGENT_TRANSFER,
    "callback.json": INBOUND,
    "direct_to_rep.json": INBOUND,
    "disconnect.json": INBOUND,
    "inbound.json": INBOUND,
    "omni_routing.json": INBOUND,
    "outbound.json": OUTBOUND_WHISPER,
    "queue_transfer.json": QUEUE_TRANSFER,
    "voicemail.json": INBOUND,
}
README = PAGE.read_text(encoding="utf-8")


def test_every_flow_is_there() -> None:
    assert {path.name: read_flow(path).type for path in FILES} == TYPES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_flow_is_sound(path: Path) -> None:
    """Given a sample flow, then it keeps Connect's limits and never leaves a caller in silence."""
    flow = read_flow(path)
    assert faults(flow) == doubts(flow) == of_the_ways(flow) == of_the_layout(flow) == []
    assert set(to_replace(flow)) <= set(PLACEHOLDERS)
    for action in flow.actions.values():
        assert list(missing_branches(action)) == []
        assert action.next_action or block_of(action).ends
        assert block_of(action).meaning is not Meaning.PASSED


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_flow_has_what_the_console_imports(path: Path) -> None:
    """What the console's export adds to the content (administrator guide, "Flow language")."""
    metadata = json.loads(path.read_text(encoding="utf-8"))["Metadata"]
    assert {"entryPointPosition", "ActionMetadata", "name", "description", "type"} <= set(metadata)
    assert set(metadata["ActionMetadata"]) == set(read_flow(path).actions)


def test_names_are_distinct() -> None:
    """Two flows of one instance must not have the same name."""
    names = [read_flow(path).name for path in FILES]
    assert len(set(names)) == len(names)


def test_readme_shows_the_flows_as_they_are() -> None:
    """Given a change of a flow, then its picture is made anew: make docs."""
    assert f"{BEGIN}\n{section()}{END}" in README
    assert main(["--check"]) == 0


def test_stale_readme_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "README.md"
    page.write_text(README.replace("Hang up", "Go on", 1), encoding="utf-8")
    monkeypatch.setattr("tools.flow_pictures.PAGE", page)
    assert main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
    assert main([]) == 0
    assert page.read_text(encoding="utf-8") == README


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_picture_has_every_block_once(path: Path) -> None:
    chapter = README.partition(f"### {path.name}\n")[2].partition("\n### ")[0]
    for name in read_flow(path).actions:
        assert len(re.findall(rf'"{re.escape(name)}(?:<br>|")', chapter)) == 1, name


def test_readme_explains_every_placeholder() -> None:
    used = {
        name
        for path in FILES
        for action in read_flow(path).actions.values()
        for name in placeholders(action.parameters)
    }
    assert used == set(PLACEHOLDERS)
    for name, meaning in PLACEHOLDERS.items():
        assert f"| `{name}` | {meaning} |" in README


def sed_command() -> str:
    """The README's command, for inbound.json and from the repository's root."""
    [command] = re.findall(r"```sh\n(sed .*?)\n```", README, flags=re.DOTALL)
    return str(command)


def test_readmes_command_replaces_every_placeholder(tmp_path: Path) -> None:
    """Given the README's command, when run, then no file has anything left to replace."""
    command = sed_command()
    assert command.count("flows/inbound.json") == 1
    for path in FILES:
        out = tmp_path / path.name
        mine = command.replace("flows/inbound.json", f"flows/{path.name}")
        mine = mine.replace("> .build/inbound.json", f"> '{out}'")
        subprocess.run(["sh", "-c", mine], cwd=FOLDER.parent, check=True, timeout=10)
        made = out.read_text(encoding="utf-8")
        assert "${" not in made
        assert faults(read_flow(out)) == []
