"""Material in every form in which people have it, around a few events. All values are invented."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

FLOW = {
    "Name": "ContactFlowEvent",
    "Details": {
        "ContactData": {"ContactId": "c-1"},
        "Parameters": {"methodName": "createVoiceCall"},
    },
}
EVENT = {
    "version": "0",
    "id": "e-1",
    "detail-type": "Amazon Connect Contact Event",
    "source": "aws.connect",
    "detail": {"eventType": "QUEUED", "contactId": "c-1"},
}
RECORD = {"ContactId": "c-1", "LastUpdateTimestamp": "2026-11-20T10:02:10Z", "Channel": "VOICE"}
SEGMENT = {"ContactId": "c-1", "InstanceId": "i", "EventType": "SEGMENTS", "Segments": []}
FILE = {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": "k"}}}
FLOW_LOG: dict[str, Any] = {
    "ContactId": "c-1",
    "ContactFlowId": "arn:aws:connect:eu-central-1:444455556666:instance/i-1/contact-flow/f-1",
    "ContactFlowName": "Inbound",
    "ContactFlowModuleType": "InvokeExternalResource",
    "Timestamp": "2026-11-20T10:00:00.000Z",
    "ExternalResults": {"status": "created", "voiceCallId": "0LQ1"},
    "Parameters": {
        "FunctionArn": "arn:aws:lambda:eu-central-1:444455556666:function:bridge:live",
        "TimeLimit": "8000",
        "Parameters": {"methodName": "createVoiceCall"},
    },
}
PROMPT_LOG = {**FLOW_LOG, "ContactFlowModuleType": "PlayPrompt", "Parameters": {"Text": "hello"}}


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def kinesis_record(value: Any, key: str = "c-1") -> dict[str, Any]:
    """As Lambda gets it."""
    data = value if isinstance(value, str) else encoded(value)
    return {
        "kinesis": {"partitionKey": key, "sequenceNumber": "1", "data": data},
        "eventSource": "aws:kinesis",
        "eventID": "shardId-000000000000:1",
    }


def lambda_event(*records: Any) -> dict[str, Any]:
    return {"Records": list(records)}


def sqs_record(body: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {"messageId": "m-1", "body": text, "attributes": {}, "eventSource": "aws:sqs"}


def s3_record(key: str = "Analysis/Voice/c-1.json") -> dict[str, Any]:
    return {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-11-20T10:00:00.000Z",
        "s3": {"bucket": {"name": "b"}, "object": {"key": key, "size": 7, "eTag": "t"}},
    }


def log_event(message: str) -> dict[str, Any]:
    return {"logStreamName": "s", "timestamp": 1, "message": message, "eventId": "1"}


def dead_letter(payload: Any, source: str = "contact_flow") -> dict[str, Any]:
    """A dead letter of the bridge."""
    return {"source": source, "reason": "503", "payload": payload}


def batch_given_up(*records: Any) -> dict[str, Any]:
    """As Lambda puts it into the failure bucket."""
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "KinesisBatchInfo": {"shardId": "shardId-000000000000"},
        "payload": json.dumps(lambda_event(*records)),
    }


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


FORMS: dict[str, tuple[bytes, list[tuple[str, Any]]]] = {
    "event of a flow": (text(FLOW), [("contact_flow", FLOW)]),
    "contact event": (text(EVENT), [("contact_events", EVENT)]),
    "contact record": (text(RECORD), [("contact_records", RECORD)]),
    "segment": (text(SEGMENT), [("contact_lens", SEGMENT)]),
    "file event": (text(FILE), [("post_call_analysis", FILE)]),
    "Lambda event of Kinesis": (
        text(lambda_event(kinesis_record(EVENT), kinesis_record(RECORD))),
        [("contact_events", EVENT), ("contact_records", RECORD)],
    ),
    "one record of a Lambda event": (
        text(kinesis_record(RECORD)),
        [("contact_records", RECORD)],
    ),
    "Lambda event of SQS": (
        text(lambda_event(sqs_record(EVENT), sqs_record(dead_letter(FLOW)))),
        [("contact_events", EVENT), ("contact_flow", FLOW)],
    ),
    "kinesis get-records": (
        text({"Records": [{"SequenceNumber": "1", "Data": encoded(RECORD), "PartitionKey": "c"}]}),
        [("contact_records", RECORD)],
    ),
    "sqs receive-message": (
        text({"Messages": [{"MessageId": "m", "Body": json.dumps(dead_letter(FLOW))}]}),
        [("contact_flow", FLOW)],
    ),
    "SNS": (
        text(lambda_event({"EventSource": "aws:sns", "Sns": {"Message": json.dumps(EVENT)}})),
        [("contact_events", EVENT)],
    ),
    "dead letter of a flow": (text(dead_letter(FLOW)), [("contact_flow", FLOW)]),
    "dead letter of something else": (
        text(dead_letter({"odd": 1})),
        [("contact_flow", {"odd": 1})],
    ),
    "dead letter of a stream": (
        text(dead_letter(kinesis_record(EVENT), "contact_events")),
        [("contact_events", EVENT)],
    ),
    "dead letter that is not JSON": (
        text(dead_letter(kinesis_record(base64.b64encode(b"{no").decode()), "contact_records")),
        [("contact_records", "{no")],
    ),
    "batch that Lambda gave up": (
        text(batch_given_up(kinesis_record(RECORD))),
        [("contact_records", RECORD)],
    ),
    "event that Lambda gave up": (
        text({"requestContext": {}, "requestPayload": FILE}),
        [("post_call_analysis", FILE)],
    ),
    "list": (text([EVENT, [RECORD]]), [("contact_events", EVENT), ("contact_records", RECORD)]),
    "JSON lines": (
        lines(EVENT, RECORD).encode(),
        [("contact_events", EVENT), ("contact_records", RECORD)],
    ),
    "one behind the other": (
        text(EVENT) + text(RECORD),
        [("contact_events", EVENT), ("contact_records", RECORD)],
    ),
    "values with commas between": (
        text(EVENT) + b",\n" + text(RECORD),
        [("contact_events", EVENT), ("contact_records", RECORD)],
    ),
    "filter-log-events": (
        text(
            {
                "events": [
                    log_event("START RequestId: 1 Version: $LATEST\n"),
                    log_event(json.dumps({"level": "INFO", "message": "delivery"})),
                    log_event(f"2026-11-20T10:00:00.000Z\t1\tINFO\t{json.dumps(EVENT)}\n"),
                ],
                "searchedLogStreams": [],
            }
        ),
        [("contact_events", EVENT)],
    ),
    "logs tail": (
        f"10:00 s START RequestId: 1\n[INFO] x\n2026-11-20 s {json.dumps(FLOW)}".encode(),
        [("contact_flow", FLOW)],
    ),
    "subscription of CloudWatch Logs": (
        text(
            {
                "awslogs": {
                    "data": base64.b64encode(
                        gzip.compress(
                            text(
                                {
                                    "messageType": "DATA_MESSAGE",
                                    "logEvents": [{"timestamp": 1, "message": json.dumps(FLOW)}],
                                }
                            )
                        )
                    ).decode()
                }
            }
        ),
        [("contact_flow", FLOW)],
    ),
    "Logs Insights": (
        text(
            {
                "results": [
                    [
                        {"field": "@timestamp", "value": "t"},
                        {"field": "@message", "value": "REPORT"},
                    ],
                    [
                        {"field": "@message", "value": json.dumps(RECORD)},
                        {"field": "@ptr", "value": "p"},
                    ],
                ],
                "status": "Complete",
            }
        ),
        [("contact_records", RECORD)],
    ),
    "Logs Insights, copied as JSON": (
        text([{"@timestamp": "t", "@message": EVENT}, {"@timestamp": "t", "@message": "END"}]),
        [("contact_events", EVENT)],
    ),
    "Logs Insights, copied as CSV": (
        '@timestamp,@message\n2026,"{}"\n2026,END\n'.format(
            json.dumps(EVENT).replace('"', '""')
        ).encode(),
        [("contact_events", EVENT)],
    ),
    "text with backslashes": (
        json.dumps(json.dumps(EVENT))[1:-1].encode(),
        [("contact_events", EVENT)],
    ),
    "text of JSON in JSON": (text(json.dumps(EVENT)), [("contact_events", EVENT)]),
    "step of a sample": (
        text({"source": "contact_event", "event": {"detail": {}}}),
        [("contact_events", {"detail": {}})],
    ),
    "base64": (base64.b64encode(text(EVENT)), [("contact_events", EVENT)]),
    "base64 with line breaks": (
        base64.encodebytes(text(EVENT) * 3),
        [("contact_events", EVENT)] * 3,
    ),
    "gzip": (
        gzip.compress(lines(EVENT, RECORD).encode()),
        [("contact_events", EVENT), ("contact_records", RECORD)],
    ),
    "gzip in base64": (
        base64.b64encode(gzip.compress(text(RECORD))),
        [("contact_records", RECORD)],
    ),
    "UTF-8 with BOM": (b"\xef\xbb\xbf" + text(FLOW), [("contact_flow", FLOW)]),
    "UTF-16": (json.dumps(FLOW).encode("utf-16"), [("contact_flow", FLOW)]),
    "UTF-16 without BOM": (json.dumps(FLOW).encode("utf-16-le"), [("contact_flow", FLOW)]),
    "UTF-16, big end first": (json.dumps(FLOW).encode("utf-16-be"), [("contact_flow", FLOW)]),
}
"""Form -> the material, and the (source, payload) of each event in it."""
