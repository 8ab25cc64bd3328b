"""Maps a contact to a create request of Salesforce's Telephony Integration API. Pure.

Source of every rule: Salesforce's Voice implementation guide, "Create a Voice Call Record"; where
the guide is silent, the behaviour of Salesforce's own package (SCVL), which existing orgs rely on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.contact import Channel, Contact, InitiationMethod

if TYPE_CHECKING:
    from collections.abc import Mapping

WITHHELD_NUMBER = "anonymous"
"""Sent for a number that the caller withholds: the word that Connect writes in most cases."""
_WITHHELD = frozenset(
    {
        WITHHELD_NUMBER,
        "restricted",
        "unavailable",
        "unknown",
        "private",
        "withheld",
        "blocked",
        "+266696687",  # ANONYMOUS on a keypad
    }
)
"""Other words for the same, as carriers and Connect write them, in lower case."""
WEB_RTC_DEFAULT = "WebRTC_Default"
"""Sent for either side of a WebRTC call that has no address (SCVL)."""
CALL_ATTRIBUTE_PREFIX = "sfdc-"
"""Contact attributes with this prefix become fields of the VoiceCall (SCVL)."""

TRANSFERS = frozenset({InitiationMethod.TRANSFER, InitiationMethod.QUEUE_TRANSFER})
CREATED_LIVE = TRANSFERS | {
    InitiationMethod.INBOUND,
    InitiationMethod.WEBRTC_API,
    # StartOutboundVoiceContact and campaigns: routed like any inbound call once it is answered.
    InitiationMethod.API,
    InitiationMethod.UNSTATED,
}
"""Initiation methods that get a VoiceCall during the call, even if no flow asks for it."""
NEVER_LIVE = frozenset(
    {
        InitiationMethod.OUTBOUND,
        InitiationMethod.CALLBACK,
        InitiationMethod.EXTERNAL_OUTBOUND,
        InitiationMethod.DISCONNECT,
        InitiationMethod.MONITOR,
    }
)
"""Initiation methods that never do: the API refuses outbound calls, Salesforce makes the records of
its calls and callbacks itself, and the last two are not calls of a customer. Any other method, even
one that Connect adds later, is created if a flow asks for it."""


class CallInitiation(StrEnum):
    """The `initiationMethod` of a create request."""

    INBOUND = "Inbound"
    TRANSFER = "Transfer"


class CannotCreate(ValueError):
    """This contact cannot become a create request, now or later.

    Attributes:
        code: a word for answers, logs and metrics.
        skipped: contacts of this kind are intentionally not created during the call.
    """

    code = "CANNOT_CREATE"
    skipped = False


class NotVoice(CannotCreate):
    """A chat, task, e-mail or unknown channel."""

    code = "NOT_VOICE"
    skipped = True


class NotCreatedLive(CannotCreate):
    """An initiation method that gets no VoiceCall during the call.

    Attributes:
        contact: the contact.
    """

    code = "NOT_CREATED_LIVE"
    skipped = True

    def __init__(self, contact: Contact) -> None:
        super().__init__(
            f"a contact initiated by {contact.initiation_method.value} gets no VoiceCall while it "
            "is on (the API takes Inbound and Transfer): leave the Lambda block out of this flow, "
            "or go on without a voiceCallId"
        )
        self.contact = contact


class TransferWithoutParent(CannotCreate):
    """A transfer that names no previous contact."""

    code = "TRANSFER_WITHOUT_PARENT"


class MissingProperty(CannotCreate):
    """A property that the API requires cannot be filled from the contact."""

    code = "MISSING_PROPERTY"


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant of the call. The API counts the first END_USER only."""

    participant_key: str
    type: str = "END_USER"

    def to_json(self) -> dict[str, str]:
        """The object as the API takes it."""
        return {"participantKey": self.participant_key, "type": self.type}


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """The body of `POST /voiceCalls`. Properties with an empty string are left out.

    The contact center is not a part of it: the client adds the one that it signs for.
    """

    vendor_call_key: str
    to: str
    from_: str
    initiation_method: CallInitiation
    start_time: str
    participants: tuple[Participant, ...]
    call_subtype: str
    parent_voice_call_id: str = ""
    queue: str = ""
    call_origin: str = ""
    call_attributes: str = ""

    def to_json(self) -> dict[str, object]:
        """The body without callCenterApiName and without unknown properties."""
        required: dict[str, object] = {
            "vendorCallKey": self.vendor_call_key,
            "to": self.to,
            "from": self.from_,
            "initiationMethod": self.initiation_method.value,
            "startTime": self.start_time,
            "participants": [participant.to_json() for participant in self.participants],
            "callSubtype": self.call_subtype,
        }
        optional = {
            "parentVoiceCallId": self.parent_voice_call_id,
            "queue": self.queue,
            "callOrigin": self.call_origin,
            "callAttributes": self.call_attributes,
        }
        return required | {name: value for name, value in optional.items() if value}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> CreateRequest:
        """The request that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: `stored` was not written by `to_json`.
        """
        given = {name: value for name, value in stored.items() if isinstance(value, str)}
        people = stored["participants"]
        if not isinstance(people, list):
            raise TypeError("participants is not a list")
        return cls(
            vendor_call_key=given["vendorCallKey"],
            to=given["to"],
            from_=given["from"],
            initiation_method=CallInitiation(given["initiationMethod"]),
            start_time=given["startTime"],
            participants=tuple(Participant(one["participantKey"], one["type"]) for one in people),
            call_subtype=given["callSubtype"],
            parent_voice_call_id=given.get("parentVoiceCallId", ""),
            queue=given.get("queue", ""),
            call_origin=given.get("callOrigin", ""),
            call_attributes=given.get("callAttributes", ""),
        )

    def started_as(self, earlier: Mapping[str, object]) -> CreateRequest:
        """This request with the start of an earlier one for the same call: a call starts once."""
        start = earlier.get("startTime")
        return replace(self, start_time=start) if isinstance(start, str) and start else self

    def without_parent(self) -> CreateRequest:
        """The same call as an initial one; parent and queue belong to transfers only."""
        return replace(
            self, initiation_method=CallInitiation.INBOUND, parent_voice_call_id="", queue=""
        )


def create_request(contact: Contact, asked: CallInitiation, started_at: datetime) -> CreateRequest:
    """The create request for a contact.

    Args:
        contact: the contact; any of its attributes may be empty.
        asked: what the flow's method asks for. A contact that Connect calls a transfer names its
            parent even where the flow asks for `Inbound`.
        started_at: when the call began, aware; sent in UTC with second precision.

    Raises:
        CannotCreate: one of its kinds, naming what is missing and the cure.
    """
    initiation = _initiation(contact, asked)
    transfer = initiation is CallInitiation.TRANSFER
    to, from_ = _web_rtc_sides(contact) if contact.web_rtc else _telephone_sides(contact)
    return CreateRequest(
        vendor_call_key=contact.contact_id,
        to=to,
        from_=from_,
        initiation_method=initiation,
        start_time=started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        participants=(Participant(from_),),
        call_subtype="WebRTC" if contact.web_rtc else "PSTN",
        parent_voice_call_id=contact.previous_contact_id if transfer else "",
        queue=contact.queue.arn if transfer and contact.queue else "",
        call_origin=contact.attributes.get("callOrigin", "").strip(),
        call_attributes=_call_attributes(contact.attributes),
    )


def caller_number(address: str) -> str:
    """The customer's number; one word for a withheld number, however Connect writes it."""
    return WITHHELD_NUMBER if address.lower() in _WITHHELD else address


def require_voice(contact: Contact) -> None:
    """Checks that the contact is a call, as far as it says.

    Raises:
        NotVoice: it is of another channel.
    """
    if contact.channel not in (Channel.VOICE, Channel.UNSTATED):
        raise NotVoice(
            f"a {contact.channel.value} contact is not a call: call this function for the "
            "channel VOICE only (check the channel before the Lambda block)"
        )


def _initiation(contact: Contact, asked: CallInitiation) -> CallInitiation:
    require_voice(contact)
    if contact.initiation_method in NEVER_LIVE:
        raise NotCreatedLive(contact)
    if asked is CallInitiation.TRANSFER and not contact.previous_contact_id:
        raise TransferWithoutParent(
            "createTransferVC needs a PreviousContactId other than the contact's own: use "
            "createVoiceCall in flows where a call begins"
        )
    if contact.initiation_method in TRANSFERS and contact.previous_contact_id:
        return CallInitiation.TRANSFER
    return asked


def _telephone_sides(contact: Contact) -> tuple[str, str]:
    if not contact.system_address:
        raise MissingProperty(
            "'to' cannot be filled: SystemEndpoint.Address, the tag aws:connect:systemEndpoint and "
            "Queue.OutboundCallerId.Address are all empty. Check that the call came in on a number "
            "claimed in this instance, or give the queue an outbound caller id"
        )
    return contact.system_address, caller_number(contact.customer_address) or WITHHELD_NUMBER


def _web_rtc_sides(contact: Contact) -> tuple[str, str]:
    to = contact.attributes.get("WebRTC_To", "").strip() or contact.system_address
    from_ = contact.attributes.get("WebRTC_From", "").strip() or contact.customer_address
    return to or WEB_RTC_DEFAULT, from_ or WEB_RTC_DEFAULT


def _call_attributes(attributes: Mapping[str, str]) -> str:
    fields = {
        name.removeprefix(CALL_ATTRIBUTE_PREFIX): value
        for name, value in attributes.items()
        if name.startswith(CALL_ATTRIBUTE_PREFIX) and name != CALL_ATTRIBUTE_PREFIX
    }
    return json.dumps(fields) if fields else ""
