"""The interpreter on flows of a few blocks: how a caller ends, and what Connect does meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.flows.caller import QUICK_CONNECT_QUEUE, new_caller
from simulator.flows.checks import faults
from simulator.flows.files import read_flow
from simulator.flows.flow import AGENT_TRANSFER, INBOUND, QUEUE_TRANSFER
from simulator.flows.lambda_block import MOST_ATTEMPTS, NotInvoked, call_function
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
from tests.flows.walking import Function, invocation, walked

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.functions.lambda_process import Invocation


def test_caller_ends_in_the_queue(tmp_path: Path) -> None:
    end = walked(tmp_path, to_target("aim", "in", QueueId="q"), to_queue("in", "bye"), bye())
    assert (end.end, end.detail) == (End.QUEUE, "q")
    assert [step.action for step in end.steps] == ["aim", "in"]


def test_caller_ends_with_the_agent(tmp_path: Path) -> None:
    end = walked(
        tmp_path,
        to_target("aim", "in", AgentId="$.Agent.UserName"),
        to_queue("in", "bye"),
        bye(),
        caller=new_caller(AGENT_TRANSFER),
    )
    assert (end.end, end.detail) == (End.AGENT, "jdoe")


def test_message_before_the_end_counts(tmp_path: Path) -> None:
    """Given only silent blocks between message and end, then the message is the caller's end."""
    end = walked(tmp_path, say("a", "b", text="Goodbye."), keep("b", "bye", x="y"), bye())
    assert (end.end, end.detail) == (End.MESSAGE, "Goodbye.")


@pytest.mark.parametrize("spoken", ["SSML", "PromptId"])
def test_a_message_of_another_kind_counts_too(tmp_path: Path, spoken: str) -> None:
    said = say("a", "bye")
    said["Parameters"] = {spoken: "$.Attributes.words"}
    caller = new_caller(INBOUND, Attributes={"words": "x"})
    end = walked(tmp_path, said, bye(), caller=caller)
    assert (end.end, end.detail) == (End.MESSAGE, "x")
    assert walked(tmp_path, said, bye()).end is End.SILENCE


def test_a_greeting_long_before_does_not(tmp_path: Path) -> None:
    """Given a Lambda block after the message, as in the guide's sample, then the end is silence."""
    end = walked(tmp_path, say("a", "b"), call("b", "bye"), bye())
    assert end.end is End.SILENCE


def test_a_prompt_that_does_not_play_is_no_message(tmp_path: Path) -> None:
    end = walked(
        tmp_path,
        say("a", "c", "bye"),
        bye("c"),
        bye(),
        surroundings=Surroundings(mute=frozenset({"a"})),
    )
    assert end.end is End.SILENCE
    assert end.branches == {("a", "NoMatchingError")}


def test_round_without_a_word_is_silence(tmp_path: Path) -> None:
    """Given the loop of two silent tries that the guide's sample flow has, then it is reported."""
    end = walked(tmp_path, say("a", "b"), call("b", "c"), call("c", "b"))
    assert (end.end, end.detail) == (End.SILENCE, "goes round without a word at b")


def test_round_with_words_ends_somewhere(tmp_path: Path) -> None:
    """Given a full queue tried again and again with a message, then the walk still ends."""
    end = walked(
        tmp_path,
        to_target("aim", "in", QueueId="q"),
        to_queue("in", "wait"),
        say("wait", "in", "bye"),
        bye(),
        surroundings=Surroundings(full=frozenset({EVERY})),
    )
    assert (end.end, end.detail) == (End.SILENCE, "no end after 250 blocks")


def test_a_branch_that_is_missing_is_silence(tmp_path: Path) -> None:
    end = walked(
        tmp_path,
        block(
            "a", "CheckHoursOfOperation", {"HoursOfOperationId": "h"}, "bye", {}, {"True": "bye"}
        ),
        bye(),
        surroundings=Surroundings(is_open=False),
    )
    assert (end.end, end.detail) == (End.SILENCE, "a has no branch Equals False")


def test_transfer_without_a_queue_fails(tmp_path: Path) -> None:
    end = walked(tmp_path, to_queue("in", "bye"), bye())
    assert end.branches == {("in", "NoMatchingError")}


def test_queue_transfer_has_its_queue_already(tmp_path: Path) -> None:
    end = walked(tmp_path, to_queue("in", "bye"), bye(), caller=new_caller(QUEUE_TRANSFER))
    assert (end.end, end.detail) == (End.QUEUE, QUICK_CONNECT_QUEUE)


def test_hours_are_the_blocks_or_the_queues(tmp_path: Path) -> None:
    """Given a block without hours, then those of the queue; none is set yet, or an agent's, which
    has none (administrator guide, "Check hours of operation"): the Error branch."""
    checked = block(
        "hours",
        "CheckHoursOfOperation",
        {},
        "bye",
        {"NoMatchingError": "bye"},
        {"True": "in", "False": "bye"},
    )
    rest = [to_queue("in", "bye"), bye()]
    assert ("hours", "NoMatchingError") in walked(tmp_path, checked, *rest).branches
    aimed = walked(tmp_path, to_target("aim", "hours", QueueId="q"), checked, *rest)
    assert (aimed.end, aimed.detail) == (End.QUEUE, "q")
    at_agent = walked(tmp_path, to_target("aim", "hours", AgentId="jdoe"), checked, *rest)
    assert ("hours", "NoMatchingError") in at_agent.branches
    checked["Parameters"] = {"HoursOfOperationId": "h"}
    assert ("hours", "Equals True") in walked(tmp_path, checked, *rest).branches


def test_an_unknown_block_is_passed(tmp_path: Path) -> None:
    """Given a block newer than this interpreter, then the flow goes on, with a warning."""
    end = walked(
        tmp_path, block("a", "SummonHelp", {}, "b", {"Tired": "bye"}), say("b", "bye"), bye()
    )
    assert end.branches >= {("a", "Next")}
    assert end.passed == ("a: took Next; it also has Tired",)


def test_an_unknown_operator_holds_for_nothing(tmp_path: Path) -> None:
    compared = block(
        "a",
        "Compare",
        {"ComparisonValue": "$.ContactId"},
        "bye",
        {"NoMatchingCondition": "bye"},
        {"1": "bye"},
        operator="NumberIsOdd",
    )
    assert walked(tmp_path, compared, bye()).branches == {("a", "NoMatchingCondition")}


def test_function_gets_what_the_flow_has_learned(tmp_path: Path) -> None:
    """Given an attribute and a queue set before, then the event has both, and filled parameters."""
    function = Function(invocation({"status": "created", "voiceCallId": "0LQ1"}))
    caller = new_caller(INBOUND)
    end = walked(
        tmp_path,
        to_target("aim", "first", QueueId="q"),
        call("first", "keep"),
        keep("keep", "second", id="$.External.voiceCallId", both="$.ContactId/$.Tags.none"),
        call(
            "second",
            "say",
            LambdaInvocationAttributes={
                "methodName": "x",
                "number": "$.CustomerEndpoint.Address",
                "id": "$.Attributes.id",
            },
        ),
        say("say", "bye", text="$.External.status"),
        bye(),
        function=function,
        caller=caller,
    )
    details = function.events[1]["Details"]
    contact_id = caller.contact["ContactId"]
    assert details["ContactData"]["Attributes"] == {"id": "0LQ1", "both": f"{contact_id}/"}
    assert details["ContactData"]["Queue"]["ARN"] == "q"
    assert details["Parameters"] == {"methodName": "x", "number": "+12065550100", "id": "0LQ1"}
    assert function.events[0]["Details"]["ContactData"]["Attributes"] == {}
    assert end.detail == "created"


def test_attributes_are_found_by_every_spelling_of_their_path(tmp_path: Path) -> None:
    """Given names with hyphens, blanks and colons (administrator guide, "How to reference contact
    attributes"; the attributes of the bridge begin with sfdc-)."""
    function = Function(invocation({"status": "created"}))
    passed = {
        "methodName": "x",
        "plain": "$.Attributes.sfdc-Tier__c, $.Attributes.none-",
        "brackets": "$.Attributes.['my tier']/$.Attributes['my tier']",
        "subtype": "$.SegmentAttributes['connect:Subtype']",
        "region": "$['AwsRegion']",
        "no text": "$.Queue$.Tags",
    }
    caller = new_caller(INBOUND, Attributes={"sfdc-Tier__c": "gold", "my tier": "9"})
    path = "$.Attributes['my tier']"
    compared = block(
        "b", "Compare", {"ComparisonValue": path}, "bye", {"NoMatchingCondition": "bye"}, {"9": "c"}
    )
    end = walked(
        tmp_path,
        call("a", "b", LambdaInvocationAttributes=passed),
        compared,
        say("c", "bye"),
        bye(),
        function=function,
        caller=caller,
    )
    assert function.events[0]["Details"]["Parameters"] == {
        "methodName": "x",
        "plain": "gold, -",
        "brackets": "9/9",
        "subtype": "connect:Telephony",
        "region": "us-west-2",
        "no text": "",
    }
    assert ("b", "Equals 9") in end.branches
    assert faults(read_flow(written(tmp_path, content(compared, say("c", "bye"), bye())))) == []


def test_a_failed_invocation_leaves_nothing_of_the_last_answer(tmp_path: Path) -> None:
    function = Function(invocation({"agent": "jdoe"}), NotInvoked("the function is missing"))
    end = walked(
        tmp_path,
        call("a", "b"),
        call("b", "aim"),
        to_target("aim", "in", AgentId="$.External.agent"),
        to_queue("in", "bye"),
        bye(),
        function=function,
    )
    assert ("aim", "NoMatchingError") in end.branches


def test_waiting_is_counted_from_prompt_to_prompt(tmp_path: Path) -> None:
    """Given 3 s and 4 s, a prompt, and 5 s, then the longest wait is 7 s."""
    seconds = [3.0, 4.0, 5.0]
    function = Function(*(invocation({"a": "b"}, seconds=each) for each in seconds))
    end = walked(
        tmp_path,
        call("a", "b"),
        call("b", "c"),
        say("c", "d"),
        call("d", "bye"),
        bye(),
        function=function,
    )
    assert end.lambda_seconds == pytest.approx(7.0)


def test_menu_takes_what_is_pressed(tmp_path: Path) -> None:
    menu = block(
        "menu",
        "GetParticipantInput",
        {"Text": "Press 1.", "InputTimeLimitSeconds": "5", "StoreInput": "False"},
        "no",
        {
            "InputTimeLimitExceeded": "none",
            "NoMatchingCondition": "no",
            "NoMatchingError": "broken",
        },
        {"1": "yes"},
    )
    ends = (say("none", "bye"), say("no", "bye"), say("broken", "bye"), say("yes", "bye"), bye())
    for keys, taken in (
        (("1",), "Equals 1"),
        (("2",), "NoMatchingCondition"),
        ((), "InputTimeLimitExceeded"),
        (None, "NoMatchingError"),
    ):
        end = walked(tmp_path, menu, *ends, surroundings=Surroundings(keys=keys))
        assert end.steps[0].branch == taken


@pytest.mark.parametrize(
    ("answers", "attempts", "seconds", "succeeds"),
    [
        ([invocation({"a": "b"})], 1, 0.1, True),
        ([invocation(error="FlowFailed"), invocation({"a": "b"})], 2, 0.2, True),
        ([invocation(error="FlowFailed")], MOST_ATTEMPTS, 0.4, False),
        # 3 s each: the third one is cut off by the limit of 8 s, a fourth never begins.
        ([invocation(error="FlowFailed", seconds=3.0)], 3, 8.0, False),
        ([invocation({"a": "b"}, seconds=8.0)], 1, 8.0, False),
        ([invocation(error="Sandbox.Timedout", timed_out=True)], 1, 8.0, False),
        ([NotInvoked("no permission")], 1, 0.0, False),
        ([invocation(error="FlowFailed"), NotInvoked("it was deleted")], 2, 0.1, False),
        ([invocation({"a": {"b": "c"}})], 1, 0.1, False),
        ([invocation({"a": 1})], 1, 0.1, False),
        ([invocation(["a"])], 1, 0.1, False),
        ([invocation(None)], 1, 0.1, False),
        ([invocation({"a": "ä" * 16_384})], 1, 0.1, False),
        ([invocation({"a": "x" * 32_000})], 1, 0.1, True),
    ],
)
def test_lambda_block_keeps_connects_rules(
    answers: list[Invocation | Exception], attempts: int, seconds: float, succeeds: bool
) -> None:
    """Administrator guide: three repeats within the limit, a flat map of texts, 32 KB."""
    function = Function(*answers)
    answer = call_function(function, {}, 8.0)
    assert answer.attempts == len(function.events) == attempts
    assert answer.seconds == pytest.approx(seconds)
    assert (answer.external is not None) is succeeds
    assert bool(answer.trouble) is not succeeds
