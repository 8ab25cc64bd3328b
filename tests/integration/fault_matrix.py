"""The flow's answer and the stored payload, for every fault of Salesforce and state of the ledger.

Each row is written out: nothing here is computed from another row, or from the bridge.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.salesforce import Fault

TIME_LIMIT = 4
"""Of the flow's block, in seconds: the budget is 2.5 s, a silent ledger takes 0.4 s of it."""


def always(kind: str, **more: object) -> Fault:
    """A fault of every attempt."""
    return Fault.from_json({"kind": kind, "times": None, **more})


def status(code: int, retry_after: str = "") -> Fault:
    """An answer with that status at every attempt."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return always("status", status=code, headers=headers)


FAULTS: dict[str, Fault | None] = {
    "ok": None,
    "slow": Fault("slow", seconds=0.4),
    "too slow once": Fault("slow", seconds=2.0),
    "hang": always("hang"),
    "hang after storing": always("hang_after_storing"),
    "reset before sending once": Fault("reset_before"),
    "reset before sending": always("reset_before"),
    "reset after storing once": Fault("reset_after"),
    "reset after storing": always("reset_after"),
    "headers that trickle": always("trickle_headers", seconds=0.05),
    "400": status(400),
    "401": status(401),
    "403": status(403),
    "404": status(404),
    "409": status(409),
    "429": status(429),
    "429 once": Fault("status", status=429),
    "429, Retry-After fits": Fault("status", status=429, headers={"Retry-After": "1"}),
    "429, Retry-After too long": status(429, retry_after="5"),
    "500": status(500),
    "500 after storing once": Fault("status_after_storing", status=500),
    "503": status(503),
    "503 once": Fault("status", status=503),
    "not JSON": always("body_not_json"),
    "not JSON once": Fault("body_not_json"),
}


class Row(NamedTuple):
    """One cell of the matrix: a fault of Salesforce and what is expected.

    Attributes:
        fault: a key of FAULTS.
        status, code: of the answer.
        posts: the least and the most requests that Salesforce sees.
        stored: VoiceCalls there afterwards.
        item: `create_status` in the ledger; "" if the ledger has no item.
        kept: where the payload is: "", "ledger", "queue", "unknown".
    """

    fault: str
    status: str
    code: str
    posts: tuple[int, int]
    stored: int
    item: str
    kept: str


UP = [
    Row("ok", "created", "", (1, 1), 1, "CREATED", ""),
    Row("slow", "created", "", (1, 1), 1, "CREATED", ""),
    Row("too slow once", "created", "", (2, 2), 1, "CREATED", ""),
    Row("hang", "deferred", "OUTCOME_UNKNOWN", (2, 3), 0, "UNKNOWN", "ledger"),
    Row("hang after storing", "deferred", "OUTCOME_UNKNOWN", (2, 3), 1, "UNKNOWN", "ledger"),
    Row("reset before sending once", "created", "", (2, 2), 1, "CREATED", ""),
    Row("reset before sending", "deferred", "OUTCOME_UNKNOWN", (4, 4), 0, "UNKNOWN", "ledger"),
    Row("reset after storing once", "created", "", (2, 2), 1, "CREATED", ""),
    Row("reset after storing", "deferred", "OUTCOME_UNKNOWN", (4, 4), 1, "UNKNOWN", "ledger"),
    Row("headers that trickle", "deferred", "DEADLINE", (1, 1), 1, "CREATING", "ledger"),
    Row("400", "failed", "400", (1, 1), 0, "FAILED", "ledger"),
    Row("401", "failed", "401", (2, 2), 0, "FAILED", "ledger"),
    Row("403", "failed", "403", (1, 1), 0, "FAILED", "ledger"),
    Row("404", "failed", "404", (1, 1), 0, "FAILED", "ledger"),
    Row("409", "failed", "409", (1, 1), 0, "FAILED", "ledger"),
    Row("429", "deferred", "429", (4, 4), 0, "FAILED", "ledger"),
    Row("429 once", "created", "", (2, 2), 1, "CREATED", ""),
    Row("429, Retry-After fits", "created", "", (2, 2), 1, "CREATED", ""),
    Row("429, Retry-After too long", "deferred", "429", (1, 1), 0, "FAILED", "ledger"),
    Row("500", "deferred", "500", (4, 4), 0, "UNKNOWN", "ledger"),
    Row("500 after storing once", "created", "", (2, 2), 1, "CREATED", ""),
    Row("503", "deferred", "503", (4, 4), 0, "FAILED", "ledger"),
    Row("503 once", "created", "", (2, 2), 1, "CREATED", ""),
    Row("not JSON", "deferred", "OUTCOME_UNKNOWN", (4, 4), 1, "UNKNOWN", "ledger"),
    Row("not JSON once", "created", "", (2, 2), 1, "CREATED", ""),
]
DOWN = [
    Row("ok", "created", "", (1, 1), 1, "", ""),
    Row("slow", "created", "", (1, 1), 1, "", ""),
    Row("too slow once", "created", "", (2, 2), 1, "", ""),
    Row("hang", "deferred", "OUTCOME_UNKNOWN", (2, 3), 0, "", "queue"),
    Row("hang after storing", "deferred", "OUTCOME_UNKNOWN", (2, 3), 1, "", "queue"),
    Row("reset before sending once", "created", "", (2, 2), 1, "", ""),
    Row("reset before sending", "deferred", "OUTCOME_UNKNOWN", (4, 4), 0, "", "queue"),
    Row("reset after storing once", "created", "", (2, 2), 1, "", ""),
    Row("reset after storing", "deferred", "OUTCOME_UNKNOWN", (4, 4), 1, "", "queue"),
    Row("headers that trickle", "deferred", "DEADLINE", (1, 1), 1, "", "unknown"),
    Row("400", "failed", "400", (1, 1), 0, "", "queue"),
    Row("401", "failed", "401", (2, 2), 0, "", "queue"),
    Row("403", "failed", "403", (1, 1), 0, "", "queue"),
    Row("404", "failed", "404", (1, 1), 0, "", "queue"),
    Row("409", "failed", "409", (1, 1), 0, "", "queue"),
    Row("429", "deferred", "429", (4, 4), 0, "", "queue"),
    Row("429 once", "created", "", (2, 2), 1, "", ""),
    Row("429, Retry-After fits", "created", "", (2, 2), 1, "", ""),
    Row("429, Retry-After too long", "deferred", "429", (1, 1), 0, "", "queue"),
    Row("500", "deferred", "500", (4, 4), 0, "", "queue"),
    Row("500 after storing once", "created", "", (2, 2), 1, "", ""),
    Row("503", "deferred", "503", (4, 4), 0, "", "queue"),
    Row("503 once", "created", "", (2, 2), 1, "", ""),
    Row("not JSON", "deferred", "OUTCOME_UNKNOWN", (4, 4), 1, "", "queue"),
    Row("not JSON once", "created", "", (2, 2), 1, "", ""),
]
HANGING = [
    Row("ok", "created", "", (1, 1), 1, "", ""),
    Row("slow", "created", "", (1, 1), 1, "", ""),
    Row("too slow once", "created", "", (2, 2), 1, "", ""),
    Row("hang", "deferred", "OUTCOME_UNKNOWN", (2, 3), 0, "", "queue"),
    Row("hang after storing", "deferred", "OUTCOME_UNKNOWN", (2, 3), 1, "", "queue"),
    Row("reset before sending once", "created", "", (2, 2), 1, "", ""),
    Row("reset before sending", "deferred", "OUTCOME_UNKNOWN", (4, 4), 0, "", "queue"),
    Row("reset after storing once", "created", "", (2, 2), 1, "", ""),
    Row("reset after storing", "deferred", "OUTCOME_UNKNOWN", (4, 4), 1, "", "queue"),
    Row("headers that trickle", "deferred", "DEADLINE", (1, 1), 1, "", "unknown"),
    Row("400", "failed", "400", (1, 1), 0, "", "queue"),
    Row("401", "failed", "401", (2, 2), 0, "", "queue"),
    Row("403", "failed", "403", (1, 1), 0, "", "queue"),
    Row("404", "failed", "404", (1, 1), 0, "", "queue"),
    Row("409", "failed", "409", (1, 1), 0, "", "queue"),
    Row("429", "deferred", "429", (4, 4), 0, "", "queue"),
    Row("429 once", "created", "", (2, 2), 1, "", ""),
    Row("429, Retry-After fits", "created", "", (2, 2), 1, "", ""),
    Row("429, Retry-After too long", "deferred", "429", (1, 1), 0, "", "queue"),
    Row("500", "deferred", "500", (4, 4), 0, "", "queue"),
    Row("500 after storing once", "created", "", (2, 2), 1, "", ""),
    Row("503", "deferred", "503", (4, 4), 0, "", "queue"),
    Row("503 once", "created", "", (2, 2), 1, "", ""),
    Row("not JSON", "deferred", "OUTCOME_UNKNOWN", (4, 4), 1, "", "queue"),
    Row("not JSON once", "created", "", (2, 2), 1, "", ""),
]
