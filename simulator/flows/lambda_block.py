"""The Lambda block: time limit, repeats, and what counts as an answer.

Rules: administrator guide, "Flow block: AWS Lambda function". An invocation that returns an error
is repeated up to three times within the block's limit. The Error branch is taken when the function
cannot be called, raises, takes longer, or answers something else than the block's response type.
A time-out has no branch of its own (the guide and the language reference contradict each
other; no real flow has one).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.functions.lambda_process import Invocation

MOST_ATTEMPTS: Final = 4
MOST_ANSWER_BYTES: Final = 32 * 1024
STRING_MAP: Final = "STRING_MAP"
FLOW_MISTAKE: Final = "FlowMistake"
"""Type of the error that the function raises where the flow passes what can never work."""

Invoke = Callable[[dict[str, Any]], Invocation]
"""Invokes the function with an event. Raises NotInvoked."""


class NotInvoked(Exception):
    """The function cannot be called: it is missing, or Connect has no permission."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a Lambda block.

    Attributes:
        external: the answer; None where the Error branch is taken.
        seconds: how long the caller waited.
        attempts: invocations.
        trouble: why there is no answer.
        mistake: what is wrong in the flow; empty where nothing is known to be.
    """

    external: Mapping[str, Any] | None
    seconds: float
    attempts: int
    trouble: str = ""
    mistake: str = ""


def call_function(
    invoke: Invoke, event: dict[str, Any], limit: float, response_type: str = STRING_MAP
) -> Answer:
    """Invoke as the block does; `limit` in seconds, for all attempts together."""
    waited = 0.0
    trouble = mistake = ""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            invocation = invoke(event)
        except NotInvoked as error:
            return Answer(None, waited, attempt, str(error))
        waited += (invocation.duration_ms + (invocation.init_ms or 0.0)) / 1000
        if invocation.timed_out or waited >= limit:
            return Answer(None, limit, attempt, f"no answer within {limit:g} s")
        if invocation.error is None:
            unusable = _unusable(invocation.payload, response_type)
            external = None if unusable else invocation.payload
            return Answer(external, waited, attempt, unusable)
        kind = str(invocation.error.get("errorType", ""))
        message = str(invocation.error.get("errorMessage", ""))
        trouble = f"raises {kind}: {message}"
        mistake = message if kind == FLOW_MISTAKE else ""
    return Answer(None, waited, MOST_ATTEMPTS, trouble, mistake)


def _unusable(payload: Any, response_type: str) -> str:
    """The fault of an answer; empty where there is none."""
    if not isinstance(payload, dict):
        return "the answer is not an object"
    is_flat = all(isinstance(value, str) for value in payload.values())
    if response_type == STRING_MAP and not is_flat:
        return "the answer is not a flat map of texts"
    size = len(json.dumps(payload, ensure_ascii=False).encode())
    return f"the answer has {size} bytes" if size > MOST_ANSWER_BYTES else ""
