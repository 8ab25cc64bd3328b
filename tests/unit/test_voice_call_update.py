"""The mapping to `PATCH /voiceCalls`, property for property.

Source of every expectation: what Salesforce's own package (SCVL) sends; where SCVL sends nothing,
the Voice implementation guide, "Update a Voice Call Record".
"""

import json
from collections.abc import Mapping

import pytest

from tests.samples.contact_records import agent
from tests.samples.contact_records import contact_record as record
from tests.samples.members import CONTACT_ID, CUSTOMER, MISSING, SYSTEM
from tests.unit.records import a_record
from tests.unit.samples import PARENT_ID
from voicecall_bridge.sources.contact_record import read
from voicecall_bridge.voice_call.update import PROPERTIES, CustomField, update_request

ABSENT = object()
CAMPAIGN = {"SegmentAttributes": {"connect:Direction": {"ValueString": "OUTBOUND"}}}


def sent(**changes: object) -> dict[str, object]:
    return update_request(a_record(**changes)).to_json()


def test_all_of_an_answered_call() -> None:
    assert sent(
        PreviousContactId=PARENT_ID,
        InitiationMethod="TRANSFER",
        Attributes={"sfdc-Tier__c": "gold", "other": "x"},
        Recordings=[
            {
                "Location": "bucket/a.wav",
                "StartTimestamp": "2026-11-20T10:00:45Z",
                "StopTimestamp": "2026-11-20T10:05:00Z",
            }
        ],
    ) == {
        "startTime": "2026-11-20T10:00:00Z",
        "endTime": "2026-11-20T10:05:00Z",
        "parentCallIdentifier": PARENT_ID,
        "initiationMethod": "TRANSFER",
        "fromNumber": CUSTOMER,
        "toNumber": SYSTEM,
        "callSubType": "PSTN",
        "enqueueTime": "2026-11-20T10:00:20Z",
        "queue": "Support",
        "agent": "agent.one",
        "acceptTime": "2026-11-20T10:00:45Z",
        "totalHoldDuration": 34,
        "longestHoldDuration": 20,
        "numberOfHolds": 2,
        "agentInteractionDuration": 254,
        "recordingLocation": "bucket/a.wav",
        "totalRecordingDuration": 255,
        "disconnectReason": {"value": "CUSTOMER_DISCONNECT", "isError": False},
        "callAttributes": '{"Tier__c": "gold"}',
    }


def test_the_least_there_can_be() -> None:
    bare = {name: record()[name] for name in ("ContactId", "LastUpdateTimestamp")}
    assert update_request(read(bare)).to_json() == {
        "callSubType": "PSTN",
        "disconnectReason": {"value": "UNKNOWN", "isError": False},
    }


CASES: list[tuple[str, Mapping[str, object], object]] = [
    ("startTime", {"InitiationTimestamp": None}, ABSENT),
    ("startTime", {"InitiationTimestamp": 1_795_168_800}, "2026-11-20T10:00:00Z"),
    ("startTime", {"InitiationTimestamp": "1795168800000"}, "2026-11-20T10:00:00Z"),
    ("startTime", {"InitiationTimestamp": "2026-11-20T11:00:00+01:00"}, "2026-11-20T10:00:00Z"),
    ("startTime", {"InitiationTimestamp": "2026-11-20T10:00:00.120Z"}, "2026-11-20T10:00:00.120Z"),
    ("endTime", {"DisconnectTimestamp": None}, ABSENT),
    ("endTime", {"DisconnectTimestamp": "soon"}, ABSENT),
    ("parentCallIdentifier", {"PreviousContactId": None}, ABSENT),
    ("parentCallIdentifier", {"PreviousContactId": CONTACT_ID}, ABSENT),
    ("parentCallIdentifier", {"PreviousContactId": PARENT_ID}, PARENT_ID),
    ("initiationMethod", {"InitiationMethod": "API"}, "INBOUND"),
    ("initiationMethod", {"InitiationMethod": "OUTBOUND"}, "OUTBOUND"),
    ("initiationMethod", {"InitiationMethod": "CALLBACK"}, "CALLBACK"),
    ("initiationMethod", {"InitiationMethod": "WEBRTC_API"}, "WEBRTC_API"),
    ("initiationMethod", {"InitiationMethod": "QUEUE_TRANSFER"}, "TRANSFER"),
    ("initiationMethod", {"InitiationMethod": "EXTERNAL_OUTBOUND"}, "OUTBOUND"),
    ("initiationMethod", {"InitiationMethod": "CAMPAIGN_PREVIEW"}, "CAMPAIGN_PREVIEW"),
    ("initiationMethod", {"InitiationMethod": None}, ABSENT),
    ("fromNumber", {"InitiationMethod": "OUTBOUND"}, SYSTEM),
    ("toNumber", {"InitiationMethod": "OUTBOUND"}, CUSTOMER),
    ("fromNumber", {"InitiationMethod": "CALLBACK"}, SYSTEM),
    ("toNumber", {"InitiationMethod": "EXTERNAL_OUTBOUND"}, CUSTOMER),
    ("fromNumber", {"InitiationMethod": "API"}, CUSTOMER),
    ("initiationMethod", {"InitiationMethod": "API", **CAMPAIGN}, "OUTBOUND"),
    ("fromNumber", {"InitiationMethod": "API", **CAMPAIGN}, SYSTEM),
    ("toNumber", {"InitiationMethod": "API", **CAMPAIGN}, CUSTOMER),
    ("initiationMethod", {"InitiationMethod": "CAMPAIGN_PREVIEW", **CAMPAIGN}, "OUTBOUND"),
    ("fromNumber", {"InitiationMethod": "CAMPAIGN_PREVIEW", **CAMPAIGN}, SYSTEM),
    ("initiationMethod", {"InitiationMethod": "TRANSFER", **CAMPAIGN}, "TRANSFER"),
    ("fromNumber", {"InitiationMethod": "TRANSFER", **CAMPAIGN}, CUSTOMER),
    ("fromNumber", {"CustomerEndpoint": None}, ABSENT),
    *[
        ("fromNumber", {"CustomerEndpoint": {"Address": word}}, "anonymous")
        for word in ("anonymous", "Anonymous", "Restricted", "Unavailable", "unknown", "+266696687")
    ],
    ("fromNumber", {"CustomerEndpoint": {"Address": "Payphone"}}, "Payphone"),
    ("toNumber", {"SystemEndpoint": {"Address": ""}}, ABSENT),
    ("toNumber", {"SystemEndpoint": {"Address": "Softphone"}}, "Softphone"),
    ("callSubType", {"InitiationMethod": "WEBRTC_API"}, "WebRTC"),
    ("enqueueTime", {"Queue": None}, ABSENT),
    ("queue", {"Queue": None}, ABSENT),
    ("queue", {"Queue": {"Name": None, "EnqueueTimestamp": "2026-11-20T10:00:20Z"}}, ABSENT),
    ("agent", {"Agent": None}, ABSENT),
    # Null and absent differ here: an agent who never connected has an empty acceptTime.
    ("acceptTime", {"Agent": agent(ConnectedToAgentTimestamp=None)}, ""),
    ("acceptTime", {"Agent": agent(ConnectedToAgentTimestamp=MISSING)}, ""),
    ("acceptTime", {"Agent": {}}, ""),
    ("acceptTime", {"Agent": None}, ABSENT),
    ("acceptTime", {"Agent": MISSING}, ABSENT),
    ("totalHoldDuration", {"Agent": agent(CustomerHoldDuration=0)}, 0),
    ("totalHoldDuration", {"Agent": agent(CustomerHoldDuration=12.0)}, 12),
    ("totalHoldDuration", {"Agent": agent(CustomerHoldDuration="12")}, 12),
    ("totalHoldDuration", {"Agent": agent(CustomerHoldDuration=None)}, ABSENT),
    ("numberOfHolds", {"Agent": agent(NumberOfHolds=MISSING)}, ABSENT),
    ("agentInteractionDuration", {"Agent": None}, ABSENT),
    ("recordingLocation", {"Agent": agent(AgentInteractionDuration=0)}, ABSENT),
    ("recordingLocation", {"Agent": None}, ABSENT),
    ("recordingLocation", {"Recording": None}, "bucket/a.wav"),
    ("recordingLocation", {"Recording": None, "Recordings": None}, ABSENT),
    ("totalRecordingDuration", {"Recordings": None}, ABSENT),
    ("disconnectReason", {"DisconnectReason": None}, {"value": "UNKNOWN", "isError": False}),
    ("disconnectReason", {"DisconnectReason": MISSING}, {"value": "UNKNOWN", "isError": False}),
    ("disconnectReason", {"DisconnectReason": "OTHER"}, {"value": "OTHER", "isError": True}),
    (
        "disconnectReason",
        {"DisconnectReason": "TELECOM_PROBLEM"},
        {"value": "TELECOM_PROBLEM", "isError": True},
    ),
    (
        "disconnectReason",
        {"DisconnectReason": "CONTACT_FLOW_DISCONNECT"},
        {"value": "CONTACT_FLOW_DISCONNECT", "isError": True},
    ),
    (
        "disconnectReason",
        {"DisconnectReason": "OTHER", "Attributes": {"callback_flag": "1"}},
        {"value": "CALLBACK", "isError": False},
    ),
    (
        "disconnectReason",
        {"DisconnectReason": "OTHER", "Attributes": {"callback_flag": ""}},
        {"value": "OTHER", "isError": True},
    ),
    *[
        (
            "disconnectReason",
            {"DisconnectReason": "OTHER", "Attributes": {"callback_flag": no}},
            {"value": "OTHER", "isError": True},
        )
        for no in ("0", "false", "No", " FALSE ", 0, False, None)
    ],
    ("callAttributes", {"Attributes": {"sfdc-": "x", "tier": "gold"}}, ABSENT),
    ("callAttributes", {"Attributes": None}, ABSENT),
    (
        "callAttributes",
        {"Attributes": {"sf_realtime_transcription_status": "on"}},
        '{"sf_realtime_transcription_status": "on"}',
    ),
]


@pytest.mark.parametrize(("name", "changes", "expected"), CASES)
def test_property(name: str, changes: dict[str, object], expected: object) -> None:
    assert sent(**changes).get(name, ABSENT) == expected


@pytest.mark.parametrize(
    ("attributes", "customer", "system", "from_", "to"),
    [
        ({"WebRTC_From": "Ann", "WebRTC_To": "Shop"}, CUSTOMER, SYSTEM, "Ann", "Shop"),
        ({}, CUSTOMER, SYSTEM, CUSTOMER, SYSTEM),
        ({}, None, None, "WebRTC_Default", "WebRTC_Default"),
        ({"WebRTC_From": " "}, None, SYSTEM, "WebRTC_Default", SYSTEM),
    ],
)
def test_sides_of_a_web_rtc_call_are_those_of_its_create(
    attributes: dict[str, str], customer: str | None, system: str | None, from_: str, to: str
) -> None:
    body = sent(
        InitiationMethod="WEBRTC_API",
        Attributes=attributes,
        CustomerEndpoint={"Address": customer},
        SystemEndpoint={"Address": system},
    )
    assert (body["fromNumber"], body["toNumber"]) == (from_, to)


def test_which_attribute_says_that_a_callback_was_taken_is_configured() -> None:
    body = update_request(a_record(Attributes={"mine": "yes"}), callback=["mine"]).to_json()
    assert body["disconnectReason"] == {"value": "CALLBACK", "isError": False}
    other = update_request(a_record(Attributes={"callback_flag": "1"}), callback=[]).to_json()
    assert other["disconnectReason"] == {"value": "CUSTOMER_DISCONNECT", "isError": False}


def test_duration_is_that_of_the_recording_that_is_sent() -> None:
    other = {
        "Location": "bucket/screen.mp4",
        "StartTimestamp": "2026-11-20T10:00:00Z",
        "StopTimestamp": "2026-11-20T10:00:10Z",
    }
    mine = {**other, "Location": "bucket/a.wav", "StopTimestamp": "2026-11-20T10:01:00Z"}
    assert sent(Recordings=[None, other, mine])["totalRecordingDuration"] == 60
    assert "totalRecordingDuration" not in sent(Recordings=[other])
    backwards = {**mine, "StartTimestamp": "2026-11-20T11:00:00Z"}
    assert "totalRecordingDuration" not in sent(Recordings=[backwards])


def test_custom_fields() -> None:
    """Given paths to a text, a number, a boolean, an object and nothing, then scalars are sent."""
    fields = [
        CustomField("Agent.RoutingProfile.Name", "RoutingProfile__c"),
        CustomField("Agent.NumberOfHolds", "Holds__c"),
        CustomField("Attributes.tier", "Tier__c"),
        CustomField("Queue", "Queue__c"),
        CustomField("NextContactId", "Next__c"),
        CustomField("Attributes.sfdc-Own__c", "Own__c"),
    ]
    attributes = {"tier": "gölden ☎", "sfdc-Own__c": "1", "sfdc-Tier__c": "silver"}
    request = update_request(a_record(Attributes=attributes), fields)
    assert json.loads(str(request.to_json()["callAttributes"])) == {
        "RoutingProfile__c": "Basic",
        "Holds__c": 2,
        "Tier__c": "gölden ☎",
        "Own__c": "1",
    }


def test_a_number_beyond_all_numbers_is_left_out() -> None:
    """Given 1e999, which is JSON and reads as infinity, then what is sent stays JSON."""
    members = json.loads('{"Attributes": {}, "Agent": {"NumberOfHolds": 1e999, "Score": 1e999}}')
    fields = [CustomField("Agent.Score", "Score__c")]
    body = update_request(a_record(**members), fields).to_json()
    assert "numberOfHolds" not in body
    assert "callAttributes" not in body


def test_fields_can_be_left_out() -> None:
    request = update_request(a_record(Attributes={"sfdc-A__c": "1", "sfdc-B__c": "2"}))
    assert request.without(["A__c"]).to_json()["callAttributes"] == '{"B__c": "2"}'
    assert "callAttributes" not in request.without(["A__c", "B__c"]).to_json()


def test_no_property_stands_twice() -> None:
    names = [row.name for row in PROPERTIES]
    assert len(names) == len(set(names))
