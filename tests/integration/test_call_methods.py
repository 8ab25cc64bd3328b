"""The methods for an existing VoiceCall, through the real handler: faults of Salesforce, the ledger
down, and everything hanging. Each failure is logged once, in time, and its payload is kept.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from simulator.salesforce import Fault
from tests.contract.servers import LOOPBACK, refusing_server, silent_server
from tests.integration.canaries import CUSTOMER, leaks
from tests.integration.events import inbound
from voicecall_bridge.flow.results import FlowFailed, FlowMistake

if TYPE_CHECKING:
    from tests.integration.simulator import Simulator

pytestmark = pytest.mark.usefixtures("without_jitter")

LINE = {"participantId": CUSTOMER, "messageId": "m-1", "content": f"I am {CUSTOMER}"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "updateVoiceCall": {"fieldValues": {"fromNumber": CUSTOMER}},
    "executeOmniFlow": {"flowDevName": "Route", "flowInput-phone": CUSTOMER},
    "cancelOmniFlowExecution": {},
    "rerouteFlowExecution": {},
    "routeVoiceCall": {"routingTarget": "005", "flowInput-phone": CUSTOMER},
    "callbackExecution": {"customerCallbackNumber": CUSTOMER},
    "sendMessage": {"fieldValues": {**LINE, "senderType": "END_USER"}},
}


def asking(method: str, **parameters: Any) -> dict[str, Any]:
    """The event of a block that calls the method, for a contact of the method's own."""
    event = inbound(method)
    passed = {"methodName": method, **PARAMETERS[method], **parameters}
    event["Details"]["Parameters"] |= passed
    return event


def failing(kind: str, **more: Any) -> Fault:
    return Fault.from_json({"kind": kind, "times": None, "method": "*", **more})


@pytest.fixture
def calls(simulator: Simulator) -> Simulator:
    """Salesforce knows a call for each method: the methods are asked one after the other in one
    environment, which is cheaper than one each and what happens in production."""
    for method in PARAMETERS:
        simulator.salesforce.add_voice_call(method)
    return simulator


def test_salesforce_does_it(calls: Simulator) -> None:
    for method in PARAMETERS:
        answer = calls.deliver(asking(method))
        assert (answer["vendorCallKey"], answer["errorCode"]) == (method, "")
    lines = calls.deliveries()
    assert [line["method"] for line in lines] == list(PARAMETERS)
    assert {line["disposition"] for line in lines} == {"delivered"}
    assert calls.aws.letters() == []


# fault, status of the answer, code, requests that arrive (not of callbacks), of a callback
FAULTS: dict[str, tuple[Fault, str, str, int, int]] = {
    "400": (failing("status", status=400), "failed", "400", 1, 1),
    "401": (failing("status", status=401), "failed", "401", 2, 2),
    "404": (failing("status", status=404), "failed", "404", 1, 1),
    "429": (failing("status", status=429), "deferred", "429", 4, 4),
    "500": (failing("status", status=500), "deferred", "500", 4, 1),
    "503": (failing("status", status=503), "deferred", "503", 4, 4),
    "lost": (failing("reset_after"), "deferred", "OUTCOME_UNKNOWN", 4, 1),
    "not JSON": (failing("body_not_json"), "deferred", "OUTCOME_UNKNOWN", 4, 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_salesforce(calls: Simulator, fault: str) -> None:
    """Given the fault at every attempt; when delivered; then the flow gets the fault as answer, and
    the whole event is a dead letter."""
    injected, status, code, requests, callbacks = FAULTS[fault]
    calls.salesforce.inject(injected)
    events = [asking(method, onFailure="continue") for method in PARAMETERS]
    for event in events:
        sent = len(calls.salesforce.journal())
        answer = calls.deliver(event)
        assert (answer["status"], answer["errorCode"]) == (status, code)
        assert answer["errorMessage"]
        line = calls.deliveries()[-1]
        assert (line["disposition"], line["reason"]) == ("dead_lettered", code)
        assert line["payloadKept"] == "queue"
        expected = callbacks if line["method"] == "callbackExecution" else requests
        assert line["attempts"] == len(calls.salesforce.journal()) - sent == expected
    assert [letter["payload"] for letter in calls.aws.letters()] == events
    made = [action.operation for action in calls.salesforce.actions()]
    assert made.count("requestCallback") <= 1


def test_salesforce_hangs(calls: Simulator) -> None:
    """Given a Salesforce that never answers; when delivered; then the flow is answered in time, and
    a request that must not be repeated was sent once."""
    calls.set(FLOW_TIME_LIMIT_SECONDS="4")  # with less time, the answer may come before the end
    calls.salesforce.inject(failing("hang"))
    answer = calls.deliver(asking("callbackExecution", onFailure="continue"))
    assert (answer["status"], answer["errorCode"]) == ("deferred", "OUTCOME_UNKNOWN")
    [line] = calls.deliveries()
    assert (line["attempts"], line["payloadKept"]) == (1, "queue")


def test_the_ledger_is_away(calls: Simulator) -> None:
    """Given no DynamoDB; when delivered; then the method works all the same, and a metric counts
    the missing ledger where the method needs one."""
    with refusing_server() as port:
        calls.set(AWS_ENDPOINT_URL_DYNAMODB=f"http://{LOOPBACK}:{port}")
        for method in PARAMETERS:
            assert calls.deliver(asking(method))["errorCode"] == ""
    assert calls.metric("LedgerFault") == 2
    assert calls.error_messages() == ["ledger fault"] * 2


def test_the_ledger_hangs(calls: Simulator) -> None:
    with silent_server() as port:
        calls.set(
            AWS_ENDPOINT_URL_DYNAMODB=f"http://{LOOPBACK}:{port}", FLOW_TIME_LIMIT_SECONDS="6"
        )
        assert calls.deliver(asking("callbackExecution"))["recordId"]
    assert calls.error_messages() == ["ledger fault"]


def test_repeats_of_connect_make_one_callback(calls: Simulator) -> None:
    """Given Connect's three repeats, some at the same moment; when delivered; then all get the
    record of the one request."""
    calls.salesforce.inject(Fault("slow", seconds=0.3))
    first = calls.deliver(asking("callbackExecution"))
    with ThreadPoolExecutor(3) as connect:
        repeats = list(connect.map(lambda _: calls.deliver(asking("callbackExecution")), range(3)))
    assert repeats == [first] * 3
    assert first["recordId"]
    assert len(calls.salesforce.actions()) == 1
    ends = [line["disposition"] for line in calls.deliveries()]
    assert ends == ["delivered", *["superseded"] * 3]


def test_a_flow_and_another_lambda_share_one_callback(calls: Simulator) -> None:
    """Given parameters alone, which name no instance; when delivered; then the contact meets its
    own item in the ledger."""
    first = calls.deliver(asking("callbackExecution"))
    passed = {**PARAMETERS["callbackExecution"], "methodName": "callbackExecution"}
    alone = {"Details": {"Parameters": {**passed, "contactId": "callbackExecution"}}}
    assert calls.deliver(alone) == first
    assert len(calls.salesforce.actions()) == 1


def test_a_lost_answer_is_no_second_callback(calls: Simulator) -> None:
    """Given the first request was taken and its answer lost, and Connect repeats because the block
    failed; when delivered; then Salesforce is not asked again."""
    calls.salesforce.inject(Fault("reset_after"))
    for code in ("OUTCOME_UNKNOWN", "CALLBACK_UNKNOWN", "CALLBACK_UNKNOWN"):
        with pytest.raises(FlowFailed, match=f"deferred: {code}"):
            calls.deliver(asking("callbackExecution"))
    assert len(calls.salesforce.journal()) == 1


def test_a_dead_kept_connection_costs_no_callback(calls: Simulator) -> None:
    """Given a warm environment with a connection that Salesforce has closed; when a callback is
    requested; then it is made, once."""
    calls.salesforce.inject(Fault("status_after_storing", status=200, method="*", body={}))
    calls.deliver(asking("cancelOmniFlowExecution"))
    calls.salesforce.inject(Fault("cut_off_body", method="PATCH", path_contains="/reroute"))
    calls.deliver(asking("rerouteFlowExecution"))
    assert calls.deliver(asking("callbackExecution"))["recordId"]
    made = [action.operation for action in calls.salesforce.actions()]
    assert made.count("requestCallback") == 1


def test_each_variant_goes_where_it_says(calls: Simulator) -> None:
    calls.set(TELEPHONY_VARIANTS="reroute=guide,routeVoiceCall=guide")
    for method in ("rerouteFlowExecution", "routeVoiceCall"):
        assert calls.deliver(asking(method))["status"] == "Success"
    assert [(each.method, each.path.rpartition("/")[2]) for each in calls.salesforce.journal()] == [
        ("POST", "reroute"),
        ("POST", "routeVoiceCall"),
    ]


SPOILED: list[tuple[str, dict[str, Any]]] = [
    ("updateVoiceCall", {"fieldValues": f'{{"fromNumber": "{CUSTOMER}"'}),
    ("updateVoiceCall", {"fieldValues": {"totalHoldDuration": CUSTOMER}}),
    ("executeOmniFlow", {"flowDevName": [CUSTOMER]}),
    ("routeVoiceCall", {"routingTarget": {"phone": CUSTOMER}}),
    ("callbackExecution", {"customerCallbackNumber": [CUSTOMER]}),
    ("sendMessage", {"fieldValues": {"content": CUSTOMER}}),
    ("sendMessage", {"onFailure": CUSTOMER}),
]


def test_a_mistake_quotes_nothing(simulator: Simulator) -> None:
    for method, parameters in SPOILED:
        with pytest.raises(FlowMistake) as raised:
            simulator.deliver(asking(method, **parameters))
        assert leaks(str(raised.value)) == []


def test_salesforces_words_stay_out_of_log_and_error(calls: Simulator) -> None:
    """Given a refusal that quotes the request; when delivered; then the quotation is in the answer,
    and neither in a log (see conftest.py) nor in the raised error."""
    calls.salesforce.inject(failing("status", status=400, body={"message": f"no {CUSTOMER}"}))
    for method in PARAMETERS:
        assert CUSTOMER in calls.deliver(asking(method, onFailure="continue"))["errorMessage"]
        with pytest.raises(FlowFailed) as raised:
            calls.deliver(asking(method, onFailure="error"))
        assert leaks(str(raised.value)) == []


def test_the_answer_of_an_omni_flow_is_not_logged(simulator: Simulator) -> None:
    """Given an answer with texts that quote the call; when delivered; then no log has them."""
    said = {"agent": CUSTOMER, "queue": {"phone": CUSTOMER}, "errors": [CUSTOMER]}
    simulator.salesforce.inject(failing("status", status=200, body={**said, "status": CUSTOMER}))
    answer = simulator.deliver(asking("executeOmniFlow"))
    assert {answer["status"], answer["agent"], answer["errors"]} == {CUSTOMER}
    simulator.salesforce.clear_faults()
    simulator.salesforce.inject(failing("status", status=200, body={"errors": [CUSTOMER]}))
    with pytest.raises(FlowFailed) as raised:
        simulator.deliver(asking("executeOmniFlow"))
    assert leaks(str(raised.value)) == []
