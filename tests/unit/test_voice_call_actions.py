"""Requests about a VoiceCall that exists: what is sent, and what cannot be sent.

Source: Voice implementation guide, REST API pages.
"""

from typing import Any

import pytest

from voicecall_bridge.voice_call.actions import (
    MESSAGE_PROPERTIES,
    UPDATE_PROPERTIES,
    WrongProperty,
    said_at,
    transcript_line,
    update_of_a_call,
    update_properties,
)

LINE = {"participantId": "p", "messageId": "m", "content": "c", "senderType": "END_USER"}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("values", "active"),
    [
        ({"queue": "q"}, None),
        ({"queue": "q", "isActiveCall": False}, False),
        ({"queue": "q", "isActiveCall": "FALSE"}, False),
        ({"queue": "q", "isActiveCall": " true "}, True),
        ({"queue": "q", "isActiveCall": "Yes"}, True),
        ({"queue": "q", "isActiveCall": 1}, True),
        ({"queue": "q", "isActiveCall": "0"}, False),
        ({"queue": "q", "endTime": "2026-11-20T10:05:00Z"}, "left out"),
    ],
)
def test_an_update_closes_no_conversation_unless_the_flow_says_so(
    values: dict[str, Any], active: object, known: bool
) -> None:
    """Given a call that is on and a flow that leaves isActiveCall out, then true is added: the API
    takes a missing value for false."""
    body = update_of_a_call(update_properties(values), call_is_on=known)
    expected = {None: True if known else "left out"}.get(active, active)  # type: ignore[call-overload]
    assert body.get("isActiveCall", "left out") == expected
    assert body["queue"] == "q"


READ: list[tuple[str, object, object]] = [
    ("totalHoldDuration", "12", 12),
    ("numberOfHolds", " 3 ", 3),
    ("longestHoldDuration", 4.0, 4),
    ("longestHoldDuration", "12.0", 12),
    ("totalRecordingDuration", 20.4, 20),
    ("totalRecordingDuration", " 20.6 ", 21),
    ("agentInteractionDuration", 0, 0),
    ("totalRecordingDuration", "0", 0),
    (
        "disconnectReason",
        '{"value": "OTHER", "isError": true}',
        {"value": "OTHER", "isError": True},
    ),
    ("disconnectReason", {"value": "CALLBACK"}, {"value": "CALLBACK"}),
    ("callAttributes", {"A__c": "1"}, '{"A__c": "1"}'),
    ("callAttributes", '{ "A__c" : "1" }', '{"A__c": "1"}'),
    ("queue", "", ""),
    ("acceptTime", "", ""),
    ("Unknown", ["as", "it", "is"], ["as", "it", "is"]),
]


@pytest.mark.parametrize(("name", "given", "sent"), READ)
def test_each_property_is_read_as_its_kind(name: str, given: object, sent: object) -> None:
    assert update_properties({name: given}) == {name: sent}


@pytest.mark.parametrize("name", ["totalHoldDuration", "isActiveCall", "callAttributes"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_reference_to_nothing_is_left_out(name: str, nothing: object) -> None:
    assert update_properties({name: nothing, "queue": "q"}) == {"queue": "q"}


WRONG: dict[str, list[object]] = {
    "totalHoldDuration": [
        *("HUSH", "-1", "1,5", -1, True, [], {}, "9" * 16),
        *(float("inf"), float("nan"), 10**16),
    ],
    "isActiveCall": ["HUSH", 2, "1.5", [], {}, 0.5, float("nan")],
    "disconnectReason": ["HUSH", 7, "[]"],
    "callAttributes": ["HUSH", '{"a": NaN}', []],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in WRONG.items() for value in values],
    ids=repr,
)
def test_what_cannot_be_is_named_and_not_quoted(name: str, value: object) -> None:
    with pytest.raises(WrongProperty) as caught:
        update_properties({name: value})
    assert caught.value.name == name
    assert "HUSH" not in str(caught.value)


def test_attributes_nested_beyond_reason_are_reported() -> None:
    """Given attributes that a JSON parser accepts and JSON cannot hold."""
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(WrongProperty, match="callAttributes is nested too deeply"):
        update_properties({"callAttributes": deep})


def test_an_update_of_references_to_nothing() -> None:
    """Given an update with only references to nothing, then the conversation is not closed by
    mistake."""
    with pytest.raises(WrongProperty, match="fieldValues must have at least one property"):
        update_properties({"isActiveCall": None})


@pytest.mark.parametrize("known", [True, False])
def test_an_update_that_names_nothing_leaves_is_active_call_out(known: bool) -> None:
    """Source: SCVL's voicemail functions: empty fieldValues close the conversation."""
    assert update_of_a_call(update_properties({}), call_is_on=known) == {}


def test_a_line_of_a_transcript() -> None:
    given = {**LINE, "startTime": "1800000000000", "endTime": 1800000002000, "x": "as it is"}
    expected = {**given, "startTime": 1800000000000}
    assert said_at(transcript_line(given), now=5.0) == expected


@pytest.mark.parametrize(
    "given",
    [
        1800000000500,
        "1800000000500.0",
        "1800000000.5",
        1800000000.5,
        "2027-01-15T09:00:00.500+01:00",
    ],
)
def test_the_time_of_a_line_in_any_form(given: object) -> None:
    """The API takes only milliseconds since 1970."""
    assert transcript_line({**LINE, "startTime": given})["startTime"] == 1800000000500


def test_a_line_without_times_was_said_now() -> None:
    moments = said_at(transcript_line(LINE), now=1_800_000_000.5)
    assert moments == {**LINE, "startTime": 1800000000500, "endTime": 1800000000500}


@pytest.mark.parametrize("given", ["startTime", "endTime"])
@pytest.mark.parametrize("moment", ["1700000000000", "1900000000000"], ids=["past", "future"])
def test_a_line_with_one_of_its_times_was_said_then(given: str, moment: str) -> None:
    """Given one time before or after now, then the line does not end before it starts."""
    moments = said_at(transcript_line({**LINE, given: moment}), now=1_800_000_000.5)
    assert moments == {**LINE, "startTime": int(moment), "endTime": int(moment)}


@pytest.mark.parametrize("name", ["messageId", "content"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_line_needs_a_text_and_an_id(name: str, value: object) -> None:
    with pytest.raises(WrongProperty, match=f"{name} is missing or empty"):
        transcript_line({**LINE, name: value})


def test_every_documented_property_is_known() -> None:
    """Source: Voice implementation guide, REST API pages."""
    documented = (
        "startTime endTime enqueueTime acceptTime fromNumber totalHoldDuration longestHoldDuration"
        " numberOfHolds queue agent agentInteractionDuration callOrigin recordingLocation"
        " totalRecordingDuration callAttributes isActiveCall disconnectReason callCenterApiName"
        " initiationMethod parentCallIdentifier toNumber callSubType"
    )
    assert set(UPDATE_PROPERTIES) == set(documented.split())
    assert set(MESSAGE_PROPERTIES) == {*LINE, "startTime", "endTime"}
