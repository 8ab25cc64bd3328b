"""The queue of deferred records, and the files around transcripts, over moto."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from tests.samples.lens_records import segments, utterance
from tests.samples.stream_records import stream_record
from tests.unit.aws import client
from voicecall_bridge.aws.deferred_records import (
    Deferred,
    DeferredRecords,
    NotDeferred,
    is_queue_event,
    read,
)
from voicecall_bridge.aws.transcript_files import (
    AnalysisFiles,
    FileGone,
    FileTooLarge,
    LateRecords,
    StorageUnavailable,
)
from voicecall_bridge.sources.kinesis import read_record


@pytest.fixture
def sqs() -> Iterator[Any]:
    with mock_aws():
        yield client("sqs")


@pytest.fixture
def waiting(sqs: Any) -> DeferredRecords:
    made = sqs.create_queue(QueueName="waiting.fifo", Attributes={"FifoQueue": "true"})
    return DeferredRecords(lambda: sqs, made["QueueUrl"])


def deferred(number: int, group: str = "g") -> Deferred:
    record = read_record(stream_record(segments(utterance(f"u-{number}")), number, arrived=1.5))
    return Deferred(record, ("u-0",), group)


def received(sqs: Any, queue: DeferredRecords) -> list[Any]:
    answer = sqs.receive_message(
        QueueUrl=queue.url, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
    )
    messages = [
        {
            "messageId": it["MessageId"],
            "receiptHandle": it["ReceiptHandle"],
            "body": it["Body"],
            "attributes": it["Attributes"],
            "eventSource": "aws:sqs",
        }
        for it in answer.get("Messages", [])
    ]
    event = {"Records": messages}
    assert not messages or is_queue_event(event)
    return read(event)


def test_what_is_sent_is_what_is_received(sqs: Any, waiting: DeferredRecords) -> None:
    assert waiting.send([deferred(1)]) == []
    (message,) = received(sqs, waiting)
    assert message.received == 1
    sent = deferred(1)
    assert message.deferred is not None
    assert message.deferred.record == sent.record
    assert message.deferred.done == ("u-0",)


def test_a_record_that_is_sent_twice_is_once_in_the_queue(
    sqs: Any, waiting: DeferredRecords
) -> None:
    for _ in range(2):
        assert waiting.send([deferred(1)]) == []
    assert len(received(sqs, waiting)) == 1


def test_a_group_waits_for_its_first_message(sqs: Any, waiting: DeferredRecords) -> None:
    """Given one call that waits, then another call's records are still received."""
    assert waiting.send([deferred(1, "a"), deferred(2, "b")]) == []
    first, _ = received(sqs, waiting)
    waiting.wait(first, 20.0)
    assert waiting.send([deferred(3, "a"), deferred(4, "c")]) == []
    (message,) = received(sqs, waiting)
    assert message.deferred is not None
    assert message.deferred.record.sequence_number == "4"


def test_many_records_take_several_requests(sqs: Any, waiting: DeferredRecords) -> None:
    assert waiting.send([deferred(n, f"g-{n}") for n in range(25)]) == []
    attributes = sqs.get_queue_attributes(
        QueueUrl=waiting.url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "25"


class Down:
    def __getattr__(self, _: str) -> Any:
        raise EndpointConnectionError(endpoint_url="https://sqs.example")


def test_a_queue_that_does_not_answer(waiting: DeferredRecords) -> None:
    (message,) = read({"Records": [{"messageId": "m", "body": deferred(1).body()}]})
    down = DeferredRecords(Down, waiting.url)
    assert down.send([deferred(1)]) == [deferred(1)]
    with pytest.raises(NotDeferred, match="EndpointConnectionError"):
        down.wait(message, 1.0)


def test_what_one_request_could_not_take_is_named(waiting: DeferredRecords) -> None:
    class Partial:
        def send_message_batch(self, **_: Any) -> Any:
            return {"Failed": [{"Id": "1"}]}

    partly = DeferredRecords(Partial, waiting.url)
    assert partly.send([deferred(1), deferred(2)]) == [deferred(2)]


@pytest.mark.parametrize("body", [None, "", "not json", "[]", "{}", '{"record": 7}'])
def test_messages_of_others_are_recognised(body: object) -> None:
    (message,) = read({"Records": [{"messageId": "m", "body": body}]})
    assert message.deferred is None


@pytest.mark.parametrize("event", [None, {}, {"Records": []}, {"Records": [{"kinesis": {}}]}])
def test_other_events_are_no_queues(event: object) -> None:
    assert not is_queue_event(event)


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        made = client("s3")
        made.create_bucket(
            Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        yield made


def test_late_records_are_kept_together(s3: Any) -> None:
    records = [stream_record(segments(utterance("u")), n, arrived=1.5) for n in range(3)]
    LateRecords(lambda: s3, "bucket").keep("TOO_LATE", records)
    (found,) = s3.list_objects_v2(Bucket="bucket", Prefix="transcripts-too-late/")["Contents"]
    stored = json.loads(s3.get_object(Bucket="bucket", Key=found["Key"])["Body"].read())
    assert stored == {"reason": "TOO_LATE", "records": records}


def test_a_bucket_that_refuses(s3: Any) -> None:
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        LateRecords(lambda: s3, "nowhere").keep("TOO_LATE", [])


def test_files_are_read_up_to_a_limit(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="a", Body=b"12345")
    files = AnalysisFiles(lambda: s3)
    assert files.read("bucket", "a", 5) == b"12345"
    with pytest.raises(FileTooLarge):
        files.read("bucket", "a", 4)
    with pytest.raises(FileGone):
        files.read("bucket", "b", 5)
    with pytest.raises(FileGone):
        files.read("nowhere", "a", 5)


def test_a_refused_read_may_pass() -> None:
    class Refusing:
        def get_object(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    with pytest.raises(StorageUnavailable, match="AccessDenied"):
        AnalysisFiles(Refusing).read("bucket", "a", 5)
