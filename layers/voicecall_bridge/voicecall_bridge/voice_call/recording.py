"""Which recording of a contact the VoiceCall points to: the one in which the agent speaks. Pure.

Source: Amazon Connect administrator guide, "Contact records data model", `Recording` and
`Recordings`. A contact may have several: of the menu (participant type IVR), of the screen (video),
of the media stream (Kinesis), and of the agent. Their order says nothing, and `Recording` repeats
the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.sources.reading import members, moment, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from voicecall_bridge.sources.contact_record import ContactRecord

_NOT_THE_AGENTS = frozenset({"IVR"})
_NOT_SOUND = frozenset({"VIDEO", "CHAT"})
_NOT_A_FILE = frozenset({"KINESIS_VIDEO_STREAM"})
_WITH_AGENT = frozenset({"", "ALL", "AGENT"})
_DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Recording:
    """The agent's recording.

    Attributes:
        location: bucket and key; empty where it was deleted.
        seconds: how long it is; None where the record does not say.
    """

    location: str
    seconds: int | None = None


def agents_recording(record: ContactRecord) -> Recording | None:
    """The agent's recording; None where the record has none, and had none that was deleted."""
    listed = [members(item) for item in _list(record.at("Recordings"))]
    first = members(record.at("Recording"))
    candidates = [item for item in listed if _may_be_the_agents(item)]
    # If the list has it, the list says more: it may be the menu's, or the screen.
    if first and _location(first) not in {_location(item) for item in listed}:
        candidates.append(first)
    gone = {_location(item) for item in [first, *listed] if _is_deleted(item)} - {""}
    there = [
        item
        for item in candidates
        if _location(item) and _location(item) not in gone and not _is_deleted(item)
    ]
    if not there:
        was = any(_is_deleted(item) or _location(item) in gone for item in candidates)
        return Recording("") if was else None
    connected = record.moment("Agent.ConnectedToAgentTimestamp")
    best = min(there, key=lambda item: _rank(item, _location(first), connected))
    return Recording(_location(best), _seconds(best))


def _rank(item: Mapping[str, object], first: str, connected: datetime | None) -> tuple[bool, ...]:
    """The smallest is the agent's, as far as the record distinguishes them."""
    stopped = moment(item.get("StopTimestamp"))
    return (
        bool(stopped and connected and stopped <= connected),
        _word(item, "ParticipantType") not in _WITH_AGENT,
        _location(item) != first,
    )


def _may_be_the_agents(item: Mapping[str, object]) -> bool:
    return (
        _word(item, "ParticipantType") not in _NOT_THE_AGENTS
        and _word(item, "MediaStreamType") not in _NOT_SOUND
        and _word(item, "StorageType") not in _NOT_A_FILE
    )


def _is_deleted(item: Mapping[str, object]) -> bool:
    # A reason is given for deleted ones only, and not every record has the status with it.
    return _word(item, "Status") == _DELETED or bool(_word(item, "DeletionReason"))


def _seconds(item: Mapping[str, object]) -> int | None:
    begin, end = moment(item.get("StartTimestamp")), moment(item.get("StopTimestamp"))
    if begin is None or end is None or end < begin:
        return None
    return round((end - begin).total_seconds())


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _location(item: Mapping[str, object]) -> str:
    return text(item.get("Location"))


def _word(item: Mapping[str, object], name: str) -> str:
    return text(item.get(name)).upper()
