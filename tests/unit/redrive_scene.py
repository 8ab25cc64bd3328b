"""A queue and a bucket of moto, a stream, and the redrive between them."""

import json
import uuid
from typing import Any

from tests.samples.members import CONTACT_ID
from tests.unit import aws
from tests.unit.doubles import Clock
from tests.unit.samples import contact_event, stream_record
from voicecall_bridge.aws.announcements import Announcements
from voicecall_bridge.aws.dead_letters import DeadLetterQueue
from voicecall_bridge.aws.given_up_batches import BATCH_PREFIX, GivenUpBatches
from voicecall_bridge.streams.redrive import MARK, RUN_MARK, Redrive, Request, Tally

OTHER = "c0000002-aaaa-4bbb-8ccc-000000000002"
RUN = "1a2b3c4d"
MARKS = {MARK: 1, RUN_MARK: RUN}


class Kinesis:
    """Takes records, or fails."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.fault: Exception | None = None
        self.after: Exception | None = None

    def put_record(self, **parameters: Any) -> None:
        if self.fault:
            raise self.fault
        self.records.append(parameters)
        if self.after:
            raise self.after

    def data(self) -> list[Any]:
        return [json.loads(record["Data"]) for record in self.records]


class Functions:
    """Takes asynchronous invocations, or fails."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fault: Exception | None = None

    def invoke(self, **parameters: Any) -> None:
        if self.fault:
            raise self.fault
        assert parameters["FunctionName"] == "post-call-analysis"
        assert parameters["InvocationType"] == "Event"
        self.events.append(json.loads(parameters["Payload"]))


class Scene:
    """A queue and a bucket of moto, and a stream."""

    def __init__(self, sqs: Any, s3: Any) -> None:
        self.sqs, self.s3 = sqs, s3
        self.bucket = f"bucket-{uuid.uuid4()}"
        self.url = self.sqs.create_queue(QueueName=self.bucket)["QueueUrl"]
        self.s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": aws.REGION}
        )
        self.letters = DeadLetterQueue(
            lambda: self.sqs, self.url, lambda: self.s3, self.bucket, look_seconds=0
        )
        self.kinesis = Kinesis()
        self.functions = Functions()
        files = Announcements(lambda: self.functions, "post-call-analysis")
        self.batches = GivenUpBatches(lambda: self.s3, self.bucket)
        self.redrive = Redrive(self.letters, self.batches, lambda: self.kinesis, files, lambda: RUN)

    def keep(self, reason: str, *payloads: object) -> None:
        for payload in payloads:
            self.letters.keep("contact_events", reason, payload)

    def run(self, seconds: float = 60.0, *, bucket: bool = False, **event: Any) -> Tally:
        if bucket:
            event["from"] = "bucket"
        return self.redrive.run(Request.read(event), Clock().deadline(seconds))

    def waiting(self) -> int:
        """The dead letters that the next look would find."""
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def put_batch(self, *records: dict[str, Any], key: str = "mapping/shard/1") -> None:
        """Source: Lambda developer guide: the S3 destination holds the event as escaped JSON."""
        body = {"requestContext": {}, "payload": json.dumps({"Records": records})}
        self.s3.put_object(
            Bucket=self.bucket, Key=f"{BATCH_PREFIX}{key}", Body=json.dumps(body).encode()
        )

    def objects(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [item["Key"] for item in found]


def record(number: int = 1, contact_id: str = CONTACT_ID, times: int = 0) -> dict[str, Any]:
    event = contact_event(contactId=contact_id) | ({MARK: times} if times else {})
    return stream_record(event, number, key=f"key-{number}")
