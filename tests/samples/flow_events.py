"""What the Lambda block of a contact flow sends.

Source: Amazon Connect administrator guide, "Invoke Lambda functions", sample request. All values
are invented.
"""

from collections.abc import Mapping
from typing import Any

from tests.samples.members import (
    CONTACT_ID,
    CUSTOMER,
    INSTANCE_ARN,
    INSTANCE_ID,
    SYSTEM,
    changed,
    endpoint,
)


def contact_data(contact_id: str = CONTACT_ID, /, **changes: object) -> dict[str, Any]:
    """ContactData of the first contact of a chain."""
    members = {
        "Attributes": {},
        "AwsRegion": "us-west-2",
        "Channel": "VOICE",
        "ContactId": contact_id,
        "CustomerEndpoint": endpoint(CUSTOMER),
        "CustomerId": None,
        "InitialContactId": contact_id,
        "InitiationMethod": "INBOUND",
        "InstanceARN": INSTANCE_ARN,
        "PreviousContactId": contact_id,
        "Queue": None,
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
        "SystemEndpoint": endpoint(SYSTEM),
        "Tags": {"aws:connect:instanceId": INSTANCE_ID},
    }
    return changed(members, changes)


def flow_event(data: object, parameters: Mapping[str, object]) -> dict[str, Any]:
    """The whole event."""
    details = {"ContactData": data, "Parameters": changed(parameters, {})}
    return {"Name": "ContactFlowEvent", "Details": details}
