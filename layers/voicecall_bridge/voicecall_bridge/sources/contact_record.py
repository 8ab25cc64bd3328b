"""The contact records that Amazon Connect streams once a contact has ended.

Shape: one JSON object in Pascal case, most members present with null (Amazon Connect administrator
guide, "Contact records data model"). A record is sent at least once, and whole again whenever it
changes; LastUpdateTimestamp distinguishes the versions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.contact import Channel, ContactKey, InitiationMethod, NotAContact
from voicecall_bridge.sources import reading
from voicecall_bridge.sources.reading import (
    SECRET_NAME,
    first_named,
    is_contact_id,
    members,
    string_map,
    text,
)
from voicecall_bridge.sources.rules import instance, is_outbound, is_web_rtc, previous_contact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_FORMAT = "AWSContactTraceRecordFormatVersion"
_UPDATED = "LastUpdateTimestamp"

_MEMBERS = """
    AWSAccountId AWSContactTraceRecordFormatVersion AdditionalEmailRecipients Agent
    AgentConnectionAttempts AnsweringMachineDetectionStatus Attributes Campaign Cases Channel
    ChatMetrics ConnectedToSystemTimestamp ContactAssociationId ContactDetails ContactEvaluations
    ContactId ContactLens Customer CustomerEndpoint CustomerId CustomerVoiceActivity
    DisconnectDetails DisconnectReason DisconnectTimestamp ExternalThirdParty
    GlobalResiliencyMetadata InitialContactId InitiationMethod InitiationTimestamp InstanceARN
    LastPausedTimestamp LastResumedTimestamp LastUpdateTimestamp MediaStreams NextContactId
    NextContacts OutboundStrategy PreviousContactId QualityMetrics Queue QueuePriority Recording
    Recordings References RelatedContactId RingStartTimestamp RoutingCriteria ScheduledTimestamp
    SegmentAttributes SystemEndpoint Tags TaskTemplateInfo TotalPauseCount
    TotalPauseDurationInSeconds TransferCompletedTimestamp TransferredToEndpoint VoiceIdResult
    VoicemailInfo WisdomInfo
"""
MEMBERS = frozenset(_MEMBERS.split())
"""Members of a record that are documented (administrator guide, "Contact records data model").
Connect adds others all the time: a name that is missing here may be a new one."""


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """One version of a contact's record.

    Attributes:
        contact_id: 1 to 256 printable characters.
        instance_id: the bare id; empty where unstated.
        version: LastUpdateTimestamp in milliseconds since 1970: the greatest is the newest. Connect
            writes whole seconds. 0 where the record has none: it counts as older than any other.
        channel, initiation_method: tolerant enumerations.
        initial_contact_id: first contact of the chain; the contact's own id on the first one.
        previous_contact_id: empty on the first contact of a chain.
        attributes: contact attributes.
        web_rtc: an in-app or web call instead of a telephone call.
        outbound: Connect says that it called the customer, as it does for campaigns.
        members: the whole record.
        secret_name: the attribute that names the secret of its contact center; empty: not set.
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
    outbound: bool = False
    members: Mapping[str, object] = field(default_factory=dict, repr=False)
    secret_name: str = field(default="", repr=False)

    @property
    def key(self) -> ContactKey:
        """The contact's key in the ledger."""
        return ContactKey(self.instance_id, self.contact_id)

    def at(self, path: str) -> object:
        """The member at a path of names and list positions, "Agent.RoutingProfile.Name"; None for
        null and for a missing member. If a name holds dots itself, as a tag's may, the names
        together are looked up as well."""
        return _at(self.members, path.split("."))

    def text(self, path: str) -> str:
        """The text at a path; empty for everything else."""
        return text(self.at(path))

    def moment(self, path: str) -> datetime | None:
        """The time at a path; None for everything else."""
        return reading.moment(self.at(path))

    def whole_number(self, path: str) -> int | None:
        """The number at a path, from 0; None for everything else."""
        return reading.whole_number(self.at(path))

    def says_yes(self, attribute: str) -> bool:
        """Whether a contact attribute is set, by its value (see reading.says_yes)."""
        return reading.says_yes(members(self.members.get("Attributes")).get(attribute))


def read(payload: object, instance_arn: str = "") -> ContactRecord:
    """Reads a record.

    Args:
        payload: its JSON.
        instance_arn: the instance where it names none.

    Raises:
        NotAContact: no contact record, or one without contact id.
    """
    record = members(payload)
    contact_id = reading.in_lower_case(text(record.get("ContactId")))
    if not is_contact_id(contact_id):
        raise NotAContact("a contact record without a ContactId of 1 to 256 printable characters")
    stated = text(record.get("InstanceARN"))
    if stated and not is_contact_id(stated):
        raise NotAContact("a contact record with an InstanceARN that is not an id")
    if _FORMAT not in record and _UPDATED not in record:
        raise NotAContact(f"neither {_FORMAT} nor {_UPDATED}: not a contact record")
    updated = reading.moment(record.get(_UPDATED))
    method = InitiationMethod(text(record.get("InitiationMethod")))
    segment_attributes = record.get("SegmentAttributes")
    return ContactRecord(
        contact_id=contact_id,
        instance_id=instance(stated, instance_arn),
        version=round(updated.timestamp() * 1000) if updated else 0,
        channel=Channel(text(record.get("Channel"))),
        initiation_method=method,
        initial_contact_id=reading.in_lower_case(text(record.get("InitialContactId")))
        or contact_id,
        previous_contact_id=previous_contact(record.get("PreviousContactId"), contact_id),
        attributes=string_map(record.get("Attributes")),
        web_rtc=is_web_rtc(method, segment_attributes),
        outbound=is_outbound(segment_attributes),
        members=record,
        secret_name=first_named(members(record.get("Attributes")).get(SECRET_NAME)),
    )


def _at(value: object, names: Sequence[str]) -> object:
    while names:
        if isinstance(value, list):
            value = value[int(names[0])] if _is_position(names[0], value) else None
            names = names[1:]
            continue
        given, length = members(value), 1
        while ".".join(names[:length]) not in given:
            if length == len(names):
                return None
            length += 1
        value, names = given[".".join(names[:length])], names[length:]
    return value


def _is_position(name: str, values: list[object]) -> bool:
    return name.isascii() and name.isdecimal() and int(name) < len(values)
