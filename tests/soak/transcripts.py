"""Salesforce's lines of calls, and whether they came in order.

The order of a call's lines across environments is not promised (docs/guarantees.md): a line that
waits in the queue may be overtaken by an environment that does not know of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.soak.talk import place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.soak.aws import Aws
    from tests.soak.chance import Chance

ENTRY_FAULTS = {"limit": 0.05, "paused": 0.02, "refused": 0.02}
"""Kind -> how likely it hits a call's lines in a request that is taken."""
_ENTRIES = {
    "limit": (429, "RESOURCE_EXHAUSTED"),
    "paused": (409, "transcription is paused"),
    "refused": (400, "x"),
    "missing": (404, "no such VoiceCall"),
}
_ENDS_LINES = frozenset(("", "paused", "refused"))
TOO_OLD_SECONDS = 120.0
"""A line of this age is not sent any more, and so it has no place in the order."""


@dataclass(slots=True)
class _Record:
    """A record with lines that have not all ended: their places, and when it arrived."""

    places: set[int]
    arrived: float


@dataclass(slots=True)
class Transcripts:
    """The lines of all open calls.

    Attributes:
        chance: draws what becomes of a call's lines.
        aws: has the queue of lines that wait, and those that came too late.
        require: notes a promise that does not hold.
    """

    chance: Chance
    aws: Aws
    require: Callable[[bool, str], None]
    _open: dict[str, dict[str, _Record]] = field(default_factory=dict)
    _taken: dict[str, set[int]] = field(default_factory=dict)

    def arrived(self, record_id: str, contact_id: str, body: dict[str, Any]) -> None:
        """A record is put into the stream."""
        places = set(_places(body))
        if places:
            record = _Record(places, self.aws.now)
            self._open.setdefault(contact_id, {})[record_id] = record

    def ended(self, line: dict[str, Any], body: dict[str, Any]) -> None:
        """A record ended, as a line of the log says."""
        contact_id, end, record_id = line["ContactId"], line["disposition"], line["inputId"]
        if end == "delivered":
            missing = set(_places(body)) - self._taken.get(contact_id, set())
            self.require(not missing, f"{contact_id}: a line is delivered, and not in Salesforce")
        if line["reason"] == "TOO_LATE":
            self.require(record_id in self.aws.late, f"{contact_id}: a line too late is not kept")
        self._open.get(contact_id, {}).pop(record_id, None)

    def forget(self, contact_id: str) -> None:
        """Forgets a contact of which nothing more comes."""
        for record_id in self._open.pop(contact_id, {}):
            self.aws.late.discard(record_id)
        self._taken.pop(contact_id, None)

    def take(
        self, members: dict[str, Any], has_call: Callable[[str], bool]
    ) -> tuple[int, dict[str, Any]]:
        """Answers a request with lines."""
        entries = []
        for entry in members["entries"]:
            key = entry["vendorCallKey"]
            drawn = self.chance.fault("a call's lines", ENTRY_FAULTS)
            kind = drawn if has_call(key) else "missing"
            if kind in _ENDS_LINES:
                for message in entry["messages"]:
                    self._take(*place_of(message["messageId"]))
            if kind:
                status, text = _ENTRIES[kind]
                entries.append({"vendorCallKey": key, "status": status, "message": text})
        if not entries:
            return 202, {"status": "Success"}
        return 207, {"errorResponse": {"errorResponseEntries": entries}}

    def _take(self, contact_id: str, place: int) -> None:
        self._taken.setdefault(contact_id, set()).add(place)
        records = self._open.get(contact_id, {})
        taken = next((it for it in records if place in records[it].places), None)
        if taken is None:
            return  # a repeat after an unknown outcome
        records[taken].places.discard(place)
        for record_id, record in records.items():
            if any(before < place for before in record.places):
                self._overtaken(contact_id, record_id, taken)

    def _overtaken(self, contact_id: str, record_id: str, by: str) -> None:
        age = self.aws.now - self._open[contact_id][record_id].arrived
        if record_id in self.aws.late or age > TOO_OLD_SECONDS:
            return
        known = self.aws.lines.holds(record_id, by) is not False
        self.require(not known, f"{contact_id}: a line before one that its environment knows")


def _places(body: dict[str, Any]) -> Iterable[int]:
    for segment in body["Segments"]:
        if "Utterance" in segment:
            yield place_of(segment["Utterance"]["Id"])[1]
