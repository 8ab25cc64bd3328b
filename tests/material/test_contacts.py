"""A contact is read from events as DescribeContact would answer it, with its instance."""

from __future__ import annotations

from typing import Any

from simulator.aws.connect import ConnectSimulator
from simulator.instance import OWN_INSTANCE, Instance
from simulator.material import Event
from simulator.material.contacts import contacts_in
from simulator.material.instance import instances_in
from simulator.samples.moments import with_times

OTHER = "arn:aws:connect:eu-central-1:444455556666:instance/aaaaaaaa-1111-4222-8333-444455556666"

FLOW = Event(
    "contact_flow",
    {
        "Details": {
            "ContactData": {
                "Attributes": {"tier": "gold"},
                "Channel": "VOICE",
                "ContactId": "c-1",
                "CustomerEndpoint": {"Address": "+12065550123", "Type": "TELEPHONE_NUMBER"},
                "InitialContactId": "c-1",
                "InitiationMethod": "INBOUND",
                "InstanceARN": OTHER,
                "Queue": {"ARN": f"{OTHER}/queue/q-1", "Name": "Support"},
                "SystemEndpoint": None,
            }
        }
    },
)


def contact_event(contact_id: str = "c-1", **detail: Any) -> Event:
    inner = {"contactId": contact_id, "channel": "VOICE", "instanceArn": OTHER, **detail}
    return Event("contact_events", {"detail-type": "Amazon Connect Contact Event", "detail": inner})


def test_flow_and_event_describe_one_contact() -> None:
    (contact,) = contacts_in(
        [
            contact_event(
                initiationTimestamp="2026-11-20T10:00:00.000Z",
                systemEndpoint={"type": "TELEPHONE_NUMBER", "address": "+18005550199"},
            ),
            FLOW,
        ]
    )

    assert contact.contact_id == "c-1"
    assert contact.sources == {"contact_events", "contact_flow"}
    assert contact.members == {
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-11-20T10:00:00.000Z",
        "Attributes": {"tier": "gold"},
        "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+12065550123"},
        "SystemEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+18005550199"},
        "QueueInfo": {"Id": "q-1"},
    }
    with ConnectSimulator() as connect:  # it refuses what the API's Contact does not have
        connect.add_contact("i", contact.contact_id, **with_times(contact.members))


def test_odd_values_are_left_out() -> None:
    """Given invalid times, and a first contact that names itself, then the contact has neither."""
    (contact,) = contacts_in(
        [
            contact_event(
                initiationTimestamp="1970-01-01T00:00:00.001Z",
                scheduledTimestamp="soon",
                initialContactId="c-1",
                previousContactId="c-0",
                tags={"a": "b", "c": 1},
                systemEndpoint="+1",
            )
        ]
    )

    assert contact.members == {
        "Channel": "VOICE",
        "PreviousContactId": "c-0",
        "Tags": {"a": "b"},
    }


def test_events_without_a_contact_describe_nothing() -> None:
    events = [Event("contact_flow", []), Event("contact_records", "{"), Event("redrive", {})]

    assert contacts_in(events) == []


def test_instances_of_events() -> None:
    record = Event("contact_records", {"InstanceARN": OWN_INSTANCE.arn})
    segment = Event("contact_lens", {"InstanceId": "i"})
    nameless = Event("contact_flow", {"Details": {"ContactData": {"InstanceARN": None}}})

    found = instances_in([record, contact_event(), FLOW, segment, nameless])

    assert found == [Instance(OTHER), OWN_INSTANCE]
    assert (found[0].id, found[0].region, found[0].account) == (
        "aaaaaaaa-1111-4222-8333-444455556666",
        "eu-central-1",
        "444455556666",
    )


def test_instance_in_the_resources_of_an_event() -> None:
    """A contact's ARN begins with its instance's."""
    event = Event("contact_events", {"resources": [f"{OTHER}/contact/c-1"], "detail": {}})

    assert instances_in([event]) == [Instance(OTHER)]
