"""The answer of an invocation that runs out of time before its work ends."""

import importlib.util
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.samples.members import CONTACT_ID
from tests.unit.doubles import Clock
from tests.unit.flow_scene import PLACES, Hanging, Scene
from tests.unit.samples import VOICE_CALL_ID, created, flow_event
from voicecall_bridge.composition import contact_flow
from voicecall_bridge.contact import Contact
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.use_cases.create import CreateVoiceCall
from voicecall_bridge.use_cases.results import Progress
from voicecall_bridge.voice_call.create import CallInitiation


def test_an_overrun_is_answered_and_logged() -> None:
    hanging = Hanging()
    scene = Scene(hanging, budget=0.05)
    answer = scene.answer()
    assert not hanging.ended.is_set(), "the caller did not wait"
    assert (answer["status"], answer["errorCode"]) == ("deferred", "DEADLINE")
    assert answer["vendorCallKey"] == CONTACT_ID
    assert scene.overruns == 1
    (line,) = scene.logged.deliveries()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", "DEADLINE")
    hanging.release.set()
    assert hanging.ended.wait(10.0)


def test_the_line_of_an_overrun_names_documented_places_only() -> None:
    hanging = Hanging()
    scene = Scene(hanging, budget=0.02)
    scene.answer()
    hanging.release.set()
    assert scene.logged.deliveries()[0]["payloadKept"] in PLACES


def test_lambdas_own_time_out_counts_too() -> None:
    scene = Scene(budget=6.5)
    scene.answer(seconds_left=2.0)
    assert 1.0 < scene.create.given <= 1.8


def load_handler() -> ModuleType:
    path = Path(__file__).parents[2] / "functions" / "contact_flow" / "app.py"
    spec = importlib.util.spec_from_file_location("contact_flow_of_unit_tests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_budget_begins_with_the_invocation() -> None:
    """Given the service took two seconds to be made, then these two seconds count as waited."""
    scene = Scene(budget=6.5)
    scene.service.answer(flow_event(), 10.0, time.monotonic() - 2.0)
    assert 3.5 < scene.create.given <= 4.5
    assert scene.line()["durationMs"] >= 2000


def test_the_handler_passes_on_when_the_invocation_began(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = load_handler()
    clock = Clock()
    asked: list[tuple[object, ...]] = []

    def made_slowly() -> SimpleNamespace:
        clock.sleep(1.0)
        return SimpleNamespace(answer=lambda *given: asked.append(given))

    monkeypatch.setattr(contact_flow, "flow_service", made_slowly)
    monkeypatch.setattr(handler, "time", SimpleNamespace(monotonic=clock))
    began = clock.now
    handler.handler({}, SimpleNamespace(get_remaining_time_in_millis=lambda: 8000))
    assert asked == [({}, 8.0, began)]


@pytest.mark.parametrize("seconds_left", [0.0, 0.2, -1.0])
def test_no_time_at_all_is_an_answer(seconds_left: float) -> None:
    hanging = Hanging()
    scene = Scene(hanging)
    assert scene.answer(seconds_left=seconds_left)["errorCode"] == "DEADLINE"
    hanging.release.set()


class Stuck(CreateVoiceCall):
    """A use case that reports its progress, and then hangs."""

    def __init__(self, hanging: Hanging, reached: Progress) -> None:
        self.hanging = hanging
        self.reached = reached

    def create(
        self,
        contact: Contact,
        asked: CallInitiation,
        deadline: Deadline,
        progress: Progress | None = None,
    ) -> SalesforceResult:
        assert progress is not None
        progress.made, progress.request_kept = self.reached.made, self.reached.request_kept
        return self.hanging()


def test_a_voice_call_in_hand_is_not_thrown_away() -> None:
    """Given Salesforce answered the id and only the ledger hangs, then the flow gets the id."""
    hanging = Hanging()
    made = created(attempts=1)
    scene = Scene(create=Stuck(hanging, Progress(True, made)), budget=0.05)
    answer = scene.answer()
    assert (answer["status"], answer["voiceCallId"]) == ("created", VOICE_CALL_ID)
    assert (scene.line()["disposition"], scene.overruns) == ("delivered", 1)
    hanging.release.set()


def test_an_overrun_shows_that_the_ledger_has_the_request() -> None:
    hanging = Hanging()
    scene = Scene(create=Stuck(hanging, Progress(True, None)), budget=0.05)
    assert scene.answer()["errorCode"] == "DEADLINE"
    assert scene.line()["payloadKept"] == "ledger"
    hanging.release.set()
