"""What the blocks of real flows do with a caller; all flows here are invented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.flows.blocks import BLOCKS, Meaning
from simulator.flows.caller import AGENT, AGENT_ARN, CUSTOMER, QUICK_CONNECT_QUEUE, new_caller
from simulator.flows.flow import (
    CUSTOMER_HOLD,
    CUSTOMER_QUEUE,
    INBOUND,
    MODULE,
    OUTBOUND_WHISPER,
)
from simulator.flows.state import End
from simulator.flows.surroundings import EVERY, Surroundings
from tests.flows.small_flows import (
    block,
    bye,
    call,
    content,
    keep,
    say,
    to_queue,
    to_target,
    written,
)
from tests.flows.walking import Function, invocation, loop, walked

if TYPE_CHECKING:
    from pathlib import Path


ERROR = {"NoMatchingError": "bye"}


def test_a_loop_counts_anew_when_it_is_done(tmp_path: Path) -> None:
    actions = (loop("again", "say", "1"), say("again", "loop"), say("say", "loop"))
    branches = [step.branch for step in walked(tmp_path, *actions).steps if step.action == "loop"]
    assert branches[:4] == ["Equals ContinueLooping", "Equals DoneLooping"] * 2


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [
        ("TextStartsWith", "s3://bucket", True),
        ("TextEndsWith", "s3://bucket", False),
        ("TextContains", "my s3 bucket", True),
        ("NumberGreaterThan", "7", False),
    ],
)
def test_text_operators(tmp_path: Path, operator: str, value: str, holds: bool) -> None:
    compared = block(
        "a",
        "Compare",
        {"ComparisonValue": "$.Attributes.x"},
        "bye",
        {"NoMatchingCondition": "bye"},
        {"s3": "bye"},
        operator=operator,
    )
    caller = new_caller(INBOUND, Attributes={"x": value})
    taken = walked(tmp_path, compared, bye(), caller=caller).steps[0].branch
    assert (taken == f"{operator} s3") is holds


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("NumberGreaterThan", (False, False, True)),
        ("NumberGreaterOrEqualTo", (False, True, True)),
        ("NumberLessThan", (True, False, False)),
        ("NumberLessOrEqualTo", (True, True, False)),
    ],
)
def test_number_operators(tmp_path: Path, operator: str, holds: tuple[bool, ...]) -> None:
    compared = block(
        "a",
        "Compare",
        {"ComparisonValue": "$.Attributes.x"},
        "bye",
        {"NoMatchingCondition": "bye"},
        {"10": "bye"},
        operator=operator,
    )
    taken = [
        walked(tmp_path, compared, bye(), caller=new_caller(INBOUND, Attributes={"x": x}))
        .steps[0]
        .branch
        for x in ("9", "10.0", "11")
    ]
    assert tuple(branch == f"{operator} 10" for branch in taken) == holds


@pytest.mark.parametrize(
    ("agents", "taken"),
    [
        (2, ["NumberGreaterThan 0", "NoMatchingCondition"]),
        (0, ["NoMatchingCondition"]),
        (None, ["NoMatchingError"]),
    ],
)
def test_metrics_are_those_of_a_quiet_queue(
    tmp_path: Path, agents: int | None, taken: list[str]
) -> None:
    """Given a check of staff and one of waiting, then there are as many agents as given, and no
    caller waits."""

    def check(name: str, kind: str, goes_on: str) -> dict[str, Any]:
        errors = {"NoMatchingCondition": "bye", "NoMatchingError": "bye"}
        parameters = {"MetricType": kind}
        more = {"0": goes_on}
        return block(
            name, "CheckMetricData", parameters, "bye", errors, more, operator="NumberGreaterThan"
        )

    actions = (
        check("staff", "NumberOfAgentsStaffed", "age"),
        check("age", "OldestContactInQueueAgeSeconds", "bye"),
        bye(),
    )
    walk_ = walked(tmp_path, *actions, surroundings=Surroundings(agents=agents))
    assert [step.branch for step in walk_.steps[:-1]] == taken
    chosen = walked(tmp_path, *actions, takes=["staff=default"])
    assert [step.action for step in chosen.steps] == ["staff", "bye"]


def test_chosen_branches_are_taken_one_visit_after_the_other(tmp_path: Path) -> None:
    actions = (call("a", "b", "a"), say("b", "bye"), bye())
    walk_ = walked(tmp_path, say("s", "a"), *actions, takes=["a=Success"])
    assert walk_.branches == {("s", "Next"), ("a", "Next"), ("b", "Next")}
    spoken = (say("s", "a"), call("a", "b", "s"), say("b", "bye"), bye())
    twice = walked(tmp_path, *spoken, takes=["a=Error", "a=Error", "a=Success"])
    assert [step.branch for step in twice.steps if step.action == "a"] == [
        "NoMatchingError",
        "NoMatchingError",
        "Next",
    ]


def transfer(name: str, goes_on: str = "bye", **target: str) -> dict[str, Any]:
    return block(name, "TransferToFlow", target, goes_on, {"NoMatchingError": goes_on})


def test_a_transfer_goes_on_in_a_flow_that_is_given(tmp_path: Path) -> None:
    """Given the other flow's file, then its blocks follow; without it the walk ends there."""
    (tmp_path / "other").mkdir()
    other = content(to_target("aim", "in", QueueId="$.Attributes.q"), to_queue("in", "bye"), bye())
    path = written(tmp_path / "other", other | {"Metadata": {"name": "Second flow"}})
    arn = "arn:aws:connect:us-west-2:111122223333:instance/0f0e/contact-flow/70000001"
    actions = (keep("k", "t", q="q1"), transfer("t", ContactFlowId=arn), bye())
    alone = walked(tmp_path, *actions)
    assert (alone.end, alone.detail) == (End.ELSEWHERE, arn)
    named = (keep("k", "t", q="q1"), transfer("t", ContactFlowId="Second flow"), bye())
    together = walked(tmp_path, *named, further=[path])
    assert (together.end, together.detail) == (End.QUEUE, "q1")
    assert [(step.flow, step.action) for step in together.steps] == [
        ("A small flow", "k"),
        ("A small flow", "t"),
        ("Second flow", "aim"),
        ("Second flow", "in"),
    ]
    assert walked(tmp_path, transfer("t"), bye()).branches == {("t", "NoMatchingError")}


def test_a_module_returns_to_the_block_that_invoked_it(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    ends = {"Identifier": "end", "Type": "EndFlowModuleExecution", "Transitions": {}}
    module = content(keep("in the module", "end", greeted="yes"), ends, kind=MODULE)
    path = written(tmp_path / "other", module | {"Metadata": {"name": "Greeting"}})
    invoke = block("m", "InvokeFlowModule", {"FlowModuleId": "Greeting"}, "say", ERROR)
    actions = (invoke, say("say", "bye"), bye())
    walk_ = walked(tmp_path, *actions, further=[path])
    assert [step.action for step in walk_.steps] == ["m", "in the module", "end", "say", "bye"]
    assert walk_.caller.attributes == {"greeted": "yes"}
    passed = walked(tmp_path, *actions)
    assert [step.action for step in passed.steps] == ["m", "say", "bye"]
    assert "the module Greeting was not given" in passed.passed[0]
    alone = walked(tmp_path, *module["Actions"], kind=MODULE)
    assert alone.end is End.DONE


def test_a_caller_who_is_asked_the_same_again_and_again_gives_up(tmp_path: Path) -> None:
    """Given a block that asks for digits, when none are keyed in, then the block's value for that
    is stored, and the walk ends."""
    ask = block(
        "ask",
        "GetParticipantInput",
        {"Text": "Number?", "InputTimeLimitSeconds": "5", "StoreInput": "True"},
        "check",
        ERROR,
    )
    check = block(
        "check",
        "Compare",
        {"ComparisonValue": "$.StoredCustomerInput"},
        "bye",
        {"NoMatchingCondition": "bye"},
        {"Timeout": "ask"},
    )
    walk_ = walked(tmp_path, ask, check, bye())
    assert (walk_.end, walk_.detail) == (End.GONE, "after 5 times ask (--press answers it)")
    keyed = Surroundings(keys=("7",))
    assert walked(tmp_path, ask, check, bye(), surroundings=keyed).steps[-1].action == "bye"


def test_an_outbound_whisper_dials_and_ends(tmp_path: Path) -> None:
    """Given an agent's own call, then the flow knows the agent, and its end is not silence."""
    actions = (
        call(
            "a", "dial", LambdaInvocationAttributes={"methodName": "m", "agentARN": "$.Agent.ARN"}
        ),
        block("dial", "CompleteOutboundCall", {"CallerId": {"Number": "$.External.n"}}, "end"),
        {"Identifier": "end", "Type": "EndFlowExecution", "Transitions": {}},
    )
    function = Function(invocation({"n": "+15550100"}))
    walk_ = walked(tmp_path, *actions, kind=OUTBOUND_WHISPER, function=function)
    assert walk_.end is End.DONE
    details = function.events[0]["Details"]
    assert details["Parameters"]["agentARN"] == AGENT_ARN
    assert details["ContactData"]["InitiationMethod"] == "OUTBOUND"
    assert walk_.steps[1].what == "dials the customer, shows +15550100"
    assert walked(tmp_path, bye(), kind=OUTBOUND_WHISPER).end is End.HUNG_UP


def test_a_disconnect_flow_runs_after_the_call(tmp_path: Path) -> None:
    """Given a contact that began when the agent left, then hanging up on it is not silence."""
    caller = new_caller(INBOUND, "DISCONNECT")
    assert caller.contact["InitialContactId"] != caller.contact["ContactId"]
    assert caller.contact["Queue"] is None
    assert walked(tmp_path, bye(), caller=caller).end is End.HUNG_UP


def play(goes_on: str | None = None) -> dict[str, Any]:
    messages = {"Messages": [{"Text": "Please hold."}, {"PromptId": "music"}]}
    conditions = {"MessagesInterrupted": goes_on} if goes_on else {}
    return block("play", "MessageParticipantIteratively", messages, "bye", ERROR, conditions)


def test_a_queue_flow_plays_until_the_caller_is_taken_out(tmp_path: Path) -> None:
    waits = walked(tmp_path, play(), bye(), kind=CUSTOMER_QUEUE)
    assert (waits.end, waits.detail) == (End.QUEUE, QUICK_CONNECT_QUEUE)
    interrupted = walked(tmp_path, play("menu"), say("menu", "play"), bye(), kind=CUSTOMER_QUEUE)
    assert [step.action for step in interrupted.steps] == ["play", "menu", "play"]
    assert interrupted.end is End.QUEUE
    assert walked(tmp_path, play(), bye(), kind=CUSTOMER_HOLD).end is End.DONE
    resumes = {"Identifier": "end", "Type": "EndFlowExecution", "Transitions": {}}
    assert walked(tmp_path, play("end"), resumes, bye(), kind=CUSTOMER_QUEUE).end is End.QUEUE
    round_and_round = walked(tmp_path, say("a", "b"), say("b", "a"), kind=CUSTOMER_QUEUE)
    assert round_and_round.end is End.QUEUE


def test_a_queue_flow_moves_the_caller_to_another_queue(tmp_path: Path) -> None:
    errors = {"QueueAtCapacity": "bye", "NoMatchingError": "bye"}
    move = block("m", "DequeueContactAndTransferToQueue", {"QueueId": "q2"}, "bye", errors)
    moved = walked(tmp_path, move, bye(), kind=CUSTOMER_QUEUE)
    assert (moved.end, moved.detail) == (End.QUEUE, "q2")
    for surroundings, branch in (
        (Surroundings(full=frozenset({"q2"})), "QueueAtCapacity"),
        (Surroundings(unknown=frozenset({"q2"})), "NoMatchingError"),
    ):
        taken = walked(tmp_path, move, bye(), kind=CUSTOMER_QUEUE, surroundings=surroundings)
        assert taken.steps[0].branch == branch


def test_digits_are_stored_and_passed_on(tmp_path: Path) -> None:
    ask = block(
        "ask",
        "GetParticipantInput",
        {"Text": "Your number?", "InputTimeLimitSeconds": "5", "StoreInput": "True"},
        "back",
        ERROR,
    )
    number = block(
        "back",
        "UpdateContactCallbackNumber",
        {"CallbackNumber": "$.StoredCustomerInput"},
        "call",
        {"InvalidCallbackNumber": "sorry"},
    )
    actions = (
        ask,
        number,
        block("call", "CreateCallbackContact", {}, "thanks", ERROR),
        say("thanks", "bye", text="We call back."),
        say("sorry", "bye", text="That is no number."),
        bye(),
    )
    good = walked(tmp_path, *actions, surroundings=Surroundings(keys=(CUSTOMER,)))
    assert (good.end, good.detail) == (End.MESSAGE, "We call back.")
    assert f"a callback to {CUSTOMER} waits in the queue" in [step.what for step in good.steps]
    assert walked(tmp_path, *actions).detail == "That is no number."
    asked = walked(tmp_path, actions[2], bye())
    assert asked.branches == {("call", "NoMatchingError")}


def test_each_menu_gets_its_key(tmp_path: Path) -> None:
    def menu(name: str, yes: str) -> dict[str, Any]:
        errors = dict.fromkeys(
            ("InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError"), "bye"
        )
        parameters = {"Text": "Press.", "InputTimeLimitSeconds": "5", "StoreInput": "False"}
        return block(name, "GetParticipantInput", parameters, "bye", errors, {"1": yes})

    actions = (menu("a", "b"), menu("b", "c"), menu("c", "bye"), bye())
    walk_ = walked(tmp_path, *actions, surroundings=Surroundings(keys=("1", "1", "2")))
    assert [step.branch for step in walk_.steps] == [
        "Equals 1",
        "Equals 1",
        "NoMatchingCondition",
        "",
    ]


@pytest.mark.parametrize(("goes_on", "end"), [("True", End.MESSAGE), ("False", End.THIRD_PARTY)])
def test_a_transfer_to_a_phone_number(tmp_path: Path, goes_on: str, end: End) -> None:
    parameters = {"ThirdPartyPhoneNumber": CUSTOMER, "ContinueFlowExecution": goes_on}
    put = block("t", "TransferParticipantToThirdParty", parameters, "say", ERROR)
    assert walked(tmp_path, put, say("say", "bye"), bye()).end is end
    put["Parameters"]["ThirdPartyPhoneNumber"] = "$.Attributes.none"
    assert walked(tmp_path, put, say("say", "bye"), bye()).steps[0].branch == "NoMatchingError"


def test_a_transfer_to_the_agent(tmp_path: Path) -> None:
    put = block("t", "TransferContactToAgent", {}, "bye", ERROR)
    there = walked(tmp_path, put, bye(), kind="agentTransfer")
    assert (there.end, there.detail) == (End.AGENT, AGENT)
    nobody = Surroundings(unknown=frozenset({EVERY}))
    away = walked(tmp_path, put, bye(), kind="agentTransfer", surroundings=nobody)
    assert away.branches == {("t", "NoMatchingError")}


def test_attributes_of_the_flow_itself(tmp_path: Path) -> None:
    kept = block(
        "a", "UpdateFlowAttributes", {"FlowAttributes": {"x": {"Value": "$.Channel"}}}, "b", ERROR
    )
    words = say("b", "bye", text="by $.FlowAttributes.x")
    assert walked(tmp_path, kept, words, bye()).detail == "by VOICE"


def test_a_prompt_without_error_branch_that_does_not_play_goes_on(tmp_path: Path) -> None:
    prompt = block("a", "MessageParticipant", {"Text": "$.External.none"}, "b")
    assert walked(tmp_path, prompt, say("b", "bye"), bye()).end is End.MESSAGE


@pytest.mark.parametrize(
    "kind", sorted(kind for kind, block in BLOCKS.items() if block.meaning is Meaning.PASSED)
)
def test_what_only_connect_knows_is_passed_with_a_warning(tmp_path: Path, kind: str) -> None:
    """Given a block with a result that only Connect has, then the walk goes on with a warning."""
    success = BLOCKS[kind].success or ("first",)
    there = block(
        "a", kind, {}, "other", {"NoMatchingError": "bye"}, {"x": "other", success[0]: "b"}
    )
    if BLOCKS[kind].next_taken:
        there = block("a", kind, {}, "b", {"NoMatchingError": "bye"})
    elif BLOCKS[kind].success == () and not BLOCKS[kind].next_taken:
        there = block("a", kind, {}, "other", {"NoMatchingError": "bye"}, {"x": "b", "y": "other"})
    walk_ = walked(tmp_path, there, say("b", "bye"), say("other", "bye"), bye())
    assert [step.action for step in walk_.steps] == ["a", "b", "bye"]
    [warning] = walk_.passed
    assert warning.startswith("a: ")
