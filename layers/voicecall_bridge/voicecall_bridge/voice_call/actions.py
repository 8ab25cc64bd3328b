"""What is asked of Salesforce about a VoiceCall that is there: the requests' words. Pure.

Source: Salesforce's Voice implementation guide, its REST API pages; `transferTarget` and the
properties in SCVL_PROPERTIES are sent by Salesforce's own package (SCVL) besides. What the guide
does not mark as required is left to Salesforce to refuse.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.sources.reading import parsed_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[object], object]

_DIGITS = re.compile(r"[0-9]{1,15}")


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


@dataclass(frozen=True, slots=True)
class ExecuteOmniFlow:
    """`omniFlow`: which flow routes the call, and what it is told."""

    dialed_number: str
    flow_dev_name: str = ""
    fallback_queue: str = ""
    transfer_target: str = ""
    flow_input_parameters: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The body, without properties that are not known."""
        return _known(
            dialedNumber=self.dialed_number,
            flowDevName=self.flow_dev_name,
            fallbackQueue=self.fallback_queue,
            transferTarget=self.transfer_target,
            flowInputParameters=self.flow_input_parameters,
        )


@dataclass(frozen=True, slots=True)
class RouteVoiceCall:
    """`routeVoiceCall`: the agent, queue or flow, by its id, that gets the call."""

    routing_target: str
    fallback_queue: str = ""
    flow_input_parameters: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The body, without properties that are not known."""
        return _known(
            routingTarget=self.routing_target,
            fallbackQueue=self.fallback_queue,
            flowInputParameters=self.flow_input_parameters,
        )


@dataclass(frozen=True, slots=True)
class RequestCallback:
    """`requestCallback`: the number that the customer wants to be called at."""

    callback_number: str = field(repr=False)

    def to_json(self) -> dict[str, object]:
        """The body."""
        return {"callbackNumber": self.callback_number}


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """`messages`: one line of a transcript."""

    properties: Mapping[str, object] = field(repr=False)

    def to_json(self, now: float) -> dict[str, object]:
        """The body but for callCenterApiName, which SCVL sends along.

        Args:
            now: epoch seconds; a line without times was said now, for a flow knows no epoch times.
                With one of the two it was said then.
        """
        given = self.properties
        moment = given.get("startTime", given.get("endTime", int(now * 1000)))
        return {"startTime": moment, "endTime": moment, **given}


@dataclass(frozen=True, slots=True)
class LiveUpdate:
    """An update that a flow asks for, while the call is on."""

    properties: Mapping[str, object] = field(repr=False)

    def to_json(self, *, call_is_on: bool) -> dict[str, object]:
        """The body but for callCenterApiName.

        The API takes a missing isActiveCall for false, and false closes the conversation. So true
        is added, unless the flow says how it is: by isActiveCall, or by the end of the call.

        Args:
            call_is_on: as far as the bridge knows.
        """
        says = {"isActiveCall", "endTime"} & self.properties.keys()
        if says or not call_is_on:
            return dict(self.properties)
        return {**self.properties, "isActiveCall": True}


def live_update(values: Mapping[str, object]) -> LiveUpdate:
    """The update for a flow's `fieldValues`. Names that are not known are sent as they are.

    Raises:
        WrongProperty: naming it.
    """
    properties = _properties(values, UPDATE_PROPERTIES)
    if not properties:
        raise WrongProperty("fieldValues", "must have at least one property to update")
    return LiveUpdate(properties)


def transcript_line(values: Mapping[str, object]) -> TranscriptLine:
    """The line for a flow's `fieldValues`. Names that are not known are sent as they are.

    Raises:
        WrongProperty: naming it.
    """
    properties = _properties(values, MESSAGE_PROPERTIES)
    for name in ("messageId", "content"):
        if not properties.get(name):
            raise WrongProperty(name, "is missing or empty: a line has a text and an id of its own")
    return TranscriptLine(properties)


def _known(**properties: object) -> dict[str, object]:
    return {name: value for name, value in properties.items() if value}


def _properties(values: Mapping[str, object], readers: Mapping[str, Reader]) -> dict[str, object]:
    read: dict[str, object] = {}
    for name, value in values.items():
        if value is None or (value == "" and readers.get(name, _as_is) is not _as_is):
            continue  # a flow's reference to something that is not there
        try:
            read[name] = readers.get(name, _as_is)(value)
        except ValueError as error:
            raise WrongProperty(name, str(error)) from None
    return read


def _as_is(value: object) -> object:
    return value


def _whole_number(value: object) -> object:
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number, not negative")
    if 0 <= value < 10**15 and value % 1 == 0:
        return int(value)
    raise ValueError("must be a whole number, not negative")


def _truth(value: object) -> object:
    word = value.strip().lower() if isinstance(value, str) else value
    if word is True or word == "true":
        return True
    if word is False or word == "false":
        return False
    raise ValueError("must be true or false")


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
        raise ValueError("is nested beyond reason") from None


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
    **dict.fromkeys(("startTime", "endTime"), _whole_number),
}
"""Properties of a transcript line (guide, "Create a Transcript"); times in epoch milliseconds."""
