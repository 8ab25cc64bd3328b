"""The event with which a contact flow's Lambda block invokes a function.

Shape: {"Name": "ContactFlowEvent", "Details": {"ContactData": {...}, "Parameters": {...}}}
(Amazon Connect administrator guide, "Invoke Lambda functions"). `Name` differs in older events,
so `Details.ContactData` distinguishes it from other events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.contact import (
    Channel,
    Contact,
    InitiationMethod,
    NotAContact,
    Queue,
)
from voicecall_bridge.sources.flow_parameters import FIELD_VALUES, FlowParameters
from voicecall_bridge.sources.reading import (
    SECRET_NAME,
    first_named,
    in_lower_case,
    is_contact_id,
    members,
    parsed_object,
    string_map,
    text,
)
from voicecall_bridge.sources.rules import (
    address,
    instance,
    is_web_rtc,
    previous_contact,
    tagged_system_address,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_CONTACT_DATA = "no Details.ContactData: not the event of a contact flow's Lambda block"


@dataclass(frozen=True, slots=True)
class FlowInvocation:
    """The flow's request.

    Attributes:
        method: empty where the block passes no methodName.
        contact: the contact. Its secret_name is fieldValues.secretName, else the parameter
            secretName, else the attribute: the flow comes before the contact.
        parameters: all that the block passes.
        system_endpoint: the number dialled, empty where Connect leaves it out; unlike the
            contact's system_address nothing takes its place.
        names_contact: a parameter says which contact it is about.
        has_contact_data: False where only parameters came, as Salesforce's own Lambdas send them
            (SCVL): the contact is only an id then.
    """

    method: str
    contact: Contact
    parameters: FlowParameters = field(default_factory=FlowParameters)
    system_endpoint: str = ""
    names_contact: bool = False
    has_contact_data: bool = True


def is_scheduled(event: object) -> bool:
    """Whether a schedule invokes the function, as SCVL's stack does to keep it warm."""
    return text(members(event).get("detail-type")) == "Scheduled Event"


def read(event: object, instance_arn: str = "") -> FlowInvocation:
    """Reads the method and the contact.

    Args:
        event: as Lambda passes it.
        instance_arn: the instance where the event names none, as parameters alone do not.

    Raises:
        NotAContact: neither Details.ContactData nor a parameter has a contact id, or its text is
            not one.
    """
    details = members(members(event).get("Details"))
    data = details.get("ContactData")
    parameters = members(details.get("Parameters"))
    named = _named(parameters)
    if not isinstance(data, dict) and not named:
        raise NotAContact(f"{NO_CONTACT_DATA}, and no parameter contactId")
    given = members(data)
    contact_id = in_lower_case(named or text(given.get("ContactId")))
    if not contact_id:
        raise NotAContact("no Details.ContactData.ContactId and no parameter contactId")
    if not is_contact_id(contact_id):
        raise NotAContact(
            "ContactId, or the parameter contactId, is not a contact id of 1 to 256 printable "
            "characters"
        )
    return FlowInvocation(
        text(parameters.get("methodName")),
        _contact(
            contact_id,
            given,
            _secret_name(parameters, given),
            # Null where a flow runs outside of a contact, absent where only parameters are passed.
            instance(given.get("InstanceARN"), instance_arn),
        ),
        FlowParameters(parameters),
        address(given.get("SystemEndpoint")),
        bool(named),
        isinstance(data, dict),
    )


def _secret_name(parameters: Mapping[str, object], contact: Mapping[str, object]) -> str:
    return first_named(
        members(parsed_object(parameters.get(FIELD_VALUES))).get(SECRET_NAME),
        parameters.get(SECRET_NAME),
        members(contact.get("Attributes")).get(SECRET_NAME),
    )


def _named(parameters: Mapping[str, object]) -> str:
    # Salesforce's own functions spell the parameter in both ways (SCVL, handleContactEvents).
    names = [parameters.get(spelling) for spelling in ("contactId", "ContactId")]
    if any(name is not None and not isinstance(name, str) for name in names):
        # Taking the flow's own contact instead would route, or end, the wrong call.
        raise NotAContact("the Lambda block's parameter contactId must be a text")
    return text(names[0]) or text(names[1])


def _contact(
    contact_id: str, data: Mapping[str, object], secret_name: str, instance_id: str
) -> Contact:
    stated = text(data.get("InitiationMethod"))
    method = InitiationMethod(stated)
    initial = in_lower_case(text(data.get("InitialContactId")))
    return Contact(
        contact_id=contact_id,
        instance_id=instance_id,
        channel=Channel(text(data.get("Channel"))),
        initiation_method=method,
        initial_contact_id=initial if is_contact_id(initial) else contact_id,
        previous_contact_id=previous_contact(
            data.get("PreviousContactId"), contact_id, text(data.get("ContactId"))
        ),
        customer_address=address(data.get("CustomerEndpoint")),
        system_address=_system_address(data),
        queue=_queue(data.get("Queue")),
        attributes=string_map(data.get("Attributes")),
        web_rtc=is_web_rtc(method, data.get("SegmentAttributes")),
        secret_name=secret_name,
        unknown_method=stated if method is InitiationMethod.UNKNOWN else "",
    )


def _system_address(data: Mapping[str, object]) -> str:
    # Connect omits SystemEndpoint for QUEUE_TRANSFER. The queue's outbound number belongs to the
    # contact center as well.
    return (
        address(data.get("SystemEndpoint"))
        or tagged_system_address(data.get("Tags"))
        or address(members(data.get("Queue")).get("OutboundCallerId"))
    )


def _queue(queue: object) -> Queue | None:
    arn = text(members(queue).get("ARN"))
    return Queue(arn, text(members(queue).get("Name"))) if arn else None
