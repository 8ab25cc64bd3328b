"""The event of a flow's Lambda block becomes a contact, whatever AWS leaves out."""

from typing import Any

import pytest

from tests.samples.flow_events import contact_data
from tests.samples.members import CONTACT_ID, CUSTOMER, INSTANCE_ARN, INSTANCE_ID, MISSING, SYSTEM
from tests.unit.samples import PARENT_ID, QUEUE_ARN, a_contact, flow_event
from voicecall_bridge.contact import Channel, Contact, InitiationMethod, NotAContact, Queue
from voicecall_bridge.sources import flow

OTHER_TYPES = [MISSING, None, 0, 7, 1.5, True, [], ["x"], {}, {"x": 1}, ""]


def contact_of(**changes: object) -> Contact:
    return flow.read(flow_event(**changes)).contact  # type: ignore[arg-type]


def test_a_whole_event() -> None:
    invocation = flow.read(flow_event())
    assert invocation.method == "createVoiceCall"
    assert invocation.contact == a_contact()


def test_every_field_of_a_transfer_leg() -> None:
    contact = contact_of(
        InitiationMethod="TRANSFER",
        InitialContactId=PARENT_ID,
        PreviousContactId=PARENT_ID,
        Queue={"ARN": QUEUE_ARN, "Name": "Support"},
        Attributes={"sfdc-Tier__c": "gold", "n": 1},
    )
    assert contact.initiation_method is InitiationMethod.TRANSFER
    assert contact.initial_contact_id == PARENT_ID
    assert contact.previous_contact_id == PARENT_ID
    assert contact.queue == Queue(QUEUE_ARN, "Support")
    assert contact.attributes == {"sfdc-Tier__c": "gold"}, "only texts can be attributes"


def test_only_the_contact_id_is_needed() -> None:
    contact = flow.read({"Details": {"ContactData": {"ContactId": CONTACT_ID}}}).contact
    assert contact == Contact(
        CONTACT_ID,
        channel=Channel.UNSTATED,
        initial_contact_id=CONTACT_ID,
    )


NEUTRAL: dict[str, tuple[str, object]] = {
    "Attributes": ("attributes", {}),
    "Channel": ("channel", Channel.UNSTATED),
    "CustomerEndpoint": ("customer_address", ""),
    "SystemEndpoint": ("system_address", ""),
    "InitialContactId": ("initial_contact_id", CONTACT_ID),
    "InitiationMethod": ("initiation_method", InitiationMethod.UNSTATED),
    "InstanceARN": ("instance_id", ""),
    "PreviousContactId": ("previous_contact_id", ""),
    "Queue": ("queue", None),
    "SegmentAttributes": ("web_rtc", False),
}


@pytest.mark.parametrize("value", OTHER_TYPES, ids=repr)
@pytest.mark.parametrize("member", NEUTRAL)
def test_each_field_may_be_missing_null_or_of_another_type(member: str, value: object) -> None:
    name, neutral = NEUTRAL[member]
    if member == "Attributes" and value == {"x": 1}:
        neutral = {}
    contact = contact_of(**{member: value})
    assert getattr(contact, name) == neutral
    assert contact.contact_id == CONTACT_ID


@pytest.mark.parametrize("address", [None, 12065550100, [], {}, "", "  "])
@pytest.mark.parametrize("member", ["CustomerEndpoint", "SystemEndpoint"])
def test_an_endpoint_may_have_no_address(member: str, address: object) -> None:
    contact = contact_of(**{member: {"Type": "TELEPHONE_NUMBER", "Address": address}})
    assert getattr(contact, NEUTRAL[member][0]) == ""


@pytest.mark.parametrize("queue", [{"Name": "Support"}, {"ARN": None}, {"ARN": ""}, {"ARN": 5}])
def test_a_queue_without_arn_is_none(queue: object) -> None:
    assert contact_of(Queue=queue).queue is None


def test_a_queue_without_name() -> None:
    assert contact_of(Queue={"ARN": QUEUE_ARN}).queue == Queue(QUEUE_ARN)


def test_the_tag_stands_in_for_a_missing_system_endpoint() -> None:
    tags = {"aws:connect:systemEndpoint": SYSTEM}
    assert contact_of(SystemEndpoint=None, Tags=tags).system_address == SYSTEM
    other = {"Address": "+18005550111"}
    assert contact_of(SystemEndpoint=other, Tags=tags).system_address == "+18005550111"


@pytest.mark.parametrize("tags", OTHER_TYPES, ids=repr)
def test_tags_of_any_type(tags: object) -> None:
    assert contact_of(SystemEndpoint=None, Tags=tags).system_address == ""


@pytest.mark.parametrize(
    "segment",
    [
        {"connect:Subtype": {"ValueString": "connect:WebRTC"}},
        {"connect:Subtype": {"ValueString": " connect:WebRTC "}},
    ],
)
def test_web_rtc_by_its_subtype(segment: object) -> None:
    assert contact_of(SegmentAttributes=segment).web_rtc


@pytest.mark.parametrize("subtype", [None, "connect:WebRTC", [], {"ValueString": None}])
def test_a_subtype_of_another_shape_is_no_web_rtc(subtype: object) -> None:
    assert not contact_of(SegmentAttributes={"connect:Subtype": subtype}).web_rtc


def test_web_rtc_by_its_initiation_method() -> None:
    """Given an event of the widget without segment attributes."""
    assert contact_of(InitiationMethod="WEBRTC_API", SegmentAttributes=None).web_rtc


def test_the_instance_is_the_last_part_of_its_arn() -> None:
    assert contact_of().instance_id == INSTANCE_ID
    assert contact_of(InstanceARN="bare-id").instance_id == "bare-id"


def test_a_first_contact_that_names_itself_has_no_predecessor() -> None:
    """Given flow events repeat the contact's own id on the first contact of a chain."""
    assert contact_of(PreviousContactId=CONTACT_ID).previous_contact_id == ""
    assert contact_of(PreviousContactId=f" {CONTACT_ID} ").previous_contact_id == ""


def test_blanks_around_the_contact_id_do_not_make_it_its_own_parent() -> None:
    event = flow_event(
        parameters={"contactId": "other"}, ContactId=" c1 ", PreviousContactId=" c1 "
    )
    assert flow.read(event).contact.previous_contact_id == ""


def test_the_parameter_contact_id_overrides() -> None:
    contact = flow.read(flow_event(parameters={"contactId": "another-contact"})).contact
    assert contact.contact_id == "another-contact"
    assert contact.previous_contact_id == "", "the event's own contact is no parent"


@pytest.mark.parametrize("value", ["", "  ", None])
def test_an_empty_override_counts_as_none(value: object) -> None:
    contact = flow.read(flow_event(parameters={"contactId": value})).contact
    assert contact.contact_id == CONTACT_ID


@pytest.mark.parametrize("spelling", ["contactId", "ContactId"])
@pytest.mark.parametrize("value", [7, {}, ["c9"], True], ids=repr)
def test_an_override_that_is_no_text_is_no_other_contact(spelling: str, value: object) -> None:
    """Given a block with another call's id, then the request is not made for the flow's own
    call."""
    with pytest.raises(NotAContact, match="parameter contactId must be a text"):
        flow.read(flow_event(parameters={spelling: value}))


def test_the_override_makes_up_for_a_missing_contact_id() -> None:
    event = flow_event(parameters={"contactId": "c9"}, ContactId=MISSING)
    contact = flow.read(event).contact
    assert contact.contact_id == "c9"
    assert contact.previous_contact_id == CONTACT_ID


@pytest.mark.parametrize(
    "event",
    [None, 5, "text", [], {}, {"Details": None}, {"Details": []}, {"Details": {"ContactData": []}}],
    ids=repr,
)
def test_what_is_no_flow_event(event: object) -> None:
    with pytest.raises(NotAContact, match=r"Details\.ContactData"):
        flow.read(event)


@pytest.mark.parametrize("contact_id", [MISSING, None, "", " ", 7, {}], ids=repr)
def test_no_contact_id(contact_id: object) -> None:
    with pytest.raises(NotAContact, match="ContactId"):
        flow.read(flow_event(ContactId=contact_id))


@pytest.mark.parametrize(
    "contact_id", ["c" * 257, "c\ud800", "c\nd", "c\x00", ".", ".."], ids=ascii
)
def test_a_contact_id_that_connect_never_makes(contact_id: str) -> None:
    """Source: Amazon Connect API reference, ContactId: 1 to 256 characters. Half a surrogate pair
    could neither be logged nor answered; dots alone lead to another path."""
    with pytest.raises(NotAContact, match=r"contact id|ContactId"):
        flow.read(flow_event(parameters={"contactId": contact_id}))


@pytest.mark.parametrize("parameters", [None, [], "x", 5, {}])
def test_parameters_of_any_type(parameters: object) -> None:
    event: dict[str, Any] = {"Details": {"ContactData": contact_data(), "Parameters": parameters}}
    assert flow.read(event).method == ""
    assert flow.read(event).contact.customer_address == CUSTOMER


@pytest.mark.parametrize("method", [MISSING, None, 7, [], {}])
def test_a_method_of_another_type_is_none(method: object) -> None:
    assert flow.read(flow_event(method)).method == ""


def test_an_old_event() -> None:
    """Given the older fixture's name and channel (aws-lambda-go, ContactFlowExecution)."""
    event = flow_event(Channel="Voice", Queue=MISSING, SegmentAttributes=MISSING)
    event["Name"] = "ContactFlowExecution"
    assert flow.read(event).contact.channel is Channel.VOICE


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"detail-type": "Scheduled Event", "source": "aws.events"}, True),
        ({"detail-type": "Amazon Connect Contact Event"}, False),
        ({"detail-type": None}, False),
        ({}, False),
        (None, False),
        ([], False),
    ],
    ids=repr,
)
def test_a_scheduled_event(event: object, expected: bool) -> None:
    assert flow.is_scheduled(event) is expected


@pytest.mark.parametrize("spelling", ["contactId", "ContactId"])
@pytest.mark.parametrize("details", [{}, {"ContactData": None}, {"ContactData": [1]}], ids=repr)
def test_parameters_alone(spelling: str, details: dict[str, object]) -> None:
    """Source: SCVL; its other functions pass parameters only, in both spellings."""
    passed = {"methodName": "rerouteFlowExecution", spelling: "c-9"}
    invocation = flow.read({"Details": {**details, "Parameters": passed}})
    assert not invocation.has_contact_data
    assert invocation.names_contact
    assert invocation.contact == Contact("c-9", channel=Channel.UNSTATED, initial_contact_id="c-9")
    assert invocation.parameters.given == passed


def test_which_contact_it_is_about() -> None:
    assert not flow.read(flow_event()).names_contact
    both: dict[str, object] = {"contactId": "c-9", "ContactId": "c-8"}
    invocation = flow.read(flow_event(parameters=both))
    assert (invocation.contact.contact_id, invocation.names_contact) == ("c-9", True)
    assert invocation.has_contact_data


def test_the_instance_of_a_contact_that_does_not_say_its_own() -> None:
    other = "arn:aws:connect:us-west-2:111122223333:instance/other"
    alone = {"Details": {"Parameters": {"contactId": "c-9"}}}
    assert flow.read(alone, other).contact.instance_id == "other"
    assert flow.read(flow_event(InstanceARN=MISSING), other).contact.instance_id == "other"
    assert flow.read(flow_event(), other).contact.instance_id == INSTANCE_ID


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({}, SYSTEM),
        ({"SystemEndpoint": None}, ""),
        ({"SystemEndpoint": None, "Tags": {"aws:connect:systemEndpoint": SYSTEM}}, ""),
    ],
)
def test_nothing_takes_the_place_of_the_number_dialled(
    changes: dict[str, object], number: str
) -> None:
    assert flow.read(flow_event(**changes)).system_endpoint == number  # type: ignore[arg-type]


@pytest.mark.parametrize("initial", ["..", "c" * 257, "c\ud800", "", None, 7], ids=ascii)
def test_a_first_contact_that_is_none_is_the_contact_itself(initial: object) -> None:
    assert contact_of(InitialContactId=initial).initial_contact_id == CONTACT_ID


def test_a_contact_id_may_have_dots() -> None:
    parameters: dict[str, object] = {"contactId": "..c"}
    assert flow.read(flow_event(parameters=parameters)).contact.contact_id == "..c"


NAMED = [
    ({"fieldValues": '{"secretName": " s ", "x": 1}'}, "c", "s"),
    *(({"fieldValues": values}, "", "") for values in ("s", "[1]", 7, "{" * 100_000)),
    ({"fieldValues": {"secretName": "a"}, "secretName": "b"}, "c", "a"),
    ({"fieldValues": {"secretName": ""}, "secretName": "b"}, "c", "b"),
    ({"fieldValues": None, "secretName": None}, "c", "c"),
    ({"fieldValues": "a", "secretName": " "}, " c ", "c"),
    ({"secretName": []}, "", ""),
    ({}, MISSING, ""),
    # A value that is not text must not count as missing: the default would be chosen.
    ({"secretName": ["b"]}, "c", "['b']"),
    ({"secretName": 7}, "c", "7"),
    ({"secretName": False}, "c", "False"),
    ({}, {"x": 1}, "{'x': 1}"),
]


@pytest.mark.parametrize(("parameters", "attribute", "named"), NAMED)
def test_which_contact_center_is_named(
    parameters: dict[str, object], attribute: object, named: str
) -> None:
    """Source: SCVL, `secretName` in fieldValues or as an attribute. The parameter between them is
    the bridge's. The flow's value counts before the contact's."""
    attributes = {} if attribute is MISSING else {"secretName": attribute}
    contact = flow.read(flow_event(parameters=parameters, Attributes=attributes)).contact
    assert contact.secret_name == named


UPPER = CONTACT_ID.upper()


@pytest.mark.parametrize("arn", [None, "", 7, MISSING])
def test_a_contact_without_instance_is_the_stacks(arn: object) -> None:
    """Given InstanceARN is null, as in flows that run outside of a contact, then the contact still
    finds its own item in the ledger."""
    read_one = flow.read(flow_event(InstanceARN=arn), INSTANCE_ARN)
    assert read_one.contact.instance_id == INSTANCE_ID


def test_contact_ids_are_compared_without_regard_to_case() -> None:
    """Given ids in capitals, as people may copy them, then they are read in Connect's lower
    case."""
    one = flow.read(
        flow_event(ContactId=UPPER, InitialContactId=UPPER, PreviousContactId=CONTACT_ID)
    )
    assert one.contact.contact_id == one.contact.initial_contact_id == CONTACT_ID
    assert one.contact.previous_contact_id == ""
    child = flow.read(flow_event(PreviousContactId=PARENT_ID.upper()))
    assert child.contact.previous_contact_id == PARENT_ID
    named = flow.read(flow_event(parameters={"contactId": UPPER}, ContactId=PARENT_ID))
    assert named.contact.contact_id == CONTACT_ID


def test_an_id_of_another_form_stays_as_it_is() -> None:
    """Another system's key, or a record id, may be case-sensitive."""
    assert flow.read(flow_event(parameters={"contactId": "0LQaB"})).contact.contact_id == "0LQaB"


@pytest.mark.parametrize(
    ("method", "word"), [("INBOUND", ""), ("", ""), (None, ""), ("NewOne", "NewOne")]
)
def test_an_unknown_initiation_method_is_kept_as_it_came(method: object, word: str) -> None:
    contact = flow.read(flow_event(InitiationMethod=method)).contact
    assert contact.unknown_method == word
    assert not word or word not in repr(contact)
