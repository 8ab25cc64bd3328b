"""Streams, queues and buckets of moto for tests, a clock that the test sets, and a function."""

from __future__ import annotations

import base64
import itertools
import json
import threading
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from moto.server import ThreadedMotoServer

from simulator.functions.lambda_process import Invocation
from simulator.pollers.event_source_mapping import EventSourceMapping
from simulator.pollers.kinesis_poller import BatchResult, KinesisPoller, Outcome, StreamRecord
from simulator.sam.template import Template, load_template
from tests.samples.contact_events import envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from simulator.pollers.batch import PolledRecord

REGION = "us-east-1"
ACCOUNT = "123456789012"
CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=10)


class Aws:
    """Clients of one moto server, and what tests make there under names of their own."""

    def __init__(self, endpoint: str) -> None:
        session = botocore.session.get_session()
        session.set_credentials("laptop", "laptop")
        self.kinesis, self.sqs, self.s3 = (
            session.create_client(service, endpoint_url=endpoint, region_name=REGION, config=CONFIG)
            for service in ("kinesis", "sqs", "s3")
        )

    def stream(self, shards: int = 1) -> str:
        """ARN of a new stream."""
        name = f"stream-{uuid.uuid4()}"
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"

    def put(self, stream_arn: str, *records: tuple[str, str]) -> list[str]:
        """Put (partition key, data) in order; the sequence numbers."""
        answer = self.kinesis.put_records(
            StreamName=stream_arn.rsplit("/", 1)[-1],
            Records=[{"PartitionKey": key, "Data": data.encode()} for key, data in records],
        )
        assert answer["FailedRecordCount"] == 0
        return [record["SequenceNumber"] for record in answer["Records"]]

    def bucket(self) -> str:
        """ARN of a new bucket."""
        name = f"bucket-{uuid.uuid4()}"
        self.s3.create_bucket(Bucket=name)
        return f"arn:aws:s3:::{name}"

    def objects(self, bucket_arn: str) -> dict[str, dict[str, Any]]:
        """The bucket's objects as parsed JSON, by key."""
        name = bucket_arn.rsplit(":", 1)[-1]
        keys = [item["Key"] for item in self.s3.list_objects_v2(Bucket=name).get("Contents", [])]
        return {
            key: json.loads(self.s3.get_object(Bucket=name, Key=key)["Body"].read()) for key in keys
        }

    def queue(self) -> str:
        """ARN of a new queue."""
        name = f"queue-{uuid.uuid4()}"
        self.sqs.create_queue(QueueName=name)
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def messages(self, queue_arn: str) -> list[dict[str, Any]]:
        """The messages in the queue, as receive_message answers them."""
        url = self.sqs.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
        answer = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return list(answer.get("Messages", []))


@contextmanager
def aws_on_moto() -> Iterator[Aws]:
    """A moto server on a free loopback port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Aws(f"http://{host}:{port}")
    finally:
        server.stop()


class Clock:
    """Begins with the present, since streams stamp arrivals by it; moves when a test sets it."""

    def __init__(self) -> None:
        self.now = time.time()
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


class Function:
    """A function that answers what `handler` answers and keeps the batches it was given."""

    def __init__(self, handler: Callable[[Mapping[str, Any]], Any] = lambda _: None) -> None:
        self._handler = handler
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    @property
    def batches(self) -> list[list[str]]:
        """The data of the records of each invocation."""
        return [[data_of(record) for record in event["Records"]] for event in self.events]

    def __call__(self, event: dict[str, Any]) -> Invocation:
        with self._lock:
            self.events.append(event)
            request_id = f"request-{next(self._numbers)}"
        payload, error = None, None
        try:
            payload = self._handler(event)
        except HandlerError as failure:
            error = {"errorType": "HandlerError", "errorMessage": str(failure)}
        return Invocation(
            payload=payload,
            error=error,
            logs=[],
            duration_ms=1.0,
            init_ms=None,
            timed_out=False,
            request_id=request_id,
            cold=False,
        )


class HandlerError(Exception):
    """The function fails."""


def data_of(record: Mapping[str, Any]) -> str:
    """The text within a record of Lambda's event."""
    return base64.b64decode(record["kinesis"]["data"]).decode()


def failures(*sequence_numbers: object) -> dict[str, Any]:
    """A partial batch response."""
    return {"batchItemFailures": [{"itemIdentifier": number} for number in sequence_numbers]}


def fail_on(*poison: str) -> Callable[[Mapping[str, Any]], Any]:
    """A handler that names the first record with poison as data, as batch item failure."""

    def handler(event: Mapping[str, Any]) -> Any:
        for record in event["Records"]:
            if data_of(record) in poison:
                return failures(record["kinesis"]["sequenceNumber"])
        return failures()

    return handler


def raise_on(*poison: str) -> Callable[[Mapping[str, Any]], Any]:
    """A handler that raises for a batch with poison in it."""

    def handler(event: Mapping[str, Any]) -> Any:
        found = [data for data in map(data_of, event["Records"]) if data in poison]
        if found:
            raise HandlerError(f"cannot take {found}")
        return None

    return handler


def mapping(stream_arn: str, **settings: Any) -> EventSourceMapping:
    """A mapping from the beginning of the stream; Lambda's defaults but for `settings`."""
    return EventSourceMapping(
        **{
            "logical_id": "EventsStream",
            "function": "Events",
            "stream_arn": stream_arn,
            "starting_position": "TRIM_HORIZON",
            **settings,
        }
    )


def template_of(folder: Path, resources: str, values: Mapping[str, object]) -> Template:
    """A template with `resources` (YAML, indented by two) beside a function folder `code`."""
    (folder / "code").mkdir(exist_ok=True)
    path = folder / "template.yaml"
    path.write_text(
        "AWSTemplateFormatVersion: 2010-09-09\n"
        "Transform: AWS::Serverless-2016-10-31\n"
        "Globals: {Function: {Runtime: python3.13, CodeUri: code, Handler: app.handler}}\n"
        f"Resources:\n{resources}\n",
        encoding="utf-8",
    )
    return load_template(path, values)


def contact_event(contact_id: str = "c-1", **detail: Any) -> dict[str, Any]:
    """A contact event of this account and region."""
    return envelope(
        {"eventType": "INITIATED", "contactId": contact_id, "channel": "VOICE", **detail},
        name=f"event-of-{contact_id}",
        at="2026-11-20T10:00:00Z",
        account=ACCOUNT,
        region=REGION,
    )


def every(records: Sequence[PolledRecord]) -> list[str]:
    """The data of stream records."""
    return [record.data.decode() for record in records]


def stream_records(result: BatchResult) -> list[StreamRecord]:
    """What a stream's poller delivered, with shard and partition key."""
    records = [record for record in result.records if isinstance(record, StreamRecord)]
    assert len(records) == len(result.records)
    return records


def given_up(results: Sequence[BatchResult]) -> list[list[str]]:
    """The data of each batch that was given up."""
    return [every(r.records) for r in results if r.outcome is Outcome.DISCARDED]


def feed(
    aws: Aws, function: Any, clock: Clock, *data: str, stream: str = "", **settings: Any
) -> KinesisPoller:
    """A poller of a stream that holds `data` under one partition key."""
    stream = stream or aws.stream()
    aws.put(stream, *[("c", text) for text in data])
    return KinesisPoller(
        aws.kinesis,
        mapping(stream, **settings),
        function,
        s3=aws.s3,
        sqs=aws.sqs,
        clock=clock,
        sleep=clock.sleep,
    )
