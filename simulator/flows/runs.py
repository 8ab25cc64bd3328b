"""Runs each type of block.

Source: Amazon Connect API reference, "Flow language", and the administrator guide's page of each
block.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from simulator.flows.blocks import (
    INPUT_TIME_LIMIT_EXCEEDED,
    INVALID_CALLBACK_NUMBER,
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    QUEUE_AT_CAPACITY,
    SPOKEN,
    Meaning,
    block_of,
    stores_input,
)
from simulator.flows.choices import key_of, success_of
from simulator.flows.conditions import matching
from simulator.flows.flow import NEXT, Action
from simulator.flows.lambda_run import call
from simulator.flows.state import End, Step, WalkState
from simulator.flows.surroundings import among

_E164: Final = re.compile(r"\+[1-9]\d{1,14}")
MOST_ASKED: Final = 5
"""Times that a caller is asked the same before giving up."""

Run = Callable[[WalkState, Action], Step]


def run(state: WalkState, action: Action) -> Step:
    """Run a block: what happens, and the branch that the caller takes."""
    if runs := _RUNS.get(action.type):
        return runs(state, action)
    return (
        go_on(state, action)
        if block_of(action).meaning is Meaning.NO_EFFECT
        else pass_it(state, action)
    )


def go_on(_state: WalkState, action: Action) -> Step:
    """Nothing that a later block could see."""
    return Step(action.identifier, NEXT, action.display_name)


def pass_it(state: WalkState, action: Action) -> Step:
    """Take the success branch of a block: only Connect knows the result."""
    branch = success_of(action)
    others = ", ".join(label for label, _ in action.transitions if label != branch)
    state.pass_block(action, f"took {branch or 'no branch'}; it also has {others or '-'}")
    return Step(action.identifier, branch, "not run here")


def _words(state: WalkState, action: Action) -> str:
    """The words of a prompt; of a recorded one, which it is."""
    given = next((action.parameters[name] for name in SPOKEN if name in action.parameters), "")
    if isinstance(given, Mapping):
        given = given.get("Uri", "")
    return state.caller.filled(str(given))


def say(state: WalkState, action: Action) -> Step:
    """Play a prompt."""
    text = _words(state, action)
    if among(action.identifier, state.surroundings.mute) or not text.strip():
        return Step(action.identifier, NO_MATCHING_ERROR, "the prompt does not play")
    state.said(text)
    return Step(action.identifier, NEXT, f'"{text}"')


def say_again_and_again(state: WalkState, action: Action) -> Step:
    """Play prompts until the caller is taken out, or something interrupts them."""
    messages = action.parameters.get("Messages")
    first = messages[0] if isinstance(messages, list) and messages else {}
    texts = [str(value) for name, value in dict(first).items() if name in SPOKEN]
    state.said(state.caller.filled(", ".join(texts)))
    interrupted = matching(action, "MessagesInterrupted")
    if interrupted and state.visits[key_of(state.flow, action)] == 1:
        return Step(action.identifier, interrupted, f'"{state.last_words}" …, interrupted')
    end, detail = state.still_waits()
    return Step(action.identifier, "", f'"{state.last_words}" …', end=end, detail=detail)


def ask(state: WalkState, action: Action) -> Step:
    """A menu, or digits to store."""
    if state.surroundings.keys is None or among(action.identifier, state.surroundings.mute):
        return Step(action.identifier, NO_MATCHING_ERROR, "the menu does not work")
    state.since_words.clear()
    if state.visits[key_of(state.flow, action)] > MOST_ASKED:
        lost = f"after {MOST_ASKED} times {action.label} (--press answers it)"
        return Step(action.identifier, "", "the caller gives up", end=End.GONE, detail=lost)
    key = state.surroundings.key(state.menus)
    state.menus += 1
    text = _words(state, action)
    pressed = f'"{text}": {f"key {key}" if key else "no key"}'
    if stores_input(action):
        state.caller.stored_input = key or "Timeout"
        return Step(action.identifier, NEXT, f"{pressed}, stored")
    if not key:
        return Step(action.identifier, INPUT_TIME_LIMIT_EXCEEDED, pressed)
    return Step(action.identifier, matching(action, key) or NO_MATCHING_CONDITION, pressed)


def keep(state: WalkState, action: Action) -> Step:
    """Set contact attributes."""
    if not state.surroundings.keeps_attributes:
        return Step(action.identifier, NO_MATCHING_ERROR, "the attributes cannot be set")
    kept = _texts(state, action.parameters.get("Attributes"))
    state.caller.attributes.update(kept)
    return Step(action.identifier, NEXT, ", ".join(f"{k} = {v}" for k, v in kept.items()))


def keep_for_the_flow(state: WalkState, action: Action) -> Step:
    """Set attributes of the flow itself: {"name": {"Value": …}}."""
    given = action.parameters.get("FlowAttributes")
    members = given.items() if isinstance(given, Mapping) else ()
    values = {k: v.get("Value", "") if isinstance(v, Mapping) else v for k, v in members}
    kept = _texts(state, values)
    state.caller.flow_attributes.update(kept)
    return Step(action.identifier, NEXT, ", ".join(f"{k} = {v}" for k, v in kept.items()))


def _texts(state: WalkState, given: Any) -> dict[str, str]:
    members = given.items() if isinstance(given, Mapping) else ()
    return {name: state.caller.filled(str(text)) for name, text in members}


def compare(state: WalkState, action: Action) -> Step:
    """Check contact attributes."""
    path = str(action.parameters.get("ComparisonValue", ""))
    value = state.caller.filled(path)
    branch = matching(action, value, state.caller.filled) or NO_MATCHING_CONDITION
    return Step(action.identifier, branch, f"{path} is {value!r}")


def loop(state: WalkState, action: Action) -> Step:
    """Go round as often as the block says, then start to count anew."""
    key = key_of(state.flow, action)
    count = state.caller.filled(str(action.parameters.get("LoopCount", "")))
    most = int(count) if count.isdecimal() else 1
    rounds = state.loops.get(key, 0)
    if rounds < most:
        state.loops[key] = rounds + 1
        branch = matching(action, "ContinueLooping")
        return Step(action.identifier, branch, f"round {rounds + 1} of {most}")
    state.loops[key] = 0
    return Step(action.identifier, matching(action, "DoneLooping"), f"after {most} rounds")


def set_target(state: WalkState, action: Action) -> Step:
    """Set working queue."""
    given = [(name, action.parameters[name]) for name in _TARGETS if name in action.parameters]
    if len(given) != 1:
        return Step(action.identifier, NO_MATCHING_ERROR, "neither one queue nor one agent")
    [(parameter, text)] = given
    target = state.caller.filled(str(text))
    if not target or among(target, state.surroundings.unknown):
        return Step(action.identifier, NO_MATCHING_ERROR, f"{parameter} {target!r}: none such")
    state.caller.set_target(target, at_agent=parameter == "AgentId")
    return Step(action.identifier, NEXT, f"{parameter} {target}")


_TARGETS: Final = ("QueueId", "AgentId")


def hours(state: WalkState, action: Action) -> Step:
    """Check hours of operation."""
    caller, is_open = state.caller, state.surroundings.is_open
    own = caller.filled(str(action.parameters.get("HoursOfOperationId", "")))
    if not own and (not caller.target or caller.to_agent):
        # Without hours of its own the block takes the queue's, and an agent's queue has none
        # (administrator guide, "Check hours of operation").
        return Step(action.identifier, NO_MATCHING_ERROR, "no hours, and no queue that has any")
    if is_open is None:
        return Step(action.identifier, NO_MATCHING_ERROR, "the hours cannot be checked")
    return Step(action.identifier, f"Equals {is_open}", "open" if is_open else "closed")


def metric(state: WalkState, action: Action) -> Step:
    """Check staffing, and Check queue status: an empty queue."""
    agents = state.surroundings.agents
    name = str(action.parameters.get("MetricType", ""))
    if agents is None:
        return Step(action.identifier, NO_MATCHING_ERROR, f"{name} cannot be checked")
    amount = agents if "Agent" in name else 0
    branch = matching(action, str(amount)) or NO_MATCHING_CONDITION
    return Step(action.identifier, branch, f"{name} is taken as {amount}")


def to_queue(state: WalkState, action: Action) -> Step:
    """Transfer to queue."""
    target = state.caller.target
    if not target or among(target, state.surroundings.broken):
        return Step(action.identifier, NO_MATCHING_ERROR, f"{target or 'no queue'}: no way in")
    if among(target, state.surroundings.full):
        return Step(action.identifier, QUEUE_AT_CAPACITY, f"{target} is full")
    end = End.AGENT if state.caller.to_agent else End.QUEUE
    return Step(action.identifier, "", f"waits for {target}", end=end, detail=target)


def to_another_queue(state: WalkState, action: Action) -> Step:
    """Transfer to queue, in a customer queue flow: it may name the queue itself."""
    if any(name in action.parameters for name in _TARGETS):
        targeted = set_target(state, action)
        if targeted.branch != NEXT:
            return targeted
    return to_queue(state, action)


def to_agent(state: WalkState, action: Action) -> Step:
    """Transfer to agent."""
    agent = state.caller.agent or state.caller.target
    if not agent or among(agent, state.surroundings.unknown | state.surroundings.broken):
        return Step(action.identifier, NO_MATCHING_ERROR, f"{agent or 'no agent'}: no way there")
    return Step(action.identifier, "", f"waits for {agent}", end=End.AGENT, detail=agent)


def to_third_party(state: WalkState, action: Action) -> Step:
    """Transfer to phone number; the flow goes on after it only where the block says so."""
    number = state.caller.filled(str(action.parameters.get("ThirdPartyPhoneNumber", "")))
    if not number:
        return Step(action.identifier, NO_MATCHING_ERROR, "no number")
    if str(action.parameters.get("ContinueFlowExecution", "")).casefold() == "true":
        return Step(action.identifier, NEXT, f"talks with {number}, then the flow goes on")
    return Step(action.identifier, "", f"rings {number}", end=End.THIRD_PARTY, detail=number)


def dial(state: WalkState, action: Action) -> Step:
    """Call phone number, of an outbound whisper flow: the customer is dialled."""
    given = action.parameters.get("CallerId")
    shown = given.get("Number", "") if isinstance(given, Mapping) else ""
    number = state.caller.filled(str(shown))
    shows = f"shows {number}" if number else "shows the queue's number"
    return Step(action.identifier, NEXT, f"dials the customer, {shows}")


def set_callback_number(state: WalkState, action: Action) -> Step:
    """Set callback number."""
    number = state.caller.filled(str(action.parameters.get("CallbackNumber", "")))
    if not _E164.fullmatch(number):
        return Step(action.identifier, INVALID_CALLBACK_NUMBER, f"{number!r} is not a number")
    state.callback_number = number
    return Step(action.identifier, NEXT, number)


def call_back(state: WalkState, action: Action) -> Step:
    """Transfer to queue, as a callback."""
    number = state.callback_number
    if not number:
        return Step(action.identifier, NO_MATCHING_ERROR, "no callback number was set")
    return Step(action.identifier, NEXT, f"a callback to {number} waits in the queue")


def to_flow(state: WalkState, action: Action) -> Step:
    """Transfer to flow."""
    reference = state.caller.filled(str(action.parameters.get("ContactFlowId", "")))
    flow = state.choices.flow(reference, action.display_name)
    if flow is None:
        name = action.display_name or reference
        what = f"{name}: its file was not given"
        if not name:
            return Step(action.identifier, NO_MATCHING_ERROR, "no flow is named")
        return Step(action.identifier, "", what, end=End.ELSEWHERE, detail=name)
    state.callers.clear()
    state.caller.flow_attributes.clear()
    state.enter(flow)
    return Step(action.identifier, NEXT, f"goes on in {flow.name}")


def to_module(state: WalkState, action: Action) -> Step:
    """Invoke module."""
    named = action.parameters.get("FlowModuleId") or action.parameters.get("ContactFlowModuleId")
    module = state.choices.flow(state.caller.filled(str(named or "")), action.display_name)
    if module is None:
        name = action.display_name or named
        state.pass_block(action, f"the module {name} was not given (--with): took its success")
        return Step(action.identifier, success_of(action), f"{name} was not given: passed")
    state.callers.append((state.flow, action))
    state.enter(module)
    return Step(action.identifier, NEXT, f"into {module.name}")


def end_module(state: WalkState, action: Action) -> Step:
    """Return from a module."""
    if not state.callers:
        return Step(action.identifier, "", "the module ends", end=End.DONE)
    state.flow, state.back_at = state.callers.pop()
    return Step(action.identifier, "", f"back to {state.flow.name}")


def end_flow(state: WalkState, action: Action) -> Step:
    """End flow / resume: in a customer queue flow the caller goes on waiting."""
    end, detail = state.still_waits()
    return Step(action.identifier, "", "the flow ends", end=end, detail=detail)


def hang_up(state: WalkState, action: Action) -> Step:
    """Disconnect."""
    said = state.last_words
    if said:
        end, detail = End.MESSAGE, said
    elif state.was_answered:
        end, detail = End.HUNG_UP, ""
    else:
        end, detail = End.SILENCE, "hung up without a word"
    return Step(action.identifier, "", "the line is hung up", end=end, detail=detail)


_RUNS: Final[Mapping[str, Run]] = MappingProxyType(
    {
        "CheckHoursOfOperation": hours,
        "CheckMetricData": metric,
        "Compare": compare,
        "CompleteOutboundCall": dial,
        "CreateCallbackContact": call_back,
        "DequeueContactAndTransferToQueue": to_another_queue,
        "DisconnectParticipant": hang_up,
        "EndFlowExecution": end_flow,
        "EndFlowModuleExecution": end_module,
        "GetParticipantInput": ask,
        "InvokeFlowModule": to_module,
        "InvokeLambdaFunction": call,
        "Loop": loop,
        "MessageParticipant": say,
        "MessageParticipantIteratively": say_again_and_again,
        "TransferContactToAgent": to_agent,
        "TransferContactToQueue": to_queue,
        "TransferParticipantToThirdParty": to_third_party,
        "TransferToFlow": to_flow,
        "UpdateContactAttributes": keep,
        "UpdateContactCallbackNumber": set_callback_number,
        "UpdateContactTargetQueue": set_target,
        "UpdateFlowAttributes": keep_for_the_flow,
    }
)
