"""What the poller learns from the template: defaults, ranges, refusals.

Rules: AWS Lambda Developer Guide, "Lambda event source mapping
parameters for Kinesis".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.pollers.event_source_mapping import EventSourceMapping, read_mappings
from simulator.sam.template import TemplateError
from tests.simulator.stream_simulator import template_of

if TYPE_CHECKING:
    from pathlib import Path

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/contact-events"
VALUES = {"Stream.Arn": STREAM, "Bucket.Arn": "arn:aws:s3:::dead-letters"}
RESOURCES = """
  Stream: {{Type: AWS::Kinesis::Stream}}
  Bucket: {{Type: AWS::S3::Bucket}}
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Contacts: {{Type: Kinesis, Properties: {{{0}}}}}
        Warm: {{Type: Schedule, Properties: {{Schedule: rate(5 minutes)}}}}
  Quiet: {{Type: AWS::Serverless::Function}}
"""
WHOLE = """Stream: !GetAtt Stream.Arn, StartingPosition: LATEST, BatchSize: "50",
  MaximumBatchingWindowInSeconds: 5, ParallelizationFactor: 10, BisectBatchOnFunctionError: true,
  MaximumRetryAttempts: 3, MaximumRecordAgeInSeconds: 3600,
  FunctionResponseTypes: [ReportBatchItemFailures],
  DestinationConfig: {OnFailure: {Type: S3, Destination: !GetAtt Bucket.Arn}}"""


def read(folder: Path, properties: str) -> list[EventSourceMapping]:
    return read_mappings(template_of(folder, RESOURCES.format(properties), VALUES))


def test_a_mapping_of_a_function_is_read_whole(tmp_path: Path) -> None:
    """Given every setting, when the template is read, then the mapping has every setting."""
    assert read(tmp_path, WHOLE) == [
        EventSourceMapping(
            logical_id="ReaderContacts",
            function="Reader",
            stream_arn=STREAM,
            starting_position="LATEST",
            batch_size=50,
            batching_window=5,
            parallelization=10,
            bisect=True,
            max_retries=3,
            max_record_age=3600,
            report_item_failures=True,
            on_failure="arn:aws:s3:::dead-letters",
        )
    ]


def test_what_is_left_out_has_lambdas_default(tmp_path: Path) -> None:
    """Given only what is required, when it is read, then the rest has Lambda's defaults."""
    (mapping,) = read(tmp_path, "Stream: !GetAtt Stream.Arn, StartingPosition: TRIM_HORIZON")

    assert (mapping.batch_size, mapping.batching_window, mapping.parallelization) == (100, 0, 1)
    assert (mapping.bisect, mapping.report_item_failures, mapping.on_failure) == (False, False, "")
    assert (mapping.max_retries, mapping.max_record_age) == (None, None)


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("BatchSize: 1", "batch_size", 1),
        ("BatchSize: 10000", "batch_size", 10_000),
        ("MaximumBatchingWindowInSeconds: 300", "batching_window", 300),
        ("MaximumRetryAttempts: -1", "max_retries", None),
        ("MaximumRetryAttempts: 0", "max_retries", 0),
        ("MaximumRetryAttempts: 10000", "max_retries", 10_000),
        ("MaximumRecordAgeInSeconds: -1", "max_record_age", None),
        ("MaximumRecordAgeInSeconds: 60", "max_record_age", 60),
        ("MaximumRecordAgeInSeconds: 604800", "max_record_age", 604_800),
        ("FunctionResponseTypes: []", "report_item_failures", False),
        ('BisectBatchOnFunctionError: "true"', "bisect", True),
        ("DestinationConfig: {OnFailure: !Ref AWS::NoValue}", "on_failure", ""),
    ],
)
def test_the_ends_of_the_ranges_are_taken(
    tmp_path: Path, setting: str, field: str, value: object
) -> None:
    """Given a setting at the end of its range, when it is read, then it is taken."""
    (mapping,) = read(tmp_path, f"Stream: !GetAtt Stream.Arn, StartingPosition: LATEST, {setting}")

    assert getattr(mapping, field) == value


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ("StartingPosition: LATEST", "ReaderContacts: Stream: the ARN"),
        ("Stream: contact-events, StartingPosition: LATEST", "Stream: the ARN"),
        ("Stream: !GetAtt Stream.Arn", "StartingPosition: one of"),
        ("Stream: !GetAtt Stream.Arn, StartingPosition: NOW", "StartingPosition: one of"),
        ("Stream: !GetAtt Stream.Arn, StartingPosition: AT_TIMESTAMP", "belongs to AT_TIMESTAMP"),
        (
            "Stream: !GetAtt Stream.Arn, StartingPosition: AT_TIMESTAMP,"
            " StartingPositionTimestamp: 2026-11-20",
            "StartingPositionTimestamp: epoch seconds",
        ),
    ],
)
def test_a_mapping_without_stream_or_start_is_refused(
    tmp_path: Path, properties: str, complaint: str
) -> None:
    """Given a mapping that Lambda would refuse, when it is read, then the reason is named."""
    with pytest.raises(TemplateError, match=complaint):
        read(tmp_path, properties)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("BatchSize: 0", "BatchSize: 0 is not from 1 to 10000"),
        ("BatchSize: 10001", "from 1 to 10000"),
        ("BatchSize: true", "a whole number"),
        ("BatchSize: 1.5", "a whole number"),
        ("MaximumBatchingWindowInSeconds: 301", "from 0 to 300"),
        ("ParallelizationFactor: 0", "from 1 to 10"),
        ("ParallelizationFactor: 11", "from 1 to 10"),
        ("MaximumRetryAttempts: -2", "from 0 to 10000"),
        ("MaximumRetryAttempts: 10001", "from 0 to 10000"),
        ("MaximumRecordAgeInSeconds: 59", "from 60 to 604800"),
        ("MaximumRecordAgeInSeconds: 604801", "from 60 to 604800"),
        ("BisectBatchOnFunctionError: maybe", "true or false"),
        ("FunctionResponseTypes: [Everything]", "ReportBatchItemFailures"),
        ("StartingPositionTimestamp: 5", "belongs to AT_TIMESTAMP"),
        ("DestinationConfig: {OnFailure: {Type: S3}}", "a bucket's or queue's ARN"),
        ("DestinationConfig: {OnFailure: {Destination: 'arn:aws:sns:r:1:t'}}", "a bucket's"),
        ("DestinationConfig: text", "a map with OnFailure"),
        ("TumblingWindowInSeconds: 30", "TumblingWindowInSeconds cannot be replayed"),
        ("FilterCriteria: {Filters: []}", "FilterCriteria cannot be replayed"),
        ("BatchSise: 1", "BatchSise cannot be replayed"),
    ],
)
def test_a_setting_out_of_range_is_refused(tmp_path: Path, setting: str, complaint: str) -> None:
    """Given a setting that Lambda refuses, when read, then the error has name, value and range."""
    with pytest.raises(TemplateError, match=complaint):
        read(tmp_path, f"Stream: !GetAtt Stream.Arn, StartingPosition: LATEST, {setting}")


def test_at_timestamp_comes_with_its_time(tmp_path: Path) -> None:
    """Given AT_TIMESTAMP, when it is read, then the time is epoch seconds."""
    (mapping,) = read(
        tmp_path,
        "Stream: !GetAtt Stream.Arn, StartingPosition: AT_TIMESTAMP,"
        " StartingPositionTimestamp: 1795255200.5",
    )

    assert mapping.starting_timestamp == 1795255200.5


def test_a_disabled_mapping_is_not_read(tmp_path: Path) -> None:
    """Given Enabled: false, when the template is read, then nothing is fed."""
    assert read(tmp_path, f"{WHOLE}, Enabled: false") == []


@pytest.mark.parametrize("function", ["!Ref Reader", "!GetAtt Reader.Arn", "!GetAtt [Reader, Arn]"])
def test_a_mapping_of_its_own_is_read(tmp_path: Path, function: str) -> None:
    """Given a raw AWS::Lambda::EventSourceMapping, when it is read, then it becomes the same
    mapping. The poller of streams does not read a mapping from a queue.
    """
    resources = f"""
  Stream: {{Type: AWS::Kinesis::Stream}}
  Reader: {{Type: AWS::Serverless::Function}}
  Raw:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: {function}
      EventSourceArn: !GetAtt Stream.Arn
      StartingPosition: LATEST
      BatchSize: 7
  FromQueue:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{FunctionName: !Ref Reader, EventSourceArn: "arn:aws:sqs:us-east-1:1:q"}}
"""
    (mapping,) = read_mappings(template_of(tmp_path, resources, {"Stream.Arn": STREAM}))

    assert (mapping.logical_id, mapping.function, mapping.batch_size) == ("Raw", "Reader", 7)


@pytest.mark.parametrize("function", ["reader", "!Ref Stream", "!Sub '${Reader}'", "[]"])
def test_a_mapping_of_an_unknown_function_is_refused(tmp_path: Path, function: str) -> None:
    """Given a FunctionName that leads to no function of the template, then it is refused."""
    resources = f"""
  Stream: {{Type: AWS::Kinesis::Stream}}
  Reader: {{Type: AWS::Serverless::Function}}
  Raw:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{FunctionName: {function}, EventSourceArn: !GetAtt Stream.Arn}}
"""
    with pytest.raises(TemplateError, match="Raw: FunctionName: a Ref or GetAtt of a function"):
        read_mappings(template_of(tmp_path, resources, {"Stream.Arn": STREAM}))


def test_a_mapping_keeps_its_id() -> None:
    """Given two readings of one template, then the ids are the same, and differ between two."""
    one: dict[str, Any] = {"function": "R", "stream_arn": STREAM, "starting_position": "LATEST"}

    assert EventSourceMapping("A", **one).uuid == EventSourceMapping("A", **one).uuid
    assert EventSourceMapping("A", **one).uuid != EventSourceMapping("B", **one).uuid
