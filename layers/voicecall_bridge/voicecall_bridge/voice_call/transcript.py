"""Requests about a conversation: lines, categories, sentiment. Pure.

Source: Salesforce's Voice implementation guide, "Create Transcripts in Bulk" and "Conversation
events"; names and times as Salesforce's own package (SCVL) sends them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from voicecall_bridge.sources.contact_lens import Category, LensSegments, Line
    from voicecall_bridge.sources.post_call_file import Analysis

MOST_CALLS = 5
"""Calls of one request with lines."""
MOST_LINES = 5
"""Lines of each of them."""
MOST_EVENTS = 25
"""Conversation events of one request."""

MOST_OF_A_SUMMARY = 32_000
"""Characters: a long text area takes 32,768 at the most."""

SERVICE = "AmazonConnectContactLens"
_SENTIMENT = {"POSITIVE": 1000, "NEUTRAL": 0, "MIXED": 0, "NEGATIVE": -1000}


class Sender(StrEnum):
    """The sender of a line, in Salesforce's words. VIRTUAL_AGENT: the agents' side, on which
    Contact Lens does not distinguish persons."""

    END_USER = "END_USER"
    EXTERNAL_USER = "EXTERNAL_USER"
    SUPERVISOR = "SUPERVISOR"
    VIRTUAL_AGENT = "VIRTUAL_AGENT"


@dataclass(frozen=True, slots=True)
class Message:
    """A line as Salesforce takes it.

    Attributes:
        message_id: unique in the conversation.
        content: the words.
        sender: who said it.
        start, end: milliseconds since 1970.
    """

    message_id: str
    content: str = field(repr=False)
    sender: Sender
    start: int
    end: int

    def to_json(self) -> dict[str, object]:
        """The message in a request."""
        return {
            "participantId": self.sender.value,
            "messageId": self.message_id,
            "content": self.content,
            "senderType": self.sender.value,
            "startTime": self.start,
            "endTime": self.end,
        }


def messages_of(segments: LensSegments, arrived: int, others: Sender) -> list[Message]:
    """The lines of a record.

    Connect gives no time of day, so the last line ends when the record arrived, as with SCVL, and
    the lines before it as much earlier as their offsets say.

    Args:
        segments: the record.
        arrived: when it came into the stream, in milliseconds since 1970.
        others: the sender of lines of neither the agent nor the customer.
    """
    last = max((line.end for line in segments.lines), default=0)
    return [_message(line, arrived - (last - line.end), others) for line in segments.lines]


def _message(line: Line, end: int, others: Sender) -> Message:
    senders = {"AGENT": Sender.VIRTUAL_AGENT, "CUSTOMER": Sender.END_USER}
    sender = senders.get(line.role, others)
    start = max(0, end - max(0, line.end - line.begin))
    return Message(line.message_id, line.content, sender, start, max(start, end))


def bulk_messages(entries: Iterable[tuple[str, Sequence[Message]]]) -> dict[str, object]:
    """The body for lines of up to MOST_CALLS calls, each with its vendorCallKey."""
    return {
        "entries": [
            {"vendorCallKey": key, "messages": [message.to_json() for message in messages]}
            for key, messages in entries
        ]
    }


def category_events(categories: Iterable[Category], arrived: int) -> Iterator[dict[str, object]]:
    """The bodies for matched categories, each with one event or more."""
    events: list[dict[str, object]] = []
    for category in categories:
        event: dict[str, object] = {
            "type": "IntelligenceSignal__Category",
            "value": category.name,
            "startTime": arrived,
        }
        if category.point is not None:
            begin, end = category.point
            event["details"] = {"BeginOffsetMillis": begin, "EndOffsetMillis": end}
        events.append(event)
    for events_of_a_request in _parts(events):
        yield {"service": SERVICE, "persist": False, "events": events_of_a_request}


def sentiment_events(
    analysis: Analysis, connected: datetime, ended: datetime
) -> Iterator[dict[str, object]]:
    """The bodies for the sentiment of each turn and of both sides.

    Args:
        analysis: of the call.
        connected: when the agent was connected: offsets count from there.
        ended: when the call ended.
    """
    start, end = _milliseconds(connected), _milliseconds(ended)
    events = [
        _sentiment("Sentiment", str(_SENTIMENT[turn.sentiment]), turn.role)
        | {"startTime": start + turn.begin, "endTime": start + turn.end}
        for turn in sorted(analysis.turns, key=lambda turn: turn.begin)
        if turn.sentiment in _SENTIMENT
    ]
    events += [
        _sentiment("OverallSentimentScore", f"{score:g}", role)
        | {"startTime": start, "endTime": max(start, end)}
        for role, score in analysis.overall
    ]
    for events_of_a_request in _parts(events):
        yield {"service": SERVICE, "events": events_of_a_request}


def summary_update(field_name: str, summary: str, totals: Mapping[str, int]) -> dict[str, object]:
    """The body that puts a summary into a field of the VoiceCall, but for callCenterApiName.

    Args:
        field_name: the field's API name.
        summary: the text.
        totals: what the call's record brought: an update that leaves them out makes them 0.
    """
    fields = {field_name: summary[:MOST_OF_A_SUMMARY]}
    return {**totals, "callAttributes": json.dumps(fields)}


def _sentiment(kind: str, value: str, role: str) -> dict[str, object]:
    return {"type": f"IntelligenceSignal__{kind}", "value": value, "participant": role}


def _parts(events: list[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    for first in range(0, len(events), MOST_EVENTS):
        yield events[first : first + MOST_EVENTS]


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
