"""Contact records the tests start from, and a Salesforce that remembers its PATCHes. Every id and
number is invented."""

import base64
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.unit.samples import CONTACT_ID, CUSTOMER, INSTANCE_ARN, MISSING, SYSTEM
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.sources.contact_record import ContactRecord, read
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.voice_call.update import UpdateRequest

UPDATED = "2026-11-20T10:06:35Z"
STREAM_ARN = "arn:aws:kinesis:us-west-2:111122223333:stream/contact-records"


def agent(**changes: object) -> dict[str, Any]:
    """The member `Agent` of an answered call."""
    members: dict[str, object] = {
        "ARN": f"{INSTANCE_ARN}/agent/a0000001-aaaa-4bbb-8ccc-000000000001",
        "AgentInteractionDuration": 254,
        "ConnectedToAgentTimestamp": "2026-11-20T10:00:45Z",
        "CustomerHoldDuration": 34,
        "LongestHoldDuration": 20,
        "NumberOfHolds": 2,
        "RoutingProfile": {"ARN": f"{INSTANCE_ARN}/routing-profile/6", "Name": "Basic"},
        "Username": "agent.one",
    }
    members |= changes
    return {name: value for name, value in members.items() if value is not MISSING}


def record(**changes: object) -> dict[str, Any]:
    """The record of an inbound call that an agent answered.

    Source: Amazon Connect administrator guide, "Contact records data model"; values invented.
    """
    members: dict[str, object] = {
        "AWSAccountId": "111122223333",
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "Agent": agent(),
        "Attributes": {},
        "Channel": "VOICE",
        "ContactId": CONTACT_ID,
        "CustomerEndpoint": {"Address": CUSTOMER, "Type": "TELEPHONE_NUMBER"},
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
        "SystemEndpoint": {"Address": SYSTEM, "Type": "TELEPHONE_NUMBER"},
        "Tags": {},
    }
    members |= changes
    return {name: value for name, value in members.items() if value is not MISSING}


def version(number: int, **changes: object) -> dict[str, Any]:
    """Version `number` of a record, 0 to 59: it says so in an attribute."""
    return record(
        LastUpdateTimestamp=f"2026-11-20T10:06:{number:02d}Z",
        Attributes={"sfdc-Version__c": str(number)},
        **changes,
    )


def a_record(**changes: object) -> ContactRecord:
    """As the source reads it."""
    return read(record(**changes))


def kinesis_record(number: int, payload: object, key: str = "key") -> dict[str, Any]:
    """One record of a batch; bytes and texts go in as they are, all else as JSON.

    Source: Lambda developer guide, "Process Amazon Kinesis Data Streams records with Lambda".
    """
    text = payload if isinstance(payload, str) else None
    data = payload if isinstance(payload, bytes) else (text or json.dumps(payload)).encode()
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": key,
            "sequenceNumber": str(number),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": 1_795_169_195.0,
        },
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "eventSourceARN": STREAM_ARN,
    }


def batch(payloads: Iterable[object], first: int = 1) -> dict[str, Any]:
    """What Lambda passes."""
    return {"Records": [kinesis_record(n, item) for n, item in enumerate(payloads, start=first)]}


class PatchedCalls(TelephonyClient):
    """Salesforce's client without a network: keeps the PATCHes in the order in which they arrived.

    `before` may raise or do anything else; what it lets through has arrived; `after` may raise, as
    when the answer is lost.
    """

    def __init__(
        self,
        before: Callable[[UpdateRequest], None] = lambda _: None,
        after: Callable[[UpdateRequest], None] = lambda _: None,
    ) -> None:
        self.before, self.after = before, after
        self.patched: list[UpdateRequest] = []
        self.deadlines: list[Deadline] = []
        self._patched_lock = threading.Lock()

    def update_voice_call(self, request: UpdateRequest, deadline: Deadline) -> int:
        self.deadlines.append(deadline)
        self.before(request)
        with self._patched_lock:
            self.patched.append(request)
        self.after(request)
        return 1

    def versions(self, contact_id: str = CONTACT_ID) -> list[int]:
        """The versions of a contact that arrived, in order (see `version`)."""
        return [
            int(str(request.call_attributes["Version__c"]))
            for request in self.patched
            if request.vendor_call_key == contact_id
        ]


def bodies(client: PatchedCalls) -> list[Mapping[str, object]]:
    """What arrived."""
    return [request.to_json() for request in client.patched]


class Failing:
    """Raises an error at the first `times` calls."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times = error, times

    def __call__(self) -> None:
        self.times -= 1
        if self.times >= 0:
            raise self.error
