"""Contact Lens' segments while a call is on: who said what, and which categories matched.

Shape: {"Version", "Channel", "InstanceId", "ContactId", "EventType", "Segments": [...]}. A segment
has one member, which says what it is: an Utterance is a part of a line as it is heard, a Transcript
the whole line a little later (Amazon Connect administrator guide, "Contact Lens real-time contact
analysis segment streams data model"). Offsets count from the beginning of the analysed audio.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.contact import Channel, ContactKey, NotAContact
from voicecall_bridge.sources.reading import (
    in_lower_case,
    is_contact_id,
    members,
    text,
    whole_number,
)
from voicecall_bridge.sources.rules import instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class LineSource(StrEnum):
    """Which segments become lines. UTTERANCE: earliest. TRANSCRIPT: whole sentences."""

    UTTERANCE = "utterance"
    TRANSCRIPT = "transcript"


class LensEvent(StrEnum):
    """The stage of a contact's analysis; UNKNOWN: a word that is not documented."""

    STARTED = "STARTED"
    SEGMENTS = "SEGMENTS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what was said.

    Attributes:
        message_id: unique in the conversation.
        content: the words.
        role: AGENT, CUSTOMER or another word of Connect's, in capitals; empty where unstated.
        begin, end: milliseconds.
    """

    message_id: str
    content: str = field(repr=False)
    role: str = ""
    begin: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Category:
    """A category that matched, with its first point of interest, in milliseconds, if any."""

    name: str = field(repr=False)
    point: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class LensSegments:
    """One record of the stream.

    Attributes:
        contact_id: 1 to 256 printable characters.
        instance_id: the bare id; empty where unstated.
        event: see LensEvent.
        channel: tolerant enumeration.
        lines, categories: in the order in which they were said or found.
    """

    contact_id: str
    instance_id: str = ""
    event: LensEvent = LensEvent.SEGMENTS
    channel: Channel = Channel.VOICE
    lines: tuple[Line, ...] = ()
    categories: tuple[Category, ...] = ()

    @property
    def key(self) -> ContactKey:
        """The contact's name in the ledger."""
        return ContactKey(self.instance_id, self.contact_id)


def read(payload: object, source: LineSource, instance_arn: str = "") -> LensSegments:
    """Reads a record.

    Args:
        payload: the record's JSON.
        source: which segments become lines.
        instance_arn: the instance where the record names none.

    Raises:
        NotAContact: not Contact Lens segments, or without a contact id.
    """
    record = members(payload)
    contact_id = in_lower_case(text(record.get("ContactId")))
    if not is_contact_id(contact_id):
        raise NotAContact("Contact Lens segments without a ContactId")
    instance_id = instance(record.get("InstanceId"), instance_arn)
    if instance_id and not is_contact_id(instance_id):
        raise NotAContact("Contact Lens segments with an InstanceId that is not an id")
    word = text(record.get("EventType")).upper()
    if not word:
        raise NotAContact("Contact Lens segments without an EventType")
    event = LensEvent(word) if word in list(LensEvent) else LensEvent.UNKNOWN
    segments = record.get("Segments")
    found = [members(segment) for segment in segments] if isinstance(segments, list) else []
    return LensSegments(
        contact_id,
        instance_id,
        event,
        Channel(text(record.get("Channel"))),
        tuple(_lines(found, source)),
        tuple(_categories(found)),
    )


def _lines(segments: list[Mapping[str, object]], source: LineSource) -> Iterator[Line]:
    kind, content = {
        LineSource.UTTERANCE: ("Utterance", "PartialContent"),
        LineSource.TRANSCRIPT: ("Transcript", "Content"),
    }[source]
    lines = [line for segment in segments if (line := _line(members(segment.get(kind)), content))]
    return iter(sorted(lines, key=lambda line: (line.begin, line.end)))


def _line(segment: Mapping[str, object], content: str) -> Line | None:
    said, message_id = text(segment.get(content)), text(segment.get("Id"))
    if not said or not message_id:
        return None
    begin = whole_number(segment.get("BeginOffsetMillis")) or 0
    end = whole_number(segment.get("EndOffsetMillis")) or begin
    return Line(message_id, said, text(segment.get("ParticipantRole")).upper(), begin, end)


def _categories(segments: list[Mapping[str, object]]) -> Iterator[Category]:
    for segment in segments:
        categories = members(segment.get("Categories"))
        names, details = categories.get("MatchedCategories"), categories.get("MatchedDetails")
        for name in map(text, names if isinstance(names, list) else []):
            if name:
                yield Category(name, _first_point(members(members(details).get(name))))


def _first_point(details: Mapping[str, object]) -> tuple[int, int] | None:
    points = details.get("PointsOfInterest")
    first = members(points[0]) if isinstance(points, list) and points else {}
    begin = whole_number(first.get("BeginOffsetMillis"))
    end = whole_number(first.get("EndOffsetMillis"))
    return None if begin is None or end is None else (begin, end)
