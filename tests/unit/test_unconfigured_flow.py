"""The flow's answers where the function's settings cannot be used."""

from typing import Any

import pytest

from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import MemoryDeadLetters
from tests.unit.samples import flow_event
from voicecall_bridge.aws.dead_letters import NoDeadLetterQueue
from voicecall_bridge.flow.results import FlowFailed, FlowMistake
from voicecall_bridge.flow.service import UnconfiguredFlow
from voicecall_bridge.settings.contact_flow import FlowFailure

FAULT = "LEDGER_TABLE is missing"
METHODS: list[tuple[str, dict[str, object]]] = [
    ("createVoiceCall", {}),
    ("createTransferVC", {}),
    ("updateVoiceCall", {"fieldValues": {"A__c": "1"}}),
    ("cancelOmniFlowExecution", {}),
    ("rerouteFlowExecution", {"onFailure": "continue"}),
]


class Scene:
    def __init__(self, **changes: Any) -> None:
        self.logged, self.letters = CapturedLog(), MemoryDeadLetters()
        options: dict[str, Any] = {"dead_letters": self.letters, "fault": FAULT} | changes
        self.flow = UnconfiguredFlow(observer=self.logged.observer, **options)

    def answer(self, event: object) -> dict[str, str]:
        return self.flow.answer(event, 10.0)

    def line(self) -> dict[str, Any]:
        (line,) = self.logged.deliveries()
        return line


@pytest.mark.parametrize(("method", "parameters"), METHODS)
def test_each_method_is_answered_and_its_event_kept(
    method: str, parameters: dict[str, object]
) -> None:
    scene = Scene()
    event = flow_event(method, parameters)
    answer = scene.answer(event)
    assert (answer["status"], answer["errorCode"]) == ("failed", "SETTINGS")
    assert answer["errorMessage"] == FAULT
    assert scene.letters.kept == [("contact_flow", "SETTINGS", event)]
    line = scene.line()
    assert (line["method"], line["reason"], line["payloadKept"]) == (method, "SETTINGS", "queue")


def test_without_a_queue_the_line_says_that_nothing_was_kept() -> None:
    scene = Scene(dead_letters=NoDeadLetterQueue())
    assert scene.answer(flow_event())["status"] == "failed"
    assert scene.line()["payloadKept"] == "none"
    (lost,) = [line for line in scene.logged.lines() if line["message"] == "dead letter lost"]
    assert "DEAD_LETTER_QUEUE_URL" in lost["error"]


def test_a_flow_that_wants_its_error_branch_gets_it() -> None:
    scene = Scene(failure=FlowFailure.ERROR)
    with pytest.raises(FlowFailed, match=FAULT):
        scene.answer(flow_event())


def test_a_mistake_of_the_flow_is_still_named() -> None:
    scene = Scene()
    with pytest.raises(FlowMistake, match="methodName"):
        scene.answer(flow_event("createVoicecall"))
    assert scene.line()["reason"] == "FLOW_MISTAKE"


def test_a_scheduled_event_is_answered() -> None:
    scene = Scene()
    assert scene.answer({"detail-type": "Scheduled Event"}) == {"status": "warm"}
