"""A conversation as it was sent to Salesforce: its lines, categories and sentiment. Pure.

All of it is read from the requests that were seen, so that a line that was not taken is shown too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from simulator.web.calls import Entry

TAKEN: Final = "taken"
_STATES: Final[Mapping[int, str]] = {404: "no VoiceCall", 409: "paused", 429: "limit"}
_MARKS: Final[Mapping[str, str]] = {"1000": "positive", "0": "neutral", "-1000": "negative"}
_BULK: Final = "/voiceCalls/messages"


def conversation(entries: Sequence[Entry], contact_id: str) -> dict[str, Any]:
    """A call's conversation, of the entries that are about it.

    Returns:
        lines: in the order of their times, each once: its last state, "taken" if it ever was.
        categories: in the order in which they matched, each once.
        sentiment: of each side, its overall score and its turns in order; empty before the file.
    """
    exchanges = [entry.data for entry in entries if entry.kind == "exchange"]
    lines: dict[str, dict[str, Any]] = {}
    for message, state in _messages(exchanges, contact_id):
        identifier = str(message.get("messageId"))
        if lines.get(identifier, {}).get("state") != TAKEN:
            lines[identifier] = {
                "id": identifier,
                "at": message.get("startTime"),
                "sender": str(message.get("senderType") or ""),
                "text": str(message.get("content") or ""),
                "state": state,
            }
    return {
        "lines": sorted(lines.values(), key=lambda line: _number(line["at"])),
        "categories": _categories(exchanges),
        "sentiment": _sentiment(exchanges),
    }


def _messages(
    exchanges: Iterable[Mapping[str, Any]], contact_id: str
) -> Iterator[tuple[Mapping[str, Any], str]]:
    for exchange in exchanges:
        path, body = _path(exchange), _members(exchange.get("body"))
        if path.endswith(_BULK):
            refused = _refused(exchange)
            for call in map(_members, _list(body.get("entries"))):
                key = str(call.get("vendorCallKey"))
                if key.lower() == contact_id.lower():
                    state = refused.get(key) or _state(exchange.get("status"))
                    for message in map(_members, _list(call.get("messages"))):
                        yield message, state
        elif path.endswith("/messages") and body.get("content"):
            yield body, _state(exchange.get("status"))


def _refused(exchange: Mapping[str, Any]) -> dict[str, str]:
    """The calls of a request that were not taken, while others were, and why."""
    answer = _members(_members(exchange.get("answer")).get("errorResponse"))
    entries = map(_members, _list(answer.get("errorResponseEntries")))
    return {str(it.get("vendorCallKey")): _state(it.get("status")) for it in entries}


def _state(status: Any) -> str:
    if not isinstance(status, int):
        return "no answer"
    return TAKEN if 200 <= status < 300 else _STATES.get(status, f"answered {status}")


def _categories(exchanges: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, Any], dict[str, Any]] = {}
    for exchange, event in _events(exchanges, "/realtimeConversationEvents"):
        name, at = str(event.get("value")), event.get("startTime")
        taken = _state(exchange.get("status"))
        if found.get((name, at), {}).get("state") != TAKEN:
            found[name, at] = {"name": name, "at": at, "state": taken}
    return list(found.values())


def _sentiment(exchanges: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    sides: dict[str, dict[str, Any]] = {}
    turns: dict[tuple[str, Any], str] = {}
    for exchange, event in _events(exchanges, "/postConversationEvents"):
        if _state(exchange.get("status")) != TAKEN:
            continue
        side, value = str(event.get("participant")), str(event.get("value"))
        scores = sides.setdefault(side, {"overall": "", "turns": []})
        if str(event.get("type")).endswith("OverallSentimentScore"):
            scores["overall"] = value
        else:
            turns[side, event.get("startTime")] = _MARKS.get(value, value)
    for (side, _), mark in sorted(turns.items(), key=lambda turn: _number(turn[0][1])):
        sides[side]["turns"].append(mark)
    return sides


def _events(
    exchanges: Iterable[Mapping[str, Any]], path: str
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for exchange in exchanges:
        if _path(exchange).endswith(path):
            for event in _list(_members(exchange.get("body")).get("events")):
                yield exchange, _members(event)


def _path(exchange: Mapping[str, Any]) -> str:
    return urlsplit(str(exchange.get("path"))).path


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
