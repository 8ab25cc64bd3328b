"""The event with which a contact flow's Lambda block invokes a function.

Shape: {"Name": "ContactFlowEvent", "Details": {"ContactData": {...}, "Parameters": {...}}}
(Amazon Connect administrator guide, "Invoke Lambda functions"). `Name` differs in older events,
so `Details.ContactData` is what tells it from other events.
"""

from __future__ import annotations

from dataclasses import dataclass

from voicecall_bridge.contact import (
    Channel,
    Contact,
    InitiationMethod,
    NotAContact,
    Queue,
)
from voicecall_bridge.sources.reading import (
    SECRET_NAME,
    first_named,
    is_contact_id,
    members,
    string_map,
    text,
)

_WEB_RTC_SUBTYPE = "connect:WebRTC"
_SYSTEM_ENDPOINT_TAG = "aws:connect:systemEndpoint"


@dataclass(frozen=True, slots=True)
class FlowInvocation:
    """What a flow asks for.

    Attributes:
        method: empty where the block passes no methodName.
        contact: the contact. Its secret_name is fieldValues.secretName, else the parameter
            secretName, else the attribute: what the flow says goes before what the contact says.
    """

    method: str
    contact: Contact


def is_scheduled(event: object) -> bool:
    """Whether a schedule invokes the function, as SCVL's stack does to keep it warm."""
    return text(members(event).get("detail-type")) == "Scheduled Event"


def read(event: object) -> FlowInvocation:
    """Reads the method and the contact.

    Raises:
        NotAContact: no Details.ContactData, or no contact id in it.
    """
    details = members(members(event).get("Details"))
    data = details.get("ContactData")
    if not isinstance(data, dict):
        raise NotAContact("no Details.ContactData: not the event of a contact flow's Lambda block")
    parameters = members(details.get("Parameters"))
    contact_id = text(parameters.get("contactId")) or text(data.get("ContactId"))
    if not contact_id:
        raise NotAContact("no Details.ContactData.ContactId and no parameter contactId")
    if not is_contact_id(contact_id):
        raise NotAContact(
            "ContactId, or the parameter contactId, is no contact id of 1 to 256 printable "
            "characters"
        )
    secret_name = first_named(
        members(parameters.get("fieldValues")).get(SECRET_NAME),
        parameters.get(SECRET_NAME),
        members(data.get("Attributes")).get(SECRET_NAME),
    )
    contact = _contact(contact_id, data, secret_name)
    return FlowInvocation(text(parameters.get("methodName")), contact)


def _contact(contact_id: str, data: dict[str, object], secret_name: str) -> Contact:
    method = InitiationMethod(text(data.get("InitiationMethod")))
    previous = text(data.get("PreviousContactId"))
    return Contact(
        contact_id=contact_id,
        instance_id=text(data.get("InstanceARN")).rpartition("/")[2],
        channel=Channel(text(data.get("Channel"))),
        initiation_method=method,
        initial_contact_id=text(data.get("InitialContactId")) or contact_id,
        # The first contact of a chain names itself as its own predecessor in flow events.
        previous_contact_id=""
        if previous in (contact_id, text(data.get("ContactId")))
        else previous,
        customer_address=_address(data.get("CustomerEndpoint")),
        system_address=_system_address(data),
        queue=_queue(data.get("Queue")),
        attributes=string_map(data.get("Attributes")),
        web_rtc=method is InitiationMethod.WEBRTC_API
        or _subtype(data.get("SegmentAttributes")) == _WEB_RTC_SUBTYPE,
        secret_name=secret_name,
    )


def _address(endpoint: object) -> str:
    return text(members(endpoint).get("Address"))


def _system_address(data: dict[str, object]) -> str:
    # Connect leaves SystemEndpoint out for QUEUE_TRANSFER; the number that the queue shows to
    # those it calls is the contact center's, too.
    return (
        _address(data.get("SystemEndpoint"))
        or text(members(data.get("Tags")).get(_SYSTEM_ENDPOINT_TAG))
        or _address(members(data.get("Queue")).get("OutboundCallerId"))
    )


def _queue(queue: object) -> Queue | None:
    arn = text(members(queue).get("ARN"))
    return Queue(arn, text(members(queue).get("Name"))) if arn else None


def _subtype(segment_attributes: object) -> str:
    return text(members(members(segment_attributes).get("connect:Subtype")).get("ValueString"))
