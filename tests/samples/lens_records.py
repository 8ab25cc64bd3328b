"""A record of Contact Lens' stream of segments.

Source: Amazon Connect administrator guide, "Real-time contact analysis segment streams". All values
are invented.
"""

from collections.abc import Mapping
from typing import Any

from tests.samples.members import ACCOUNT, CONTACT_ID, INSTANCE_ID, changed


def utterance(name: str, words: str = "", begin: int = 0, **changes: object) -> dict[str, Any]:
    """A segment with a part of a line."""
    given: dict[str, object] = {
        "Id": name,
        "TranscriptId": f"t-{name}",
        "ParticipantId": "AGENT",
        "ParticipantRole": "AGENT",
        "PartialContent": words or f"words of {name}",
        "BeginOffsetMillis": begin,
        "EndOffsetMillis": begin + 500,
    }
    return {"Utterance": changed(given, changes)}


def transcript(name: str, words: str = "", begin: int = 0, **changes: object) -> dict[str, Any]:
    """A segment with a whole line."""
    given = {
        "Id": name,
        "ParticipantRole": "CUSTOMER",
        "Content": words or f"words of {name}",
        "BeginOffsetMillis": begin,
        "EndOffsetMillis": begin + 500,
        "Sentiment": "NEUTRAL",
    }
    return {"Transcript": given | changes}


def categories(*names: str, point: tuple[int, int] | None = None) -> dict[str, Any]:
    """A segment with matched categories."""
    points = [{"BeginOffsetMillis": point[0], "EndOffsetMillis": point[1]}] if point else []
    return {
        "Categories": {
            "MatchedCategories": list(names),
            "MatchedDetails": {name: {"PointsOfInterest": points} for name in names},
        }
    }


def segments(
    *found: Mapping[str, Any], contact: str = CONTACT_ID, **changes: Any
) -> dict[str, Any]:
    """A record of the stream."""
    record: dict[str, Any] = {
        "Version": "1.0.0",
        "Channel": "VOICE",
        "AccountId": ACCOUNT,
        "InstanceId": INSTANCE_ID,
        "ContactId": contact,
        "LanguageCode": "en-US",
        "EventType": "SEGMENTS",
        "Segments": list(found),
    }
    return changed(record, changes)
