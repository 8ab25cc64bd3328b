"""Content of the flow language is read with its places, and refused where it is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from simulator.flows.checks import doubts, faults
from simulator.flows.files import read_flow
from simulator.flows.layout import of_the_layout
from simulator.samples.reading import EventError
from tests.flows.small_flows import LAMBDA, block, bye, call, content, say, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"Version": "1"}, "Version must be 2019-10-30, not '1'"),
        ({"Metadata": "x"}, "Metadata: an object is needed"),
        ({"Metadata": {"ActionMetadata": {}, "type": 1}}, "Metadata: type must be a text"),
        ({"Actions": {}}, "Actions: a list is needed"),
        ({"Actions": [bye(), bye()]}, "'bye' is there twice"),
        ({"StartAction": ""}, "StartAction must be a text"),
    ],
)
def test_what_is_no_flow_is_refused(tmp_path: Path, spoil: dict[str, Any], message: str) -> None:
    path = written(tmp_path, content(say("a", "bye"), bye()) | spoil)
    with pytest.raises(EventError) as refused:
        read_flow(path)
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(path))


def test_transitions_are_read_with_their_place(tmp_path: Path) -> None:
    doubled = call("a", "bye")
    doubled["Transitions"]["Errors"] *= 2
    with pytest.raises(EventError, match=r"action 1 \(a\): Errors: NoMatchingError is there twice"):
        read_flow(written(tmp_path, content(doubled, bye())))
    operands = block("a", "Compare", {}, "bye", {}, {"1": "bye"})
    operands["Transitions"]["Conditions"][0]["Condition"]["Operands"] = "1"
    with pytest.raises(EventError, match=r"action 1 \(a\): Conditions: a list is needed"):
        read_flow(written(tmp_path, content(operands, bye())))
    unplaced = content(say("a", "bye"), bye())
    unplaced["Metadata"]["ActionMetadata"]["a"]["position"] = {"x": "left", "y": 0}
    with pytest.raises(EventError, match="x and y must be numbers"):
        read_flow(written(tmp_path, unplaced))
    (tmp_path / "none.json").write_text("{", encoding="utf-8")
    with pytest.raises(EventError, match="not JSON"):
        read_flow(tmp_path / "none.json")


def test_a_lambda_block_is_read_as_it_is_written(tmp_path: Path) -> None:
    flow = read_flow(written(tmp_path, content(call("a", "b", "bye"), say("b", "bye"), bye())))
    assert json.loads(json.dumps(dict(flow.actions["a"].parameters))) == LAMBDA
    assert list(flow.actions["a"].transitions) == [("Next", "b"), ("NoMatchingError", "bye")]
    assert flow.actions["b"].position == (300.0, 0.0)


@pytest.mark.parametrize("left_out", ["Metadata", "ActionMetadata"])
def test_content_without_a_layout_is_read(tmp_path: Path, left_out: str) -> None:
    """Given content that CreateContactFlow takes, then what the console draws is reported."""
    flow = content(say("a", "bye"), bye())
    if left_out == "Metadata":
        del flow["Metadata"]
    else:
        flow["Metadata"] = {}
    read = read_flow(written(tmp_path, flow))
    assert faults(read) == []
    assert of_the_layout(read) == ["a: no position", "bye: no position"]


@pytest.mark.parametrize("spoken", ["Text", "SSML", "PromptId"])
def test_what_is_played_may_be_given_in_three_ways(tmp_path: Path, spoken: str) -> None:
    said = say("a", "bye")
    said["Parameters"] = {spoken: "x"}
    assert faults(read_flow(written(tmp_path, content(said, bye())))) == []
    said["Parameters"] = {"Text": "x"} | {spoken: " "}
    [message] = faults(read_flow(written(tmp_path, content(said, bye()))))
    assert message in (f"a: {spoken} says nothing", "a: one of Text, SSML, PromptId, Media")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lambda:us-west-2:111122223333:function:bridge-contact-flow:live",
        "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:f",
        "$.Attributes.function",
    ],
)
def test_a_function_may_be_named_by_its_arn_or_by_a_path(tmp_path: Path, arn: str) -> None:
    flow = content(call("a", "bye", LambdaFunctionARN=arn), bye())
    assert doubts(read_flow(written(tmp_path, flow))) == []


def test_a_lambda_block_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    """Given a block as exports of older flows have it: synchronous, a flat map."""
    old = call("a", "bye")
    del old["Parameters"]["InvocationType"], old["Parameters"]["ResponseValidation"]
    assert doubts(read_flow(written(tmp_path, content(old, bye())))) == []


def test_content_of_the_api_is_read(tmp_path: Path) -> None:
    """Given content as DescribeContactFlow answers it, without a name, then it is inbound."""
    flow = content(say("a", "bye"), bye())
    flow["Metadata"] = {"ActionMetadata": flow["Metadata"]["ActionMetadata"]}
    read = read_flow(written(tmp_path, flow))
    assert (read.name, read.description, read.type) == ("flow", "", "contactFlow")
    assert faults(read) == of_the_layout(read) == []
