"""Every branch of every sample flow is walked, and no caller is left in silence.

Given a sample flow, a scenario, and the function as it is deployed between moto's AWS and the
Salesforce simulator; when a caller walks the flow; then the walk ends as the scenario says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.flows.blocks import branches
from simulator.flows.caller import CUSTOMER
from simulator.flows.state import End
from simulator.flows.ways import MOST_LAMBDA_SECONDS
from simulator.simulator import Simulator
from tests.flows.other_scenarios import DISCONNECT, FLOWS, OUTBOUND, SCENARIOS, VOICEMAIL
from tests.flows.scenarios import AGENT_TRANSFER, CALLBACK, PROMISE, QUEUE_TRANSFER, ROUTING
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
def test_caller_ends_at_the_right_place(world: World, flow: str, scenario: str) -> None:
    walked = world.outcome(flow, scenario).walk
    assert (walked.end, walked.detail) == SCENARIOS[scenario].end(flow)
    assert walked.end is not End.SILENCE or SCENARIOS[scenario].speechless
    assert walked.lambda_seconds <= MOST_LAMBDA_SECONDS


@pytest.mark.parametrize("flow", FLOWS)
def test_every_branch_is_walked(world: World, flow: str) -> None:
    """Given all scenarios, then each branch that can be taken was taken in one of them."""
    taken = {branch for outcome in world.outcomes(flow) for branch in outcome.walk.branches}
    there = {
        (name, label)
        for name, action in world.flows[flow].actions.items()
        for label, _ in branches(action)
    }
    assert there - taken == set()


def test_silence_needs_a_failing_prompt() -> None:
    """Given a walk that ends in silence, then Connect cannot speak in its scenario."""
    for name, scenario in SCENARIOS.items():
        assert not scenario.speechless or scenario.surroundings.mute, name


@pytest.mark.parametrize(("flow", "scenario"), [each for each in ALL if each[0] in ROUTING])
def test_flow_keeps_what_became_of_the_voice_call(world: World, flow: str, scenario: str) -> None:
    """Given attributes that can be set, then they hold the id of this call's record, or why there
    is none, and never another call's id or error."""
    outcome = world.outcome(flow, scenario)
    if not SCENARIOS[scenario].surroundings.keeps_attributes:
        return
    kept = outcome.walk.caller.attributes
    inherited = flow in (AGENT_TRANSFER, QUEUE_TRANSFER)
    no_error = "none" if inherited else None
    if outcome.record is not None:
        assert kept["voiceCallStatus"] == ("existing" if SCENARIOS[scenario].created else "created")
        assert kept["voiceCallId"] == outcome.record.voice_call_id
        assert kept.get("voiceCallError") == no_error
        return
    function = SCENARIOS[scenario].function
    assert kept["voiceCallStatus"] in (("no-answer",) if function else ("deferred", "failed"))
    error = kept.get("voiceCallError")
    assert error == no_error if function else error not in (None, "", "none", "inherited")
    assert kept.get("voiceCallId") == (outcome.contact_id if inherited else None)


@pytest.mark.parametrize("flow", [AGENT_TRANSFER, QUEUE_TRANSFER])
def test_transfer_names_its_parent(world: World, flow: str) -> None:
    outcome = world.outcome(flow, "good day")
    assert outcome.record is not None
    assert outcome.record.parent == outcome.walk.caller.contact["PreviousContactId"]
    assert outcome.record.fields["initiationMethod"] == "Transfer"


@pytest.mark.parametrize("scenario", [scenario for flow, scenario in ALL if flow == CALLBACK])
def test_a_promised_callback_is_one_that_salesforce_has(world: World, scenario: str) -> None:
    """Given a caller who hears that a callback comes, then Salesforce granted it, once.
    `callback_flag`, which makes the disconnect reason CALLBACK (SCVL), is set for no other
    caller."""
    outcome = world.outcome(CALLBACK, scenario)
    granted = ("Request callback", "Next") in outcome.walk.branches
    assert outcome.callbacks == (({"callbackNumber": CUSTOMER},) if granted else ())
    assert (outcome.walk.detail == PROMISE) <= granted
    can_keep = SCENARIOS[scenario].surroundings.keeps_attributes
    assert ("callback_flag" in outcome.walk.caller.attributes) is (granted and can_keep)


def test_connect_repeats_what_fails(world: World) -> None:
    """Given a function that raises, then Connect has called it four times (administrator guide)."""
    for flow in ROUTING:
        walked = world.outcome(flow, "function raises").walk
        answers = [step.answer for step in walked.steps if step.answer]
        assert [answer.attempts for answer in answers] == [4]


def test_a_function_that_does_not_answer_costs_the_whole_limit(world: World) -> None:
    for flow in ROUTING:
        assert world.outcome(flow, "function does not answer").walk.lambda_seconds == 8.0


def test_outbound_call_shows_the_agents_number(world: World) -> None:
    """Given a number of the agent's in Salesforce, then the customer sees it; else the queue's."""
    steps = {step.action: step for step in world.outcome(OUTBOUND, "agent calls").walk.steps}
    assert steps["Call with caller id"].what.startswith("dials the customer, shows +")
    attributes = world.outcome(OUTBOUND, "agent calls").walk.caller.attributes
    assert attributes == {"VoicemailDrop": "Enable"}
    for scenario in ("agent calls, Salesforce has no number", "agent calls, function missing"):
        walked = world.outcome(OUTBOUND, scenario).walk
        assert "Call with caller id" not in [step.action for step in walked.steps]


def test_disconnect_flow_asks_about_the_first_contact(world: World) -> None:
    """Given a contact that began when the agent left, then the drop is that of the call before."""
    outcome = world.outcome(DISCONNECT, "agent drops a voicemail")
    contact = outcome.walk.caller.contact
    [answer] = [step.answer for step in outcome.walk.steps if step.answer]
    assert answer.external is not None
    assert answer.external["vendorCallKey"] == contact["InitialContactId"] != outcome.contact_id


def test_a_message_is_marked_as_long_as_it_is_one(world: World) -> None:
    """Given a recording that cannot be made, then the contact does not count as a voicemail."""
    marked = world.outcome(VOICEMAIL, "message").walk.caller.attributes
    assert (marked["vm_flag"], marked["vm_queue_arn"]) == ("1", "${QueueArn}")
    unmarked = world.outcome(VOICEMAIL, "message cannot be recorded").walk.caller.attributes
    assert unmarked["vm_flag"] == "0"
