"""What the ledger keeps of contact events, for transcripts and for work after the call."""

from typing import Any

import pytest

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.captured_log import CapturedLog
from tests.unit.samples import PARENT_ID, contact_event
from tests.unit.test_contact_events import Scene
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.contact_facts import ContactFacts
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.sources.reading import moment

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)


def facts_after(*events: dict[str, Any]) -> ContactFacts:
    scene = Scene()
    for event in events:
        scene.handle(event)
    return scene.facts.read(KEY)


def test_a_transfer_names_its_first_contact() -> None:
    event = contact_event("INITIATED", initialContactId=PARENT_ID, previousContactId=PARENT_ID)
    facts = facts_after(event)
    assert (facts.initial_contact_id, facts.previous_contact_id) == (PARENT_ID, PARENT_ID)


def test_times_of_the_agent_and_of_the_end() -> None:
    agent = {"connectedToAgentTimestamp": "2026-11-20T10:00:45.900Z"}
    facts = facts_after(contact_event("CONNECTED_TO_AGENT", agentInfo=agent))
    assert facts.agent_connected == moment("2026-11-20T10:00:45.900Z")
    assert facts.ended_at is None
    over = {"agentInfo": agent, "disconnectTimestamp": "2026-11-20T10:05:00Z"}
    facts = facts_after(contact_event("DISCONNECTED", **over))
    assert facts.agent_connected == moment("2026-11-20T10:00:45.900Z")
    assert facts.ended_at == moment("2026-11-20T10:05:00Z")


@pytest.mark.parametrize("kind", ["INITIATED", "QUEUED", "CONTACT_DATA_UPDATED"])
def test_events_with_nothing_new_write_nothing(kind: str) -> None:
    assert not facts_after(contact_event(kind)).known


def test_an_event_does_not_fail_for_its_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.events.safety_net.observer = CapturedLog().observer

    def down(*_: object) -> None:
        raise LedgerUnavailable("ConnectTimeoutError")

    monkeypatch.setattr(type(scene.facts), "remember", down)
    assert scene.handle(contact_event("CONNECTED_TO_AGENT"))
