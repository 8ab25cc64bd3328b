"""What was seen, as something to keep: a curl command, an event file, a sample. Pure."""

import json
from collections.abc import Mapping
from shlex import quote
from typing import Any, Final

from simulator.web.calls import Call, Entry

_SOURCES: Final[Mapping[str, str]] = {
    "flow": "contact_flow",
    "event": "contact_event",
    "record": "contact_record",
    "lens": "contact_lens",
    "file": "post_call_analysis",
}


def payload_of(entry: Entry) -> Any:
    """The input that an entry is about; None where it is none."""
    return entry.data.get("event" if entry.kind == "flow" else "payload")


def as_curl(entry: Entry, address: str) -> str:
    """The command that sends the entry's input again, or its request to Salesforce."""
    if entry.kind == "exchange":
        body = json.dumps(entry.data.get("body"))
        method, path = entry.data.get("method"), entry.data.get("path")
        return (
            f"curl -X {method} -H 'Content-Type: application/json' "
            f"-H 'Authorization: Bearer <token>' -d {quote(body)} "
            f'"$SCRT_ENDPOINT{str(path).removeprefix("/telephony/v1")}"'
        )
    order = {"kind": entry.kind, "payload": payload_of(entry)}
    body = quote(json.dumps(order))
    return f"curl -H 'Content-Type: application/json' -d {body} {address}/api/events"


def as_sample(call: Call) -> str:
    """The call as a .jsonl sample (events/README.md): one step a line, with what it ended as."""
    lines: list[dict[str, Any]] = []
    for entry in call.entries:
        if (source := _SOURCES.get(entry.kind)) and (payload := payload_of(entry)) is not None:
            step: dict[str, Any] = {"source": source, "event": payload}
            if entry.kind == "flow" and isinstance(entry.data.get("answer"), dict):
                step["expect"] = {"answer": {"status": entry.data["answer"].get("status", "")}}
            lines.append(step)
    return "".join(json.dumps(line) + "\n" for line in lines)
