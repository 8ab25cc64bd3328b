"""The parts that `contact_records` runs on, and the update request over a scripted transport."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.samples.contact_records import contact_record as record
from tests.unit.doubles import http_answer
from tests.unit.samples import CALL_CENTER
from tests.unit.test_client import Scene
from tests.unit.test_composition import ENVIRONMENT
from voicecall_bridge.composition.contact_records import CHAINS_AT_ONCE, contact_records
from voicecall_bridge.sources.contact_record import read
from voicecall_bridge.streams.contact_records import ContactRecords
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import OutcomeUnknown
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.voice_call.update import CustomField, update_request


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    contact_records.cache_clear()
    yield monkeypatch
    contact_records.cache_clear()


def test_what_contact_records_run_on(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONTACT_RECORD_FIELDS", "Queue.Name=Queue__c")
    processor = contact_records()
    assert processor is contact_records()
    source = processor.source
    assert isinstance(source, ContactRecords)
    assert source.rules.fields == (CustomField("Queue.Name", "Queue__c"),)
    center = source.updates.clients.contact_centers.default
    assert processor.workers == CHAINS_AT_ONCE
    adapter: Any = source.updates.clients.of(center).session.get_adapter("https://x.example")
    assert adapter._pool_maxsize == CHAINS_AT_ONCE, "a connection for each worker"
    processor.on_overrun()
    assert contact_records() is not processor


def test_a_wrong_item_stops_nothing_and_is_reported(
    environment: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Given items that cannot be used, then the function runs with the others. Log and metric name
    them, once a start."""
    environment.setenv("CONTACT_RECORD_METHODS", "INBOUND,CARRIER PIGEON")
    environment.setenv("CONTACT_RECORD_FIELDS", "Agent..Name=A__c,Queue.Name=Queue__c")
    processor = contact_records()
    assert contact_records() is processor
    source = processor.source
    assert isinstance(source, ContactRecords)
    assert source.rules.methods == {"INBOUND"}
    assert source.rules.fields == (CustomField("Queue.Name", "Queue__c"),)
    processor.observer.flush()
    logged = [vars(it)["item"] for it in caplog.records if it.message == "setting fault"]
    assert logged == ["CARRIER PIGEON", "Agent..Name=A__c"]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = [line["SettingFault"] for line in metrics if "SettingFault" in line]
    assert [2.0] in counted


PENDING = {"status": "pending"}


def sent_by(scene: Scene, seconds: float) -> SalesforceResult:
    request = update_request(read(record(ContactId="c/../1?x=é", Attributes={"sfdc-A__c": "1"})))
    key, deadline = request.vendor_call_key, scene.clock.deadline(seconds)
    return scene.client.perform(Operation.UPDATE, key, deadline, request.to_json())


def test_the_update_request() -> None:
    scene = Scene(http_answer(200, PENDING))
    assert sent_by(scene, 5.0).attempts == 1
    (sent,) = scene.transport.requests
    assert sent.method == "PATCH"
    assert str(sent.url).endswith("/telephony/v1/voiceCalls/c%2F..%2F1%3Fx%3D%C3%A9")
    assert sent.headers["Telephony-Provider-Name"] == "amazon-connect"
    assert isinstance(sent.body, bytes)
    body = json.loads(sent.body)
    assert body["callCenterApiName"] == CALL_CENTER
    assert body["callAttributes"] == '{"A__c": "1"}'
    assert "vendorCallKey" not in body


@pytest.mark.parametrize("answer", [b"{}", {"status": None}, {"other": 1}])
def test_an_answer_in_other_words_is_taken(answer: Any) -> None:
    scene = Scene(http_answer(200, answer))
    assert sent_by(scene, 5.0).attempts == 1


@pytest.mark.parametrize("answer", [b"", b"<html></html>", b"[]"])
def test_an_answer_that_is_no_object_says_nothing(answer: Any) -> None:
    """Given such answers, then the update is sent again, and its outcome is unknown."""
    scene = Scene(*[http_answer(200, answer) for _ in range(4)])
    with pytest.raises(OutcomeUnknown):
        sent_by(scene, 30.0)
    assert len(scene.transport.requests) == 4
