"""The properties that a contact record has brought, and an update that comes after it. Pure.

Source: Voice implementation guide, "Update a Voice Call Record": each update sets the totals to its
own values, and those that it leaves out to 0. So an update after the record carries the record's
totals, and leaves the record's other values alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.sources.reading import members, parsed_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voicecall_bridge.voice_call.update import UpdateRequest

TOTALS = ("totalHoldDuration", "numberOfHolds", "agentInteractionDuration")
"""The properties that an update sets to 0 where it leaves them out."""
_LETTERS = {
    "startTime": "s",
    "endTime": "e",
    "parentCallIdentifier": "p",
    "initiationMethod": "i",
    "fromNumber": "f",
    "toNumber": "t",
    "callSubType": "c",
    "enqueueTime": "q",
    "queue": "n",
    "agent": "a",
    "acceptTime": "x",
    "totalHoldDuration": "h",
    "longestHoldDuration": "l",
    "numberOfHolds": "o",
    "agentInteractionDuration": "d",
    "recordingLocation": "r",
    "totalRecordingDuration": "g",
    "disconnectReason": "z",
}
"""A letter for each property of a record: an item of the ledger must stay below 1 KB, a write
unit. Items live for 14 days, so a letter is never given to another property."""
_ATTRIBUTES = "callAttributes"
_MOST_FIELDS = 300  # characters of their names


@dataclass(frozen=True, slots=True)
class DeliveredRecord:
    """The properties that the newest delivered record has brought.

    Attributes:
        properties: of the update, but for callAttributes.
        fields: of the call attributes; None: too many to be kept.
        totals: the record's.
    """

    properties: frozenset[str] = frozenset()
    fields: frozenset[str] | None = frozenset()
    totals: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, request: UpdateRequest) -> DeliveredRecord:
        """The properties of a record's request."""
        sent = request.properties
        totals = {name: value for name in TOTALS if isinstance(value := sent.get(name), int)}
        fields = frozenset(request.call_attributes)
        kept = fields if len(" ".join(fields)) <= _MOST_FIELDS else None
        return cls(frozenset(sent), kept, totals)

    def to_text(self) -> str:
        """As the ledger keeps it."""
        kept: dict[str, object] = {
            "p": "".join(sorted(_LETTERS[name] for name in self.properties if name in _LETTERS))
        }
        if self.totals:
            kept["t"] = [self.totals.get(name) for name in TOTALS]
        if self.fields is None:
            kept["f"] = None
        elif self.fields:
            kept["f"] = sorted(self.fields)
        return json.dumps(kept, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> DeliveredRecord:
        """Reads the text that `to_text` wrote."""
        kept = members(json.loads(text))
        letters, totals, fields = str(kept["p"]), kept.get("t"), kept.get("f", [])
        values = totals if isinstance(totals, list) else []
        return cls(
            frozenset(name for name, letter in _LETTERS.items() if letter in letters),
            frozenset(fields) if isinstance(fields, list) else None,
            {name: value for name, value in zip(TOTALS, values, strict=False) if value is not None},
        )


@dataclass(frozen=True, slots=True)
class UpdateBehindRecord:
    """An update behind its contact's record.

    Attributes:
        body: what is sent; None: nothing, since the record has brought all of it.
        held_back: properties that are not sent, since they would undo a value of the record.
    """

    body: Mapping[str, object] | None
    held_back: tuple[str, ...] = ()


def update_behind_record(
    properties: Mapping[str, object], record: DeliveredRecord
) -> UpdateBehindRecord:
    """The part of an update that is sent after the contact's record.

    Args:
        properties: see actions.update_properties; none close the conversation.
        record: what the record has brought.
    """
    sent = {name: value for name, value in properties.items() if name not in record.properties}
    held_back = sorted(properties.keys() - sent.keys())
    if _ATTRIBUTES in sent:
        fields = parsed_object(sent.pop(_ATTRIBUTES)) or {}
        new = {name: it for name, it in fields.items() if not _brought(name, record)}
        held_back += [f"{_ATTRIBUTES}.{name}" for name in sorted(fields.keys() - new.keys())]
        if new:
            sent[_ATTRIBUTES] = json.dumps(new)
    if properties and not sent:
        return UpdateBehindRecord(None, tuple(held_back))
    return UpdateBehindRecord({**sent, **record.totals}, tuple(held_back))


def _brought(field_name: str, record: DeliveredRecord) -> bool:
    return record.fields is None or field_name in record.fields
