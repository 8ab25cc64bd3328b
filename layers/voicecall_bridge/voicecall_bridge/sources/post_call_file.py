"""Contact Lens' file about a call that has ended: one JSON file in S3.

Names: Analysis/Voice/YYYY/MM/DD/<contact id>_analysis_<time>.json, redacted ones below
Analysis/Voice/Redacted/ (Amazon Connect administrator guide, "Example Contact Lens output files for
a call"). S3 announces each with an "Object Created" event by EventBridge (S3 user guide).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.contact import NotAContact
from voicecall_bridge.sources.reading import (
    in_lower_case,
    is_contact_id,
    members,
    text,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE_CREATED = "Object Created"
"""The detail-type of S3's events."""
MOST_BYTES = 50 * 1024 * 1024
"""Larger files are not read: parsed they would not fit into the function's memory."""

UNSTATED = "unstated"
"""The version of a file if its event names none: the file is brought once."""

_KEY = re.compile(
    r"(?:.*/)?Analysis/Voice/(?P<redacted>Redacted/)?(?:.*/)?"
    r"(?P<contact>[^/]+?)_analysis_(?:redacted_)?[^/]+\.json"
)
_ROLES = frozenset({"AGENT", "CUSTOMER"})


@dataclass(frozen=True, slots=True)
class CreatedFile:
    """A file that S3 announces.

    Attributes:
        bucket, key: where it is.
        version: differs for every content written under this name.
        size: in bytes; 0 where unstated.
        contact_id: the contact by the file's name; empty: not one of Contact Lens' files on calls.
        redacted: what was said is redacted in it.
    """

    bucket: str
    key: str = field(repr=False)
    version: str = ""
    size: int = 0
    contact_id: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation: its speaker, its sentiment, and its times in milliseconds."""

    role: str
    sentiment: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """A file's content, as far as Salesforce has a place for it.

    Attributes:
        turns: in the order of the conversation.
        overall: score of each side, AGENT and CUSTOMER, as Connect has it.
        summary: of the conversation; empty where there is none.
    """

    turns: tuple[Turn, ...] = ()
    overall: tuple[tuple[str, float], ...] = ()
    summary: str = field(default="", repr=False)


def read_event(event: object) -> CreatedFile:
    """Reads an "Object Created" event.

    Raises:
        NotAContact: it is not one.
    """
    envelope = members(event)
    detail = members(envelope.get("detail"))
    item = members(detail.get("object"))
    bucket, key = text(members(detail.get("bucket")).get("name")), item.get("key")
    if envelope.get("detail-type") != FILE_CREATED or not bucket or not isinstance(key, str):
        raise NotAContact("not an Object Created event of a file in a bucket")
    name = _KEY.fullmatch(key)
    contact_id = in_lower_case(name["contact"]) if name else ""
    return CreatedFile(
        bucket=bucket,
        key=key,
        version=text(item.get("version-id")) or text(item.get("etag")) or UNSTATED,
        size=whole_number(item.get("size")) or 0,
        contact_id=contact_id if is_contact_id(contact_id) else "",
        redacted=bool(name and name["redacted"]),
    )


def read_analysis(payload: object) -> Analysis:
    """Reads a file's JSON.

    Raises:
        NotAContact: it is not one of Contact Lens' files.
    """
    file = members(payload)
    if not {"Transcript", "ConversationCharacteristics"} & file.keys():
        raise NotAContact("neither Transcript nor ConversationCharacteristics: not an analysis")
    characteristics = members(file.get("ConversationCharacteristics"))
    sentiment = members(characteristics.get("Sentiment"))
    summary = members(members(characteristics.get("ContactSummary")).get("PostContactSummary"))
    roles = _roles(file.get("Participants"))
    return Analysis(
        tuple(_turns(file.get("Transcript"), roles)),
        tuple(_overall(members(sentiment.get("OverallSentiment")), roles)),
        text(summary.get("Content")),
    )


def _roles(participants: object) -> Mapping[str, str]:
    """Participant id -> role. If Connect names the participants by their roles, no list is
    needed."""
    listed = [members(item) for item in participants] if isinstance(participants, list) else []
    return {
        text(item.get("ParticipantId")): text(item.get("ParticipantRole")).upper()
        for item in listed
    }


def _turns(transcript: object, roles: Mapping[str, str]) -> Iterator[Turn]:
    for item in map(members, transcript if isinstance(transcript, list) else []):
        role, begin = _role(item.get("ParticipantId"), roles), item.get("BeginOffsetMillis")
        first, last = whole_number(begin), whole_number(item.get("EndOffsetMillis"))
        if role and first is not None and last is not None:
            yield Turn(role, text(item.get("Sentiment")).upper(), first, max(first, last))


def _overall(scores: Mapping[str, object], roles: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for participant, score in scores.items():
        role = _role(participant, roles)
        if role and isinstance(score, int | float) and not isinstance(score, bool):
            yield role, score


def _role(participant: object, roles: Mapping[str, str]) -> str:
    name = text(participant)
    role = roles.get(name) or name.upper()
    return role if role in _ROLES else ""
