"""The Lambda block: time limit, repeats, and what counts as an answer.

Rules: Amazon Connect facts, section 1.2. An invocation that returns an error is repeated up to
three times within the block's limit. The Error branch is taken when the function cannot be called,
raises, takes longer, or answers what is no STRING_MAP. There is no branch of its own for a time-out
(the guide and the language reference contradict each other; no real flow has one).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from simulator.functions.lambda_process import Invocation

MOST_ATTEMPTS: Final = 4
MOST_ANSWER_BYTES: Final = 32 * 1024

Invoke = Callable[[dict[str, Any]], Invocation]
"""Invokes the function with an event. Raises NotInvoked."""


class NotInvoked(Exception):
    """The function cannot be called: it is missing, or Connect has no permission."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a Lambda block ends with.

    Attributes:
        external: the answer; None where the Error branch is taken.
        seconds: how long the caller waited.
        attempts: invocations.
        trouble: why there is no answer.
    """

    external: dict[str, str] | None
    seconds: float
    attempts: int
    trouble: str = ""


def call_function(invoke: Invoke, event: dict[str, Any], limit: float) -> Answer:
    """Invoke as the block does; `limit` in seconds, for all attempts together."""
    waited = 0.0
    trouble = ""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            invocation = invoke(event)
        except NotInvoked as error:
            return Answer(None, waited, attempt, str(error))
        waited += (invocation.duration_ms + (invocation.init_ms or 0.0)) / 1000
        if invocation.timed_out or waited >= limit:
            return Answer(None, limit, attempt, f"no answer within {limit:g} s")
        if invocation.error is None:
            unusable = _not_a_string_map(invocation.payload)
            external = None if unusable else invocation.payload
            return Answer(external, waited, attempt, unusable)
        kind = str(invocation.error.get("errorType", ""))
        trouble = f"raises {kind}: {invocation.error.get('errorMessage', '')}"
    return Answer(None, waited, MOST_ATTEMPTS, trouble)


def _not_a_string_map(payload: Any) -> str:
    """What is wrong with an answer; empty where nothing is."""
    if not isinstance(payload, dict):
        return "the answer is no object"
    if not all(isinstance(value, str) for value in payload.values()):
        return "the answer is no flat map of texts"
    size = len(json.dumps(payload, ensure_ascii=False).encode())
    return f"the answer has {size} bytes" if size > MOST_ANSWER_BYTES else ""
