"""Runs a Lambda block: it calls the bridge, or passes another's function."""

import re
from collections.abc import Mapping
from typing import Any, Final

from simulator.flows.blocks import NO_MATCHING_ERROR
from simulator.flows.choices import key_of
from simulator.flows.files import method_of
from simulator.flows.flow import NEXT, Action
from simulator.flows.lambda_block import STRING_MAP, Answer, call_function
from simulator.flows.state import Step, WalkState

LONGEST_SECONDS: Final = 8.0
"""Of a synchronous block, which also is what one gets that does not say it in a number."""
_NOT_THE_BRIDGES: Final = re.compile(r"salesforce_?rest_?api|kvs", re.IGNORECASE)
"""Functions of SCVL that flows call too, and that the bridge leaves alone."""


def calls_the_bridge(action: Action) -> bool:
    """Whether a Lambda block calls the bridge's function, or the one that the bridge replaces.

    A function may have any name, so the parameter methodName decides: it is the contract.
    """
    arn = f"{action.parameters.get('LambdaFunctionARN', '')} {action.display_name}"
    return bool(method_of(action.parameters)) and not _NOT_THE_BRIDGES.search(arn)


def call(state: WalkState, action: Action) -> Step:
    """Run the Lambda block."""
    answered = state.choices.answers.get(key_of(state.flow, action))
    if answered is not None:
        return _answered(state, action, Answer(answered, 0.0, 1), "as given")
    if not calls_the_bridge(action):
        name = action.display_name or action.parameters.get("LambdaFunctionARN", "")
        state.pass_block(
            action,
            f"{name} is another function, not run here: took {NEXT} with an empty answer "
            "(--answer gives it one)",
        )
        return _answered(state, action, Answer({}, 0.0, 0), "another function, not run here")
    parameters = action.parameters
    event = state.caller.event(parameters.get("LambdaInvocationAttributes", {}))
    answer = call_function(state.invoke, event, _limit(state, action), _response_type(parameters))
    state.waited_for(answer)
    return _answered(state, action, answer, state.caller.filled(method_of(parameters)))


def _answered(state: WalkState, action: Action, answer: Answer, who: str) -> Step:
    branch = NO_MATCHING_ERROR if answer.external is None else NEXT
    if action.parameters.get("InvocationType") == "ASYNCHRONOUS":
        return Step(action.identifier, branch, f"{who}: not waited for", answer)
    # Every invocation replaces what the last one answered, a failed one with nothing.
    state.caller.external = answer.external or {}
    text = answer.trouble or ", ".join(
        f"{name} {value}" for name, value in state.caller.external.items() if value
    )
    return Step(action.identifier, branch, f"{who}: {text}" if text else who, answer)


def _limit(state: WalkState, action: Action) -> float:
    given = state.caller.filled(str(action.parameters.get("InvocationTimeLimitSeconds", "")))
    return float(given) if given.isdecimal() and int(given) else LONGEST_SECONDS


def _response_type(parameters: Mapping[str, Any]) -> str:
    validation = parameters.get("ResponseValidation")
    given = validation.get("ResponseType") if isinstance(validation, Mapping) else None
    return str(given or STRING_MAP)
