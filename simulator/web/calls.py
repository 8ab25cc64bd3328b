"""One contact on the console: the row of the list, and the entries of its story. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.web.facts import ContactFacts

_TROUBLE: Final = frozenset(("ERROR", "WARNING"))
SHOWN_STATES: Final = {
    "INITIATED": "ringing",
    "QUEUED": "queued",
    "CONNECTED_TO_AGENT": "connected",
    "DISCONNECTED": "ended",
    "COMPLETED": "ended",
}
_OF_THE_CONVERSATION: Final = frozenset(("contact_lens", "post_call_analysis"))
"""Sources with inputs that end without a word about the call."""
_TOO_LATE: Final = "TOO_LATE"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    Attributes:
        number: place in the order of all entries, from 1.
        at: epoch seconds.
        kind: flow, event, record, lens, file, delivery, exchange, log, fault or note.
        contact_ids: the contacts that it is about.
        title: one line for people.
        data: the details, as JSON.
    """

    number: int
    at: float
    kind: str
    contact_ids: tuple[str, ...]
    title: str
    data: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The entry as the REST interface shows it."""
        return {
            "number": self.number,
            "at": self.at,
            "kind": self.kind,
            "contactIds": list(self.contact_ids),
            "title": self.title,
            "data": dict(self.data),
        }


@dataclass(slots=True)
class Call:
    """The summary of one contact, for the list."""

    contact_id: str
    first: float
    changed: float
    version: int = 0
    instance_id: str = ""
    previous: str = ""
    customer: str = ""
    system: str = ""
    initiation: str = ""
    state: str = "new"
    outcome: str = ""
    voice_call_id: str = ""
    trouble: str = ""
    trouble_of: str = ""
    entries: list[Entry] = field(default_factory=list)

    def learn(self, known: ContactFacts) -> None:
        """Fill in what was not known before."""
        self.instance_id = self.instance_id or known.instance_id
        self.previous = self.previous or known.previous
        self.customer = self.customer or known.customer
        self.system = self.system or known.system
        self.initiation = self.initiation or known.initiation

    def to_json(self) -> dict[str, Any]:
        """The row as the REST interface shows it."""
        return {
            "contactId": self.contact_id,
            "previousContactId": self.previous,
            "customer": self.customer,
            "system": self.system,
            "initiationMethod": self.initiation,
            "state": self.state,
            "outcome": self.outcome,
            "voiceCallId": self.voice_call_id,
            "trouble": self.trouble,
            "first": self.first,
            "changed": self.changed,
            "version": self.version,
            "entries": len(self.entries),
        }

    def matches(self, words: Iterable[str]) -> bool:
        """Whether every word is found in the row or in any entry."""
        row = json.dumps(self.to_json()).lower()
        rest = [word for word in words if word not in row]
        if not rest:
            return True
        story = "\n".join(
            f"{entry.title} {json.dumps(entry.data, default=str)}" for entry in self.entries
        ).lower()
        return all(word in story for word in rest)


def learn_from_log(call: Call, line: Mapping[str, Any]) -> None:
    """Fills in what a line of a function's log says of the call."""
    source = str(line.get("source") or "")
    if line.get("message") == "delivery":
        call.voice_call_id = str(line.get("voiceCallId") or call.voice_call_id)
        if source in _OF_THE_CONVERSATION:
            _learn_from_line(call, line, source)
            return
        status = str(line.get("status") or line.get("disposition") or "")
        call.outcome = status or call.outcome
        if line.get("disposition") == "dead_lettered":
            call.trouble = str(line.get("errorCode") or line.get("reason") or "dead letter")
        elif line.get("status") in ("created", "existing", "done"):
            call.trouble = ""
    elif line.get("level") in _TROUBLE:
        call.trouble, call.trouble_of = str(line.get("errorCode") or line.get("message")), source


def _learn_from_line(call: Call, line: Mapping[str, Any], source: str) -> None:
    if line.get("disposition") == "dead_lettered" or line.get("reason") == _TOO_LATE:
        call.trouble, call.trouble_of = str(line.get("reason")), source
    elif line.get("disposition") == "delivered" and call.trouble_of == source:
        call.trouble = ""


def in_state(call: Call, state: str) -> bool:
    """Whether the call is one of those that a filter of the list shows."""
    if state == "trouble":
        return bool(call.trouble)
    if state == "live":
        return call.state in ("new", "ringing", "queued", "connected")
    return call.state == state or call.initiation.lower() == state.lower()
