"""How deliveries end, for tests of what is shown."""

import re
from pathlib import Path
from typing import Any

from simulator.functions.lambda_process import Invocation
from simulator.replay.outcome import Outcome
from simulator.replay.tally import DeliveryLine
from simulator.samples.steps import Expectation, Input

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LINE = DeliveryLine(
    "c-1", "contact_flow", "createVoiceCall", "delivered", "", "created", "0LQ1", "", 1, 5, ""
)
DEAD = DeliveryLine(
    *("c-2", "contact_flow", "createVoiceCall", "dead_lettered", "503", "deferred", "", "503"),
    *(4, 900, "ledger"),
)


def outcome(
    payload: Any = None,
    error: dict[str, Any] | None = None,
    lines: tuple[DeliveryLine, ...] = (LINE,),
    differences: tuple[str, ...] = (),
    expectation: Expectation | None = Expectation(),  # noqa: B008 - frozen
) -> Outcome:
    invocation = Invocation(
        payload, error, [], 12.4, None, timed_out=False, request_id="", cold=True
    )
    return Outcome(
        Path("one.json"), Input("contact_flow", {}, expectation), invocation, lines, differences
    )


def words(line: str) -> list[str]:
    return line.split()


STREAMED = DeliveryLine(
    *("c-3", "contact_events", "QUEUED", "delivered", "", "", "0LQ3", "", 1, 7, "", "shard:1")
)
