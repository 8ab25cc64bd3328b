"""Flow events for these tests, each full of canaries.

Shape: Amazon Connect administrator guide, "Invoke Lambda functions"; every value is invented.
"""

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

INSTANCE = "0f0e0d0c-1111-4222-8333-444455556666"
INSTANCE_ARN = f"arn:aws:connect:us-west-2:111122223333:instance/{INSTANCE}"


def inbound(contact_id: str = "contact-1", **changes: Any) -> dict[str, Any]:
    """A call that comes in; `changes` replace members of ContactData."""
    data: dict[str, Any] = {
        "Attributes": {
            "sfdc-Region__c": FIELD,
            "greeting": ATTRIBUTE,
            "mail": EMAIL,
        },
        "AwsRegion": "us-west-2",
        "Channel": "VOICE",
        "ContactId": contact_id,
        "CustomerEndpoint": {"Address": CUSTOMER, "Type": "TELEPHONE_NUMBER"},
        "CustomerId": EMAIL,
        "Description": NAME,
        "InitialContactId": contact_id,
        "InitiationMethod": "INBOUND",
        "InstanceARN": INSTANCE_ARN,
        "LanguageCode": "en-US",
        "MediaStreams": {"Customer": {"Audio": None}},
        "Name": NAME,
        "PreviousContactId": contact_id,
        "Queue": None,
        "References": {"mail": {"Type": "EMAIL", "Value": EMAIL}},
        "RelatedContactId": None,
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
        "SystemEndpoint": {"Address": SYSTEM, "Type": "TELEPHONE_NUMBER"},
        "Tags": {"aws:connect:instanceId": INSTANCE, "aws:connect:systemEndpoint": SYSTEM},
    }
    return event("createVoiceCall", data | changes)


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
    return {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": data,
            "Parameters": {"methodName": method_name, "note": FLOW_PARAMETER},
        },
    }


def method(event: dict[str, Any], name: str) -> dict[str, Any]:
    """The event with another methodName."""
    event["Details"]["Parameters"]["methodName"] = name
    return event
