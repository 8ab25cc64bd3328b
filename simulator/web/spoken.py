"""Contact Lens' output for a story's call: lines and a category while it is on, a file when it is
over. Pure.

Shapes: Amazon Connect administrator guide, "Contact Lens real-time contact analysis segment
streams" and "Example Contact Lens output files for a call"; Amazon S3 user guide, "EventBridge
event message structure".
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from simulator.aws.cloud import CONNECT_INSTANCE_ARN

BUCKET: Final = "contact-lens-files"
TALK: Final[Sequence[tuple[str, str, str]]] = (
    ("AGENT", "Thank you for calling. How can I help?", "NEUTRAL"),
    ("CUSTOMER", "My order has never arrived, and nobody calls back.", "NEGATIVE"),
    ("AGENT", "I am sorry to hear that. Let me look.", "NEUTRAL"),
    ("AGENT", "It is on its way: you will have it tomorrow.", "POSITIVE"),
    ("CUSTOMER", "Oh, that is good news. Thank you!", "POSITIVE"),
)
"""The lines: speaker, words and sentiment."""
CATEGORY: Final = "Late delivery"
_EACH: Final = 4_000
"""Milliseconds from line to line."""


def line(contact_id: str, number: int) -> dict[str, Any]:
    """The record with a line of TALK."""
    role, text, _ = TALK[number]
    segment = {
        "Id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{contact_id}/{number}")),
        "TranscriptId": f"{contact_id}/{number}",
        "ParticipantId": role,
        "ParticipantRole": role,
        "PartialContent": text,
        "BeginOffsetMillis": number * _EACH,
        "EndOffsetMillis": number * _EACH + 3_000,
    }
    return _record(contact_id, {"Utterance": segment})


def category(contact_id: str) -> dict[str, Any]:
    """The record with the category that the customer's first line matches."""
    point = {"BeginOffsetMillis": _EACH, "EndOffsetMillis": _EACH + 3_000}
    details = {CATEGORY: {"PointsOfInterest": [point]}}
    matched = {"MatchedCategories": [CATEGORY], "MatchedDetails": details}
    return _record(contact_id, {"Categories": matched})


def file(contact_id: str, at: datetime) -> dict[str, Any]:
    """The file of the call: where it lies, what is in it, and S3's event."""
    key = f"Analysis/Voice/{at:%Y/%m/%d}/{contact_id}_analysis_{at:%Y-%m-%dT%H:%M:%SZ}.json"
    return {"content": _analysis(), "event": _created(contact_id, key, at)}


def _record(contact_id: str, segment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Version": "1.0.0",
        "Channel": "VOICE",
        "AccountId": "111122223333",
        "InstanceId": CONNECT_INSTANCE_ARN.rpartition("/")[2],
        "ContactId": contact_id,
        "LanguageCode": "en-US",
        "EventType": "SEGMENTS",
        "Segments": [segment],
    }


def _analysis() -> dict[str, Any]:
    turns = [
        {
            "Id": f"turn-{number}",
            "ParticipantId": role,
            "Content": text,
            "BeginOffsetMillis": number * _EACH,
            "EndOffsetMillis": number * _EACH + 3_000,
            "Sentiment": sentiment,
        }
        for number, (role, text, sentiment) in enumerate(TALK)
    ]
    return {
        "Version": "VOICE-2022-11-30",
        "Channel": "VOICE",
        "JobStatus": "COMPLETED",
        "Participants": [
            {"ParticipantId": role, "ParticipantRole": role} for role in ("AGENT", "CUSTOMER")
        ],
        "ConversationCharacteristics": {
            "Sentiment": {"OverallSentiment": {"AGENT": 1.7, "CUSTOMER": 0}}
        },
        "Transcript": turns,
    }


def _created(contact_id: str, key: str, at: datetime) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{contact_id}/file")),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "region": "us-west-2",
        "resources": [f"arn:aws:s3:::{BUCKET}"],
        "detail": {
            "version": "0",
            "bucket": {"name": BUCKET},
            "object": {"key": key, "size": 1, "etag": "e-1", "sequencer": "0"},
            "reason": "PutObject",
        },
    }
