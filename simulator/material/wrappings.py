"""The wrappings that AWS and the bridge put around events, and their content.

Shapes: AWS Lambda Developer Guide (events of Kinesis, SQS, S3 and SNS; failure destinations), the
answers of the AWS CLI, CloudWatch Logs User Guide (subscriptions, Logs Insights), Amazon S3 User
Guide ("EventBridge event message structure"), and the bridge's own dead letters.
"""

import base64
import binascii
import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.samples.sources import source_named

__all__ = ["Inner", "insights_rows", "unwrapped"]


@dataclass(frozen=True, slots=True)
class Inner:
    """The content of a wrapping.

    Attributes:
        name: the wrapping, in a few words.
        parts: what is inside, in order: bytes, a text that may hold JSON, or a JSON value.
        is_log: other things than events may stand beside them.
        source: the source of what is inside, where the wrapping says it.
        partition_key: of a stream's record.
    """

    name: str
    parts: tuple[Any, ...]
    is_log: bool = False
    source: str = ""
    partition_key: str = ""


def unwrapped(value: Any) -> Inner | None:
    """The inside of a wrapping; None for any other value."""
    if not isinstance(value, dict):
        return None
    for unwrap in _WRAPPINGS:
        if (inner := unwrap(value)) is not None:
            return inner
    return None


def insights_rows(text: str) -> list[str]:
    """The messages of Logs Insights' results as CSV; none for anything else."""
    header, _, _ = text.partition("\n")
    if "@message" not in header or "{" in header:
        return []
    return [row["@message"] for row in csv.DictReader(io.StringIO(text)) if row.get("@message")]


def _records(value: Mapping[str, Any]) -> Inner | None:
    """A Lambda event, or what `kinesis get-records` prints."""
    records = value.get("Records")
    if not isinstance(records, list) or not records:
        return None
    first = records[0] if isinstance(records[0], dict) else {}
    services = {"aws:kinesis": "Kinesis", "aws:sqs": "SQS", "aws:s3": "S3", "aws:sns": "SNS"}
    service = services.get(str(first.get("eventSource") or first.get("EventSource")), "")
    name = f"a Lambda event of {service}" if service else "a list of records"
    return Inner(name, tuple(records))


def _lambda_kinesis(value: Mapping[str, Any]) -> Inner | None:
    record = value.get("kinesis")
    if not isinstance(record, dict) or not isinstance(record.get("data"), str):
        return None
    return _stream_record(record["data"], str(record.get("partitionKey") or ""))


def _kinesis(value: Mapping[str, Any]) -> Inner | None:
    if not isinstance(value.get("Data"), str) or "SequenceNumber" not in value:
        return None
    return _stream_record(value["Data"], str(value.get("PartitionKey") or ""))


def _stream_record(data: str, partition_key: str) -> Inner:
    try:
        inside: Any = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        inside = data  # as the newer CLI prints it with --cli-binary-format raw-in-base64-out
    return Inner("a record of Kinesis", (inside,), partition_key=partition_key)


def _sqs(value: Mapping[str, Any]) -> Inner | None:
    body = value.get("body", value.get("Body"))
    if not isinstance(body, str) or not value.keys() & {"messageId", "MessageId"}:
        return None
    return Inner("a message of SQS", (body,))


def _sqs_answer(value: Mapping[str, Any]) -> Inner | None:
    messages = value.get("Messages")
    if not isinstance(messages, list):
        return None
    return Inner("what sqs receive-message prints", tuple(messages))


def _sns(value: Mapping[str, Any]) -> Inner | None:
    notice = value.get("Sns")
    if not isinstance(notice, dict) or not isinstance(notice.get("Message"), str):
        return None
    return Inner("a message of SNS", (notice["Message"],))


def _s3(value: Mapping[str, Any]) -> Inner | None:
    """S3's own notification says what EventBridge's event says."""
    where = value.get("s3")
    if not isinstance(where, dict) or not str(value.get("eventName", "")).startswith("ObjectCr"):
        return None
    bucket, found = where.get("bucket") or {}, where.get("object") or {}
    event = {
        "version": "0",
        "id": str(value.get("responseElements", {}).get("x-amz-request-id") or "s3-notification"),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "",
        "time": value.get("eventTime"),
        "region": value.get("awsRegion"),
        "resources": [bucket.get("arn") or f"arn:aws:s3:::{bucket.get('name')}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.get("name")},
            "object": {
                "key": found.get("key"),
                "size": found.get("size"),
                "etag": found.get("eTag"),
                "sequencer": found.get("sequencer"),
            },
            "reason": str(value["eventName"]).rpartition(":")[2],
        },
    }
    return Inner("a notification of S3", (event,))


def _log_events(value: Mapping[str, Any]) -> Inner | None:
    """`logs filter-log-events` and `get-log-events`, and what a subscription gets."""
    for member in ("events", "logEvents"):
        events = value.get(member)
        if isinstance(events, list) and all(_is_log_event(event) for event in events):
            messages = tuple(event["message"] for event in events)
            return Inner("log events of CloudWatch", messages, is_log=True)
    return None


def _is_log_event(event: Any) -> bool:
    return (
        isinstance(event, dict) and isinstance(event.get("message"), str) and "timestamp" in event
    )


def _log_event(value: Mapping[str, Any]) -> Inner | None:
    if not _is_log_event(value) or not value.keys() & {"eventId", "ingestionTime", "id"}:
        return None
    return Inner("log events of CloudWatch", (value["message"],), is_log=True)


def _subscription(value: Mapping[str, Any]) -> Inner | None:
    packed = value.get("awslogs")
    if not isinstance(packed, dict) or not isinstance(packed.get("data"), str):
        return None
    return Inner("a Lambda event of CloudWatch Logs", (packed["data"],), is_log=True)


def _insights(value: Mapping[str, Any]) -> Inner | None:
    results = value.get("results")
    if not isinstance(results, list):
        return None
    return Inner("Logs Insights", tuple(_messages(results)), is_log=True)


def _messages(results: Iterable[Any]) -> Iterable[Any]:
    for row in results:
        fields = row if isinstance(row, list) else []
        for field in fields:
            if isinstance(field, dict) and field.get("field") == "@message":
                yield field.get("value") or ""


def _insights_row(value: Mapping[str, Any]) -> Inner | None:
    """A row as the console copies it; the message may be JSON already."""
    if "@message" not in value:
        return None
    return Inner("Logs Insights", (value["@message"],), is_log=True)


def _dead_letter(value: Mapping[str, Any]) -> Inner | None:
    if not {"source", "reason"} <= value.keys():
        return None
    source = source_named(str(value["source"]))
    if "payload" in value:
        return Inner("a dead letter of the bridge", (value["payload"],), source=source)
    if isinstance(value.get("payloadAt"), str):
        raise ValueError(
            f"the dead letter's payload lies in the bucket: replay the object {value['payloadAt']}"
        )
    return None


def _given_up(value: Mapping[str, Any]) -> Inner | None:
    """An entry of Lambda's in the failure bucket or queue."""
    if not isinstance(value.get("requestContext"), dict):
        return None
    if "requestPayload" in value:
        return Inner("an event that Lambda gave up", (value["requestPayload"],))
    if isinstance(value.get("payload"), str):
        return Inner("a batch that Lambda gave up", (value["payload"],))
    if isinstance(value.get("KinesisBatchInfo"), dict):
        raise ValueError(
            "Lambda says where in the stream a batch lay and not what was in it: replay the object "
            "of the failure bucket"
        )
    return None


def _sample_step(value: Mapping[str, Any]) -> Inner | None:
    source = source_named(str(value.get("source", "")))
    if not source or "event" not in value:
        return None
    return Inner("a step of a sample", (value["event"],), source=source)


def _entries(value: Mapping[str, Any]) -> Inner | None:
    """The input of `events put-events`: EventBridge's envelope before it is one."""
    if "Detail" not in value or "DetailType" not in value:
        return None
    try:
        detail = json.loads(value["Detail"])
    except (TypeError, ValueError):
        return None
    event = {
        "version": "0",
        "id": str(value.get("EventId") or "put-events"),
        "source": value.get("Source"),
        "detail-type": value["DetailType"],
        "time": value.get("Time"),
        "resources": value.get("Resources") or [],
        "detail": detail,
    }
    return Inner("an entry of put-events", (event,))


_WRAPPINGS: Final[tuple[Callable[[Mapping[str, Any]], Inner | None], ...]] = (
    _given_up,
    _records,
    _lambda_kinesis,
    _kinesis,
    _sqs_answer,
    _sqs,
    _sns,
    _s3,
    _log_events,
    _log_event,
    _subscription,
    _insights,
    _insights_row,
    _dead_letter,
    _sample_step,
    _entries,
)
