"""The stream of contact records: the stack's own or an existing one; attached only on request."""

from typing import Any

import pytest

from simulator.pollers.event_source_mapping import read_mappings
from tests.template.deployment import INSTANCE, RECORD_STREAM, deployed
from voicecall_bridge.settings.contact_records import RecordRules
from voicecall_bridge.settings.shared import EnvironmentReader

EXISTING = "arn:aws:kinesis:us-west-2:111122223333:stream/theirs"


def stream_of(**parameters: object) -> str:
    found = {each.function: each.stream_arn for each in read_mappings(deployed(**parameters))}
    return found["ContactRecordsFunction"]


def test_the_stack_makes_a_stream_unless_there_is_one() -> None:
    assert stream_of() == RECORD_STREAM
    assert "ContactRecordStream" in deployed().resources
    existing = {"ContactRecordStreamArn": EXISTING}
    assert stream_of(**existing) == EXISTING
    assert "ContactRecordStream" not in deployed(**existing).resources


@pytest.mark.parametrize(
    ("stream", "start", "position"),
    [
        # Records that reach the stack's own stream while its mapping is made must not be lost.
        ("", "LATEST", "TRIM_HORIZON"),
        ("", "TRIM_HORIZON", "TRIM_HORIZON"),
        (EXISTING, "LATEST", "LATEST"),
        (EXISTING, "TRIM_HORIZON", "TRIM_HORIZON"),
    ],
)
def test_an_existing_stream_is_read_from_where_the_parameter_says(
    stream: str, start: str, position: str
) -> None:
    stack = deployed(ContactRecordStreamArn=stream, ContactRecordStreamStart=start)
    (mapping,) = (
        each for each in read_mappings(stack) if each.function == "ContactRecordsFunction"
    )
    assert mapping.starting_position == position


def test_an_existing_stream_is_read_from_now_on_by_default(template: dict[str, Any]) -> None:
    """Its backlog may be a week old, and records older than four hours are given up."""
    assert template["Parameters"]["ContactRecordStreamStart"]["Default"] == "LATEST"


@pytest.mark.parametrize(("stream", "expected"), [("", RECORD_STREAM), (EXISTING, EXISTING)])
def test_the_instance_is_touched_only_on_request(stream: str, expected: str) -> None:
    """An instance has one target for contact records: a change takes them from all readers."""
    assert "ContactRecordStorageConfig" not in deployed().resources
    asked = deployed(AttachContactRecordStream="yes", ContactRecordStreamArn=stream)
    config = asked.resources["ContactRecordStorageConfig"]
    assert config["Type"] == "AWS::Connect::InstanceStorageConfig"
    assert asked.resolve(config["Properties"]) == {
        "InstanceArn": INSTANCE,
        "ResourceType": "CONTACT_TRACE_RECORDS",
        "StorageType": "KINESIS_STREAM",
        "KinesisStreamConfig": {"StreamArn": expected},
    }


def test_the_parameter_says_what_it_does_to_others(template: dict[str, Any]) -> None:
    parameter = template["Parameters"]["AttachContactRecordStream"]
    assert parameter["Default"] == "no"
    text = " ".join(parameter["Description"].split())
    assert "fails if there is one already" in text
    assert "deleting the stack" in text
    assert "for all their readers" in text


def test_connect_can_write_into_the_streams_encryption(resources: dict[str, Any]) -> None:
    """Connect puts records under a role of its own, which AWS's key lets in."""
    stream = resources["ContactRecordStream"]["Properties"]
    assert stream["StreamEncryption"] == {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    assert stream["RetentionPeriodHours"] >= 4 * 24, "outlasts a long weekend"


def test_defaults_are_the_packages() -> None:
    environment = deployed().functions["ContactRecordsFunction"].environment
    reader = EnvironmentReader(environment)
    assert RecordRules.read(reader) == RecordRules()
    assert not reader.item_faults


def test_a_slip_in_the_mapping_keeps_no_call_from_being_created(
    functions: dict[str, Any],
) -> None:
    with_fields = [
        name
        for name, function in functions.items()
        if "CONTACT_RECORD_FIELDS" in function["Properties"]["Environment"]["Variables"]
    ]
    assert with_fields == ["ContactRecordsFunction"]
