"""Each fault that Connect refuses at publishing, or a caller would notice, is told by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from simulator.contact_flow.checks import faults, warnings
from simulator.contact_flow.flow import read_flow
from simulator.reading import EventError
from tests.flows.small_flows import LAMBDA, block, bye, call, content, keep, say, to_queue, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRONG_BLOCKS = {
    "identifier of 51 characters": say("x" * 51, "bye"),
    "identifier has /": say("yes/no", "bye"),
    "identifier is reserved": say("toString", "bye"),
    "Next leads to 'nowhere', which is no action": say("a", "nowhere", "bye"),
    "NoMatchingError leads to 'nowhere'": say("a", "bye", "nowhere"),
    "block Wait is not known here": block("a", "Wait", {}, "bye"),
    "one of Text, SSML, PromptId": block(
        "a", "MessageParticipant", {}, "bye", {"NoMatchingError": "bye"}
    ),
    "lacks Attributes": block(
        "a", "UpdateContactAttributes", {}, "bye", {"NoMatchingError": "bye"}
    ),
    "has no parameter QueueId": block(
        "a",
        "TransferContactToQueue",
        {"QueueId": "q"},
        "bye",
        {"QueueAtCapacity": "bye", "NoMatchingError": "bye"},
    ),
    "error branches must be QueueAtCapacity, NoMatchingError": block(
        "a", "TransferContactToQueue", {}, "bye", {"NoMatchingError": "bye"}
    ),
    "error branches must be NoMatchingError": block(
        "a", "MessageParticipant", {"Text": "Hello."}, "bye"
    ),
    "error branches must be none": block(
        "a",
        "UpdateFlowLoggingBehavior",
        {"FlowLoggingBehavior": "Enabled"},
        "bye",
        {"NoMatchingError": "bye"},
    ),
    "lacks NextAction": block("a", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "x"}),
    "conditions must be none": block(
        "a",
        "MessageParticipant",
        {"Text": "Hello."},
        "bye",
        {"NoMatchingError": "bye"},
        {"1": "bye"},
    ),
    "conditions must be True, False": block(
        "a", "CheckHoursOfOperation", {}, "bye", {"NoMatchingError": "bye"}, {"True": "bye"}
    ),
    "conditions must be there": block(
        "a", "Compare", {"ComparisonValue": "$.External.x"}, "bye", {"NoMatchingCondition": "bye"}
    ),
    "operators known here": block(
        "a",
        "Compare",
        {"ComparisonValue": "$.External.x"},
        "bye",
        {"NoMatchingCondition": "bye"},
        {"1": "bye"},
        operator="NumberGreaterThan",
    ),
    "ComparisonValue must be one JSONPath": block(
        "a",
        "Compare",
        {"ComparisonValue": "$.External.x $.External.y"},
        "bye",
        {"NoMatchingCondition": "bye"},
        {"1": "bye"},
    ),
    "has transitions, and the flow ends here": block("a", "DisconnectParticipant", {}, "bye"),
    "Text says nothing": say("a", "bye", text=" "),
    'InvocationTimeLimitSeconds must be "1" to "8"': call(
        "a", "bye", InvocationTimeLimitSeconds="9"
    ),
    "InvocationType must be SYNCHRONOUS": call("a", "bye", InvocationType="ASYNCHRONOUS"),
    "ResponseType must be STRING_MAP": call(
        "a", "bye", ResponseValidation={"ResponseType": "JSON"}
    ),
    "LambdaFunctionARN must be the ARN": call("a", "bye", LambdaFunctionARN="bridge-contact-flow"),
    "FlowLoggingBehavior must be": block(
        "a", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "On"}, "bye"
    ),
    "RecordedParticipants must be": block(
        "a",
        "UpdateContactRecordingBehavior",
        {"RecordingBehavior": {"RecordedParticipants": ["Agent", "Caller"]}},
        "bye",
    ),
    "list of Agent and Customer": block(
        "a", "UpdateContactRecordingBehavior", {"RecordingBehavior": "Agent"}, "bye"
    ),
    "methodName among them": call("a", "bye", LambdaInvocationAttributes={"soql": "x"}),
    "must be texts": call("a", "bye", LambdaInvocationAttributes={"methodName": "x", "n": 1}),
    "placeholder 'Secret' is none of": call("a", "bye", LambdaFunctionARN="${Secret}"),
    "Attributes must be texts, one at least": keep("a", "bye"),
    "names of attributes are letters": keep("a", "bye", **{"with space": "x"}),
    "either QueueId or AgentId": block(
        "a",
        "UpdateContactTargetQueue",
        {"QueueId": "q", "AgentId": "a"},
        "bye",
        {"NoMatchingError": "bye"},
    ),
}
MENU = {"Text": "Press 1.", "InputTimeLimitSeconds": "5", "StoreInput": "False"}
MENU_ERRORS = dict.fromkeys(
    ("InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError"), "bye"
)


@pytest.mark.parametrize("told", WRONG_BLOCKS)
def test_a_wrong_block_is_told(tmp_path: Path, told: str) -> None:
    flow = read_flow(written(tmp_path, content(WRONG_BLOCKS[told], bye())))
    [fault] = [fault for fault in faults(flow) if told in fault]
    assert fault.startswith(WRONG_BLOCKS[told]["Identifier"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"InputTimeLimitSeconds": "0"}, 'InputTimeLimitSeconds must be "1" to "180"'),
        ({"InputTimeLimitSeconds": 5}, 'InputTimeLimitSeconds must be "1" to "180"'),
        ({"StoreInput": "True"}, 'StoreInput must be "False"'),
        ({"Text": ""}, "Text says nothing"),
    ],
)
def test_a_wrong_menu_is_told(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    menu = block("a", "GetParticipantInput", MENU | changes, "bye", MENU_ERRORS, {"1": "bye"})
    assert any(
        told in fault for fault in faults(read_flow(written(tmp_path, content(menu, bye()))))
    )


def change_type(flow: dict[str, Any]) -> None:
    flow["Metadata"]["type"] = "agentWhisper"


def change_start(flow: dict[str, Any]) -> None:
    flow["StartAction"] = "nowhere"


def stack_blocks(flow: dict[str, Any]) -> None:
    flow["Metadata"]["ActionMetadata"]["bye"] = {"position": {"x": 200, "y": 100}}


def forget_a_place(flow: dict[str, Any]) -> None:
    del flow["Metadata"]["ActionMetadata"]["bye"]


def add_an_island(flow: dict[str, Any]) -> None:
    flow["Actions"].append(bye("island"))
    flow["Metadata"]["ActionMetadata"]["island"] = {"position": {"x": 0, "y": 900}}


def add_250(flow: dict[str, Any]) -> None:
    for number in range(250):
        flow["Actions"].append(bye(f"b{number}"))


def swell(flow: dict[str, Any]) -> None:
    flow["Metadata"]["description"] = "x" * 256_000


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (change_type, "type 'agentWhisper' is none of"),
        (change_start, "StartAction 'nowhere' is no action"),
        (add_250, "252 actions, 250 are allowed"),
        (swell, "characters, 256000 are allowed"),
    ],
)
def test_a_wrong_whole_is_told(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], told: str
) -> None:
    flow = content(say("a", "bye"), bye())
    assert faults(read_flow(written(tmp_path, flow))) == []
    spoil(flow)
    assert any(told in fault for fault in faults(read_flow(written(tmp_path, flow))))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (stack_blocks, "bye: drawn over a"),
        (forget_a_place, "bye: no position"),
        (add_an_island, "island: no way leads here"),
    ],
)
def test_what_connect_takes_is_told_too(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], told: str
) -> None:
    flow = content(say("a", "bye"), bye())
    assert warnings(read_flow(written(tmp_path, flow))) == []
    spoil(flow)
    assert faults(read_flow(written(tmp_path, flow))) == []
    assert warnings(read_flow(written(tmp_path, flow))) == [told]


def test_a_branch_for_forms_sake_is_told(tmp_path: Path) -> None:
    """Given a Next that is never taken and leads elsewhere, then the picture would lie."""
    compared = block(
        "a",
        "Compare",
        {"ComparisonValue": "$.External.x"},
        "b",
        {"NoMatchingCondition": "bye"},
        {"1": "b"},
    )
    flow = content(compared, to_queue("b", "bye"), bye())
    told = "a: Next is never taken and should lead where NoMatchingCondition does"
    assert warnings(read_flow(written(tmp_path, flow))) == [told]
    flow["Actions"][1]["Transitions"]["NextAction"] = "b"
    told_too = "b: Next is never taken and should lead where NoMatchingError does"
    assert warnings(read_flow(written(tmp_path, flow))) == [told, told_too]


def test_more_than_20_s_of_lambda_without_a_prompt_is_told(tmp_path: Path) -> None:
    """Given three blocks of 8 s in a row, then it is told; with a prompt between it is not."""
    silent = content(call("a", "b"), call("b", "c"), call("c", "bye"), bye())
    assert any(
        "24 s of Lambda without a prompt, 20 are allowed: a -> b -> c" in fault
        for fault in warnings(read_flow(written(tmp_path, silent)))
    )
    spoken = content(
        call("a", "b"), call("b", "hold"), say("hold", "c", "bye"), call("c", "bye"), bye()
    )
    assert warnings(read_flow(written(tmp_path, spoken))) == []


def test_a_way_round_without_a_word_is_told(tmp_path: Path) -> None:
    """Given a Lambda block whose error tries again, then it is told: dead air, and no end."""
    flow = content(call("a", "bye", "again"), keep("again", "a", x="y"), bye())
    assert "a: a way leads round without a word: a -> again -> a" in warnings(
        read_flow(written(tmp_path, flow))
    )


def test_many_ways_are_checked_as_soon_as_few(tmp_path: Path) -> None:
    """Given 200 blocks with two branches each, which is more ways than anybody can wait for."""
    blocks = [keep(f"k{n}", f"k{n + 1}", x="y") for n in range(200)]
    flow = content(call("a", "b"), call("b", "k0"), *blocks, call("k200", "again"), bye("again"))
    [told] = warnings(read_flow(written(tmp_path, flow)))
    assert told.startswith(
        "k200: 24 s of Lambda without a prompt, 20 are allowed: a -> b -> k0 -> "
    )
    flow["Actions"][-2] = keep("k200", "b", x="y")
    [_, told] = warnings(read_flow(written(tmp_path, flow)))
    assert told.startswith("b: a way leads round without a word: b -> k0 -> ")


def test_a_prompt_that_fails_does_not_count(tmp_path: Path) -> None:
    """Given a prompt whose error goes on to the third block, then 24 s may be silent."""
    flow = content(call("a", "b"), call("b", "hold"), say("hold", "c"), call("c", "bye"), bye())
    assert any("24 s" in fault for fault in warnings(read_flow(written(tmp_path, flow))))


def test_a_loop_with_words_is_no_fault(tmp_path: Path) -> None:
    """Given a full queue that is tried again after a message, then nobody is left in silence."""
    flow = content(
        block(
            "aim", "UpdateContactTargetQueue", {"QueueId": "q"}, "in", {"NoMatchingError": "bye"}
        ),
        to_queue("in", "wait"),
        say("wait", "in", "bye"),
        bye(),
    )
    assert warnings(read_flow(written(tmp_path, flow))) == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ({"Version": "1"}, "Version must be 2019-10-30, not '1'"),
        ({"Metadata": None}, "Metadata: an object is needed"),
        ({"Metadata": {"ActionMetadata": {}, "type": 1}}, "Metadata: type must be a text"),
        ({"modules": []}, "unknown: modules"),
        ({"Actions": {}}, "Actions: a list is needed"),
        ({"Actions": [bye(), bye()]}, "'bye' is there twice"),
        ({"Actions": [bye() | {"Transitions": {"Default": "x"}}]}, "unknown: Default"),
        ({"StartAction": ""}, "StartAction must be a text"),
    ],
)
def test_what_is_no_flow_is_refused(tmp_path: Path, spoil: dict[str, Any], told: str) -> None:
    """`modules`: the console's older export is another language (facts, section 8)."""
    path = written(tmp_path, content(say("a", "bye"), bye()) | spoil)
    with pytest.raises(EventError) as refused:
        read_flow(path)
    assert told in str(refused.value)
    assert str(refused.value).startswith(str(path))


def test_transitions_are_read_with_their_place(tmp_path: Path) -> None:
    doubled = call("a", "bye")
    doubled["Transitions"]["Errors"] *= 2
    with pytest.raises(EventError, match=r"action 1 \(a\): Errors: NoMatchingError is there twice"):
        read_flow(written(tmp_path, content(doubled, bye())))
    operands = block("a", "Compare", {}, "bye", {}, {"1": "bye"})
    operands["Transitions"]["Conditions"][0]["Condition"]["Operands"] = ["1", "2"]
    with pytest.raises(EventError, match="one operand is needed"):
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
    """Given content that CreateContactFlow takes, then it is told what the console makes of it."""
    flow = content(say("a", "bye"), bye())
    if left_out == "Metadata":
        del flow["Metadata"]
    else:
        flow["Metadata"] = {}
    read = read_flow(written(tmp_path, flow))
    assert faults(read) == []
    assert warnings(read) == ["a: no position", "bye: no position"]


@pytest.mark.parametrize("spoken", ["Text", "SSML", "PromptId"])
def test_what_is_played_may_be_given_in_three_ways(tmp_path: Path, spoken: str) -> None:
    said = say("a", "bye")
    said["Parameters"] = {spoken: "x"}
    assert faults(read_flow(written(tmp_path, content(said, bye())))) == []
    said["Parameters"] = {"Text": "x"} | {spoken: " "}
    [told] = faults(read_flow(written(tmp_path, content(said, bye()))))
    assert told in (f"a: {spoken} says nothing", "a: one of Text, SSML, PromptId")


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
    assert faults(read_flow(written(tmp_path, flow))) == []


def test_a_lambda_block_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    """Given a block as exports of older flows have it: synchronous, a flat map."""
    old = call("a", "bye")
    del old["Parameters"]["InvocationType"], old["Parameters"]["ResponseValidation"]
    assert faults(read_flow(written(tmp_path, content(old, bye())))) == []


def test_content_of_the_api_is_read(tmp_path: Path) -> None:
    """Given content as DescribeContactFlow answers it, without a name, then it is inbound."""
    flow = content(say("a", "bye"), bye())
    flow["Metadata"] = {"ActionMetadata": flow["Metadata"]["ActionMetadata"]}
    read = read_flow(written(tmp_path, flow))
    assert (read.name, read.description, read.type) == ("flow", "", "contactFlow")
    assert faults(read) == warnings(read) == []
