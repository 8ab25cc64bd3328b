"""The way from a flow event to a request is total and never invents a value."""

import json
from datetime import UTC, datetime

from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from tests.property.strategies import ANY_JSON, flow_events, texts_of
from voicecall_bridge.contact import NotAContact
from voicecall_bridge.sources import flow
from voicecall_bridge.voice_call.create import (
    CallInitiation,
    CannotCreate,
    CreateRequest,
    create_request,
)

ASKED = st.sampled_from(CallInitiation)
STARTED = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 (the strategy adds the time zone)
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.timezones(),
)
# The documented constants that a request may hold besides the event's values.
CONSTANTS = {"anonymous", "WebRTC_Default", "Inbound", "Transfer", "PSTN", "WebRTC", "END_USER"}
REQUIRED = {
    "vendorCallKey",
    "to",
    "from",
    "initiationMethod",
    "startTime",
    "participants",
    "callSubtype",
}
OPTIONAL = {"parentVoiceCallId", "queue", "callOrigin", "callAttributes"}


def request_of(event: object, asked: CallInitiation, started: datetime) -> CreateRequest | None:
    """The request, or None where a documented error says why it is missing."""
    try:
        contact = flow.read(event).contact
        return create_request(contact, asked, started)
    except (NotAContact, CannotCreate) as error:
        note(type(error).__name__)
        return None


@given(event=flow_events(), asked=ASKED, started=STARTED)
def test_any_flow_event_becomes_a_request_or_a_documented_error(
    event: object, asked: CallInitiation, started: datetime
) -> None:
    request = request_of(event, asked, started)
    if request is None:
        return
    body = request.to_json()
    assert REQUIRED <= set(body) <= REQUIRED | OPTIONAL
    assert all(body.values()), "empty values are left out"
    assert json.loads(json.dumps(body)) == body
    assert json.dumps(body).encode(), "it can be sent"
    is_transfer = body["initiationMethod"] == "Transfer"
    assert is_transfer == ("parentVoiceCallId" in body)
    assert is_transfer or "queue" not in body
    assert body.get("parentVoiceCallId") != body["vendorCallKey"]


@given(event=ANY_JSON, asked=ASKED, started=STARTED)
def test_any_json_becomes_a_request_or_a_documented_error(
    event: object, asked: CallInitiation, started: datetime
) -> None:
    assert request_of(event, asked, started) is None


@given(event=flow_events(), asked=ASKED, started=STARTED)
def test_every_text_of_a_request_stems_from_the_event_a_constant_or_the_clock(
    event: object, asked: CallInitiation, started: datetime
) -> None:
    request = request_of(event, asked, started)
    if request is None:
        return
    body = request.to_json()
    attributes = json.loads(str(body.pop("callAttributes", "{}")))
    assert body.pop("startTime") == started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    stems_from = texts_of(event)
    known = CONSTANTS | stems_from | {text.strip() for text in stems_from}
    invented = {text for value in body.values() for text in _values(value)} - known
    assert not invented
    for name, value in attributes.items():
        assert f"sfdc-{name}" in stems_from
        assert value in stems_from


def _values(value: object) -> set[str]:
    """The strings in a value, without the names of its members."""
    if isinstance(value, dict):
        return {text for item in value.values() for text in _values(item)}
    if isinstance(value, list):
        return {text for item in value for text in _values(item)}
    assert isinstance(value, str)
    return {value}


@given(event=flow_events(), depth=st.sampled_from([10, 900, 50_000]))
def test_nesting_beyond_reason(event: dict[str, object], depth: int) -> None:
    nested: object = "x"
    for _ in range(depth):
        nested = {"x": [nested]}
    details = event["Details"]
    assert isinstance(details, dict)
    data = details["ContactData"]
    data |= {"Attributes": nested, "Tags": nested, "Queue": nested, "CustomerEndpoint": nested}
    request_of(event, CallInitiation.INBOUND, datetime(2026, 1, 1, tzinfo=UTC))


@given(event=flow_events(), asked=ASKED, started=STARTED)
def test_the_same_event_makes_the_same_request(
    event: object, asked: CallInitiation, started: datetime
) -> None:
    assert request_of(event, asked, started) == request_of(event, asked, started)
