"""From a contact record to `PATCH /voiceCalls/{vendorCallKey}`, as tables. Pure.

Source: the requests of Salesforce's own package (SCVL), which automations of existing orgs rely on;
with the two initiation methods it does not know, `agent` and `totalRecordingDuration`, which the
Voice implementation guide documents ("Update a Voice Call Record"). docs/field-mapping.md is
written from these tables.

A property with the value None is left out. For the API that differs from an empty one: totals
that are left out count as 0.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING

from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.voice_call.create import (
    CALL_ATTRIBUTE_PREFIX,
    WEB_RTC_DEFAULT,
    WITHHELD_NUMBER,
    caller_number,
)
from voicecall_bridge.voice_call.recording import Recording, agents_recording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voicecall_bridge.sources.contact_record import ContactRecord

    Value = Callable[[ContactRecord], object]

CALLED_BY_US = frozenset(
    {InitiationMethod.OUTBOUND, InitiationMethod.CALLBACK, InitiationMethod.EXTERNAL_OUTBOUND}
)
"""Contacts in which the contact center called: from its number, to the customer's."""
DIRECTION_DECIDES = frozenset(
    {InitiationMethod.API, InitiationMethod.UNKNOWN, InitiationMethod.UNSTATED}
)
"""Methods that do not show who called: campaigns are API contacts."""
METHOD_WORDS: Mapping[InitiationMethod, str] = {
    InitiationMethod.API: "INBOUND",
    # SCVL never sends the next two; these are the words for the same that it does send.
    InitiationMethod.QUEUE_TRANSFER: "TRANSFER",
    InitiationMethod.EXTERNAL_OUTBOUND: "OUTBOUND",
}
"""Initiation methods that the API calls otherwise."""
ERRORS = frozenset({"TELECOM_PROBLEM", "CONTACT_FLOW_DISCONNECT", "OTHER"})
"""Disconnect reasons that are errors."""
CALLBACK = ("callback_flag",)
"""An attribute that is set says that the customer took a callback and hung up."""
_TOOK_CALLBACK = {"value": "CALLBACK", "isError": False}
KEPT_ATTRIBUTE = "sf_realtime_transcription_status"
"""The attribute that goes to Salesforce under its own name."""
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True, slots=True)
class Property:
    """One property of the request.

    Attributes:
        name: as the API spells it.
        source: where it comes from, in the record's own words.
        value: what is sent; None: nothing.
        otherwise: what becomes of it where the source is null or absent.
    """

    name: str
    source: str
    value: Value
    otherwise: str = "left out"


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of the VoiceCall, by its API name, filled from a path of the contact record."""

    path: str
    field: str

    @property
    def member(self) -> str:
        """The record's own member with which the path begins."""
        return self.path.partition(".")[0]


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """The content of `PATCH /voiceCalls/{vendor_call_key}`.

    The contact center is not a part of it: the client adds the one that it signs for.
    """

    vendor_call_key: str
    properties: Mapping[str, object]
    call_attributes: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """The body without callCenterApiName."""
        if not self.call_attributes:
            return dict(self.properties)
        return {**self.properties, "callAttributes": json.dumps(self.call_attributes)}

    def without(self, fields: Sequence[str]) -> UpdateRequest:
        """The same without these fields among the call attributes."""
        left = {name: value for name, value in self.call_attributes.items() if name not in fields}
        return replace(self, call_attributes=left)


def update_request(
    record: ContactRecord,
    fields: Sequence[CustomField] = (),
    callback: Sequence[str] = CALLBACK,
) -> UpdateRequest:
    """The update request for a contact record, whatever it leaves out.

    Args:
        record: the record.
        fields: fields of the VoiceCall that are filled besides.
        callback: see CALLBACK.
    """
    values = ((row.name, row.value(record)) for row in PROPERTIES)
    properties = {name: value for name, value in values if value is not None}
    if any(record.says_yes(name) for name in callback):
        properties["disconnectReason"] = _TOOK_CALLBACK
    return UpdateRequest(record.contact_id, properties, _call_attributes(record, fields))


def _moment(path: str) -> Value:
    def written(record: ContactRecord) -> object:
        at = record.moment(path)
        text = record.text(path)
        if at is None or _UTC.fullmatch(text):
            return text if at else None
        # Another zone, or a number of seconds: Salesforce takes UTC in ISO 8601.
        return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    return written


def _text(path: str) -> Value:
    return lambda record: record.text(path) or None


def _number(path: str) -> Value:
    return lambda record: record.whole_number(path)


def _accept_time(record: ContactRecord) -> object:
    if not isinstance(record.at("Agent"), dict):
        return None
    return _moment("Agent.ConnectedToAgentTimestamp")(record) or ""


def _we_called(record: ContactRecord) -> bool:
    method = record.initiation_method
    return method in CALLED_BY_US or (record.outbound and method in DIRECTION_DECIDES)


def _initiation_method(record: ContactRecord) -> object:
    if record.outbound and record.initiation_method in DIRECTION_DECIDES:
        return InitiationMethod.OUTBOUND.value
    return METHOD_WORDS.get(record.initiation_method) or record.text("InitiationMethod") or None


def _number_of(record: ContactRecord, *, from_: bool) -> object:
    ours, customers = record.text("SystemEndpoint.Address"), record.text("CustomerEndpoint.Address")
    if record.web_rtc:
        named = record.attributes.get("WebRTC_From" if from_ else "WebRTC_To", "").strip()
        return named or (customers if from_ else ours) or WEB_RTC_DEFAULT
    return (ours if from_ is _we_called(record) else caller_number(customers)) or None


def _recording(record: ContactRecord) -> Recording | None:
    # Without an agent's interaction there is nothing to listen to (SCVL).
    spoken = record.whole_number("Agent.AgentInteractionDuration")
    return agents_recording(record) if spoken else None


def _recording_location(record: ContactRecord) -> object:
    found = _recording(record)
    return found.location if found else None


def _total_recording_duration(record: ContactRecord) -> object:
    found = _recording(record)
    return found.seconds if found else None


def _disconnect_reason(record: ContactRecord) -> object:
    reason = record.text("DisconnectReason") or "UNKNOWN"
    return {"value": reason, "isError": reason in ERRORS}


def _call_attributes(record: ContactRecord, fields: Sequence[CustomField]) -> dict[str, object]:
    found: dict[str, object] = {
        name.removeprefix(CALL_ATTRIBUTE_PREFIX): value
        for name, value in record.attributes.items()
        if (name.startswith(CALL_ATTRIBUTE_PREFIX) and name != CALL_ATTRIBUTE_PREFIX)
        or name == KEPT_ATTRIBUTE
    }
    for custom in fields:
        value = record.at(custom.path)
        # Objects and lists fit no field. Null leaves the field unchanged. 1e999 is JSON, but cannot
        # be written as JSON again.
        if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
            found[custom.field] = value
    return found


_OURS = ", ".join(sorted(CALLED_BY_US)) + " and campaigns"
PROPERTIES: tuple[Property, ...] = (
    Property("startTime", "`InitiationTimestamp`", _moment("InitiationTimestamp")),
    Property("endTime", "`DisconnectTimestamp`", _moment("DisconnectTimestamp")),
    Property(
        "parentCallIdentifier",
        "`PreviousContactId`, unless it is the contact's own id",
        lambda record: record.previous_contact_id or None,
    ),
    Property(
        "initiationMethod",
        "`InitiationMethod`; "
        + ", ".join(f"{method.value} → `{word}`" for method, word in METHOD_WORDS.items())
        + "; `OUTBOUND` for campaigns",
        _initiation_method,
    ),
    Property(
        "fromNumber",
        "`CustomerEndpoint.Address`; `SystemEndpoint.Address` for "
        + _OURS
        + f"; one that is withheld, in any word: `{WITHHELD_NUMBER}`"
        + "; WebRTC: attribute `WebRTC_From`, `CustomerEndpoint.Address`",
        partial(_number_of, from_=True),
        f"left out; WebRTC: `{WEB_RTC_DEFAULT}`",
    ),
    Property(
        "toNumber",
        "`SystemEndpoint.Address`; `CustomerEndpoint.Address` for "
        + _OURS
        + "; WebRTC: attribute `WebRTC_To`, `SystemEndpoint.Address`",
        partial(_number_of, from_=False),
        f"left out; WebRTC: `{WEB_RTC_DEFAULT}`",
    ),
    Property(
        "callSubType",
        "`WebRTC` for initiation method WEBRTC_API or segment attribute `connect:Subtype` = "
        "`connect:WebRTC`",
        lambda record: "WebRTC" if record.web_rtc else "PSTN",
        "`PSTN`",
    ),
    Property("enqueueTime", "`Queue.EnqueueTimestamp`", _moment("Queue.EnqueueTimestamp")),
    Property("queue", "`Queue.Name`", _text("Queue.Name")),
    Property("agent", "`Agent.Username`", _text("Agent.Username")),
    Property(
        "acceptTime",
        "`Agent.ConnectedToAgentTimestamp`",
        _accept_time,
        "empty text; left out where `Agent` is null or absent",
    ),
    Property(
        "totalHoldDuration", "`Agent.CustomerHoldDuration`", _number("Agent.CustomerHoldDuration")
    ),
    Property(
        "longestHoldDuration", "`Agent.LongestHoldDuration`", _number("Agent.LongestHoldDuration")
    ),
    Property("numberOfHolds", "`Agent.NumberOfHolds`", _number("Agent.NumberOfHolds")),
    Property(
        "agentInteractionDuration",
        "`Agent.AgentInteractionDuration`",
        _number("Agent.AgentInteractionDuration"),
    ),
    Property(
        "recordingLocation",
        "`Location` in `Recordings`, or in `Recording`, of the agent's part (not the menu's, "
        "participant type IVR, and no video), where `Agent.AgentInteractionDuration` > 0",
        _recording_location,
        "left out; empty text where that recording was deleted",
    ),
    Property(
        "totalRecordingDuration",
        "`StopTimestamp` - `StartTimestamp` of that item of `Recordings`",
        _total_recording_duration,
        "left out: Salesforce takes agentInteractionDuration + totalHoldDuration",
    ),
    Property(
        "disconnectReason",
        f"attribute `{CALLBACK[0]}` says yes → `CALLBACK`; else `DisconnectReason`; `isError` for "
        + ", ".join(sorted(ERRORS)),
        _disconnect_reason,
        "`UNKNOWN`",
    ),
)
"""Every property but callCenterApiName, which the secret knows, and callAttributes."""
