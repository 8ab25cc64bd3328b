"""Flow events for these tests, each full of canaries."""

from __future__ import annotations

from typing import Any

from tests.integration.canaries import (
    ATTRIBUTE,
    CUSTOMER,
    EMAIL,
    FIELD,
    FLOW_PARAMETER,
    NAME,
    SYSTEM,
)
from tests.samples.flow_events import contact_data, flow_event
from tests.samples.members import INSTANCE_ARN, INSTANCE_ID, endpoint


def inbound(contact_id: str = "contact-1", **changes: Any) -> dict[str, Any]:
    """An inbound call; `changes` replace members of ContactData."""
    canaries: dict[str, object] = {
        "Attributes": {"sfdc-Region__c": FIELD, "greeting": ATTRIBUTE, "mail": EMAIL},
        "CustomerEndpoint": endpoint(CUSTOMER),
        "CustomerId": EMAIL,
        "Description": NAME,
        "LanguageCode": "en-US",
        "MediaStreams": {"Customer": {"Audio": None}},
        "Name": NAME,
        "References": {"mail": {"Type": "EMAIL", "Value": EMAIL}},
        "RelatedContactId": None,
        "SystemEndpoint": endpoint(SYSTEM),
        "Tags": {"aws:connect:instanceId": INSTANCE_ID, "aws:connect:systemEndpoint": SYSTEM},
    }
    return event("createVoiceCall", contact_data(contact_id, **(canaries | changes)))


def transfer(contact_id: str, previous: str, **changes: Any) -> dict[str, Any]:
    """A transfer leg."""
    made = inbound(
        contact_id,
        InitiationMethod="TRANSFER",
        InitialContactId=previous,
        PreviousContactId=previous,
        Queue={"ARN": f"{INSTANCE_ARN}/queue/q1", "Name": "Support", "OutboundCallerId": None},
        **changes,
    )
    return method(made, "createTransferVC")


def event(method_name: str, data: dict[str, Any]) -> dict[str, Any]:
    """What the Lambda block sends."""
    return flow_event(data, {"methodName": method_name, "note": FLOW_PARAMETER})


def method(event: dict[str, Any], name: str) -> dict[str, Any]:
    """The event with another methodName."""
    event["Details"]["Parameters"]["methodName"] = name
    return event
