"""AWS in this process: the ledger's table, the queue, the bucket, the secret, DescribeContact."""

from __future__ import annotations

import json
import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.samples.members import INSTANCE_ID
from tests.soak.centers import LISTED
from tests.soak.chance import AWS_FAULTS
from tests.soak.fifo import Fifo
from tests.unit.memory_dynamodb import MemoryDynamoDB

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.soak.chance import Chance
    from tests.soak.clock import Clock

_MILLISECONDS = 0.004
_TIMEOUT = 1.0
RETRIED = ("contact_events", "contact_records")
"""Functions with a retry queue."""
VISIBILITY_SECONDS = 360.0
"""The retry queues' visibility time-out."""


@dataclass(slots=True)
class Parked:
    """A message of a retry queue.

    Attributes:
        record_id: of the record in it.
        message: as Lambda passes it.
        due: when it is delivered next.
    """

    record_id: str
    message: dict[str, Any]
    due: float


class Aws:
    """The models behind botocore's clients.

    Attributes:
        table: the ledger.
        parked: the retry queues' messages, by function and message id.
        lines: the queue of lines that wait.
        late: ids of the records with lines that came too late to be shown.
        contacts: what DescribeContact knows, by contact id.
        failed: services of which a request of the present invocation failed.
        on_park: called with the id of each record that a retry queue has taken.
        require: notes a promise that does not hold.
    """

    def __init__(self, chance: Chance, clock: Clock, secrets: Mapping[str, str]) -> None:
        self.table = MemoryDynamoDB()
        self.parked: dict[str, dict[str, Parked]] = {source: {} for source in RETRIED}
        self.lines = Fifo(lambda: clock.now)
        self.late: set[str] = set()
        self.contacts: dict[str, dict[str, Any]] = {}
        self.failed: set[str] = set()
        self.on_park: Callable[[str], None] = lambda _: None
        self.require: Callable[[bool, str], None] = lambda _holds, _broken: None
        self._chance, self._clock, self._secrets = chance, clock, secrets

    def client(self, service: str) -> Any:
        """A client of a service, in the place of botocore's."""
        return {
            "dynamodb": _Client(self, "dynamodb", self.table),
            "sqs": _Client(self, "sqs", _Queue(self)),
            "s3": _Client(self, "s3", _Bucket(self)),
            "connect": _Client(self, "connect", _Connect(self)),
            "secretsmanager": _Secrets(self, self._secrets),
        }[service]

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self._clock.now

    def park(self, source: str, message_id: str, message: dict[str, Any], record_id: str) -> None:
        """Puts a message into the retry queue of a function."""
        body = {
            "messageId": message_id,
            "receiptHandle": f"{source}/{message_id}",
            "body": message["MessageBody"],
            "attributes": {
                "ApproximateReceiveCount": "0",
                "SentTimestamp": str(int(self.now * 1000)),
            },
            "eventSource": "aws:sqs",
        }
        due = self.now + message["DelaySeconds"]
        self.parked[source][message_id] = Parked(record_id, body, due)
        self.on_park(record_id)

    def due(self, source: str, most: int) -> list[Parked]:
        """The messages that the function gets from its retry queue now."""
        ready = [it for it in self.parked[source].values() if it.due <= self.now][:most]
        for it in ready:
            attributes = it.message["attributes"]
            received = int(attributes["ApproximateReceiveCount"])
            attributes["ApproximateReceiveCount"] = str(received + 1)
            it.due = self.now + VISIBILITY_SECONDS
        return ready

    def next_due(self) -> float:
        """The time of the next delivery of any queue; infinite if all queues are empty."""
        every = (it.due for queue in self.parked.values() for it in queue.values())
        return min(*every, *self.lines.next_due(), math.inf, math.inf)

    def forget(self, contact_id: str) -> None:
        """Forgets a contact of which nothing more comes."""
        self.contacts.pop(contact_id, None)
        self.table.items.pop(f"{INSTANCE_ID}/{contact_id}", None)

    def request(self, service: str, do: Callable[[], Any]) -> Any:
        """One request with every fault that may hit it."""
        chance = self._chance
        self._clock.sleep(_MILLISECONDS)
        chance.kill(f"before {service}")
        fault = chance.fault(service, AWS_FAULTS)
        if fault:
            self.failed.add(service)
        if fault in ("throttled", "down"):
            status = 400 if fault == "throttled" else 500
            raise ClientError(
                {
                    "Error": {"Code": "ThrottlingException" if fault == "throttled" else "500"},
                    "ResponseMetadata": {"HTTPStatusCode": status},
                },
                service,
            )
        done = do()
        chance.kill(f"after {service}")
        if fault == "answer lost":
            self._clock.sleep(_TIMEOUT)
            raise ReadTimeoutError(endpoint_url=service)
        chance.interrupt()
        return done


class _Client:
    """Sends each call of a client through Aws.request."""

    def __init__(self, aws: Aws, service: str, target: Any) -> None:
        self._aws, self._service, self._target = aws, service, target

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._target, operation)
        return lambda **given: self._aws.request(self._service, lambda: call(**given))


class _Secrets:
    """The secret, read once in the life of an environment; the unit tests have its faults."""

    def __init__(self, aws: Aws, secrets: Mapping[str, str]) -> None:
        self._aws, self._secrets = aws, secrets

    def get_secret_value(self, **given: Any) -> dict[str, str]:
        self._aws.require(given["SecretId"] in LISTED, "a secret that is not listed was read")
        return {"SecretString": self._secrets[given["SecretId"]]}


class _Queue:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def send_message(self, **message: Any) -> dict[str, Any]:
        message_id = str(uuid.uuid4())
        if message["QueueUrl"].endswith("/retries"):
            body = json.loads(message["MessageBody"])
            record_id = body["payload"]["eventID"]
            self._aws.park(body["source"], message_id, message, record_id)
        return {"MessageId": message_id}

    def send_message_batch(self, **given: Any) -> dict[str, Any]:
        return self._aws.lines.send_message_batch(**given)

    def change_message_visibility(self, **given: Any) -> dict[str, Any]:
        if given["QueueUrl"].endswith(".fifo"):
            self._aws.lines.hide(given["ReceiptHandle"], given["VisibilityTimeout"])
            return {}
        source, _, message_id = given["ReceiptHandle"].partition("/")
        parked = self._aws.parked[source].get(message_id)
        if parked is not None:
            parked.due = self._aws.now + given["VisibilityTimeout"]
        return {}


class _Bucket:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def put_object(self, **given: Any) -> dict[str, Any]:
        records = json.loads(given["Body"])["records"]
        self._aws.late |= {record["eventID"] for record in records}
        return {}


class _Connect:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def describe_contact(self, **given: Any) -> dict[str, Any]:
        contact = self._aws.contacts.get(given["ContactId"])
        if contact is None:
            code = {"Error": {"Code": "ResourceNotFoundException"}}
            raise ClientError(code, "DescribeContact")
        return {"Contact": contact}


def at(seconds: float) -> datetime:
    """An aware moment, as botocore returns it."""
    return datetime.fromtimestamp(seconds, UTC)
