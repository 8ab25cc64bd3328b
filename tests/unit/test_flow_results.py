"""Salesforce's answers in a form that a flow can take: flat texts, whatever came."""

import json

import pytest

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.call_method_scene import Scene
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.telephony.answers import SalesforceResult

NESTED: list[tuple[object, str]] = [
    ("00G", "00G"),
    (["a", "b"], "a, b"),
    ({"id": "00G"}, '{"id": "00G"}'),
    ([{"id": 1}, None, True, 2.5], '{"id": 1}, , true, 2.5'),
    (7, "7"),
    ("x" * 5000, "x" * 2498),  # quotes included, 2,500 bytes of JSON
    ("\N{GRINNING FACE}" * 5000, "\N{GRINNING FACE}" * 624),
    ("\ud800", "?"),
]


@pytest.mark.parametrize(("value", "text"), NESTED, ids=lambda value: repr(value)[:20])
def test_results_are_flat_texts(value: object, text: str) -> None:
    scene = Scene(SalesforceResult({"queue": value, "agent": [value]}, 1))
    answer = scene.answer("executeOmniFlow")
    assert (answer["queue"], answer["agent"]) == (text, text)


def test_an_answer_nested_beyond_reason_is_an_answer_all_the_same() -> None:
    deep: object = "x"
    for _ in range(200_000):
        deep = [deep]
    assert Scene(SalesforceResult({"queue": deep}, 1)).answer("executeOmniFlow")["queue"] == ""


def test_salesforces_own_status_is_not_logged() -> None:
    scene = Scene(SalesforceResult({"status": "HUSH"}, 1))
    assert scene.answer("rerouteFlowExecution")["status"] == "HUSH"
    assert "HUSH" not in scene.logged.stream.getvalue()


def test_an_update_behind_the_contact_record_is_reported_and_no_failure() -> None:
    """Given Salesforce has the contact's record already, then the flow goes on, even where it asks
    for its Error branch on failures, and its result says that nothing was sent."""
    scene = Scene()
    scene.ledger.put(ContactKey(INSTANCE_ID, CONTACT_ID), record_version=1)
    parameters: dict[str, object] = {"fieldValues": {"queue": "q"}, "onFailure": "error"}
    answer = scene.answer("updateVoiceCall", parameters)
    assert (answer["status"], answer["errorCode"]) == ("superseded", "RECORD_DELIVERED")
    assert answer["errorMessage"]
    line = scene.line()
    assert (line["disposition"], line["reason"]) == ("superseded", "RECORD_DELIVERED")
    assert (line["status"], line["attempts"]) == ("superseded", 0)
    assert scene.letters.kept == []


def test_members_that_the_bridge_does_not_know_reach_the_flow() -> None:
    """Given Salesforce answers more than the contract has, then the flow gets the rest as texts.
    Names that Connect refuses are left out, and the bridge's own keys are never replaced."""
    members = {
        "queue": "00G",
        "estimatedWaitTime": 12,
        "details": {"skills": ["a"]},
        "nothing": None,
        "errors": "remark",
        "errorCode": "HUSH",
        "vendorCallKey": "HUSH",
        "a b": "HUSH",
        "": "HUSH",
    }
    answer = Scene(SalesforceResult(members, 1)).answer("executeOmniFlow")
    assert answer == {
        "status": "done",
        "agent": "",
        "queue": "00G",
        "vendorCallKey": CONTACT_ID,
        "errors": "remark",
        "errorCode": "",
        "errorMessage": "",
        "estimatedWaitTime": "12",
        "details": '{"skills": ["a"]}',
        "nothing": "",
    }


@pytest.mark.parametrize(
    "text", ["x" * 5000, "\x00" * 5000, '"' * 5000, "\N{GRINNING FACE}" * 5000]
)
def test_members_beyond_the_size_of_an_answer_are_left_out(text: str) -> None:
    """Source: administrator guide, "Invoke Lambda functions": at most 32 KB of UTF-8."""
    members = {
        "queue": text,
        "agent": text,
        "errors": [text] * 3,
        **{f"m{n}": text for n in range(99)},
    }
    answer = Scene(SalesforceResult(members, 1)).answer("executeOmniFlow")
    size = len(json.dumps(answer, ensure_ascii=False).encode())
    assert 20_000 < size < 32 * 1024
    assert answer["queue"]
    assert "m0" in answer
    assert "m98" not in answer
