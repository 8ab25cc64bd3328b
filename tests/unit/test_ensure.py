"""The VoiceCall of a contact that lives: sources are asked in order, and none of them twice."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.samples.members import CONTACT_ID, CUSTOMER, SYSTEM
from tests.unit.event_scene import (
    ATTRIBUTES,
    BEGAN,
    EVENT,
    INBOUND,
    KEY,
    MADE,
    TRANSFER,
    Scene,
)
from tests.unit.samples import CENTER, PARENT_ID, VOICE_CALL_ID, a_contact, a_transfer, created
from voicecall_bridge.aws.contact_directory import DirectoryUnavailable, NoSuchContact
from voicecall_bridge.contact import ContactKey, InitiationMethod
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.ledger.creations import CreateStatus, PlannedCreate
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.sources.described_contact import DescribedContact
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Effect, OutcomeUnknown, Unavailable
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.create_once import existing
from voicecall_bridge.use_cases.results import CallOver, LeaseTimeout, NotCreated
from voicecall_bridge.voice_call.create import MissingProperty, NotCreatedLive


def test_what_is_created_is_not_looked_at_any_further() -> None:
    scene = Scene(MADE)
    scene.flow()
    scene.journal.clear()
    assert scene.ensure() == existing(VOICE_CALL_ID)
    assert scene.journal == ["entry"]


def test_the_flows_own_request_is_sent_again() -> None:
    """Given a flow that failed to create its call, then its request is sent unchanged, with its
    start and its attributes, and Connect is not asked."""
    scene = Scene(MADE)
    scene.flow_fails(a_contact(attributes=ATTRIBUTES))
    scene.clock.sleep(20.0)
    assert scene.ensure() == created(attempts=1)
    assert scene.journal == ["entry", "acquire", "POST", "settle"]
    first, second = scene.client.sent
    assert second == first


def test_without_a_flow_the_numbers_are_connects() -> None:
    scene = Scene(MADE)
    scene.directory.know(a_contact(attributes=ATTRIBUTES))
    assert scene.ensure().voice_call_id == VOICE_CALL_ID
    assert scene.journal == ["entry", "describe at once", "acquire", "POST", "settle"]
    (sent,) = scene.client.sent
    assert (sent.from_, sent.to, sent.initiation_method) == (CUSTOMER, SYSTEM, INBOUND)
    assert sent.start_time == "2026-11-20T10:00:00Z"
    assert sent.call_attributes == '{"Region__c": "north"}'
    assert scene.logged.counted() == {"DescribeContact": 1}


def test_the_way_from_the_start_of_the_call_to_its_voice_call_is_measured() -> None:
    """Given the start time of the event, and Salesforce's answer 1.5 s later."""
    scene = Scene(MADE)
    scene.clock.now = BEGAN.timestamp() + 1.5
    scene.ensure()
    assert scene.logged.took() == {"CallStartToVoiceCall": [1500]}
    # A VoiceCall that existed already took no time now.
    assert scene.ensure().superseded
    assert scene.logged.took() == {"CallStartToVoiceCall": [1500]}


def test_a_clock_that_is_behind_connects_measures_nothing_negative() -> None:
    scene = Scene(MADE)
    scene.clock.now = BEGAN.timestamp() - 2.0
    scene.ensure()
    assert scene.logged.took() == {"CallStartToVoiceCall": [0]}


def test_a_flow_does_not_say_when_its_call_began() -> None:
    scene = Scene(MADE)
    scene.flow(a_contact(initiated_at=None))
    assert scene.logged.took() == {}


def test_a_call_without_a_known_begin_begins_now() -> None:
    scene = Scene(MADE)
    scene.ensure(a_contact(**{**EVENT, "initiated_at": None}))
    assert scene.logged.took() == {}
    now = datetime.fromtimestamp(scene.clock.now, UTC)
    assert scene.client.sent[0].start_time == now.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_event_without_initiation_method_is_no_orphan_for_that() -> None:
    """Given a transfer event without the method, then Connect's answer counts."""
    scene = Scene(MADE)
    scene.parent(CreateStatus.CREATED)
    scene.directory.know(a_transfer())
    scene.ensure(a_contact(**EVENT, initiation_method=InitiationMethod.UNSTATED))
    (sent,) = scene.client.sent
    assert (sent.initiation_method, sent.parent_voice_call_id) == (TRANSFER, PARENT_ID)


def test_an_outbound_call_with_an_event_that_leaves_the_method_out() -> None:
    scene = Scene()
    scene.directory.know(a_contact(initiation_method=InitiationMethod.OUTBOUND))
    with pytest.raises(NotCreatedLive):
        scene.ensure(a_contact(**EVENT, initiation_method=InitiationMethod.UNSTATED))
    assert "POST" not in scene.journal


PENDING = SalesforceResult({"status": "pending"}, 1)
NEW_METHOD: dict[str, Any] = {"initiation_method": InitiationMethod.UNKNOWN}


def test_a_method_that_the_bridge_does_not_know_is_left_to_flows() -> None:
    """Given no flow has asked for the call, then no event creates it, and Connect is not asked."""
    scene = Scene()
    with pytest.raises(NotCreatedLive):
        scene.ensure(a_contact(**EVENT, **NEW_METHOD))
    assert scene.journal == ["entry"]


def test_a_method_that_the_bridge_does_not_know_and_a_flow_asked_for() -> None:
    scene = Scene(MADE)
    scene.flow_fails(a_contact(**NEW_METHOD))
    assert scene.ensure(a_contact(**EVENT, **NEW_METHOD)) == created()


def test_a_call_by_the_api_is_made_by_the_safety_net() -> None:
    """Source: Voice implementation guide: it is routed like any inbound call."""
    scene = Scene(MADE)
    scene.ensure(a_contact(**EVENT, initiation_method=InitiationMethod.API))
    (sent,) = scene.client.sent
    assert sent.initiation_method == INBOUND


@pytest.mark.parametrize("late", [True, False])
def test_an_event_that_is_late_is_no_sign_of_life(late: bool) -> None:
    """Given the flow's request and an event of a call that has ended since, then Connect is asked
    only for a late event."""
    scene = Scene(MADE)
    scene.flow_fails()
    scene.directory.know(a_contact(), ended=True)
    if late:
        with pytest.raises(CallOver):
            scene.ensure(late=True)
        assert scene.journal == ["entry", "describe"]
    else:
        assert not scene.ensure().superseded
        assert scene.logged.counted().get("DescribeContact", 0) == 0


def test_what_only_connect_knows_is_not_waited_for() -> None:
    """Given more calls without a flow than Connect describes, then neither they nor a transfer's
    parent hold up the others. After an outage, asking Connect whether a call is still on may
    wait."""
    scene = Scene(MADE, MADE)
    scene.parent(None)
    scene.ensure(a_transfer(**EVENT))
    asked = [step for step in scene.journal if step.startswith("describe")]
    assert asked == ["describe at once", "describe at once"]


def test_a_late_event_of_a_call_that_is_on() -> None:
    scene = Scene(MADE)
    scene.flow_fails(a_contact(attributes=ATTRIBUTES))
    assert not scene.ensure(late=True).superseded
    assert scene.client.sent[0] == scene.client.sent[1], "the flow's request all the same"


@pytest.mark.parametrize("status", [None, CreateStatus.FAILED, CreateStatus.UNKNOWN])
def test_an_end_that_is_remembered(status: CreateStatus | None) -> None:
    """Given DISCONNECTED came first, in whatever batch, then the contact record creates the
    call."""
    scene = Scene(MADE)
    if status is not None:
        unknown = status is CreateStatus.UNKNOWN
        scene.flow_fails(effect=Effect.UNKNOWN if unknown else Effect.NONE)
    scene.safety_net.remember_end(a_contact(**EVENT))
    scene.journal.clear()
    with pytest.raises(CallOver):
        scene.ensure()
    assert scene.journal == ["entry"]


def test_an_end_that_only_connect_knows_of() -> None:
    scene = Scene()
    scene.directory.know(a_contact(), ended=True)
    with pytest.raises(CallOver):
        scene.ensure()
    assert scene.journal == ["entry", "describe at once"]


def test_an_end_takes_no_voice_call_away() -> None:
    scene = Scene(MADE)
    scene.flow()
    scene.safety_net.remember_end(a_contact(**EVENT))
    assert scene.ensure() == existing(VOICE_CALL_ID)


def test_a_call_without_a_number_to_call() -> None:
    scene = Scene()
    scene.directory.know(a_contact(system_address=""))
    with pytest.raises(MissingProperty):
        scene.ensure()


@pytest.mark.parametrize(
    "fault", [DirectoryUnavailable("ThrottlingException"), NoSuchContact("x")], ids=repr
)
def test_without_connect_nothing_is_known(fault: Exception) -> None:
    scene = Scene()
    scene.directory.fault = fault
    with pytest.raises(type(fault)):
        scene.ensure()
    assert "acquire" not in scene.journal


@pytest.mark.parametrize("step", ["entry", "acquire", "waiting"])
def test_without_the_ledger_nothing_is_sent(step: str) -> None:
    """Given an event that no caller waits for, then Lambda delivers it again, rather than that a
    request is sent twice."""
    scene = Scene(MADE)
    if step == "waiting":
        scene.ledger.acquire(PlannedCreate(KEY, CENTER, {}), 60.0)
        scene.safety_net._once.sleep = lambda _: scene.ledger.down.add("acquire")
    scene.ledger.down = {step}
    with pytest.raises(LedgerUnavailable):
        scene.ensure()
    assert "POST" not in scene.journal
    assert "LedgerFault" not in scene.logged.counted(), (
        "counted where the record is delivered again"
    )


def test_another_worker_is_waited_for_but_not_for_ever() -> None:
    scene = Scene()
    scene.ledger.acquire(PlannedCreate(KEY, CENTER, {}), 60.0)
    with pytest.raises(LeaseTimeout):
        scene.ensure()
    assert 5.0 < sum(scene.clock.slept) < 10.0
    assert "POST" not in scene.journal


def test_a_ledger_that_cannot_take_the_outcome_says_no_more_than_unknown() -> None:
    """Given the VoiceCall was made and the ledger could not store it, then the next event asks
    Salesforce again and is counted."""
    scene = Scene(MADE, MADE)
    scene.ledger.down = {"settle"}
    assert scene.ensure().voice_call_id == VOICE_CALL_ID
    scene.ledger.down = set()
    scene.clock.sleep(10.0 + LEASE_MARGIN_SECONDS + 0.1)
    scene.ensure()
    assert scene.logged.counted()["RetriedUnknown"] == 1


def test_an_event_after_an_unknown_outcome_is_counted() -> None:
    scene = Scene(OutcomeUnknown("cut", effect=Effect.UNKNOWN), MADE)
    with pytest.raises(NotCreated):
        scene.ensure()
    assert not scene.ensure().superseded
    counted = scene.logged.counted()
    assert (counted["UnknownOutcome"], counted["RetriedUnknown"]) == (1, 1)


def test_a_flow_that_comes_second_brings_its_attributes_once() -> None:
    """Given an event created the call without the flow's sfdc- attributes, when the flow comes
    twice, then the attributes are sent once, by a PATCH."""
    scene = Scene(MADE, PENDING)
    scene.ensure()
    for _ in range(2):
        made = scene.flow(a_contact(attributes=ATTRIBUTES))
        assert made == existing(VOICE_CALL_ID)
    body = {"callAttributes": '{"Region__c": "north"}', "isActiveCall": True}
    assert scene.client.performed == [(Operation.UPDATE, CONTACT_ID, body)]
    assert scene.journal[-4:] == ["acquire", "update", "resent", "acquire"]


def test_a_flow_that_comes_second_with_nothing_new() -> None:
    scene = Scene(MADE)
    scene.directory.know(a_contact(attributes=ATTRIBUTES))
    scene.ensure()
    scene.flow(a_contact(attributes=ATTRIBUTES))
    scene.flow(a_contact())
    assert scene.client.performed == []


def test_attributes_that_could_not_be_sent_are_sent_by_the_next_flow() -> None:
    """Then the flow has its VoiceCall at once all the same."""
    scene = Scene(MADE, Unavailable("fails", status=503), PENDING)
    scene.ensure()
    for _ in range(3):
        assert scene.flow(a_contact(attributes=ATTRIBUTES)).superseded
    assert len(scene.client.performed) == 2
    assert scene.logged.counted()["AttributesNotSent"] == 1


def test_attributes_the_ledger_could_not_remember() -> None:
    scene = Scene(MADE, PENDING)
    scene.ensure()
    scene.ledger.down = {"resent"}
    assert scene.flow(a_contact(attributes=ATTRIBUTES)).superseded
    assert scene.logged.counted()["LedgerFault"] == 1


def test_a_busy_contact_that_was_created_meanwhile_keeps_the_flows_attributes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given an event with older attributes, when a flow creates the VoiceCall with newer ones
    meanwhile, then the event sends nothing."""
    scene = Scene(MADE)
    scene.directory.know(a_contact(attributes={"sfdc-Region__c": "older"}))
    described = scene.directory.describe

    def flow_comes_meanwhile(
        key: ContactKey, deadline: Deadline, *, waits: bool = True
    ) -> DescribedContact:
        answer = described(key, deadline, waits=waits)
        scene.flow(a_contact(attributes=ATTRIBUTES))
        return answer

    monkeypatch.setattr(scene.directory, "describe", flow_comes_meanwhile)
    assert scene.ensure() == existing(VOICE_CALL_ID)
    assert scene.client.performed == []
    assert [sent.call_attributes for sent in scene.client.sent] == ['{"Region__c": "north"}']


def test_a_flow_that_failed_meanwhile_is_sent_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given an event with older attributes, when a flow stores newer ones and fails, then the event
    sends the flow's request, and the ledger keeps it."""
    scene = Scene(Unavailable("fails", status=503), MADE)
    scene.directory.know(a_contact(attributes={"sfdc-Region__c": "older"}))
    described = scene.directory.describe

    def flow_fails_meanwhile(
        key: ContactKey, deadline: Deadline, *, waits: bool = True
    ) -> DescribedContact:
        answer = described(key, deadline, waits=waits)
        with pytest.raises(NotCreated):
            scene.flow(a_contact(attributes=ATTRIBUTES))
        return answer

    monkeypatch.setattr(scene.directory, "describe", flow_fails_meanwhile)
    scene.ensure()
    newer = '{"Region__c": "north"}'
    assert [sent.call_attributes for sent in scene.client.sent] == [newer, newer]
    assert scene.ledger.entry(KEY).request["callAttributes"] == newer
