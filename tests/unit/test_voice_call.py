"""A contact becomes a create request in the words of the Telephony Integration API."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.samples.members import CONTACT_ID, CUSTOMER, SYSTEM
from tests.unit.samples import PARENT_ID, QUEUE_ARN, a_contact, a_transfer
from voicecall_bridge.contact import Channel, Contact, InitiationMethod
from voicecall_bridge.voice_call.create import (
    CallInitiation,
    CannotCreate,
    CreateRequest,
    MissingProperty,
    NotCreatedLive,
    NotVoice,
    TransferWithoutParent,
    create_request,
)

START = datetime(2026, 3, 1, 12, 30, 45, 999_999, tzinfo=UTC)
INBOUND, TRANSFER = CallInitiation.INBOUND, CallInitiation.TRANSFER


def request_for(contact: Contact, asked: CallInitiation = INBOUND) -> CreateRequest:
    return create_request(contact, asked, START)


def body_for(contact: Contact, asked: CallInitiation = INBOUND) -> dict[str, object]:
    return request_for(contact, asked).to_json()


def test_an_inbound_call_has_the_required_properties_and_no_others() -> None:
    """Source: implementation guide, "Create a Voice Call Record"."""
    assert body_for(a_contact()) == {
        "vendorCallKey": CONTACT_ID,
        "to": SYSTEM,
        "from": CUSTOMER,
        "initiationMethod": "Inbound",
        "startTime": "2026-03-01T12:30:45Z",
        "participants": [{"participantKey": CUSTOMER, "type": "END_USER"}],
        "callSubtype": "PSTN",
    }


def test_a_transfer_adds_parent_and_queue() -> None:
    body = body_for(a_transfer(), TRANSFER)
    assert body["initiationMethod"] == "Transfer"
    assert body["parentVoiceCallId"] == PARENT_ID
    assert body["queue"] == QUEUE_ARN
    assert (body["to"], body["from"]) == (SYSTEM, CUSTOMER), "as SCVL sends them for both"


def test_a_transfer_without_queue() -> None:
    assert "queue" not in body_for(a_transfer(queue=None), TRANSFER)


def test_an_initial_call_names_neither_parent_nor_queue() -> None:
    """Given an inbound contact in a queue that is related to another contact, then neither is sent:
    the API takes them for transfers only."""
    contact = a_transfer(initiation_method=InitiationMethod.INBOUND)
    body = body_for(contact)
    assert body["initiationMethod"] == "Inbound"
    assert not {"parentVoiceCallId", "queue"} & set(body)


@pytest.mark.parametrize("method", [InitiationMethod.TRANSFER, InitiationMethod.QUEUE_TRANSFER])
def test_create_voice_call_on_a_transfer_contact_names_the_parent(method: InitiationMethod) -> None:
    body = body_for(a_transfer(initiation_method=method), INBOUND)
    assert body["initiationMethod"] == "Transfer"
    assert body["parentVoiceCallId"] == PARENT_ID
    assert body["queue"] == QUEUE_ARN


def test_create_voice_call_on_a_transfer_contact_without_parent_is_an_initial_call() -> None:
    body = body_for(a_transfer(previous_contact_id=""), INBOUND)
    assert body["initiationMethod"] == "Inbound"


@pytest.mark.parametrize("method", [InitiationMethod.TRANSFER, InitiationMethod.QUEUE_TRANSFER])
def test_a_transfer_without_parent_names_the_cure(method: InitiationMethod) -> None:
    contact = a_transfer(initiation_method=method, previous_contact_id="")
    with pytest.raises(TransferWithoutParent, match="use createVoiceCall") as caught:
        request_for(contact, TRANSFER)
    assert caught.value.code == "TRANSFER_WITHOUT_PARENT"
    assert not caught.value.skipped


def test_the_flow_may_ask_for_a_transfer_of_an_inbound_contact() -> None:
    contact = a_transfer(initiation_method=InitiationMethod.INBOUND)
    assert body_for(contact, TRANSFER)["parentVoiceCallId"] == PARENT_ID


def test_a_withheld_number_gets_the_stated_simulator() -> None:
    body = body_for(a_contact(customer_address=""))
    assert body["from"] == "anonymous"
    assert body["participants"] == [{"participantKey": "anonymous", "type": "END_USER"}]


@pytest.mark.parametrize("asked", list(CallInitiation))
def test_a_missing_to_is_named(asked: CallInitiation) -> None:
    with pytest.raises(MissingProperty, match=r"'to'.*SystemEndpoint\.Address") as caught:
        request_for(a_transfer(system_address=""), asked)
    assert caught.value.code == "MISSING_PROPERTY"


@pytest.mark.parametrize(
    ("attributes", "sides"),
    [
        ({}, (SYSTEM, CUSTOMER)),
        ({"WebRTC_To": "sales", "WebRTC_From": "a@example.com"}, ("sales", "a@example.com")),
        ({"WebRTC_To": " sales "}, ("sales", CUSTOMER)),
        ({"WebRTC_To": " ", "WebRTC_From": ""}, (SYSTEM, CUSTOMER)),
    ],
)
def test_sides_of_a_web_rtc_call(attributes: dict[str, str], sides: tuple[str, str]) -> None:
    body = body_for(a_contact(web_rtc=True, attributes=attributes))
    assert (body["to"], body["from"]) == sides
    assert body["participants"] == [{"participantKey": sides[1], "type": "END_USER"}]
    assert body["callSubtype"] == "WebRTC"


def test_a_web_rtc_call_without_names() -> None:
    contact = a_contact(web_rtc=True, system_address="", customer_address="")
    body = body_for(contact)
    assert (body["to"], body["from"]) == ("WebRTC_Default", "WebRTC_Default")


def test_web_rtc_attributes_say_nothing_of_a_telephone_call() -> None:
    contact = a_contact(attributes={"WebRTC_To": "sales", "WebRTC_From": "a@example.com"})
    body = body_for(contact)
    assert (body["to"], body["from"]) == (SYSTEM, CUSTOMER)


def test_call_attributes_are_a_json_text_of_the_prefixed_ones() -> None:
    attributes = {"sfdc-Tier__c": "gold", "sfdc-": "no name", "other": "x", "sfdc-Note__c": "ü “"}
    text = body_for(a_contact(attributes=attributes))["callAttributes"]
    assert isinstance(text, str)
    assert json.loads(text) == {"Tier__c": "gold", "Note__c": "ü “"}


def test_only_the_first_prefix_is_removed() -> None:
    text = body_for(a_contact(attributes={"sfdc-sfdc-x": "1"}))["callAttributes"]
    assert json.loads(str(text)) == {"sfdc-x": "1"}


def test_no_prefixed_attributes_no_call_attributes() -> None:
    assert "callAttributes" not in body_for(a_contact(attributes={"sfdcTier": "1", "sfdc-": "2"}))


@pytest.mark.parametrize(
    ("attributes", "origin"),
    [({"callOrigin": "Voicemail"}, "Voicemail"), ({"callOrigin": " "}, None), ({}, None)],
)
def test_call_origin(attributes: dict[str, str], origin: str | None) -> None:
    assert body_for(a_contact(attributes=attributes)).get("callOrigin") == origin


@pytest.mark.parametrize("channel", [Channel.CHAT, Channel.TASK, Channel.EMAIL, Channel.UNKNOWN])
def test_other_channels_are_no_calls(channel: Channel) -> None:
    with pytest.raises(NotVoice, match=channel.value) as caught:
        request_for(a_contact(channel=channel))
    assert caught.value.skipped
    assert caught.value.code == "NOT_VOICE"


def test_an_unstated_channel_is_taken_for_voice() -> None:
    assert body_for(a_contact(channel=Channel.UNSTATED))["vendorCallKey"] == CONTACT_ID


NEVER_LIVE = {"OUTBOUND", "CALLBACK", "EXTERNAL_OUTBOUND", "DISCONNECT", "MONITOR"}


@pytest.mark.parametrize("method", [InitiationMethod(name) for name in sorted(NEVER_LIVE)])
@pytest.mark.parametrize("asked", list(CallInitiation))
def test_initiation_methods_without_a_voice_call_while_the_call_is_on(
    method: InitiationMethod, asked: CallInitiation
) -> None:
    with pytest.raises(NotCreatedLive, match=method.value) as caught:
        request_for(a_transfer(initiation_method=method), asked)
    assert caught.value.skipped
    assert caught.value.code == "NOT_CREATED_LIVE"
    assert "record" not in str(caught.value), "whether one is sent is for the settings to say"


@pytest.mark.parametrize("method", [m for m in InitiationMethod if m.value not in NEVER_LIVE])
def test_every_other_initiation_method_is_created_where_a_flow_asks_for_it(
    method: InitiationMethod,
) -> None:
    """Source: SCVL, which looks at no initiation method; calls by the API are routed like inbound
    ones (Voice implementation guide)."""
    body = body_for(a_transfer(initiation_method=method))
    transfer = method in (InitiationMethod.TRANSFER, InitiationMethod.QUEUE_TRANSFER)
    assert body["initiationMethod"] == ("Transfer" if transfer else "Inbound")
    assert ("parentVoiceCallId" in body) is transfer
    asked = body_for(a_transfer(initiation_method=method), TRANSFER)
    assert asked["initiationMethod"] == "Transfer"


def test_channel_is_judged_before_everything_else() -> None:
    contact = a_contact(
        channel=Channel.CHAT, initiation_method=InitiationMethod.API, system_address=""
    )
    with pytest.raises(CannotCreate) as caught:
        request_for(contact, TRANSFER)
    assert type(caught.value) is NotVoice


def test_the_start_is_sent_in_utc() -> None:
    eastern = timezone(timedelta(hours=-5))
    request = create_request(a_contact(), INBOUND, datetime(2026, 3, 1, 22, 0, tzinfo=eastern))
    assert request.start_time == "2026-03-02T03:00:00Z"


def test_a_call_starts_once() -> None:
    request = request_for(a_contact())
    earlier = {"startTime": "2026-03-01T12:00:00Z", "to": "another"}
    assert request.started_as(earlier).start_time == "2026-03-01T12:00:00Z"
    assert request.started_as(earlier).to == SYSTEM, "all else is what is known now"


@pytest.mark.parametrize("earlier", [{}, {"startTime": ""}, {"startTime": None}, {"startTime": 5}])
def test_an_earlier_request_without_start(earlier: dict[str, object]) -> None:
    request = request_for(a_contact())
    assert request.started_as(earlier) == request


def test_without_parent_is_the_same_call_as_an_initial_one() -> None:
    transfer = body_for(a_transfer(attributes={"sfdc-a": "1", "callOrigin": "Voicemail"}))
    request = request_for(a_transfer(attributes={"sfdc-a": "1", "callOrigin": "Voicemail"}))
    initial = request.without_parent().to_json()
    assert initial["initiationMethod"] == "Inbound"
    assert set(transfer) - set(initial) == {"parentVoiceCallId", "queue"}
    same = set(initial) - {"initiationMethod"}
    assert {name: initial[name] for name in same} == {name: transfer[name] for name in same}
