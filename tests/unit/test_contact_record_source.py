"""The contact record as the bridge reads it: pure, and total over what AWS may send."""

import json
from pathlib import Path

import pytest

from tests.samples.contact_records import UPDATED
from tests.samples.contact_records import contact_record as record
from tests.samples.members import CONTACT_ID, INSTANCE_ARN, INSTANCE_ID, MISSING
from tests.unit.records import a_record
from tests.unit.samples import PARENT_ID
from voicecall_bridge.contact import Channel, ContactKey, InitiationMethod, NotAContact
from voicecall_bridge.sources.contact_record import read
from voicecall_bridge.sources.kinds import Kind, kind_of


def test_first_contact_of_a_chain() -> None:
    found = a_record()
    assert (found.instance_id, found.contact_id) == (INSTANCE_ID, CONTACT_ID)
    assert found.version == 1_795_169_195_000
    assert found.channel is Channel.VOICE
    assert found.initiation_method is InitiationMethod.INBOUND
    assert found.initial_contact_id == CONTACT_ID
    assert found.previous_contact_id == ""
    assert not found.web_rtc


def test_transfer() -> None:
    found = a_record(
        InitiationMethod="TRANSFER", InitialContactId="c0", PreviousContactId=PARENT_ID
    )
    assert found.initial_contact_id == "c0"
    assert found.previous_contact_id == PARENT_ID


def test_a_contact_is_not_its_own_parent() -> None:
    assert a_record(PreviousContactId=CONTACT_ID).previous_contact_id == ""


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (UPDATED, "2026-11-20T10:06:36Z"),
        (UPDATED, "2026-11-20T10:06:35.001Z"),
        ("2026-11-20T12:06:35+02:00", "2026-11-20T10:06:36Z"),
    ],
)
def test_versions_are_ordered_by_time(older: str, newer: str) -> None:
    first, second = (a_record(LastUpdateTimestamp=at) for at in (older, newer))
    assert first.version < second.version


@pytest.mark.parametrize("stated", [MISSING, None, "", 7])
def test_a_record_without_instance_is_of_the_stacks(stated: object) -> None:
    payload = record(InstanceARN=stated)
    assert read(payload, INSTANCE_ARN).key == ContactKey(INSTANCE_ID, CONTACT_ID)
    other = {**payload, "InstanceARN": f"{INSTANCE_ARN}9"}
    assert read(other, INSTANCE_ARN).instance_id == f"{INSTANCE_ID}9"


@pytest.mark.parametrize(
    "changes",
    [
        {"ContactId": MISSING},
        {"ContactId": None},
        {"ContactId": "  "},
        {"ContactId": 7},
        {"ContactId": "c" * 257},
        {"ContactId": "c\n1"},
        {"ContactId": "\ud800"},
        {"InstanceARN": "arn:aws:connect:x:1:instance/\ud800"},
        {"InstanceARN": "arn:aws:connect:x:1:instance/" + "i" * 2048},
        {"LastUpdateTimestamp": MISSING, "AWSContactTraceRecordFormatVersion": MISSING},
    ],
)
def test_without_id_or_sign_of_a_record_it_is_no_contact_record(changes: dict[str, object]) -> None:
    with pytest.raises(NotAContact):
        a_record(**changes)


@pytest.mark.parametrize(
    "updated", [MISSING, None, "", "yesterday", "1970-01-01T00:00:00.001Z", True, []]
)
def test_a_record_without_last_update_counts_as_older_than_any_other(updated: object) -> None:
    assert a_record(LastUpdateTimestamp=updated).version == 0


@pytest.mark.parametrize(
    "updated",
    [
        "2026-11-20T10:06:35Z",
        "2026-11-20T10:06:35",
        "2026-11-20T11:06:35+01:00",
        1_795_169_195,
        1_795_169_195.0,
        1_795_169_195_000,
        "1795169195",
        "1795169195000",
    ],
)
def test_times_in_other_forms_are_the_same_version(updated: object) -> None:
    assert a_record(LastUpdateTimestamp=updated).version == 1_795_169_195_000


@pytest.mark.parametrize("payload", [None, [], "text", 3, {}, {"Records": []}])
def test_other_json_is_no_contact_record(payload: object) -> None:
    with pytest.raises(NotAContact):
        read(payload)


@pytest.mark.parametrize(
    "changes",
    [
        {"InitiationMethod": "WEBRTC_API"},
        {"SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:WebRTC"}}},
        {"SegmentAttributes": {"connect:Subtype": {"valueString": "connect:webrtc"}}},
    ],
)
def test_web_rtc(changes: dict[str, object]) -> None:
    assert a_record(**changes).web_rtc


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Agent.RoutingProfile.Name", "Basic"),
        ("Agent.NumberOfHolds", 2),
        ("Recordings.0.Location", "bucket/a.wav"),
        ("Recordings.1.Location", None),
        ("Recordings.-1", None),
        ("Recordings.²", None),
        ("Recordings.Location", None),
        ("Agent.Username.Length", None),
        ("InitialContactId", None),
        ("Nothing.At.All", None),
        ("Tags.Cost Center", "Sales"),
        ("Tags.cost.center.eu", "7"),
        ("Tags.cost", None),
        ("RingStartTimestamp", "2026-11-20T10:00:40Z"),
        ("VoicemailInfo.NumberOfVoicemails", 0),
    ],
)
def test_members_are_found_by_path(path: str, value: object) -> None:
    """Given names with blanks and dots, and members that Connect added later."""
    found = a_record(
        Tags={"Cost Center": "Sales", "cost.center.eu": "7"},
        RingStartTimestamp="2026-11-20T10:00:40Z",
        VoicemailInfo={"NumberOfVoicemails": 0},
    )
    assert found.at(path) == value


def test_a_path_of_any_length_is_followed() -> None:
    assert a_record().at(".".join("a" * 5_000)) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        (7, 7),
        (12.0, 12),
        ("12", 12),
        (" 12.0 ", 12),
        (12.6, 13),
        (-1, None),
        ("-1", None),
        (True, None),
        ("", None),
        ("1e3", None),
        ("٣", None),
        (10**30, None),
        (float("inf"), None),
    ],
)
def test_durations_are_whole_numbers(value: object, number: int | None) -> None:
    assert a_record(AgentConnectionAttempts=value).whole_number("AgentConnectionAttempts") == number


def test_unknown_values_and_members_are_read() -> None:
    found = a_record(InitiationMethod="CAMPAIGN_PREVIEW", Channel="Voice", SomethingNew={"a": 1})
    assert found.initiation_method is InitiationMethod.UNKNOWN
    assert found.channel is Channel.VOICE


def test_a_record_of_any_size_is_read() -> None:
    assert a_record(Attributes={"note": "x" * 2**20}).contact_id == CONTACT_ID


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parents[2].glob("events/contact_records/*.json"))
)
def test_samples_are_contact_records(path: Path) -> None:
    payload = json.loads(path.read_text(encoding="utf-8"))
    if not path.name.endswith(".expected.json") and kind_of(payload) is not Kind.AGENT_EVENT:
        assert read(payload).contact_id


def test_the_base_is_whole() -> None:
    """Given a copy of the record, then reading does not change the original."""
    payload = record()
    before = json.dumps(payload)
    read(payload)
    assert json.dumps(payload) == before
