"""Reading of Contact Lens' records and files: members that are missing, null or of another type."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.strategies import ANY_JSON
from tests.samples.lens_records import categories, segments, transcript, utterance
from tests.samples.members import CONTACT_ID, INSTANCE_ARN, INSTANCE_ID, MISSING
from voicecall_bridge.contact import Channel, ContactKey, NotAContact
from voicecall_bridge.sources.contact_lens import Category, LensEvent, Line, LineSource, read
from voicecall_bridge.sources.kinds import Kind, kind_of
from voicecall_bridge.sources.post_call_file import Turn, read_analysis, read_event


def test_all_members_of_a_record() -> None:
    found = read(
        segments(transcript("t-1", "Hi", 100), categories("late", point=(1, 2))),
        LineSource.TRANSCRIPT,
    )
    assert found.key == ContactKey(INSTANCE_ID, CONTACT_ID)
    assert (found.event, found.channel) == (LensEvent.SEGMENTS, Channel.VOICE)
    assert found.lines == (Line("t-1", "Hi", "CUSTOMER", 100, 600),)
    assert found.categories == (Category("late", (1, 2)),)


def test_the_contact_and_the_instance_in_other_forms() -> None:
    """Connect compares contact ids without regard to case. A record without an instance belongs to
    the stack's instance."""
    record = segments(ContactId=CONTACT_ID.upper(), InstanceId=None)
    assert read(record, LineSource.UTTERANCE, INSTANCE_ARN).key == ContactKey(
        INSTANCE_ID, CONTACT_ID
    )


def test_words_are_not_in_what_is_shown() -> None:
    found = read(segments(utterance("u", "a secret"), categories("c-secret")), LineSource.UTTERANCE)
    assert "secret" not in repr(found)


@pytest.mark.parametrize("missing", ["Id", "PartialContent"])
@pytest.mark.parametrize("value", [MISSING, None, "", 7, " "])
def test_a_segment_without_words_or_id_is_no_line(missing: str, value: object) -> None:
    changes: dict[str, Any] = {missing: value}
    record = segments(utterance("u", **changes), utterance("v"))
    assert [line.message_id for line in read(record, LineSource.UTTERANCE).lines] == ["v"]


@given(ANY_JSON | st.fixed_dictionaries({"Segments": ANY_JSON}).map(lambda it: segments() | it))
def test_any_json_is_read_or_refused(payload: Any) -> None:
    for source in LineSource:
        try:
            found = read(payload, source)
        except NotAContact:
            continue
        assert all(line.content and line.message_id for line in found.lines)
        assert [line.begin for line in found.lines] == sorted(line.begin for line in found.lines)


KEY = "connect/Analysis/Voice/2026/11/20/{contact}_analysis_2026-11-20T10:06:00Z.json"
REDACTED = (
    "connect/Analysis/Voice/Redacted/2026/11/20/"
    "{contact}_analysis_redacted_2026-11-20T10:06:00Z.json"
)


def created(key: str, **changes: Any) -> dict[str, Any]:
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": "bucket"},
            "object": {"key": key, "size": 7, "etag": "e-1"} | changes,
        },
    }


@pytest.mark.parametrize(("name", "redacted"), [(KEY, False), (REDACTED, True)])
def test_files_are_known_by_their_names(name: str, redacted: bool) -> None:
    found = read_event(created(name.format(contact=CONTACT_ID)))
    assert (found.contact_id, found.redacted) == (CONTACT_ID, redacted)
    assert (found.bucket, found.version, found.size) == ("bucket", "e-1", 7)
    assert read_event(created(KEY, **{"version-id": "v-1"})).version == "v-1"
    assert read_event(created(name.format(contact=CONTACT_ID.upper()))).contact_id == CONTACT_ID


@pytest.mark.parametrize(
    "key",
    [
        f"connect/CallRecordings/2026/11/20/{CONTACT_ID}_20261120T10:06_UTC.wav",
        f"Analysis/Chat/2026/11/20/{CONTACT_ID}_analysis_2026.json",
        f"Analysis/Voice/2026/11/20/{CONTACT_ID}_call_recording_redacted_2026.wav",
        "Analysis/Voice/.._analysis_2026.json",
        "",
    ],
)
def test_other_files_have_no_contact(key: str) -> None:
    assert read_event(created(key)).contact_id == ""


@pytest.mark.parametrize("event", [None, [], {}, {"detail-type": "Object Created"}])
def test_other_events_are_refused(event: object) -> None:
    with pytest.raises(NotAContact):
        read_event(event)


@given(ANY_JSON)
def test_any_event_and_any_file_is_read_or_refused(payload: Any) -> None:
    for reads in (read_event, read_analysis):
        try:
            reads(payload)
        except NotAContact:
            continue


def analysis_file(**changes: Any) -> dict[str, Any]:
    """Shape: administrator guide, "Example Contact Lens output files for a call"; invented."""
    return {
        "Version": "VOICE-2022-11-30",
        "Channel": "VOICE",
        "Participants": [
            {"ParticipantId": "p-1", "ParticipantRole": "AGENT"},
            {"ParticipantId": "CUSTOMER", "ParticipantRole": "CUSTOMER"},
        ],
        "ConversationCharacteristics": {
            "Sentiment": {"OverallSentiment": {"AGENT": 1.25, "CUSTOMER": -2}},
            "ContactSummary": {"PostContactSummary": {"Content": "All is well."}},
        },
        "Transcript": [
            {
                "Id": "t-1",
                "ParticipantId": "p-1",
                "Content": "Hi",
                "BeginOffsetMillis": 0,
                "EndOffsetMillis": 900,
                "Sentiment": "POSITIVE",
            },
            {
                "ParticipantId": "CUSTOMER",
                "BeginOffsetMillis": 1000,
                "EndOffsetMillis": 1500,
                "Sentiment": "MIXED",
            },
            {"ParticipantId": "SYSTEM", "BeginOffsetMillis": 1, "EndOffsetMillis": 2},
            {"ParticipantId": "CUSTOMER", "BeginOffsetMillis": None},
            None,
        ],
    } | changes


def test_all_members_of_a_file() -> None:
    found = read_analysis(analysis_file())
    assert found.turns == (
        Turn("AGENT", "POSITIVE", 0, 900),
        Turn("CUSTOMER", "MIXED", 1000, 1500),
    )
    assert found.overall == (("AGENT", 1.25), ("CUSTOMER", -2.0))
    assert found.summary == "All is well."
    assert "well" not in repr(found)


def test_the_samples_are_read() -> None:
    folder = Path(__file__).resolve().parents[2] / "events" / "contact_lens"
    for path in folder.glob("*.json"):
        if not path.name.endswith(".expected.json"):
            payload = json.loads(path.read_text(encoding="utf-8"))
            if payload.get("ContactId") and kind_of(payload) is Kind.CONTACT_LENS:
                assert read(payload, LineSource.TRANSCRIPT).contact_id
