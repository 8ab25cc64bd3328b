"""Exports of an entry: a curl command, an event file. Pure."""

import json
from shlex import quote
from typing import Any

from simulator.web.calls import Entry


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
