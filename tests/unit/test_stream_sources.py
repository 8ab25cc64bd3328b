"""Other inputs of streams and Connect: Kinesis records, contacts as DescribeContact has them."""

import base64
import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.samples.members import CONTACT_ID, CUSTOMER, INSTANCE_ID, SYSTEM
from tests.unit.samples import PARENT_ID, batch, stream_record
from voicecall_bridge.contact import Channel, Contact, InitiationMethod, NotAContact
from voicecall_bridge.sources import kinesis
from voicecall_bridge.sources.described_contact import DescribedContact, read

BEGAN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_a_batch_in_the_order_of_its_shard() -> None:
    found = kinesis.read(batch({"a": 1}, [2], "three"))
    assert [record.sequence_number for record in found] == ["1", "2", "3"]
    assert [record.id for record in found] == [f"shardId-000000000000:{n}" for n in (1, 2, 3)]
    assert [record.payload() for record in found] == [{"a": 1}, [2], "three"]
    assert found[0].raw == stream_record({"a": 1}, 1), "the whole record, for the dead letter"


@pytest.mark.parametrize("event", [None, [], {}, {"Records": None}, {"Records": {}}])
def test_no_batch(event: object) -> None:
    assert kinesis.read(event) == []


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"not json", b"{cut", b"\xff\xfe", b"[" * 100_000, b"9" * 6000),
        # Python's json reads these; JSON does not have them (RFC 8259, "Numbers").
        *(b'{"a": NaN}', b'{"a": [-Infinity]}', b"Infinity"),
    ],
)
def test_data_that_is_no_json(data: bytes) -> None:
    (record,) = kinesis.read({"Records": [stream_record(data)]})
    with pytest.raises(NotAContact):
        record.payload()


ONE = json.dumps({"ContactId": "+12065550100"}).encode()
# Magic number, one protobuf message with a record in it, MD5 of the message (KPL, aggregation
# format).
MESSAGE = b"\x0a\x01k\x1a\x20\x08\x00\x1a\x1c" + ONE
KPL = bytes.fromhex("f3899ac2") + MESSAGE + hashlib.md5(MESSAGE, usedforsecurity=False).digest()


@pytest.mark.parametrize(
    ("data", "code", "cure"),
    [
        (ONE + ONE, "SEVERAL_OBJECTS", "each object into a record of its own"),
        (ONE + b"\n" + ONE + b"\n", "SEVERAL_OBJECTS", "each object into a record"),
        (ONE + b"," + ONE + b", {cut", "SEVERAL_OBJECTS", "each object into a record"),
        (b"[" + ONE + b"," + ONE + b"]", "SEVERAL_OBJECTS", "each object into a record"),
        (b"[" + ONE + b"]", "SEVERAL_OBJECTS", "each object into a record"),
        (KPL, "KPL_AGGREGATE", "AggregationEnabled=false"),
        (gzip.compress(ONE), "COMPRESSED", "gzip"),
        (bytes.fromhex("28b52ffd") + ONE, "COMPRESSED", "Zstandard"),
        (ONE + b"{cut", "NOT_A_CONTACT", "not JSON"),
        (b"1 2", "NOT_A_CONTACT", "not JSON"),
    ],
)
def test_data_that_was_packed_on_its_way(data: bytes, code: str, cure: str) -> None:
    """Given what producers and forwarders make of Connect's records, then the reason names the
    form, and the text how to mend it. Neither holds anything of the content."""
    (record,) = kinesis.read({"Records": [stream_record(data)]})
    with pytest.raises(NotAContact) as caught:
        record.payload()
    assert caught.value.code == code
    assert cure in str(caught.value)
    assert "+12065550100" not in str(caught.value)
    if code != "NOT_A_CONTACT":
        assert "the stream that Amazon Connect itself writes into" in str(caught.value)


@pytest.mark.parametrize("data", ["***", "ü", None, 7, "eyJh\nIjox"])
def test_data_that_is_no_base64(data: object) -> None:
    raw = stream_record({})
    raw["kinesis"]["data"] = data
    (record,) = kinesis.read({"Records": [raw]})
    with pytest.raises(NotAContact):
        record.payload()


@pytest.mark.parametrize("raw", [None, "x", {}, {"kinesis": None}, {"kinesis": {"data": "e30="}}])
def test_a_record_of_another_shape_stays_a_record(raw: object) -> None:
    """Then the batch does not lose the record, whatever it is."""
    (record,) = kinesis.read({"Records": [raw]})
    assert record.id == record.sequence_number == ""


def test_a_record_without_an_event_id_goes_by_its_number() -> None:
    raw = stream_record({}, 7)
    del raw["eventID"]
    assert kinesis.read({"Records": [raw]})[0].id == "7"


def test_a_record_never_shows_its_data() -> None:
    data = base64.b64encode(CUSTOMER.encode()).decode()
    assert data not in repr(kinesis.read(batch(CUSTOMER.encode())))


def described(**members: object) -> DescribedContact:
    """DescribeContact's answer. Source: Amazon Connect API reference, "DescribeContact"."""
    contact: dict[str, Any] = {
        "Id": CONTACT_ID,
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": BEGAN,
        "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": CUSTOMER},
        "SystemEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": SYSTEM},
        "Attributes": {"sfdc-Region__c": "north", "broken": 7},
    }
    return read(INSTANCE_ID, CONTACT_ID, {"Contact": contact | members})


def test_a_contact_as_connect_describes_it() -> None:
    assert described() == DescribedContact(
        Contact(
            contact_id=CONTACT_ID,
            instance_id=INSTANCE_ID,
            initiation_method=InitiationMethod.INBOUND,
            initial_contact_id=CONTACT_ID,
            customer_address=CUSTOMER,
            system_address=SYSTEM,
            attributes={"sfdc-Region__c": "north"},
            initiated_at=BEGAN,
        ),
        ended=False,
    )


def test_a_transfer_as_connect_describes_it() -> None:
    contact = described(
        InitiationMethod="TRANSFER", InitialContactId=PARENT_ID, PreviousContactId=PARENT_ID
    ).contact
    assert contact.initial_contact_id == contact.previous_contact_id == PARENT_ID
    assert described(PreviousContactId=CONTACT_ID).contact.previous_contact_id == ""


def test_the_number_that_was_presented_beats_the_queues_default() -> None:
    """Given an outbound whisper with a caller-id override, then the tag holds the number."""
    shown = "+18005550111"
    found = described(Tags={"aws:connect:systemEndpoint": shown})
    assert found.contact.system_address == shown


@pytest.mark.parametrize("at", [BEGAN, BEGAN.replace(tzinfo=None)])
def test_a_contact_that_has_ended(at: datetime) -> None:
    assert described(DisconnectTimestamp=at).ended


def test_times_are_utc() -> None:
    at = BEGAN.astimezone(timezone(timedelta(hours=5)))
    initiated = described(InitiationTimestamp=at).contact.initiated_at
    assert initiated == BEGAN
    assert initiated is not None
    assert initiated.tzinfo is UTC


@pytest.mark.parametrize(
    ("members", "web"),
    [
        ({"InitiationMethod": "WEBRTC_API"}, True),
        ({"SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:WebRTC"}}}, True),
        ({"SegmentAttributes": None}, False),
    ],
)
def test_calls_from_a_browser(members: dict[str, object], web: bool) -> None:
    assert described(**members).contact.web_rtc is web


@pytest.mark.parametrize("answer", [{}, {"Contact": None}, {"Contact": {}}, {"Contact": "x"}])
def test_an_answer_that_leaves_all_out(answer: dict[str, object]) -> None:
    found = read(INSTANCE_ID, CONTACT_ID, answer)
    empty = Contact(CONTACT_ID, INSTANCE_ID, Channel.UNSTATED, initial_contact_id=CONTACT_ID)
    assert found == DescribedContact(empty, ended=False)


def test_details_fill_what_the_event_leaves_out_and_no_more() -> None:
    event = Contact("c", "i", Channel.UNSTATED, attributes={"a": "event"}, system_address="s1")
    details = Contact(
        "c",
        "i",
        Channel.VOICE,
        InitiationMethod.TRANSFER,
        "root",
        "parent",
        CUSTOMER,
        "s2",
        attributes={"a": "described", "b": "described"},
        web_rtc=True,
        initiated_at=BEGAN,
    )
    merged = event.with_details(details)
    assert merged.channel is Channel.VOICE
    assert merged.initiation_method is InitiationMethod.TRANSFER
    assert merged.previous_contact_id == "parent"
    assert (merged.customer_address, merged.system_address) == (CUSTOMER, "s1")
    assert merged.attributes == {"a": "event", "b": "described"}
    assert merged.web_rtc
    assert merged.initiated_at == BEGAN
    chat = Contact("c", "i", Channel.CHAT, InitiationMethod.INBOUND, initiated_at=BEGAN)
    kept = chat.with_details(details)
    assert (kept.channel, kept.initiation_method) == (Channel.CHAT, InitiationMethod.INBOUND)
