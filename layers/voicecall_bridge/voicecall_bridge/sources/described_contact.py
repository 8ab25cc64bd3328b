"""A contact as Amazon Connect's DescribeContact tells it.

Source: Amazon Connect API reference, "DescribeContact". Ids instead of ARNs, times as datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voicecall_bridge.contact import Channel, Contact, InitiationMethod
from voicecall_bridge.sources.reading import SECRET_NAME, first_named, members, string_map, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEM_ENDPOINT_TAG = "aws:connect:systemEndpoint"


@dataclass(frozen=True, slots=True)
class DescribedContact:
    """The contact, and whether it has ended."""

    contact: Contact
    ended: bool


def read(instance_id: str, contact_id: str, answer: Mapping[str, object]) -> DescribedContact:
    """Reads the answer's member `Contact`; what it leaves out stays empty."""
    data = members(answer.get("Contact"))
    method = InitiationMethod(text(data.get("InitiationMethod")))
    previous = text(data.get("PreviousContactId"))
    subtype = members(members(data.get("SegmentAttributes")).get("connect:Subtype"))
    contact = Contact(
        contact_id=contact_id,
        instance_id=instance_id,
        channel=Channel(text(data.get("Channel"))),
        initiation_method=method,
        initial_contact_id=text(data.get("InitialContactId")) or contact_id,
        previous_contact_id="" if previous == contact_id else previous,
        customer_address=_address(data.get("CustomerEndpoint")),
        # With a caller-id override the tag shows the number that was presented (facts, 2.5).
        system_address=text(members(data.get("Tags")).get(_SYSTEM_ENDPOINT_TAG))
        or _address(data.get("SystemEndpoint")),
        attributes=string_map(data.get("Attributes")),
        web_rtc=method is InitiationMethod.WEBRTC_API
        or text(subtype.get("ValueString")) == "connect:WebRTC",
        initiated_at=_moment(data.get("InitiationTimestamp")),
        secret_name=first_named(members(data.get("Attributes")).get(SECRET_NAME)),
    )
    return DescribedContact(contact, ended=_moment(data.get("DisconnectTimestamp")) is not None)


def _address(endpoint: object) -> str:
    return text(members(endpoint).get("Address"))


def _moment(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
