"""Contacts that end without an agent: their routing by an Omni flow is cleared."""

from typing import Any

import pytest

from tests.samples.members import CONTACT_ID
from tests.unit.samples import contact_event
from tests.unit.test_contact_events import Scene, skipped
from voicecall_bridge.observability import Disposition
from voicecall_bridge.streams.results import RecordResult
from voicecall_bridge.telephony.answers import SalesforceResult


@pytest.mark.parametrize(
    "method",
    [
        *("INBOUND", "TRANSFER", "QUEUE_TRANSFER", "WEBRTC_API", "CALLBACK"),
        *("API", "NEW_ONE", "MONITOR", ""),
    ],
)
@pytest.mark.parametrize("queue", [{}, {"queueInfo": None}], ids=["queued", "never queued"])
def test_an_abandoned_call_is_cleared(method: str, queue: dict[str, Any]) -> None:
    """Given a contact that ended without an agent, then its routing is cleared, whether or not it
    was in a queue of Connect's: an Omni flow may have routed it. SCVL knows the first two
    methods."""
    scene = Scene(SalesforceResult(attempts=1))
    ended = scene.handle(contact_event("DISCONNECTED", initiationMethod=method, **queue))
    assert ended == RecordResult(Disposition.DELIVERED, attempts=1)
    assert scene.script.asked == [("end", CONTACT_ID), ("clear", CONTACT_ID)]


CONNECTED = {"agentInfo": {"connectedToAgentTimestamp": "2026-11-20T10:00:45.900Z"}}


@pytest.mark.parametrize("changes", [CONNECTED, {**CONNECTED, "queueInfo": None}], ids=str)
def test_an_end_that_is_no_abandonment_is_remembered_alone(changes: dict[str, Any]) -> None:
    scene = Scene()
    assert scene.handle(contact_event("DISCONNECTED", **changes)) == skipped("NOTHING_TO_DO")
    assert scene.script.asked == [("end", CONTACT_ID)]


def test_an_agent_who_never_came_is_none() -> None:
    """Source: the guide's sample with an agentInfo that says 1970."""
    agent = {"agentArn": "a", "connectedToAgentTimestamp": "1970-01-01T00:00:00.001Z"}
    scene = Scene(SalesforceResult(attempts=1))
    scene.handle(contact_event("DISCONNECTED", agentInfo=agent))
    assert ("clear", CONTACT_ID) in scene.script.asked
