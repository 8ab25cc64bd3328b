"""Real material is recognised as it is copied; the refusal of all else lists the accepted forms."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.material import NotUnderstood, read_material
from tests.material.shapes import (
    EVENT,
    FLOW_LOG,
    FORMS,
    PROMPT_LOG,
    RECORD,
    dead_letter,
    kinesis_record,
    lambda_event,
    lines,
    s3_record,
    text,
)


@pytest.mark.parametrize("form", FORMS)
def test_form_is_recognised(form: str) -> None:
    data, expected = FORMS[form]

    assert [(event.source, event.payload) for event in read_material(data).events] == expected


@pytest.mark.parametrize("form", FORMS)
def test_form_is_recognised_in_any_packing(form: str) -> None:
    """Given a form, then it is recognised as gzip, as base64, and as both."""
    data, expected = FORMS[form]

    for packed in (gzip.compress(data), base64.b64encode(gzip.compress(data))):
        found = [(event.source, event.payload) for event in read_material(packed).events]
        assert found == expected


def test_what_was_recognised_is_said() -> None:
    data = gzip.compress(text(lambda_event(kinesis_record(EVENT), kinesis_record(RECORD))))

    assert read_material(data).summary() == (
        "1 contact event, 1 contact record; in gzip, a Lambda event of Kinesis, a record of Kinesis"
    )


def test_lines_of_a_log_that_are_no_events_are_counted() -> None:
    data = f"START RequestId: 1\n{json.dumps(EVENT)}\nEND RequestId: 1\nREPORT\n"

    assert read_material(data.encode()).summary() == "1 contact event; left out: 3 other lines"


def test_lambda_block_of_a_flows_log() -> None:
    """Given lines of Connect's flow log, then the line of the Lambda block becomes the event that
    it sent, in the log's instance, and a note lists the members that were made up."""
    material = read_material(lines(PROMPT_LOG, FLOW_LOG).encode())

    (event,) = material.events
    data = event.payload["Details"]["ContactData"]
    assert event.source == "contact_flow"
    assert event.payload["Details"]["Parameters"] == {"methodName": "createVoiceCall"}
    assert data["ContactId"] == "c-1"
    assert data["InstanceARN"] == "arn:aws:connect:eu-central-1:444455556666:instance/i-1"
    assert event.notes == (
        "c-1: a flow's log has no numbers: +12065550100 called +18005550199",
        "c-1: then the function answered status created",
    )
    assert "1 line of a flow's log without a Lambda block" in material.summary()


def test_a_line_of_the_log_with_the_answer_alone_is_not_an_event() -> None:
    """Given a line when the block calls and one when it has ended, then it is one event."""
    call = {name: value for name, value in FLOW_LOG.items() if "Results" not in name}
    answer = {name: value for name, value in FLOW_LOG.items() if name != "Parameters"}

    material = read_material(lines(call, answer).encode())

    (event,) = material.events
    assert event.notes[-1] == "c-1: then the function answered status created"
    with pytest.raises(NotUnderstood, match="there is no event in it"):
        read_material(text(answer))


@pytest.mark.parametrize(
    "parameters",
    [
        {"FunctionArn": "f", "TimeLimit": "8000", "methodName": "m"},
        {"FunctionArn": "f", "Parameters": '{"methodName": "m"}'},
        {"LambdaFunctionARN": "f", "LambdaInvocationAttributes": {"methodName": "m"}},
    ],
)
def test_parameters_of_the_lambda_block(parameters: dict[str, Any]) -> None:
    (event,) = read_material(text({**FLOW_LOG, "Parameters": parameters})).events

    assert event.payload["Details"]["Parameters"] == {"methodName": "m"}


def test_notification_of_s3() -> None:
    """S3's own notification is replayed as the event that EventBridge would have."""
    (event,) = read_material(text(lambda_event(s3_record("a/b.json")))).events

    assert event.source == "post_call_analysis"
    assert event.payload["source"] == "aws.s3"
    assert event.payload["detail"]["bucket"] == {"name": "b"}
    assert event.payload["detail"]["object"]["key"] == "a/b.json"


def test_record_that_no_function_can_read_keeps_its_key() -> None:
    record = kinesis_record(base64.b64encode(b"no json").decode(), "key-1")

    (event,) = read_material(text(dead_letter(record, "contact_events"))).events

    assert (event.payload, event.partition_key) == ("no json", "key-1")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing in it"),
        (b" \n", "nothing in it"),
        (b"hello", "no JSON in it"),
        (b"7", "not understood"),
        (b"{}", "an object with no members"),
        (text({"a": 1, "b": 2}), 'an object with "a", "b" is not understood'),
        (text([EVENT, {"a": 1}]), 'an object with "a" is not understood'),
        (text(EVENT)[:-1], "broken at line 1, column"),
        (lines(EVENT).encode() + b'{"a": \n', "begins in line 2"),
        (
            text({"events": [{"timestamp": 1, "message": "END"}]}),
            "no event in it, only 1 other line",
        ),
        (text(PROMPT_LOG), "only 1 line of a flow's log without a Lambda block"),
        (
            text({"source": "x", "reason": "503", "payloadAt": "dead-letters/1.json"}),
            "dead-letters/1",
        ),
        (text({"requestContext": {}, "KinesisBatchInfo": {}}), "replay the object"),
        (b"\xf3\x89\x9a\xc2abc", "Kinesis Producer Library"),
        (gzip.compress(text(EVENT))[:-9], "a gzip file that is broken"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not text"),
        (b"[" * 50_000, "nested too deep"),
    ],
)
def test_all_else_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(NotUnderstood, match=why) as refusal:
        read_material(data)

    assert "understood are:\n  - an event of a contact flow" in str(refusal.value)


def test_wrappings_in_one_another_have_an_end() -> None:
    data = text(EVENT)
    for _ in range(30):
        data = base64.b64encode(gzip.compress(data))

    with pytest.raises(NotUnderstood, match="wrappings in one another"):
        read_material(data)


def test_small_file_that_holds_a_lot_is_refused() -> None:
    bomb = gzip.compress(b"x" * (65 * 1024 * 1024))

    with pytest.raises(NotUnderstood, match="more than 64 MiB"):
        read_material(bomb)


@given(st.binary(max_size=200))
def test_any_bytes_end_in_events_or_a_refusal(data: bytes) -> None:
    with contextlib.suppress(NotUnderstood):
        assert read_material(data).events


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("Records", "kinesis", "data", "body", "messageId", "Sns", "Message", "s3"),
                    *("events", "message", "timestamp", "results", "@message", "source", "reason"),
                    *("payload", "requestContext", "requestPayload", "Details", "detail", "event"),
                    *("ContactId", "ContactFlowModuleType", "Parameters", "awslogs", "eventName"),
                    *("Data", "SequenceNumber", "Body", "MessageId", "Detail", "DetailType"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_ends_in_events_or_a_refusal(value: Any) -> None:
    with contextlib.suppress(NotUnderstood):
        assert read_material(json.dumps(value).encode()).events
