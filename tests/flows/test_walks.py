"""Every branch of every sample flow is walked, and no caller is left in silence.

Given a sample flow, a scenario, and the function as it is deployed between moto's AWS and the
Salesforce simulator; when a caller walks the flow; then he ends as the scenario says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.flows.blocks import branches
from simulator.flows.caller import CUSTOMER
from simulator.flows.state import End
from simulator.flows.ways import MOST_LAMBDA_SECONDS
from simulator.simulator import Simulator
from tests.flows.scenarios import (
    AGENT_TRANSFER,
    CALLBACK,
    FLOWS,
    PROMISE,
    QUEUE_TRANSFER,
    SCENARIOS,
)
from tests.flows.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL = [(flow, scenario) for scenario in SCENARIOS for flow in SCENARIOS[scenario].flows]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Simulator() as simulator:
        made = World(simulator)
        yield made
        made.close()


@pytest.mark.parametrize(("flow", "scenario"), ALL)
def test_caller_ends_where_he_should(world: World, flow: str, scenario: str) -> None:
    walked = world.told(flow, scenario).walk
    assert (walked.end, walked.detail) == SCENARIOS[scenario].end(flow)
    assert walked.end is not End.SILENCE or SCENARIOS[scenario].speechless
    assert walked.lambda_seconds <= MOST_LAMBDA_SECONDS


@pytest.mark.parametrize("flow", FLOWS)
def test_every_branch_is_walked(world: World, flow: str) -> None:
    """Given all scenarios, then each branch that can be taken was taken by somebody."""
    taken = {branch for told in world.all_told(flow) for branch in told.walk.branches}
    there = {
        (name, label)
        for name, action in world.flows[flow].actions.items()
        for label, _ in branches(action)
    }
    assert there - taken == set()


def test_silence_needs_a_failing_prompt() -> None:
    """Given the one exception, then it is Connect that cannot speak, and nothing less."""
    for name, scenario in SCENARIOS.items():
        assert not scenario.speechless or scenario.surroundings.mute, name


@pytest.mark.parametrize(("flow", "scenario"), ALL)
def test_flow_keeps_what_became_of_the_voice_call(world: World, flow: str, scenario: str) -> None:
    """Given attributes that can be set, then they hold the id of this call's record, or why there
    is none, and never another call's id or error."""
    told = world.told(flow, scenario)
    if not SCENARIOS[scenario].surroundings.keeps_attributes:
        return
    kept = told.walk.caller.attributes
    inherited = flow in (AGENT_TRANSFER, QUEUE_TRANSFER)
    no_error = "none" if inherited else None
    if told.record is not None:
        assert kept["voiceCallStatus"] == ("existing" if SCENARIOS[scenario].created else "created")
        assert kept["voiceCallId"] == told.record.voice_call_id
        assert kept.get("voiceCallError") == no_error
        return
    function = SCENARIOS[scenario].function
    assert kept["voiceCallStatus"] in (("no-answer",) if function else ("deferred", "failed"))
    error = kept.get("voiceCallError")
    assert error == no_error if function else error not in (None, "", "none", "inherited")
    assert kept.get("voiceCallId") == (told.contact_id if inherited else None)


@pytest.mark.parametrize("flow", [AGENT_TRANSFER, QUEUE_TRANSFER])
def test_transfer_names_its_parent(world: World, flow: str) -> None:
    told = world.told(flow, "good day")
    assert told.record is not None
    assert told.record.parent == told.walk.caller.contact["PreviousContactId"]
    assert told.record.fields["initiationMethod"] == "Transfer"


@pytest.mark.parametrize("scenario", [scenario for flow, scenario in ALL if flow == CALLBACK])
def test_a_promised_callback_is_one_that_salesforce_has(world: World, scenario: str) -> None:
    """Given a caller who is told that he is called back, then Salesforce granted it, once. And
    `callback_flag`, which makes the disconnect reason CALLBACK (API facts, section 3), stands there
    for nobody else."""
    told = world.told(CALLBACK, scenario)
    granted = ("Request callback", "Next") in told.walk.branches
    assert told.callbacks == (({"callbackNumber": CUSTOMER},) if granted else ())
    assert (told.walk.detail == PROMISE) <= granted
    can_keep = SCENARIOS[scenario].surroundings.keeps_attributes
    assert ("callback_flag" in told.walk.caller.attributes) is (granted and can_keep)


def test_connect_repeats_what_fails(world: World) -> None:
    """Given a function that raises, then Connect has called it four times (facts, section 1.2)."""
    for flow in FLOWS:
        walked = world.told(flow, "function raises").walk
        answers = [step.answer for step in walked.steps if step.answer]
        assert [answer.attempts for answer in answers] == [4]


def test_a_function_that_does_not_answer_costs_the_whole_limit(world: World) -> None:
    for flow in FLOWS:
        assert world.told(flow, "function does not answer").walk.lambda_seconds == 8.0
