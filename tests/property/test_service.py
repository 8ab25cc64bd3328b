"""Whatever JSON invokes the function: an answer or a mistake of the flow, and one line of log."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from tests.property.strategies import ANY_JSON, flow_events
from tests.unit.doubles import Clock, MemoryDeadLetters, MemoryLedger, ScriptedClient, alone
from tests.unit.samples import VOICE_CALL_ID
from tests.unit.telling import Told
from voicecall_bridge.bridge import Bridge
from voicecall_bridge.flow_methods import FlowMistake, FlowService
from voicecall_bridge.telephony.client import CreatedVoiceCall

KEYS = {"status", "voiceCallId", "vendorCallKey", "errors", "errorCode", "errorMessage"}
TOLD = Told()


def answer_of(event: object) -> None:
    """Invokes a service of its own and checks what must hold for every event."""
    clock, letters = Clock(), MemoryDeadLetters()
    client = ScriptedClient([CreatedVoiceCall(VOICE_CALL_ID, (), 1)])
    bridge = Bridge(MemoryLedger(clock), alone(client), TOLD.observer, now=clock, sleep=clock.sleep)
    TOLD.stream.truncate(0)
    TOLD.stream.seek(0)
    answer = None
    with suppress(FlowMistake):
        answer = FlowService(TOLD.observer, bridge, letters, 30.0).answer(event, 60.0)
    if answer is None:
        assert letters.kept == [("contact_flow", "FLOW_MISTAKE", event)]
    else:
        assert set(answer) == KEYS or answer == {"status": "warm"}
        assert all(isinstance(value, str) for value in answer.values())
        # Deployed, the answer is written in UTF-8 and not in ASCII (awslambdaric, from 3.12 on).
        assert len(json.dumps(answer, ensure_ascii=False).encode()) < 32 * 1024
        assert not letters.kept or answer["status"] == "failed"
        assert len(client.sent) == (answer["status"] == "created")
    (line,) = TOLD.deliveries()
    assert TOLD.stream.getvalue().encode(), "it can be written"
    disposition, kept = line["disposition"], line["payloadKept"]
    assert disposition in {"delivered", "skipped", "dead_lettered"}
    assert kept == ("queue" if disposition == "dead_lettered" else "")
    assert len(letters.kept) == (disposition == "dead_lettered")


@given(event=ANY_JSON)
def test_any_json(event: object) -> None:
    answer_of(event)


@given(event=flow_events())
def test_any_flow_event(event: object) -> None:
    answer_of(event)


@given(extra=ANY_JSON, kind=st.just("Scheduled Event") | ANY_JSON)
def test_scheduled_events(extra: object, kind: object) -> None:
    answer_of({"detail-type": kind, "detail": extra})
