"""The dead-letter queue is asked twice before a payload counts as lost."""

import pytest

from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import MemoryDeadLetters
from tests.unit.samples import flow_event
from voicecall_bridge.aws.dead_letters import DeadLetterLost
from voicecall_bridge.flow.results import FlowMistake
from voicecall_bridge.flow.service import UnconfiguredFlow


class Failing(MemoryDeadLetters):
    """Fails as many times as it was made for."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures
        self.asked = 0

    def keep(self, source: str, reason: str, payload: object, *, delay_seconds: int = 0) -> None:
        self.asked += 1
        if self.asked <= self.failures:
            raise DeadLetterLost("ReadTimeoutError")
        super().keep(source, reason, payload)


@pytest.mark.parametrize(
    ("failures", "asked", "kept"), [(0, 1, "queue"), (1, 2, "queue"), (2, 2, "none")]
)
def test_the_queue_is_asked_twice(failures: int, asked: int, kept: str) -> None:
    logged, letters = CapturedLog(), Failing(failures)
    flow = UnconfiguredFlow(
        observer=logged.observer, dead_letters=letters, budget=5.0, fault="LEDGER_TABLE is missing"
    )
    with pytest.raises(FlowMistake):
        flow.answer(flow_event("noSuchMethod"), 10.0)
    (line,) = logged.deliveries()
    assert (letters.asked, line["payloadKept"]) == (asked, kept)
    lost = [line for line in logged.lines() if line["message"] == "dead letter lost"]
    assert len(lost) == (kept == "none")
