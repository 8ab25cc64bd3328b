"""Any JSON invokes the function: the result is an answer or a mistake of the flow, and one line of
log."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.property.strategies import ANY_JSON, flow_events, method_parameters
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import (
    Clock,
    MemoryDeadLetters,
    MemoryLedger,
    MemoryRequestLedger,
    ScriptedClient,
    alone,
)
from tests.unit.flow_scene import no_actions
from tests.unit.samples import created
from voicecall_bridge.flow.methods import METHODS
from voicecall_bridge.flow.results import FlowFailed, FlowMistake
from voicecall_bridge.flow.service import FlowService
from voicecall_bridge.ledger.records import RecordLedger
from voicecall_bridge.settings.contact_flow import FlowFailure
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.use_cases.call_actions import CallActions
from voicecall_bridge.use_cases.create import CreateVoiceCall

KEYS = {"status", "voiceCallId", "vendorCallKey", "errors", "errorCode", "errorMessage"}
LOG = CapturedLog()


def flow_service(
    create: CreateVoiceCall, letters: MemoryDeadLetters, **options: Any
) -> FlowService:
    return FlowService(
        observer=LOG.observer,
        create=create,
        dead_letters=letters,
        budget=30.0,
        **({"actions": no_actions} | options),
    )


def answer_of(event: object) -> None:
    """Invokes a service of its own and checks the rules that hold for every event."""
    clock, letters = Clock(), MemoryDeadLetters()
    client = ScriptedClient([created()])
    create = CreateVoiceCall(
        MemoryLedger(clock), alone(client), LOG.observer, now=clock, sleep=clock.sleep
    )
    LOG.stream.truncate(0)
    LOG.stream.seek(0)
    answer = None
    with suppress(FlowMistake):
        answer = flow_service(create, letters).answer(event, 60.0)
    if answer is None:
        assert letters.kept == [("contact_flow", "FLOW_MISTAKE", event)]
    else:
        assert set(answer) == KEYS or answer == {"status": "warm"}
        assert all(isinstance(value, str) for value in answer.values())
        # Deployed, the answer is written in UTF-8 and not in ASCII (awslambdaric, from 3.12 on).
        assert len(json.dumps(answer, ensure_ascii=False).encode()) < 32 * 1024
        assert not letters.kept or answer["status"] == "failed"
        assert len(client.sent) == (answer["status"] == "created")
    (line,) = LOG.deliveries()
    assert LOG.stream.getvalue().encode(), "it can be written"
    disposition, kept = line["disposition"], line["payloadKept"]
    assert disposition in {"delivered", "skipped", "dead_lettered"}
    assert kept == ("queue" if disposition == "dead_lettered" else "")
    assert len(letters.kept) == (disposition == "dead_lettered")


@given(event=ANY_JSON)
def test_any_json(event: object) -> None:
    answer_of(event)


@given(event=flow_events())
def test_any_flow_event(event: object) -> None:
    answer_of(event)


@given(extra=ANY_JSON, kind=st.just("Scheduled Event") | ANY_JSON)
def test_scheduled_events(extra: object, kind: object) -> None:
    answer_of({"detail-type": kind, "detail": extra})


EVERY_ANSWER = KEYS - {"voiceCallId"}


@given(
    event=flow_events(),
    method=st.sampled_from([name for name, each in METHODS.items() if each.creates is None]),
    parameters=method_parameters(),
    members=st.dictionaries(
        st.sampled_from(["status", "agent", "queue", "errors", "result", "newer"]), ANY_JSON
    ),
    with_contact=st.booleans(),
)
def test_any_parameters_of_any_method(
    event: dict[str, Any],
    method: str,
    parameters: dict[str, object],
    members: dict[str, object],
    with_contact: bool,
) -> None:
    """Any parameters and any answer: the flow gets a flat map of texts, a mistake, or the Error
    branch. One line is logged, and the payload of a request that was not done is kept."""
    details = event["Details"] if with_contact else {}
    event = {"Details": {**details, "Parameters": {**parameters, "methodName": method}}}
    clock, letters = Clock(), MemoryDeadLetters()
    client = ScriptedClient([SalesforceResult({**members, "recordId": "0aQ"}, 1)])
    ledger, requests, clients = MemoryLedger(clock), MemoryRequestLedger(clock), alone(client)
    records = RecordLedger(ledger.table, clock)
    actions = CallActions(ledger, requests, records, clients, LOG.observer, clock, clock.sleep)
    create = CreateVoiceCall(ledger, clients, LOG.observer, now=clock, sleep=clock.sleep)
    service = flow_service(create, letters, actions=lambda: actions)
    LOG.stream.truncate(0)
    LOG.stream.seek(0)
    answer: dict[str, str] | Exception
    try:
        answer = service.answer(event, 60.0)
    except (FlowMistake, FlowFailed) as error:
        answer = error
    (line,) = LOG.deliveries()
    if isinstance(answer, dict):
        assert set(answer) >= EVERY_ANSWER | {key.name for key in METHODS[method].results}
        assert all(isinstance(value, str) for value in answer.values())
        assert len(json.dumps(answer, ensure_ascii=False).encode()) < 32 * 1024
    elif isinstance(answer, FlowMistake):
        assert line["reason"] == "FLOW_MISTAKE"
        assert client.performed == []
    else:
        wanted = parameters.get("onFailure")
        by_default = METHODS[method].must_succeed and wanted in (None, "")
        assert by_default or str(wanted).strip() == FlowFailure.ERROR
    done = line["disposition"] in ("delivered", "superseded", "skipped")
    assert letters.kept == ([] if done else [("contact_flow", line["reason"], event)])
    assert line["method"] in (method, "")
