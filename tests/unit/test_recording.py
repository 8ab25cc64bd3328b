"""The recording that a VoiceCall points to, and a link to a recording that was deleted.

Source of the shapes: Amazon Connect administrator guide, "Contact records data model"; values
invented.
"""

import itertools
from typing import Any

import pytest

from tests.samples.contact_records import agent
from tests.unit.records import a_record
from voicecall_bridge.voice_call.update import update_request

ABSENT = object()


def item(location: str | None, **changes: object) -> dict[str, Any]:
    return {"Location": location, "Status": "AVAILABLE", "StorageType": "S3", **changes}


MENU = item(
    "b/menu.wav",
    ParticipantType="IVR",
    StartTimestamp="2026-11-20T10:00:00Z",
    StopTimestamp="2026-11-20T10:00:20Z",
)
AGENT = item(
    "b/agent.wav",
    ParticipantType="ALL",
    StartTimestamp="2026-11-20T10:00:45Z",
    StopTimestamp="2026-11-20T10:05:00Z",
)
SCREEN = item("b/screen.mp4", MediaStreamType="VIDEO", ParticipantType="AGENT")
STREAM = item("stream/fragments", StorageType="KINESIS_VIDEO_STREAM")


def sent(
    recording: dict[str, Any] | None, recordings: list[Any] | None, **changes: object
) -> tuple[object, object]:
    """The location and the duration."""
    record = a_record(Recording=recording, Recordings=recordings, **changes)
    body = update_request(record).to_json()
    return tuple(body.get(name, ABSENT) for name in ("recordingLocation", "totalRecordingDuration"))  # type: ignore[return-value]


@pytest.mark.parametrize("order", list(itertools.permutations([MENU, AGENT, SCREEN, STREAM])))
def test_the_agents_part_is_sent_wherever_it_stands(order: tuple[dict[str, Any], ...]) -> None:
    """`Recording` repeats the first entry of the list, of whatever kind."""
    assert sent(order[0], list(order)) == ("b/agent.wav", 255)


def test_a_menu_without_participant_type_ended_before_the_agent_came() -> None:
    unnamed = [{**each, "ParticipantType": None} for each in (MENU, AGENT)]
    assert sent(unnamed[0], unnamed) == ("b/agent.wav", 255)


def test_it_is_taken_from_the_list_where_recording_is_null() -> None:
    assert sent(None, [MENU, AGENT]) == ("b/agent.wav", 255)


@pytest.mark.parametrize("recordings", [None, [], [None, "x", 3]])
def test_it_is_taken_from_recording_where_there_is_no_list(recordings: list[Any] | None) -> None:
    assert sent(AGENT, recordings) == ("b/agent.wav", 255)
    assert sent(item("b/a.wav"), recordings) == ("b/a.wav", ABSENT)


@pytest.mark.parametrize("recordings", [[MENU], [SCREEN], [STREAM], [MENU, SCREEN, STREAM]])
def test_nothing_is_sent_where_no_recording_is_the_agents(recordings: list[Any]) -> None:
    assert sent(recordings[0], recordings) == (ABSENT, ABSENT)


def test_new_words_for_participants_are_open() -> None:
    new = item("b/new.wav", ParticipantType="SUPERVISOR_COACH", MediaStreamType="AUDIO_HD")
    assert sent(new, [MENU, new]) == ("b/new.wav", ABSENT)
    assert sent(new, [new, AGENT]) == ("b/agent.wav", 255)


DELETED: list[tuple[dict[str, Any] | None, list[Any] | None]] = [
    ({"Status": "DELETED", "DeletionReason": "asked for", "Location": None, "Type": "AUDIO"}, []),
    (item("b/agent.wav", Status="DELETED"), [{**AGENT, "Status": None}]),
    (None, [{**AGENT, "Status": "deleted"}]),
    (MENU, [MENU, {**AGENT, "Status": "DELETED"}]),
    ({**AGENT, "Status": "DELETED"}, None),
    (None, [{**AGENT, "Status": None, "DeletionReason": "asked for"}]),
]


@pytest.mark.parametrize(("recording", "recordings"), DELETED)
def test_a_deleted_recording_takes_its_link_away(
    recording: dict[str, Any] | None, recordings: list[Any] | None
) -> None:
    assert sent(recording, recordings) == ("", ABSENT)


def test_a_recording_that_is_left_does_not_lose_its_link() -> None:
    assert sent(MENU | {"Status": "DELETED"}, [MENU | {"Status": "DELETED"}, AGENT]) == (
        "b/agent.wav",
        255,
    )


def test_a_menu_that_was_deleted_takes_no_other_link_away() -> None:
    """Given neither item has a location, and only the menu's was deleted."""
    menu = {**MENU, "Location": None, "Status": "DELETED"}
    assert sent(menu, [menu, {**AGENT, "Location": None}]) == (ABSENT, ABSENT)


@pytest.mark.parametrize("recordings", [[AGENT], [AGENT | {"Status": "DELETED"}]])
def test_without_an_agents_interaction_nothing_is_said(recordings: list[Any]) -> None:
    """A voicemail's link belongs to another function, and must not be removed."""
    for gone in (None, agent(AgentInteractionDuration=0)):
        assert sent(recordings[0], recordings, Agent=gone) == (ABSENT, ABSENT)
