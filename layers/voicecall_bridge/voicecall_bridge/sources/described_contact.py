"""A contact as Amazon Connect's DescribeContact describes it.

Source: Amazon Connect API reference, "DescribeContact". Ids instead of ARNs, times as datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact import Channel, Contact, InitiationMethod
from voicecall_bridge.sources.reading import (
    SECRET_NAME,
    first_named,
    in_lower_case,
    members,
    moment,
    string_map,
    text,
)
from voicecall_bridge.sources.rules import (
    address,
    is_web_rtc,
    previous_contact,
    tagged_system_address,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class DescribedContact:
    """The contact, and its times: None where it has none.

    Attributes:
        contact: the contact.
        ended: the contact has ended.
        agent_connected: when an agent was connected.
        ended_at: when it ended.
    """

    contact: Contact
    ended: bool
    agent_connected: datetime | None = None
    ended_at: datetime | None = None


def read(instance_id: str, contact_id: str, answer: Mapping[str, object]) -> DescribedContact:
    """Reads the answer's member `Contact`; what it leaves out stays empty."""
    data = members(answer.get("Contact"))
    method = InitiationMethod(text(data.get("InitiationMethod")))
    contact = Contact(
        contact_id=contact_id,
        instance_id=instance_id,
        channel=Channel(text(data.get("Channel"))),
        initiation_method=method,
        initial_contact_id=in_lower_case(text(data.get("InitialContactId"))) or contact_id,
        previous_contact_id=previous_contact(data.get("PreviousContactId"), contact_id),
        customer_address=address(data.get("CustomerEndpoint")),
        # If a flow shows a number other than the queue's own, the tag has that number.
        system_address=tagged_system_address(data.get("Tags"))
        or address(data.get("SystemEndpoint")),
        attributes=string_map(data.get("Attributes")),
        web_rtc=is_web_rtc(method, data.get("SegmentAttributes")),
        initiated_at=moment(data.get("InitiationTimestamp")),
        secret_name=first_named(members(data.get("Attributes")).get(SECRET_NAME)),
    )
    connected = moment(members(data.get("AgentInfo")).get("ConnectedToAgentTimestamp"))
    ended_at = moment(data.get("DisconnectTimestamp"))
    return DescribedContact(contact, ended_at is not None, connected, ended_at)
