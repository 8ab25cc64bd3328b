"""The contact records that Amazon Connect streams once a contact has ended.

Shape: one JSON object in Pascal case, most members present with null (Amazon Connect administrator
guide, "Contact records data model"). A record is sent at least once, and whole again whenever it
changes; LastUpdateTimestamp tells the versions apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.contact import Channel, InitiationMethod, NotAContact
from voicecall_bridge.sources.contact_event import timestamp
from voicecall_bridge.sources.reading import (
    SECRET_NAME,
    first_named,
    is_contact_id,
    members,
    string_map,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_FORMAT = "AWSContactTraceRecordFormatVersion"
# What else Connect can be told to send into the same stream: contact events have a detail-type,
# agent events and Contact Lens segments an EventType. A contact record has neither.
_OTHERS = ("detail-type", "EventType")

_MEMBERS = """
    AWSAccountId AWSContactTraceRecordFormatVersion Agent AgentConnectionAttempts
    AnsweringMachineDetectionStatus Attributes Campaign Channel ConnectedToSystemTimestamp
    ContactAssociationId ContactDetails ContactEvaluations ContactId ContactLens Customer
    CustomerEndpoint CustomerId CustomerVoiceActivity DisconnectDetails DisconnectReason
    DisconnectTimestamp ExternalThirdParty GlobalResiliencyMetadata InitialContactId
    InitiationMethod InitiationTimestamp InstanceARN LastPausedTimestamp LastResumedTimestamp
    LastUpdateTimestamp MediaStreams NextContactId OutboundStrategy PreviousContactId
    QualityMetrics Queue Recording Recordings References RelatedContactId RoutingCriteria
    ScheduledTimestamp SegmentAttributes SystemEndpoint Tags TotalPauseCount
    TotalPauseDurationInSeconds TransferCompletedTimestamp TransferredToEndpoint VoiceIdResult
    WisdomInfo
"""
MEMBERS = frozenset(_MEMBERS.split())
"""A record's own members (administrator guide, "Contact records data model")."""


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """One version of a contact's record.

    Attributes:
        contact_id: 1 to 256 printable characters.
        instance_id: the bare id; empty where unstated.
        version: LastUpdateTimestamp in milliseconds since 1970: the greatest is the newest. Connect
            writes whole seconds.
        channel, initiation_method: tolerant enumerations.
        initial_contact_id: first contact of the chain; the contact's own id on the first one.
        previous_contact_id: empty on the first contact of a chain.
        attributes: contact attributes.
        web_rtc: an in-app or web call instead of a telephone call.
        members: the whole record.
        secret_name: the attribute that names the secret of its contact center; empty: none does.
        foreign: it is no contact record but something else that Connect streams.
    """

    contact_id: str
    instance_id: str = ""
    version: int = 0
    channel: Channel = Channel.UNSTATED
    initiation_method: InitiationMethod = InitiationMethod.UNSTATED
    initial_contact_id: str = ""
    previous_contact_id: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    web_rtc: bool = False
    members: Mapping[str, object] = field(default_factory=dict, repr=False)
    secret_name: str = field(default="", repr=False)
    foreign: bool = False

    def at(self, path: str) -> object:
        """The member at a path of names and list positions, "Agent.RoutingProfile.Name"; None for
        null and for what is not there."""
        value: object = self.members
        for name in path.split("."):
            if isinstance(value, list):
                value = value[int(name)] if _is_position(name, value) else None
            else:
                value = members(value).get(name)
        return value

    def text(self, path: str) -> str:
        """The text at a path; empty for everything else."""
        return text(self.at(path))

    def moment(self, path: str) -> datetime | None:
        """The time at a path; None for everything else."""
        return timestamp(self.at(path))

    def whole_number(self, path: str) -> int | None:
        """The number at a path, from 0; None for everything else."""
        value = self.at(path)
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value if whole and value >= 0 else None  # type: ignore[return-value,operator]


def read(payload: object) -> ContactRecord:
    """Reads a record.

    Raises:
        NotAContact: no contact record, or one without contact id or LastUpdateTimestamp.
    """
    record = members(payload)
    if _FORMAT not in record and any(name in record for name in _OTHERS):
        return ContactRecord(text(record.get("ContactId")), foreign=True)
    contact_id = text(record.get("ContactId"))
    if not is_contact_id(contact_id):
        raise NotAContact("no contact record with a ContactId of 1 to 256 printable characters")
    instance = text(record.get("InstanceARN"))
    if instance and not is_contact_id(instance):
        raise NotAContact("a contact record whose InstanceARN is no id")
    updated = timestamp(record.get("LastUpdateTimestamp"))
    if updated is None:
        raise NotAContact("a contact record without LastUpdateTimestamp")
    method = InitiationMethod(text(record.get("InitiationMethod")))
    previous = text(record.get("PreviousContactId"))
    return ContactRecord(
        contact_id=contact_id,
        instance_id=instance.rpartition("/")[2],
        version=round(updated.timestamp() * 1000),
        channel=Channel(text(record.get("Channel"))),
        initiation_method=method,
        initial_contact_id=text(record.get("InitialContactId")) or contact_id,
        previous_contact_id="" if previous == contact_id else previous,
        attributes=string_map(record.get("Attributes")),
        web_rtc=method is InitiationMethod.WEBRTC_API or _is_web_rtc(record),
        members=record,
        secret_name=first_named(members(record.get("Attributes")).get(SECRET_NAME)),
    )


def _is_web_rtc(record: Mapping[str, object]) -> bool:
    subtype = members(members(record.get("SegmentAttributes")).get("connect:Subtype"))
    return text(subtype.get("ValueString")) == "connect:WebRTC"


def _is_position(name: str, values: list[object]) -> bool:
    return name.isascii() and name.isdecimal() and int(name) < len(values)
