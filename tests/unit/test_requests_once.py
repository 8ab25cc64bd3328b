"""Requests that are made once for a contact: callbacks at a moment, and reservations."""

import json
from typing import Any

import pytest

from tests.samples.members import CONTACT_ID
from tests.unit.call_method_scene import Scene
from tests.unit.samples import PARENT_ID
from voicecall_bridge.flow.results import FlowFailed, FlowMistake
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Effect, LimitExceeded, OutcomeUnknown, Rejected
from voicecall_bridge.telephony.operations import Operation

# Fictional numbers; ids invented.
NUMBER, OTHER = "+12065550142", "+12065550143"
AT = "2026-12-01T15:00:00Z"
RESERVE: dict[str, object] = {"countryCode": "US", "fromNumber": NUMBER, "toNumber": OTHER}
CONTEXT: dict[str, object] = {"fromNumber": NUMBER, "toNumber": OTHER}
RESERVED = {
    "status": 200,
    "mode": "RESERVED",
    "handle": {"routableNumber": "+12065550177", "uid": "u-1", "expiresAt": AT},
    "more": "x",
}
HANDLED = {"status": 200, "mode": "M", "handle": {"correlationId": "c-1", "expiresAt": AT}}


def made(number: int) -> SalesforceResult:
    return SalesforceResult({"recordId": f"0aQ{number}"}, 1)


def callback(scene: Scene, **parameters: object) -> dict[str, str]:
    return scene.answer("callbackExecution", {"customerCallbackNumber": NUMBER, **parameters})


def test_the_time_that_the_customer_chose_reaches_salesforce() -> None:
    """Source: Voice implementation guide, "Request a Callback", API 67."""
    scene = Scene(made(1))
    answer = callback(scene, scheduledRoutingDateTime=AT, isPreviewCallback="TRUE")
    assert answer["recordId"] == "0aQ1"
    [(operation, key, body)] = scene.client.performed
    assert (operation, key) == (Operation.REQUEST_CALLBACK, CONTACT_ID)
    assert body == {
        "callbackNumber": NUMBER,
        "scheduledRoutingDateTime": AT,
        "isPreviewCallback": True,
    }


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        *((True, True), (False, False), ("false", False), ("Yes", True), ("1", True), (1, True)),
        *(("NO", False), ("0", False), (0.0, False), (" off ", False)),
    ],
)
def test_a_preview_may_be_a_truth_value(given: object, sent: bool) -> None:
    scene = Scene(made(1))
    callback(scene, isPreviewCallback=given)
    assert scene.client.performed[0][2] == {"callbackNumber": NUMBER, "isPreviewCallback": sent}


def test_another_time_is_another_callback() -> None:
    scene = Scene(made(1), made(2), made(3))
    assert callback(scene)["recordId"] == "0aQ1"
    assert callback(scene, scheduledRoutingDateTime=AT)["recordId"] == "0aQ2"
    later = "2026-12-01T16:00:00Z"
    assert callback(scene, scheduledRoutingDateTime=later)["recordId"] == "0aQ3"
    assert callback(scene)["recordId"] == "0aQ1"


@pytest.mark.parametrize(
    "same", [AT, f" {AT} ", "2026-12-01T15:00:00+00:00", "2026-12-01T16:00+01:00"]
)
def test_the_same_number_and_moment_is_the_same_callback(same: str) -> None:
    """Any form of the same moment, with or without a preview for the agent."""
    scene = Scene(made(1))
    first = callback(scene, scheduledRoutingDateTime=AT)
    again = callback(scene, scheduledRoutingDateTime=same, isPreviewCallback="true")
    assert again == first
    assert len(scene.client.performed) == 1


@pytest.mark.parametrize(
    "at",
    [
        *("2026-12-01T15:00:00", "2026-12-01", "tomorrow", "15:00Z", "2026-13-01T15:00:00Z"),
        *("1764601200", "2026-12-01 15:00:00Z"),
    ],
)
def test_a_time_without_zone_or_of_another_form_is_a_mistake_that_says_so(at: str) -> None:
    scene = Scene()
    with pytest.raises(FlowMistake, match="scheduledRoutingDateTime must be a time in ISO 8601 wi"):
        callback(scene, scheduledRoutingDateTime=at)
    assert scene.client.performed == []


@pytest.mark.parametrize("preview", ["maybe", "2", 2, 0.5, [], {}])
def test_a_preview_that_is_neither_true_nor_false_is_a_mistake(preview: object) -> None:
    with pytest.raises(FlowMistake, match="isPreviewCallback must be"):
        callback(Scene(), isPreviewCallback=preview)


def test_a_number_is_reserved_once_for_its_contact_and_parameters() -> None:
    scene = Scene(SalesforceResult(RESERVED, 1), SalesforceResult({"status": 200}, 1))
    first = scene.answer("reserveRoutableNumber", RESERVE)
    wanted = {
        "statusCode": "200",
        "routableNumber": "+12065550177",
        "uid": "u-1",
        "expiresAt": AT,
        "mode": "RESERVED",
    }
    assert {name: first[name] for name in wanted} == wanted
    again = scene.answer("reserveRoutableNumber", RESERVE)
    assert {name: again[name] for name in wanted} == wanted
    assert [line["disposition"] for line in scene.logged.deliveries()] == [
        "delivered",
        "superseded",
    ]
    scene.answer("reserveRoutableNumber", {**RESERVE, "countryCode": "CA"})
    assert [body for _, _, body in scene.client.performed] == [
        {"countryCode": code, "fromNumber": NUMBER, "context": {"toNumber": OTHER}}
        for code in ("US", "CA")
    ]


def test_a_context_is_made_once() -> None:
    scene = Scene(SalesforceResult(HANDLED, 1))
    answers = [scene.answer("createVoiceCallContext", CONTEXT) for _ in range(2)]
    for answer in answers:
        assert (answer["statusCode"], answer["correlationId"]) == ("200", "c-1")
        assert (answer["expiresAt"], answer["mode"]) == (AT, "M")
    body = {"fromNumber": NUMBER, "context": {"toNumber": OTHER}}
    assert scene.client.performed == [(Operation.CREATE_CONTEXT, CONTACT_ID, body)]


def test_what_the_block_does_not_pass_is_taken_from_the_attributes() -> None:
    scene = Scene(SalesforceResult(RESERVED, 1))
    attributes = {
        "countryCode": "DE",
        "callId": "a-call",
        "transactionId": "a-transaction",
        "originalFromNumber": OTHER,
        "fromNumber": "HUSH",
    }
    parameters: dict[str, object] = {"fromNumber": NUMBER, "toNumber": OTHER, "callId": "p-call"}
    scene.answer("reserveRoutableNumber", parameters, Attributes=attributes)
    assert scene.client.performed[0][2] == {
        "countryCode": "DE",
        "fromNumber": NUMBER,
        "context": {
            "toNumber": OTHER,
            "callId": "p-call",
            "transactionId": "a-transaction",
            "originalFromNumber": OTHER,
        },
    }


@pytest.mark.parametrize(
    ("method", "parameters"),
    [("reserveRoutableNumber", RESERVE), ("createVoiceCallContext", CONTEXT)],
)
def test_a_reservation_with_an_unknown_outcome_is_never_repeated(
    method: str, parameters: dict[str, object]
) -> None:
    unknown = OutcomeUnknown("cut", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN)
    scene = Scene(unknown)
    given = {**parameters, "onFailure": "continue"}
    assert scene.answer(method, given)["errorCode"] == "OUTCOME_UNKNOWN"
    for _ in range(2):
        answer = scene.answer(method, given)
        assert (answer["status"], answer["errorCode"]) == ("deferred", "RESERVATION_UNKNOWN")
    assert len(scene.client.performed) == 1


def test_a_reservation_that_was_refused_is_free_for_another_try() -> None:
    """Given 429, 403 and 503, then nothing was reserved."""
    scene = Scene(
        LimitExceeded("x", status=429), Rejected("x", status=400), SalesforceResult(RESERVED, 1)
    )
    for _ in range(2):
        with pytest.raises(FlowFailed):
            scene.answer("reserveRoutableNumber", RESERVE)
    assert scene.answer("reserveRoutableNumber", RESERVE)["uid"] == "u-1"


def test_a_reservation_is_of_the_first_contact_of_the_chain() -> None:
    scene = Scene(SalesforceResult(RESERVED, 1))
    changes = {"InitialContactId": PARENT_ID, "InitiationMethod": "OUTBOUND"}
    scene.answer("reserveRoutableNumber", RESERVE, **changes)
    assert scene.client.performed[0][1] == PARENT_ID


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("reserveRoutableNumber", {"fromNumber": "2065550142"}, "fromNumber must be a number in E.164"),
    ("reserveRoutableNumber", {"toNumber": "+0"}, "toNumber must be a number in E.164"),
    ("reserveRoutableNumber", {"fromNumber": ""}, "fromNumber is missing or empty: add it, with"),
    ("reserveRoutableNumber", {"countryCode": None}, "countryCode is missing or empty: add it"),
    ("reserveRoutableNumber", {"originalFromNumber": "x"}, "originalFromNumber must be a number"),
    ("createVoiceCallContext", {"toNumber": None}, "toNumber is missing or empty: add it"),
]


@pytest.mark.parametrize(("method", "changes", "text"), WRONG)
def test_numbers_are_checked_before_anything_is_sent(
    method: str, changes: dict[str, Any], text: str
) -> None:
    scene = Scene()
    with pytest.raises(FlowMistake, match=text):
        scene.answer(method, {**RESERVE, **changes})
    assert scene.client.performed == []


def test_what_is_kept_of_a_reservation_fits_into_the_item() -> None:
    """Given a member that no later step needs, then the ledger does not keep it."""
    scene = Scene(SalesforceResult({**RESERVED, "more": "x" * 1000}, 1))
    scene.answer("reserveRoutableNumber", RESERVE)
    again = scene.answer("reserveRoutableNumber", RESERVE)
    assert len(json.dumps(again)) < 1000
