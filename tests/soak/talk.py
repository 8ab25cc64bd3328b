"""The speech that Contact Lens hears in a call: records of its stream, each with some lines.

Shape: Amazon Connect Administrator Guide, "Real-time contact analysis segment streams"; values
invented. The id of a line is its contact and its place among the contact's lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.samples.lens_records import segments as lens_record
from tests.samples.lens_records import utterance

if TYPE_CHECKING:
    import random

WORDS = "quince-marmalade"
"""Part of every spoken text: it must be in no log."""
_TALKS = 0.2
"""How likely it is that Contact Lens listens to a contact."""


def records_of(
    contact_id: str, chance: random.Random, length: float
) -> list[tuple[float, dict[str, Any]]]:
    """The records of a contact, each with the seconds of the contact after which it comes."""
    if chance.random() >= _TALKS:
        return []
    found = [(0.5, lens_record(contact=contact_id, EventType="STARTED"))]
    after, place = 1.0, 0
    for _ in range(chance.randrange(1, 9)):
        after += chance.choice((0.2, 1.0, 3.0, 12.0))
        if after > length:
            break
        segments = []
        for _ in range(chance.choice((1, 1, 2, 7))):
            place += 1
            segments.append(_line(contact_id, place, round(after * 1000)))
        if chance.random() < 0.1:
            segments.append({"Categories": {"MatchedCategories": [WORDS], "MatchedDetails": {}}})
        found.append((after, lens_record(*segments, contact=contact_id)))
    found.append((max(after, length), lens_record(contact=contact_id, EventType="COMPLETED")))
    return found


def place_of(line_id: str) -> tuple[str, int]:
    """The contact of a line, and its place."""
    contact_id, _, place = line_id.rpartition("/")
    return contact_id, int(place)


def _line(contact_id: str, place: int, begin: int) -> dict[str, Any]:
    return utterance(
        f"{contact_id}/{place}",
        f"{WORDS} {place}",
        begin + place,
        TranscriptId=f"{contact_id}/{place}",
        ParticipantId="CUSTOMER",
        ParticipantRole="CUSTOMER",
        EndOffsetMillis=begin + place + 100,
    )
