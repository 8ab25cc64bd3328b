"""Updates that flows ask for behind the contact's record: what reaches Salesforce.

Source: Voice implementation guide, "Update a Voice Call Record": totals that an update leaves out
become 0. SCVL's voicemail functions update after the record.
"""

import json

import pytest

from tests.samples.contact_records import contact_record as record
from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.samples import CENTER
from tests.unit.test_call_actions import Scene
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld
from voicecall_bridge.ledger.records import (
    RecordLease,
    RecordLedger,
    RecordVersion,
    UpdateLease,
)
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.sources.contact_record import read
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Rejected, Unavailable
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.results import LeaseTimeout
from voicecall_bridge.voice_call.delivered import DeliveredRecord, update_behind_record
from voicecall_bridge.voice_call.update import UpdateRequest, update_request

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)
PENDING = SalesforceResult({"status": "pending"}, 1)
TOTALS = {"totalHoldDuration": 12, "numberOfHolds": 1, "agentInteractionDuration": 60}
RECORD = UpdateRequest(
    CONTACT_ID,
    {"startTime": "s", "endTime": "e", "queue": "Support", "disconnectReason": {}, **TOTALS},
    {"Tier__c": "gold"},
)
VOICEMAIL = {
    "recordingLocation": "b/vm.wav",
    "totalRecordingDuration": 20,
    "startTime": "2026-11-20T10:00:00Z",
    "endTime": "2026-11-20T10:00:20Z",
    "callOrigin": "Voicemail",
    "isActiveCall": True,
}


def version(number: int = 5, request: UpdateRequest = RECORD) -> RecordVersion:
    return RecordVersion(KEY, number, "a", DeliveredRecord.of(request).to_text())


def after_the_record(*outcomes: SalesforceResult | Exception, delivered: bool = True) -> Scene:
    scene = Scene(*outcomes)
    lease = scene.actions.records.acquire(version(), 5.0, CENTER)
    assert isinstance(lease, RecordLease)
    if delivered:
        assert scene.actions.records.settle(lease)
    else:
        scene.actions.records.release(lease, retry_later=True)
    return scene


def test_a_voicemails_update_is_sent_with_the_records_totals() -> None:
    """Given a contact record with the call's begin and end, then these times stand, and the rest of
    the voicemail is sent. The conversation is opened again, as the update says."""
    scene = after_the_record(PENDING)
    result = scene.update(**VOICEMAIL)
    assert (result.members, result.held_back) == (PENDING.members, ("endTime", "startTime"))
    assert scene.bodies == [
        {
            "recordingLocation": "b/vm.wav",
            "totalRecordingDuration": 20,
            "callOrigin": "Voicemail",
            "isActiveCall": True,
            **TOTALS,
        }
    ]


@pytest.mark.parametrize("delivered", [True, False])
def test_an_update_that_names_nothing_closes_the_conversation(delivered: bool) -> None:
    scene = after_the_record(PENDING, delivered=delivered)
    scene.send(Operation.UPDATE)
    assert scene.bodies == [TOTALS if delivered else {}]


def test_an_update_before_the_record_that_names_nothing_closes_it_too() -> None:
    """Given a call that is on, as far as is known, then isActiveCall is still left out."""
    scene = Scene(PENDING)
    scene.send(Operation.UPDATE)
    assert scene.bodies == [{}]


def test_an_update_of_what_the_record_has_brought_is_not_sent() -> None:
    scene = after_the_record()
    result = scene.update(queue="Other", endTime="x", numberOfHolds=7)
    assert result == SalesforceResult(superseded="RECORD_DELIVERED")
    assert scene.client.performed == []


def test_only_the_fields_that_the_record_has_brought_are_held_back() -> None:
    scene = after_the_record(PENDING)
    result = scene.update(callAttributes=json.dumps({"Tier__c": "none", "Topic__c": "billing"}))
    assert result.held_back == ("callAttributes.Tier__c",)
    assert scene.bodies == [{"callAttributes": '{"Topic__c": "billing"}', **TOTALS}]


def test_an_update_while_the_record_is_to_be_delivered_again() -> None:
    """Given a record that Salesforce did not take and that Lambda delivers again, then the update
    is sent unchanged, and does not open the conversation: the call is over."""
    scene = after_the_record(PENDING, delivered=False)
    assert scene.update(queue="q").held_back == ()
    assert scene.bodies == [{"queue": "q"}]


def test_the_record_waits_for_the_update_and_the_update_for_the_record() -> None:
    """Two PATCHes side by side could end in either order, and so could their totals."""
    scene = after_the_record(PENDING)
    records = scene.actions.records
    update = records.acquire_update(KEY, 60.0)
    assert isinstance(update, UpdateLease)
    assert isinstance(records.acquire(version(6), 5.0, CENTER), LeaseHeld)
    with pytest.raises(LeaseTimeout):
        scene.update(queue="q")
    records.release_update(update)
    newer = records.acquire(version(6), 60.0, CENTER)
    assert isinstance(newer, RecordLease)
    with pytest.raises(LeaseTimeout) as waited:
        scene.update(callOrigin="Voicemail")
    assert not waited.value.request_kept
    assert records.settle(newer)
    scene.update(callOrigin="Voicemail")


@pytest.mark.parametrize("outcome", [PENDING, Rejected("x", status=400)], ids=repr)
def test_the_lease_ends_with_the_update(outcome: SalesforceResult | Exception) -> None:
    scene = after_the_record(outcome)
    try:
        scene.update(callOrigin="Voicemail")
    except Rejected:
        assert isinstance(outcome, Rejected)
    assert isinstance(scene.actions.records.acquire(version(6), 5.0, CENTER), RecordLease)


def test_a_record_of_an_earlier_release_is_the_last_word() -> None:
    """Given the ledger does not know which fields the record brought, then its totals are not
    known."""
    scene = Scene()
    scene.ledger.put(KEY, call_ended=True, record_version=1)
    assert scene.update() == SalesforceResult(superseded="RECORD_DELIVERED")


def test_a_ledger_that_falls_silent_sends_no_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise LedgerUnavailable("ReadTimeoutError")

    scene = after_the_record()
    monkeypatch.setattr(RecordLedger, "acquire_update", silent)
    with pytest.raises(Unavailable) as caught:
        scene.update(queue="q")
    assert caught.value.code == "LEDGER_UNAVAILABLE"
    assert scene.client.performed == []


def test_a_lease_that_cannot_be_ended_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise LedgerUnavailable("ReadTimeoutError")

    scene = after_the_record(PENDING)
    monkeypatch.setattr(RecordLedger, "release_update", silent)
    assert scene.update(callOrigin="Voicemail").members == PENDING.members
    scene.clock.sleep(6.0 + LEASE_MARGIN_SECONDS - 0.1)
    assert isinstance(scene.actions.records.acquire(version(6), 5.0, CENTER), LeaseHeld)
    scene.clock.sleep(0.2)
    assert isinstance(scene.actions.records.acquire(version(6), 5.0, CENTER), RecordLease)


@pytest.mark.parametrize(
    "request_",
    [
        RECORD,
        UpdateRequest(CONTACT_ID, {}, {}),
        UpdateRequest(CONTACT_ID, {"totalHoldDuration": 0, "agent": "a"}, {"A__c": None}),
        UpdateRequest(CONTACT_ID, {"acceptTime": ""}, {f"Field_{n}__c": n for n in range(99)}),
        update_request(read(record())),
    ],
    ids=lambda request: str(len(request.properties)),
)
def test_what_a_record_has_brought_is_kept_in_a_short_text(request_: UpdateRequest) -> None:
    brought = DeliveredRecord.of(request_)
    text = brought.to_text()
    assert DeliveredRecord.from_text(text) == brought
    assert len(text) < 500
    assert set(request_.properties) == brought.properties


def test_fields_that_are_too_many_to_be_kept_are_the_records() -> None:
    fields = {f"Field_{number}__c": number for number in range(99)}
    delivered = DeliveredRecord.of(UpdateRequest(CONTACT_ID, {}, fields))
    update = update_behind_record({"callAttributes": '{"A__c": 1}', "queue": "q"}, delivered)
    assert (update.body, update.held_back) == ({"queue": "q"}, ("callAttributes.A__c",))
