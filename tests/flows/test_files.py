"""A flow's file is read in whatever wrapper people have it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from simulator.flows.checks import doubts
from simulator.flows.files import flows_in, read_flow
from simulator.flows.flow import (
    AGENT_TRANSFER,
    AGENT_WHISPER,
    CUSTOMER_QUEUE,
    INBOUND,
    MODULE,
    OUTBOUND_WHISPER,
    QUEUE_TRANSFER,
)
from simulator.samples.reading import EventError
from tests.flows.small_flows import block, bye, call, content, say, written

if TYPE_CHECKING:
    from pathlib import Path

FLOW_ARN = "arn:aws:connect:us-west-2:111122223333:instance/0f0e/contact-flow/70000001"
CONTENT = content(say("a", "bye"), bye())
BARE = CONTENT | {"Metadata": {}}
API = {"Name": "From the API", "Type": "AGENT_WHISPER", "Description": "Says who calls."}


@pytest.mark.parametrize(
    "wrapped",
    [
        {"ContactFlow": {**API, "Arn": FLOW_ARN, "Content": json.dumps(BARE)}},
        {"ResponseMetadata": {}, "ContactFlow": {**API, "Content": json.dumps(BARE)}},
        {**API, "Content": json.dumps(BARE), "InstanceId": "0f0e"},
        {**API, "Content": BARE},
        {"Type": "AWS::Connect::ContactFlow", "Properties": {**API, "Content": json.dumps(BARE)}},
        json.dumps({**API, "Content": BARE}),
    ],
)
def test_wrappers_are_taken_off(tmp_path: Path, wrapped: Any) -> None:
    flow = read_flow(written(tmp_path, wrapped))
    assert (flow.name, flow.type, flow.description) == (
        "From the API",
        AGENT_WHISPER,
        "Says who calls.",
    )
    assert list(flow.actions) == ["a", "bye"]


def test_a_modules_wrapper_makes_it_a_module(tmp_path: Path) -> None:
    module = {"ContactFlowModule": {"Name": "Greeting", "Content": json.dumps(BARE)}}
    assert read_flow(written(tmp_path, module)).type == MODULE
    assert read_flow(written(tmp_path, BARE)).type == INBOUND


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        ([block("a", "CompleteOutboundCall", {}, "bye"), bye()], OUTBOUND_WHISPER),
        ([block("a", "MessageParticipantIteratively", {}, "bye"), bye()], CUSTOMER_QUEUE),
        ([block("a", "TransferContactToAgent")], AGENT_TRANSFER),
        ([block("a", "EndFlowModuleExecution")], MODULE),
        (
            [
                call("a", "b", LambdaInvocationAttributes={"methodName": "createTransferVC"}),
                bye("b"),
            ],
            QUEUE_TRANSFER,
        ),
        ([bye()], INBOUND),
    ],
)
def test_a_type_that_is_not_said_is_guessed_and_said_to_be(
    tmp_path: Path, actions: list[dict[str, Any]], kind: str
) -> None:
    """Given content as DescribeContactFlow returns it, then the type is guessed from its blocks."""
    flow = read_flow(written(tmp_path, content(*actions) | {"Metadata": {}}))
    assert (flow.type, flow.type_is_guessed) == (kind, True)
    assert f"the file does not say its type: walked as {kind} (--type says it)" in doubts(flow)


def test_other_flows_may_call_it_by_arn_id_or_name(tmp_path: Path) -> None:
    wrapped = {"ContactFlow": {**API, "Arn": FLOW_ARN, "Id": "70000001", "Content": BARE}}
    assert read_flow(written(tmp_path, wrapped)).ids == {
        "flow",
        "From the API",
        FLOW_ARN,
        "70000001",
    }


@pytest.mark.parametrize("other", [{"Records": []}, {}, {"Content": {"Content": {}}}, [], "{}"])
def test_what_is_no_flow_is_refused_with_what_is_understood(tmp_path: Path, other: Any) -> None:
    path = written(tmp_path, other)
    with pytest.raises(EventError) as refused:
        read_flow(path)
    assert str(refused.value).startswith(str(path))


def test_members_that_came_later_are_left_alone_and_named(tmp_path: Path) -> None:
    flow = content(say("a", "bye") | {"Metadata": {}}, bye())
    flow["Actions"][1]["Transitions"] = {"Default": "x"}
    assert read_flow(written(tmp_path, flow | {"Notes": 1})).unread == (
        "Notes is left alone: the flow language has no such member",
        "a: Metadata is left alone: the flow language has no such member",
        "bye: Transitions: Default is left alone: the flow language has no such member",
    )


def test_what_may_be_left_out_or_null_is_read(tmp_path: Path) -> None:
    """Given blocks as exports have them: no Parameters, no Errors, an empty NextAction."""
    transfer = {"Identifier": "a", "Type": "TransferContactToQueue", "Transitions": None}
    looped = {
        "Identifier": "b",
        "Type": "Loop",
        "Parameters": None,
        "Transitions": {"NextAction": "", "Errors": None, "Conditions": None},
    }
    flow = read_flow(written(tmp_path, content(transfer, looped) | {"Metadata": None}))
    assert [list(action.transitions) for action in flow.actions.values()] == [[], []]


def test_generated_names_are_shown_with_type_and_resource(tmp_path: Path) -> None:
    """Given the console's UUIDs, then the block is shown by its type and the resource it names."""
    first, second = "5a60ab1a-2fae-4845-bae5-34207115fda3", "0e447aca-1234-4a50-bc8f-c3c4a5c96b25"
    flow = content(say(first, second), block(second, "TransferToFlow", {}, "bye"), bye())
    flow["Metadata"]["ActionMetadata"][second] |= {
        "parameters": {"ContactFlowId": {"displayName": "Voicemail"}}
    }
    labels = [action.label for action in read_flow(written(tmp_path, flow)).actions.values()]
    assert labels == ["MessageParticipant 5a60ab1a", 'TransferToFlow 0e447aca "Voicemail"', "bye"]


def test_folders_are_read(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    written(tmp_path / "deeper", CONTENT)
    single = written(tmp_path, CONTENT)
    assert len(flows_in([tmp_path, single])) == 3


@pytest.mark.parametrize(("name", "is_one"), [("Sample Disconnect Flow", True), ("Inbound", False)])
def test_a_disconnect_flow_is_known_by_its_name(tmp_path: Path, name: str, is_one: bool) -> None:
    flow = content(bye())
    flow["Metadata"]["name"] = name
    assert read_flow(written(tmp_path, flow)).is_after_the_call is is_one
