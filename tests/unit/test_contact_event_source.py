"""A contact event becomes a contact, whatever AWS's own samples do to its keys and values.

Source: Amazon Connect administrator guide, "Contact events".
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.samples.members import CONTACT_ID, INSTANCE_ARN, INSTANCE_ID, MISSING, SYSTEM
from tests.unit.samples import PARENT_ID, QUEUE_ARN, contact_event, transfer_event
from voicecall_bridge.contact import Channel, Contact, InitiationMethod, NotAContact, Queue
from voicecall_bridge.sources.contact_event import ContactEvent, read
from voicecall_bridge.sources.reading import moment
from voicecall_bridge.streams.contact_events import ContactEvents

BEGAN = datetime(2026, 11, 20, 10, 0, 0, 120_000, tzinfo=UTC)


def test_all_members_of_an_event() -> None:
    assert read(contact_event("CONNECTED_TO_AGENT")) == ContactEvent(
        type="CONNECTED_TO_AGENT",
        contact=Contact(
            contact_id=CONTACT_ID,
            instance_id=INSTANCE_ID,
            channel=Channel.VOICE,
            initiation_method=InitiationMethod.INBOUND,
            initial_contact_id=CONTACT_ID,
            system_address=SYSTEM,
            queue=Queue(QUEUE_ARN),
            initiated_at=BEGAN,
        ),
        at=datetime(2026, 11, 20, 10, 0, 20, tzinfo=UTC),
        connected_at=datetime(2026, 11, 20, 10, 0, 45, 900_000, tzinfo=UTC),
    )


@pytest.mark.parametrize("stated", [MISSING, None, ""])
def test_an_event_without_instance_is_of_the_stacks(stated: object) -> None:
    event = contact_event(instanceArn=stated)
    assert read(event, INSTANCE_ARN).contact.instance_id == INSTANCE_ID


@pytest.mark.parametrize(
    ("given", "type_", "logged"),
    [
        ("QUEUED", "QUEUED", "QUEUED"),
        (" queued ", "QUEUED", "QUEUED"),
        ("AMD_DISABLED", "AMD_DISABLED", "AMD_DISABLED"),
        ("call from +12065550100", "CALL FROM +12065550100", "unknown"),
        ("ON_HOLD", "ON_HOLD", "unknown"),
        (None, "", ""),
    ],
)
def test_only_published_types_may_be_logged(given: object, type_: str, logged: str) -> None:
    found = read(contact_event("QUEUED", eventType=given))
    assert (found.type, found.published_type) == (type_, logged)
    stream: Any = ContactEvents(None, None, None)  # type: ignore[arg-type]
    assert stream.describe(found) == (CONTACT_ID, logged)


def test_an_event_with_the_least_members() -> None:
    """Given only the keys that every event is documented to have."""
    found = read({"detail-type": "Amazon Connect Contact Event", "detail": {"contactId": "c"}})
    assert found == ContactEvent(
        "", Contact("c", channel=Channel.UNSTATED, initial_contact_id="c"), None
    )


def test_a_transfer_names_its_chain_and_its_parent() -> None:
    contact = read(transfer_event()).contact
    assert contact.initiation_method is InitiationMethod.TRANSFER
    assert contact.initial_contact_id == contact.previous_contact_id == PARENT_ID


def test_a_contact_is_not_its_own_parent() -> None:
    assert read(contact_event(previousContactId=CONTACT_ID)).contact.previous_contact_id == ""


def with_keys(change: Callable[[str], str], value: Any) -> Any:
    """The value with every key changed, at every depth."""
    if isinstance(value, dict):
        return {change(key): with_keys(change, item) for key, item in value.items()}
    return [with_keys(change, item) for item in value] if isinstance(value, list) else value


def capital(key: str) -> str:
    return key[:1].upper() + key[1:]


@pytest.mark.parametrize("change", [capital, str.upper, str.lower])
@pytest.mark.parametrize("kind", ["QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED"])
def test_keys_are_read_in_any_case(change: Callable[[str], str], kind: str) -> None:
    """Source: the guide's samples have agentInfo and AgentInfo, contactId and ContactId."""
    event = transfer_event(kind)
    assert read({**event, "detail": with_keys(change, event["detail"])}) == read(event)


@pytest.mark.parametrize("kind", ["queued", "Queued", " QUEUED "])
def test_event_types_are_read_in_any_case(kind: str) -> None:
    assert read(contact_event(kind)).type == "QUEUED"


@pytest.mark.parametrize("channel", ["VOICE", "Voice", "voice"])
def test_channels_are_read_in_any_case(channel: str) -> None:
    assert read(contact_event(channel=channel)).contact.channel is Channel.VOICE


@pytest.mark.parametrize("kind", ["AMD_DISABLED", "WEBRTC_API", "SOMETHING_NEW", "", None, 7])
def test_unknown_event_types(kind: object) -> None:
    expected = kind if isinstance(kind, str) else ""
    assert read(contact_event(kind)).type == expected


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("CAMPAIGN_PREVIEW", InitiationMethod.UNKNOWN),
        (MISSING, InitiationMethod.UNSTATED),
        (None, InitiationMethod.UNSTATED),
        (7, InitiationMethod.UNSTATED),
    ],
)
def test_unknown_initiation_methods(method: object, expected: InitiationMethod) -> None:
    assert read(contact_event(initiationMethod=method)).contact.initiation_method is expected


@pytest.mark.parametrize(
    "value",
    ["1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00Z", "", None, 0, "yesterday", "0001-01-01"],
)
def test_times_that_are_not_set(value: object) -> None:
    """Source: the guide's sample has 1970-01-01T00:00:00.001Z where no agent connected."""
    found = read(
        contact_event(
            "DISCONNECTED",
            time=value,
            agentInfo={"agentArn": "a", "connectedToAgentTimestamp": value},
            disconnectTimestamp=value,
            initiationTimestamp=value,
        )
    )
    assert (found.at, found.contact.initiated_at) == (None, None)
    assert not found.agent_connected
    assert not found.disconnected


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-20T10:00:00.120Z", BEGAN),
        ("2026-11-20T11:00:00.120+01:00", BEGAN),
        ("2026-11-20T10:00:00.120", BEGAN),
        ("9999-12-31T23:59:59-23:59", None),
    ],
)
def test_times_in_every_zone(text: str, at: datetime | None) -> None:
    assert moment(text) == at


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"systemEndpoint": {"type": "TELEPHONE_NUMBER", "address": "+18005550111"}}, None),
        ({"systemEndpoint": {"Address": "+18005550111"}, "tags": MISSING}, None),
        ({"systemEndpoint": None}, SYSTEM),
        ({"systemEndpoint": {}, "tags": {"AWS:connect:systemEndpoint": SYSTEM}}, SYSTEM),
        ({"tags": MISSING}, ""),
        ({"tags": ["x"], "systemEndpoint": "x"}, ""),
    ],
)
def test_the_number_that_was_called(changes: dict[str, object], address: str | None) -> None:
    expected = "+18005550111" if address is None else address
    assert read(contact_event(**changes)).contact.system_address == expected


@pytest.mark.parametrize(
    ("changes", "web"),
    [
        ({"initiationMethod": "WEBRTC_API"}, True),
        ({"segmentAttributes": {"connect:Subtype": {"valueString": "connect:WebRTC"}}}, True),
        ({"segmentAttributes": {"connect:Subtype": {"ValueString": "connect:WebRTC"}}}, True),
        ({"segmentAttributes": {"connect:Subtype": "connect:WebRTC"}}, False),
        ({"segmentAttributes": MISSING}, False),
    ],
)
def test_calls_from_a_browser(changes: dict[str, object], web: bool) -> None:
    assert read(contact_event(**changes)).contact.web_rtc is web


@pytest.mark.parametrize("queue", [MISSING, None, {}, [], "x"])
def test_no_queue(queue: object) -> None:
    found = read(contact_event(queueInfo=queue))
    assert found.contact.queue is None


AGENTS = {"agentsCriteria": {"agentIds": ["a1"]}}
EXPIRED = {"status": "EXPIRED", "expression": {"attributeCondition": {"matchCriteria": AGENTS}}}
UPDATED = ["RoutingCriteria.Step.Status"]


def routing(criteria: object, updated: object = UPDATED) -> bool:
    event = contact_event(
        "CONTACT_DATA_UPDATED", routingCriteria=criteria, updatedProperties=updated
    )
    return read(event).routing_expired


@pytest.mark.parametrize(
    "criteria",
    [
        {"steps": [EXPIRED]},
        [{"steps": [EXPIRED]}],
        {"Steps": [with_keys(capital, EXPIRED)]},
        [{"step": EXPIRED}],
        [EXPIRED],
        {"steps": [{"status": "expired", "expression": {"matchCriteria": AGENTS}}]},
        {"steps": [{"status": "EXPIRED", "matchCriteria": AGENTS}]},
    ],
    ids=repr,
)
def test_routing_that_expired_as_object_and_as_array(criteria: object) -> None:
    """Source: the guide's samples; one holds an object, another one an array."""
    assert routing(criteria)


@pytest.mark.parametrize(
    "criteria",
    [
        {"steps": [{**EXPIRED, "status": "ACTIVE"}]},
        {"steps": [{**EXPIRED, "status": None}]},
        {"steps": [{"status": "ACTIVE"}, EXPIRED]},
        {"steps": [{"status": "EXPIRED", "expression": {"attributeCondition": {"name": "x"}}}]},
        {"steps": []},
        {"steps": "x"},
        [],
        None,
        "EXPIRED",
        7,
    ],
    ids=repr,
)
def test_routing_that_did_not_expire_or_is_not_for_agents(criteria: object) -> None:
    assert not routing(criteria)


@pytest.mark.parametrize(
    ("updated", "expired"),
    [
        (["UserDefinedAttributes", "routingCriteria.step.status"], True),
        (["Routing Criteria"], False),
        (["UserDefinedAttributes"], False),
        ([None, 7], False),
        ("RoutingCriteria.Step.Status", False),
        (None, False),
    ],
)
def test_only_an_update_of_the_steps_status_counts(updated: object, expired: bool) -> None:
    assert routing({"steps": [EXPIRED]}, updated) is expired


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {},
        {"detail": contact_event()["detail"]},
        {**contact_event(), "detail-type": "Scheduled Event"},
        {**contact_event(), "detail": None},
        contact_event(contactId=MISSING),
        contact_event(contactId=""),
        contact_event(contactId=7),
        contact_event(contactId="c" * 257),
        contact_event(contactId="a\nb"),
        contact_event(previousContactId="p" * 3000),
        contact_event(initialContactId="p" * 3000),
        contact_event(instanceArn=f"{INSTANCE_ARN}/{'x' * 3000}"),
    ],
    ids=lambda event: str(event)[:40],
)
def test_what_is_no_contact_event(event: object) -> None:
    """Then the failure is permanent: DynamoDB refuses keys of that length, Connect ids beyond
    256."""
    with pytest.raises(NotAContact):
        read(event)


def test_the_reason_quotes_nothing() -> None:
    with pytest.raises(NotAContact) as caught:
        read(contact_event(previousContactId="+12065550100" * 30))
    assert "2065550100" not in str(caught.value)
