"""Requests about a VoiceCall that is there, as far as they are more than texts passed on. Pure.

Source: Salesforce's Voice implementation guide, its REST API pages; `transferTarget` and the
properties in SCVL_PROPERTIES are sent by Salesforce's own package (SCVL) besides. Salesforce itself
checks the properties that the guide does not mark as required.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voicecall_bridge.sources import reading
from voicecall_bridge.sources.reading import parsed_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[object], object]

_MOST = 10**15
"""More than any duration in seconds, and any time in milliseconds."""


class WrongProperty(ValueError):
    """A property of the request is missing or cannot be what was given.

    Attributes:
        name: of the property.
        cure: what it has to be.
    """

    def __init__(self, name: str, cure: str) -> None:
        super().__init__(f"{name} {cure}")
        self.name = name
        self.cure = cure


def update_properties(values: Mapping[str, object]) -> dict[str, object]:
    """The properties of an update, of a flow's `fieldValues`. Unknown names are sent as they are.

    Raises:
        WrongProperty: naming it. Also where all of them are references to nothing: the flow wants
            to say something, and an update that says nothing closes the conversation.
    """
    properties = _properties(values, UPDATE_PROPERTIES)
    if values and not properties:
        raise WrongProperty("fieldValues", "must have at least one property to update")
    return properties


def update_of_a_call(properties: Mapping[str, object], *, call_is_on: bool) -> dict[str, object]:
    """The body of an update before the contact's record, but for callCenterApiName.

    The API takes a missing isActiveCall for false, and false closes the conversation. So true is
    added, unless the flow says how it is: by isActiveCall, by the end of the call, or by no
    property at all, which is how SCVL's voicemail functions close a conversation.

    Args:
        properties: see update_properties.
        call_is_on: as far as the bridge knows.
    """
    says = {"isActiveCall", "endTime"} & properties.keys()
    if says or not properties or not call_is_on:
        return dict(properties)
    return {**properties, "isActiveCall": True}


def transcript_line(values: Mapping[str, object]) -> dict[str, object]:
    """The properties of a line, of a flow's `fieldValues`. Unknown names are sent as they are.

    Raises:
        WrongProperty: naming it.
    """
    properties = _properties(values, MESSAGE_PROPERTIES)
    for name in ("messageId", "content"):
        if not properties.get(name):
            raise WrongProperty(name, "is missing or empty: a line has a text and an id of its own")
    return properties


def said_at(line: Mapping[str, object], now: float) -> dict[str, object]:
    """The body for a line, but for callCenterApiName, which SCVL sends along.

    Args:
        line: see transcript_line.
        now: epoch seconds; a line without times was said now, for a flow knows no epoch times.
            With one of the two it was said then.
    """
    moment = line.get("startTime", line.get("endTime", int(now * 1000)))
    return {"startTime": moment, "endTime": moment, **line}


def callback_identity(request: Mapping[str, object]) -> str:
    """Identifies a callback among those of its contact: the number, and the time if one is chosen,
    in a normal form."""
    number, at = str(request["callbackNumber"]), request.get("scheduledRoutingDateTime")
    if not isinstance(at, str):
        return number
    return f"{number} {datetime.fromisoformat(at).astimezone(UTC).isoformat()}"


def _properties(values: Mapping[str, object], readers: Mapping[str, Reader]) -> dict[str, object]:
    read: dict[str, object] = {}
    for name, value in values.items():
        if value is None or (value == "" and readers.get(name, _as_is) is not _as_is):
            continue  # a flow's reference to an attribute that is not set
        try:
            read[name] = readers.get(name, _as_is)(value)
        except ValueError as error:
            raise WrongProperty(name, str(error)) from None
    return read


def _as_is(value: object) -> object:
    return value


def _whole_number(value: object) -> object:
    # Rounded, as a contact record's: a flow or a function may have calculated it.
    found = reading.whole_number(value)
    if found is None or found >= _MOST:
        raise ValueError("must be a number from 0")
    return found


def _milliseconds(value: object) -> object:
    """Any form of a time as epoch milliseconds, which the API takes."""
    at = reading.moment(value)
    found = round(at.timestamp() * 1000) if at else reading.whole_number(value)
    if found is None or found >= _MOST:
        raise ValueError("must be a time: milliseconds since 1970, or ISO 8601")
    return found


def _truth(value: object) -> object:
    found = reading.yes_or_no(value)
    if found is None:
        raise ValueError("must be true or false")
    return found


def _object(value: object) -> object:
    parsed = parsed_object(value)
    if parsed is None:
        raise ValueError("must be an object, or the JSON text of one")
    return parsed


def _object_text(value: object) -> object:
    # The API takes a text here, which a flow may have put together.
    try:
        return json.dumps(_object(value))
    except RecursionError:
        raise ValueError("is nested too deeply") from None


SCVL_PROPERTIES = (
    *("initiationMethod", "parentCallIdentifier", "toNumber", "callSubType", "callCenterApiName"),
)
UPDATE_PROPERTIES: Mapping[str, Reader] = {
    **dict.fromkeys(("startTime", "endTime", "enqueueTime", "acceptTime", "fromNumber"), _as_is),
    **dict.fromkeys(("queue", "agent", "callOrigin", "recordingLocation"), _as_is),
    **dict.fromkeys(SCVL_PROPERTIES, _as_is),
    **dict.fromkeys(("totalHoldDuration", "longestHoldDuration", "numberOfHolds"), _whole_number),
    **dict.fromkeys(("agentInteractionDuration", "totalRecordingDuration"), _whole_number),
    "isActiveCall": _truth,
    "disconnectReason": _object,
    "callAttributes": _object_text,
}
"""Properties of an update (guide, "Update a Voice Call Record"), and how a flow's text is read."""
MESSAGE_PROPERTIES: Mapping[str, Reader] = {
    **dict.fromkeys(("participantId", "messageId", "content", "senderType"), _as_is),
    **dict.fromkeys(("startTime", "endTime"), _milliseconds),
}
"""Properties of a transcript line (guide, "Create a Transcript"); times in epoch milliseconds."""
