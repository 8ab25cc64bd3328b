"""Every method for a VoiceCall that exists: its parameters, its results, and its failures."""

import json

import pytest

from tests.samples.members import CONTACT_ID, MISSING, SYSTEM
from tests.unit.call_method_rows import CALLBACK, GOOD, LINE, MUST_SUCCEED, Row
from tests.unit.call_method_scene import Scene
from tests.unit.samples import PARENT_ID, SECRET_ID, flow_event
from voicecall_bridge.flow.methods import METHODS
from voicecall_bridge.flow.results import FlowFailed, FlowMistake
from voicecall_bridge.settings.contact_flow import FlowFailure
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Effect, OutcomeUnknown, Rejected, Unavailable
from voicecall_bridge.use_cases.results import LeaseTimeout

EVERY_ANSWER = {"status", "vendorCallKey", "errors", "errorCode", "errorMessage"}

ROWS = pytest.mark.parametrize("row", GOOD, ids=[row[0] for row in GOOD])


def test_there_is_a_row_for_each_method() -> None:
    assert [row[0] for row in GOOD] == [
        name for name, each in METHODS.items() if each.operation and each.creates is None
    ]


@ROWS
def test_a_method_that_succeeds(row: Row) -> None:
    method, parameters, members, operation, body, results = row
    scene = Scene(SalesforceResult(members, 2))
    answer = scene.answer(method, parameters)
    assert scene.client.performed == [(operation, CONTACT_ID, body)]
    neutral = {"vendorCallKey": CONTACT_ID, "errors": "", "errorCode": "", "errorMessage": ""}
    assert answer == neutral | results
    line = scene.line()
    assert (line["method"], line["ContactId"]) == (method, CONTACT_ID)
    assert (line["disposition"], line["reason"]) == ("delivered", "")
    assert (line["status"], line["attempts"], line["payloadKept"]) == ("done", 2, "")
    assert scene.letters.kept == []


@ROWS
@pytest.mark.parametrize("setting", list(FlowFailure))
@pytest.mark.parametrize("wanted", [None, "", " ", *FlowFailure, " Error "])
def test_the_block_decides_what_failing_means(
    row: Row, setting: FlowFailure, wanted: str | None
) -> None:
    """Source: the contract of onFailure: the block's parameter, else the method, else the
    setting."""
    method, parameters, *_ = row
    refused = Rejected("refused", status=400, remark="HUSH")
    scene = Scene(refused, failure=setting)
    raises = (wanted or "").strip().lower() or (
        "error" if method in MUST_SUCCEED else setting.value
    )
    parameters = parameters if wanted is None else {**parameters, "onFailure": wanted}
    if raises == "error":
        with pytest.raises(FlowFailed, match="failed: 400: refused") as caught:
            scene.answer(method, parameters)
        assert "HUSH" not in str(caught.value)
    else:
        answer = scene.answer(method, parameters)
        assert (answer["status"], answer["errorCode"]) == ("failed", "400")
        assert answer["errorMessage"] == "refused: HUSH"
        failed = {key.name: key.failed for key in METHODS[method].results}
        assert set(answer) == EVERY_ANSWER | failed.keys()
        assert {name: answer[name] for name in failed} == failed
    line = scene.line()
    assert (line["disposition"], line["reason"], line["payloadKept"]) == (
        "dead_lettered",
        "400",
        "queue",
    )
    [(_, reason, payload)] = scene.letters.kept
    assert (reason, payload) == ("400", flow_event(method, parameters))
    assert "HUSH" not in scene.logged.stream.getvalue()


@ROWS
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unavailable("x", status=503), "deferred", "503"),
        (OutcomeUnknown("x", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN), "deferred", None),
        (Rejected("x", status=404), "failed", "404"),
        (RuntimeError("HUSH"), "failed", "INTERNAL"),
    ],
    ids=repr,
)
def test_each_way_to_fail(row: Row, error: Exception, status: str, code: str | None) -> None:
    method, parameters, *_ = row
    if code == "404" and METHODS[method].may_lack:
        return  # see test_flow_voicemail.py
    scene = Scene(error)
    answer = scene.answer(method, {**parameters, "onFailure": "continue"})
    assert (answer["status"], answer["errorCode"]) == (status, code or "OUTCOME_UNKNOWN")
    assert answer["errorMessage"]
    assert scene.line()["payloadKept"] == "queue"
    assert "HUSH" not in json.dumps(answer) + scene.logged.stream.getvalue()


@ROWS
def test_a_contact_of_another_channel(row: Row) -> None:
    method, parameters, *_ = row
    scene = Scene()
    answer = scene.answer(method, {**parameters, "onFailure": "continue"}, Channel="CHAT")
    assert (answer["status"], answer["errorCode"]) == ("failed", "NOT_VOICE")
    line = scene.line()
    assert (line["disposition"], line["reason"]) == ("skipped", "NOT_VOICE")
    assert scene.client.performed == []


@ROWS
@pytest.mark.parametrize("spelling", ["contactId", "ContactId"])
@pytest.mark.parametrize("data", [MISSING, None, {}], ids=["none", "null", "empty"])
def test_a_method_without_a_contact(row: Row, spelling: str, data: object) -> None:
    """Source: SCVL; its other Lambdas pass parameters only."""
    method, parameters, members, operation, *_ = row
    if method == "getVoicemailGreeting":
        parameters = {**parameters, "toPhoneNumber": SYSTEM}
    if method == "executeOmniFlow":
        parameters = {**parameters, "fieldValues": {"dialedNumber": SYSTEM}}
    details = {"Parameters": {"methodName": method, spelling: "c-9", **parameters}}
    if data is not MISSING:
        details["ContactData"] = data  # type: ignore[assignment]
    scene = Scene(SalesforceResult(members, 1))
    answer = scene.service.answer({"Details": details}, 10.0)
    assert answer["vendorCallKey"] == "c-9"
    assert [call[:2] for call in scene.client.performed] == [(operation, "c-9")]
    assert scene.line()["ContactId"] == "c-9"


@pytest.mark.parametrize("method", ["createVoiceCall", "createTransferVC"])
def test_creating_needs_the_contact(method: str) -> None:
    scene = Scene()
    with pytest.raises(FlowMistake, match=r"no Details\.ContactData"):
        scene.service.answer(
            {"Details": {"Parameters": {"methodName": method, "contactId": "c-9"}}}, 10.0
        )
    assert scene.line()["method"] == method


MISTAKES: list[tuple[str, dict[str, object], str]] = [
    ("updateVoiceCall", {}, "parameter fieldValues is missing or empty: add it"),
    ("updateVoiceCall", {"fieldValues": ""}, "parameter fieldValues is missing or empty"),
    ("updateVoiceCall", {"fieldValues": None}, "parameter fieldValues is missing or empty"),
    ("sendMessage", {"fieldValues": {}}, "parameter fieldValues is missing or empty"),
    ("updateVoiceCall", {"fieldValues": "HUSH"}, "parameter fieldValues is neither an object"),
    (
        "updateVoiceCall",
        {"fieldValues": {"numberOfHolds": "HUSH"}},
        "numberOfHolds in the Lambda block's parameter fieldValues must be a number from 0",
    ),
    ("executeOmniFlow", {"flowDevName": ["HUSH"]}, "parameter flowDevName must be a text"),
    ("executeOmniFlow", {"fallbackQueue": {}}, "parameter fallbackQueue must be a text"),
    ("executeOmniFlow", {"transferTarget": True}, "parameter transferTarget must be a text"),
    ("routeVoiceCall", {}, "parameter routingTarget is missing or empty: add it"),
    ("routeVoiceCall", {"routingTarget": " "}, "parameter routingTarget is missing or empty"),
    ("callbackExecution", {}, "parameter customerCallbackNumber is missing or empty: add it"),
    ("callbackExecution", {"customerCallbackNumber": ["HUSH"]}, "must be a text"),
    ("sendMessage", {}, "parameter fieldValues is missing or empty: add it"),
    ("sendMessage", {"fieldValues": {"content": "HUSH"}}, "messageId in the Lambda block's"),
    ("sendMessage", {"fieldValues": {"messageId": "HUSH"}}, "content in the Lambda block's"),
    ("sendMessage", {"fieldValues": {**LINE, "endTime": "HUSH"}}, "endTime in the Lambda block's"),
    ("getDefaultOutboundPhoneNumber", {}, "parameter agentARN is missing or empty: add it"),
    ("getVoicemailGreeting", {"toPhoneNumber": "HUSH"}, "toPhoneNumber must be a number in E.164"),
    ("getVoicemailGreeting", {"toPhoneNumber": "+0123"}, "toPhoneNumber must be a number in"),
    ("getVoicemailGreeting", {"toPhoneNumber": "+1"}, "toPhoneNumber must be a number in E.164"),
    ("getVoicemailGreeting", {"toPhoneNumber": "+1" + 15 * "0"}, "must be a number in E.164"),
    ("cancelOmniFlowExecution", {"onFailure": "HUSH"}, "parameter onFailure must be continue or"),
    ("createVoiceCall", {"onFailure": 7}, "parameter onFailure must be continue or error"),
    ("executeOmniflow", {}, "set it to one of createVoiceCall, createTransferVC, updateVoiceCall"),
]


@pytest.mark.parametrize(("method", "parameters", "text"), MISTAKES)
def test_a_mistake_of_the_flow_raises_and_names_the_parameter(
    method: str, parameters: dict[str, object], text: str
) -> None:
    scene = Scene()
    with pytest.raises(FlowMistake, match=text) as caught:
        scene.answer(method, {"onFailure": "continue", **parameters})
    assert "HUSH" not in str(caught.value)
    assert scene.client.performed == []
    line = scene.line()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", "FLOW_MISTAKE")
    assert line["method"] == (method if method in METHODS else "")
    assert "HUSH" not in scene.logged.stream.getvalue()


DIALED: list[tuple[dict[str, object], dict[str, object], str]] = [
    # members of ContactData, parameters, the number that is sent
    ({}, {}, SYSTEM),
    ({}, {"fieldValues": {"dialedNumber": "+1"}}, SYSTEM),
    ({}, {"fieldValues": "HUSH"}, SYSTEM),
    ({"SystemEndpoint": None}, {"fieldValues": {"dialedNumber": " +1 "}}, "+1"),
    ({"SystemEndpoint": None}, {"fieldValues": '{"dialedNumber": "+1"}'}, "+1"),
    ({"SystemEndpoint": None}, {"fieldValues": {"dialedNumber": 18005550111}}, "18005550111"),
    ({"SystemEndpoint": None}, {"dialedNumber": "+1"}, "+1"),
    ({"SystemEndpoint": None, "Tags": {"aws:connect:systemEndpoint": "+2"}}, {}, "+2"),
    (
        {"SystemEndpoint": None, "Tags": {"aws:connect:systemEndpoint": "+2"}},
        {"fieldValues": {"dialedNumber": "+1"}},
        "+1",
    ),
]


@pytest.mark.parametrize(("changes", "parameters", "number"), DIALED)
def test_the_number_dialled(
    changes: dict[str, object], parameters: dict[str, object], number: str
) -> None:
    """Source: SCVL: SystemEndpoint, else fieldValues.dialedNumber."""
    scene = Scene(SalesforceResult({"queue": "q"}, 1))
    scene.answer("executeOmniFlow", parameters, **changes)
    assert scene.client.performed[0][2] == {"dialedNumber": number}


def test_neither_a_number_dialled_nor_a_flow_is_a_mistake_that_names_its_place() -> None:
    with pytest.raises(FlowMistake, match="parameter fieldValues as dialedNumber"):
        Scene().answer("executeOmniFlow", SystemEndpoint=None, Tags=None, Queue=None)


def test_a_flow_that_is_named_needs_no_number_dialled() -> None:
    """Source: SCVL sends the number only where there is one."""
    scene = Scene(SalesforceResult({"queue": "q"}, 1))
    parameters: dict[str, object] = {"flowDevName": "f"}
    scene.answer("executeOmniFlow", parameters, SystemEndpoint=None, Tags=None, Queue=None)
    assert scene.client.performed[0][2] == {"flowDevName": "f"}


@pytest.mark.parametrize("must", [True, False])
def test_an_omni_flow_that_finds_no_agent(must: bool) -> None:
    scene = Scene(SalesforceResult({"errors": ["no", "flow"]}, 1))
    if must:
        with pytest.raises(FlowFailed, match="failed: NOT_ROUTED"):
            scene.answer("executeOmniFlow")
    else:
        answer = scene.answer("executeOmniFlow", {"onFailure": "continue"})
        assert (answer["status"], answer["errorCode"]) == ("failed", "NOT_ROUTED")
        assert (answer["errors"], answer["agent"], answer["queue"]) == ("no; flow", "", "")
    assert scene.line()["payloadKept"] == "queue"


def test_a_transcript_belongs_to_the_first_call_of_the_chain() -> None:
    """Source: Voice implementation guide, "Create a Transcript", on transfers."""
    changes = {"InitialContactId": PARENT_ID, "PreviousContactId": PARENT_ID}
    for parameters, key in (({}, PARENT_ID), ({"contactId": "c-9"}, "c-9")):
        scene = Scene(SalesforceResult({}, 1))
        answer = scene.answer("sendMessage", {"fieldValues": LINE, **parameters}, **changes)
        assert scene.client.performed[0][1] == answer["vendorCallKey"] == key
        assert answer["result"] == ""


def test_a_repeated_callback_answers_the_same() -> None:
    scene = Scene(SalesforceResult({"recordId": "0aQ"}, 1))
    parameters: dict[str, object] = {"customerCallbackNumber": CALLBACK}
    first = scene.answer("callbackExecution", parameters)
    assert scene.answer("callbackExecution", parameters) == first
    lines = scene.logged.deliveries()
    assert [line["disposition"] for line in lines] == ["delivered", "superseded"]
    assert lines[1]["reason"] == "ALREADY_REQUESTED"


def test_a_callback_under_way_elsewhere_is_kept_whole() -> None:
    """Given a callback, then the queue keeps the request: no ledger holds it, unlike a create's."""
    scene = Scene(LeaseTimeout("under way"))
    parameters: dict[str, object] = {"customerCallbackNumber": CALLBACK, "onFailure": "continue"}
    answer = scene.answer("callbackExecution", parameters)
    assert (answer["status"], answer["errorCode"]) == ("deferred", "IN_PROGRESS")
    assert scene.line()["payloadKept"] == "queue"


@ROWS
def test_an_answer_fits_into_what_connect_takes(row: Row) -> None:
    """Source: administrator guide, "Invoke Lambda functions": at most 32 KB of UTF-8."""
    method, parameters, members, *_ = row
    long = "\N{GRINNING FACE}" * 5000
    answers: list[SalesforceResult | Exception] = [
        SalesforceResult(dict.fromkeys(members, long) | {"errors": [long], "status": "Success"}, 1),
        Rejected("x", status=400, remark=long[:500]),
    ]
    for outcome in answers:
        scene = Scene(outcome)
        event = {**parameters, "contactId": "c" * 256, "onFailure": "continue"}
        answer = scene.answer(method, event)
        assert len(json.dumps(answer, ensure_ascii=False).encode()) < 32 * 1024


@pytest.mark.parametrize("values", [{}, "{}", {"secretName": SECRET_ID}], ids=repr)
def test_an_update_that_names_nothing_closes_the_conversation(values: object) -> None:
    scene = Scene(SalesforceResult({"status": "pending"}, 1))
    answer = scene.answer("updateVoiceCall", {"fieldValues": values})
    assert answer["status"] == "pending"
    assert scene.client.performed[0][1:] == (CONTACT_ID, {})


def test_what_is_held_back_is_named_in_the_answer_and_not_in_the_log() -> None:
    scene = Scene(SalesforceResult({"status": "pending"}, 1, held_back=("endTime", "queue")))
    answer = scene.answer("cancelOmniFlowExecution")
    assert answer["errorMessage"].endswith("the contact's record has brought it: endTime, queue")
    assert (answer["status"], answer["errorCode"]) == ("pending", "")
    assert "queue" not in scene.logged.stream.getvalue()
