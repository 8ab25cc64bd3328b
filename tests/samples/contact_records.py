"""A contact record as Amazon Connect puts it into the stream.

Source: Amazon Connect administrator guide, "Contact records data model". All values are invented.
"""

from typing import Any

from tests.samples.members import (
    ACCOUNT,
    CONTACT_ID,
    CUSTOMER,
    INSTANCE_ARN,
    SYSTEM,
    changed,
    endpoint,
)

UPDATED = "2026-11-20T10:06:35Z"


def agent(**changes: object) -> dict[str, Any]:
    """The member `Agent` of an answered call."""
    members = {
        "ARN": f"{INSTANCE_ARN}/agent/a0000001-aaaa-4bbb-8ccc-000000000001",
        "AgentInteractionDuration": 254,
        "ConnectedToAgentTimestamp": "2026-11-20T10:00:45Z",
        "CustomerHoldDuration": 34,
        "LongestHoldDuration": 20,
        "NumberOfHolds": 2,
        "RoutingProfile": {"ARN": f"{INSTANCE_ARN}/routing-profile/6", "Name": "Basic"},
        "Username": "agent.one",
    }
    return changed(members, changes)


def contact_record(**changes: object) -> dict[str, Any]:
    """The record of an inbound call that an agent answered."""
    members = {
        "AWSAccountId": ACCOUNT,
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "Agent": agent(),
        "Attributes": {},
        "Channel": "VOICE",
        "ContactId": CONTACT_ID,
        "CustomerEndpoint": endpoint(CUSTOMER),
        "DisconnectReason": "CUSTOMER_DISCONNECT",
        "DisconnectTimestamp": "2026-11-20T10:05:00Z",
        "InitialContactId": None,
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-11-20T10:00:00Z",
        "InstanceARN": INSTANCE_ARN,
        "LastUpdateTimestamp": UPDATED,
        "PreviousContactId": None,
        "Queue": {
            "ARN": f"{INSTANCE_ARN}/queue/9",
            "EnqueueTimestamp": "2026-11-20T10:00:20Z",
            "Name": "Support",
        },
        "Recording": {"Location": "bucket/a.wav", "Status": "AVAILABLE", "Type": "AUDIO"},
        "Recordings": [{"Location": "bucket/a.wav", "StorageType": "S3"}],
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
        "SystemEndpoint": endpoint(SYSTEM),
        "Tags": {},
    }
    return changed(members, changes)
