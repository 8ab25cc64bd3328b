"""The methods of newer flows: voicemail, the number to call from, and the cache."""

import pytest

from tests.samples.members import CONTACT_ID
from tests.unit.call_method_scene import Scene
from tests.unit.samples import PARENT_ID
from voicecall_bridge.flow.results import FlowFailed
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Rejected


@pytest.mark.parametrize(
    ("method", "results"),
    [
        ("getVoicemailDrop", {"recordingUrl": "Not found"}),
        ("getVoicemailGreeting", {"greetingUrl": ""}),
    ],
)
def test_what_salesforce_does_not_have_is_an_answer(method: str, results: dict[str, str]) -> None:
    """Source: SCVL; its sample flows compare with exactly this text."""
    error = Rejected("x", status=404)
    error.attempts = 1
    scene = Scene(error)
    answer = scene.answer(method)
    assert {name: answer[name] for name in results} == results
    assert (answer["status"], answer["errorCode"]) == ("done", "")
    line = scene.line()
    assert (line["disposition"], line["reason"], line["attempts"]) == ("delivered", "NOT_FOUND", 1)
    assert scene.letters.kept == []


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("getVoicemailDrop", {}),
        ("getVoicemailGreeting", {}),
        ("getDefaultOutboundPhoneNumber", {"agentARN": "a"}),
    ],
)
def test_voicemail_is_of_the_first_call_of_the_chain(
    method: str, parameters: dict[str, object]
) -> None:
    """Source: SCVL: the parameter contactId, else InitialContactId, else ContactId."""
    changes = {"InitialContactId": PARENT_ID, "InitiationMethod": "DISCONNECT"}
    for given, key in ((parameters, PARENT_ID), ({**parameters, "contactId": "c-9"}, "c-9")):
        scene = Scene(SalesforceResult({"phoneNumber": "+1"}, 1))
        answer = scene.answer(method, given, **changes)
        assert scene.client.performed[0][1] == answer["vendorCallKey"] == key
    scene = Scene(SalesforceResult({"phoneNumber": "+1"}, 1))
    scene.answer(method, parameters, InitialContactId=None)
    assert scene.client.performed[0][1] == CONTACT_ID


def test_no_voicemail_drop_in_the_answer_is_none() -> None:
    for members in ({}, {"recordingUrl": None}, {"recordingUrl": ""}):
        answer = Scene(SalesforceResult(members, 1)).answer("getVoicemailDrop")
        assert answer["recordingUrl"] == "Not found"


def test_a_number_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(FlowFailed, match="failed: 404"):
        Scene(Rejected("x", status=404)).answer(
            "getDefaultOutboundPhoneNumber", {"agentARN": "arn:agent"}
        )


@pytest.mark.parametrize(
    "members", [{}, {"phoneNumber": None}, {"phoneNumber": " "}, {"errors": ["x"]}]
)
def test_an_answer_without_a_number_is_a_failure(members: dict[str, object]) -> None:
    """Then the flow's Error branch leaves its caller id block out: an empty caller id would prevent
    the call."""
    scene = Scene(SalesforceResult(members, 1))
    with pytest.raises(FlowFailed, match="failed: NO_RESULT: Salesforce's answer has no phoneNumb"):
        scene.answer("getDefaultOutboundPhoneNumber", {"agentARN": "arn:agent"})
    line = scene.line()
    assert (line["disposition"], line["reason"], line["attempts"]) == (
        "dead_lettered",
        "NO_RESULT",
        1,
    )


@pytest.mark.parametrize("method", ["OUTBOUND", "CALLBACK", "DISCONNECT", "API", "NEW_ONE"])
def test_voicemail_is_there_for_every_initiation_method(method: str) -> None:
    scene = Scene(SalesforceResult({"recordingUrl": "u"}, 1))
    answer = scene.answer("getVoicemailDrop", InitiationMethod=method)
    assert answer["recordingUrl"] == "u"


def test_a_cache_that_is_not_needed_is_answered_as_done() -> None:
    scene = Scene()
    answer = scene.answer("updateCache", {"secretName": "s"})
    assert (answer["statusCode"], answer["contactId"]) == ("200", CONTACT_ID)
    assert (answer["status"], answer["errorCode"]) == ("done", "")
    assert scene.client.performed == []
    line = scene.line()
    assert (line["disposition"], line["reason"]) == ("skipped", "NOTHING_TO_DO")
