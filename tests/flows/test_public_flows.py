"""Public flows are walked: their block types and shapes, with names and words of our own.

Three sets, each whole as it was found: Salesforce's repository of examples for Service Cloud Voice,
AWS's amazon-connect-salesforce-scv, and AWS's amazon-connect-snippets.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.flows.caller import initiation_of, new_caller
from simulator.flows.checks import doubts, faults
from simulator.flows.files import read_flow
from simulator.flows.interpreter import Walk, walk
from simulator.flows.surroundings import Surroundings
from tests.flows.notation import Shape, rendered, shapes
from tests.flows.walking import Function, invocation

FOLDER = Path(__file__).with_name("public_flows")
SETS = {path.stem: shapes(path) for path in sorted(FOLDER.glob("*.txt"))}
ALL = [pytest.param(shape, id=shape.name) for each in SETS.values() for shape in each]
ANSWER = {
    "status": "created",
    "voiceCallId": "0LQ000000000001AAA",
    "agent": "jdoe",
    "queue": "q",
    "phoneNumber": "+12065550100",
    "recordingUrl": "s3://bucket/greeting.wav",
}
"""What the bridge's function answers, whichever method is asked for."""


def written(folder: Path, shape: Shape) -> Path:
    path = folder / "flow.json"
    path.write_text(rendered(shape), encoding="utf-8")
    return path


def walked(path: Path, shape: Shape) -> Walk:
    flow = read_flow(path)
    initiation = initiation_of(flow.type, after_the_call=flow.is_after_the_call)
    caller = new_caller(flow.type, initiation)
    surroundings = Surroundings(keys=shape.keys)
    return walk(flow, caller, surroundings, Function(invocation(ANSWER)))


def test_the_sets_are_what_the_pages_say_they_are() -> None:
    """Given the figures of flows/README.md, then so many flows are here."""
    assert {name: len(each) for name, each in SETS.items()} == {
        "salesforce": 25,
        "salesforce-scv": 16,
        "snippets": 25,
    }
    page = Path("flows/README.md").read_text(encoding="utf-8")
    ends = [shape.end for each in SETS.values() for shape in each]
    older = sum(shape.form == "older" for each in SETS.values() for shape in each)
    assert f"All {len(ends)} flows that were found" in page
    assert f"{older} of them are older exports" in page
    assert f"{ends.count('silence')} end in silence" in page


@pytest.mark.parametrize("shape", ALL)
def test_a_public_flow_walks_to_its_end(tmp_path: Path, shape: Shape) -> None:
    path = written(tmp_path, shape)
    flow = read_flow(path)
    assert faults(flow) == []
    assert not any("is not known here" in doubt for doubt in doubts(flow))
    ended = walked(path, shape)
    assert (ended.end.value, ended.mistakes) == (shape.end, ())
    assert "has no branch" not in ended.detail


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(shape, id=shape.name)
        for each in SETS.values()
        for shape in each
        if shape.form == "older"
    ],
)
def test_an_older_export_walks_as_the_same_flow_of_today(tmp_path: Path, shape: Shape) -> None:
    """Given one flow in both formats, then the caller goes the same way, block by block."""
    today = Shape(shape.name, "language", shape.kind, shape.end, shape.keys, shape.blocks)
    ways = []
    for each in (shape, today):
        steps = walked(written(tmp_path, each), each).steps
        ways.append([(step.action, step.branch) for step in steps])
    assert ways[0] == ways[1]
