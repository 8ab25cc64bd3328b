"""Transcripts in bulk and conversation events: what Salesforce checks, takes and answers.

Source: Salesforce's Voice implementation guide, "Create Transcripts in Bulk" and the pages on
conversation events; the answers 202 and 207 as Salesforce's own package and its tests have them.
Where documents are silent, the strictest rule that its package lives with holds: the lines of a
call are in the order of their times, no id comes twice in a request, and a sentiment's value is a
text.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.salesforce.actions import check_message
from simulator.salesforce.checks import check_text, check_whole_number, invalid
from simulator.salesforce.messages import Answer, RefusalError, Request, json_answer
from simulator.salesforce.store import Store

MOST_CALLS = 5
MOST_LINES = 5
MOST_EVENTS = 25

Entry = Mapping[str, Any]
Refusals = Mapping[str, tuple[int, str]]


def bulk_keys(request: Request) -> list[str]:
    """The calls that a request with lines in bulk names, as far as it can be read."""
    try:
        entries = request.json_object().get("entries")
    except RefusalError:
        return []
    keys = [it.get("vendorCallKey") for it in _list(entries) if isinstance(it, dict)]
    return [key for key in keys if isinstance(key, str)]


class Conversations:
    """The conversations of an org.

    Args:
        store: the org's memory.
        lines_per_second: beyond it the whole request is answered 429.
        clock: epoch seconds.
    """

    def __init__(self, store: Store, lines_per_second: int, clock: Callable[[], float]) -> None:
        self._store = store
        self._lines_per_second = lines_per_second
        self._clock = clock

    def add_in_bulk(self, request: Request, refused: Refusals) -> Answer:
        """Takes the lines of up to five calls.

        Args:
            refused: calls that a fault keeps from being taken: status and message of each.
        """
        entries = _checked_entries(request.json_object())
        with self._store.lock:
            self._check_limit(sum(len(entry["messages"]) for entry in entries))
            failed = dict(refused)
            for entry in entries:
                key = entry["vendorCallKey"]
                if key in failed:
                    continue
                if self._store.by_key(key) is None:
                    failed[key] = (404, "there is no such voice call")
                    continue
                self._take(key, entry["messages"])
        if not failed:
            return json_answer(202, {"result": "Accepted"})
        if len(entries) == 1 and 404 in [status for status, _ in failed.values()]:
            raise RefusalError(404, "NOT_FOUND", "there is no such voice call")
        shown = [
            {"vendorCallKey": key, "status": status, "message": message}
            for key, (status, message) in failed.items()
        ]
        return json_answer(207, {"errorResponse": {"errorResponseEntries": shown}})

    def add_events(self, request: Request, name: str, kind: str) -> Answer:
        """Takes conversation events of one call, of a call that is on or has ended."""
        body = request.json_object()
        check_text(body, "service")
        events = _list(body.get("events"))
        if not 1 <= len(events) <= MOST_EVENTS:
            raise invalid("events", f"must be 1 to {MOST_EVENTS} events")
        for event in events:
            _check_event(event, kind)
        starts = [event["startTime"] for event in events]
        if kind == "realtimeConversationEvents" and starts != sorted(starts):
            raise invalid("events", "must be in the order of startTime")
        with self._store.lock:
            record = self._store.by_key(name)
            if record is None:
                raise RefusalError(404, "NOT_FOUND", "there is no such voice call")
            self._store.add_action(record.vendor_call_key, kind, body, {}, self._clock())
        return json_answer(202, {})

    def _take(self, key: str, messages: Sequence[Entry]) -> None:
        for message in messages:
            if not self._store.has_action(key, "messages", "messageId", message["messageId"]):
                answer = {"result": "Accepted"}
                self._store.add_action(key, "messages", message, answer, self._clock())

    def _check_limit(self, lines: int) -> None:
        taken = self._store.count_actions_after("messages", self._clock() - 1)
        if taken + lines > self._lines_per_second:
            message = "too many transcript utterances in this second"
            raise RefusalError(429, "LIMIT_EXCEEDED", message, {"Retry-After": "1"})


def _checked_entries(body: Mapping[str, Any]) -> list[Entry]:
    entries = _list(body.get("entries"))
    if not 1 <= len(entries) <= MOST_CALLS:
        raise invalid("entries", f"must be 1 to {MOST_CALLS} calls")
    keys = [check_text(_object(entry, "entries"), "vendorCallKey") for entry in entries]
    if len(set(keys)) < len(keys):
        raise invalid("entries", "must name each call once")
    ids = [id_ for entry in entries for id_ in _checked_messages(entry)]
    if len(set(ids)) < len(ids):
        raise invalid("messageId", "must be unique")
    return entries


def _checked_messages(entry: Entry) -> list[tuple[str, str]]:
    messages = _list(entry.get("messages"))
    if not 1 <= len(messages) <= MOST_LINES:
        raise invalid("messages", f"must be 1 to {MOST_LINES} lines")
    for message in messages:
        check_message(_object(message, "messages"))
    ends = [message["endTime"] for message in messages]
    if ends != sorted(ends):
        raise invalid("messages", "must be in the order of their times")
    return [(entry["vendorCallKey"], message["messageId"]) for message in messages]


def _check_event(value: Any, kind: str) -> None:
    event = _object(value, "events")
    start = check_whole_number(event, "startTime")
    signal = check_text(event, "type").removeprefix("IntelligenceSignal__")
    text = check_text(event, "value")
    if kind == "realtimeConversationEvents":
        if signal != "Category":
            raise invalid("type", "must be IntelligenceSignal__Category")
        return
    if check_whole_number(event, "endTime") < start:
        raise invalid("endTime", "must not lie before startTime")
    if event.get("participant") not in ("AGENT", "CUSTOMER"):
        raise invalid("participant", "must be AGENT or CUSTOMER")
    if signal not in ("Sentiment", "OverallSentimentScore"):
        raise invalid("type", "must be a sentiment")
    if signal == "Sentiment" and text not in ("-1000", "0", "1000"):
        raise invalid("value", "must be -1000, 0 or 1000")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(name, "must hold objects")
    return value
