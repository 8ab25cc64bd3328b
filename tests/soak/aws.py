"""AWS in this process: the ledger's table, the queue, the bucket, the secret, DescribeContact."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.soak.chance import AWS_FAULTS
from tests.unit.memory_dynamodb import MemoryDynamoDB

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.soak.chance import Chance
    from tests.soak.clock import Clock

INSTANCE = "0f0e0d0c-1111-4222-8333-444455556666"
_MILLISECONDS = 0.004
_TIMEOUT = 1.0
VISIBILITY_SECONDS = 360.0
"""The retry queues' visibility time-out."""


@dataclass(slots=True)
class Parked:
    """A message of a retry queue: of which function, and when it is delivered next."""

    source: str
    message: dict[str, Any]
    due: float


class Aws:
    """What botocore's clients would reach.

    Attributes:
        table: the ledger.
        letters: the dead-letter queue's messages.
        parked: the retry queues' messages, by their ids.
        contacts: what DescribeContact knows, by contact id.
        ledger_failed: whether a request to the ledger failed since this was last set to False.
    """

    def __init__(self, chance: Chance, clock: Clock, secret: str) -> None:
        self.table = MemoryDynamoDB()
        self.letters: list[dict[str, Any]] = []
        self.parked: dict[str, Parked] = {}
        self.objects: dict[str, bytes] = {}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.ledger_failed = False
        self._chance, self._clock, self._secret = chance, clock, secret

    def client(self, service: str) -> Any:
        """A client of a service, in the place of botocore's."""
        return {
            "dynamodb": _Client(self, "dynamodb", self.table),
            "sqs": _Client(self, "sqs", _Queue(self)),
            "s3": _Client(self, "s3", _Bucket(self)),
            "connect": _Client(self, "connect", _Connect(self)),
            "secretsmanager": _Secrets(self._secret),
        }[service]

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self._clock.now

    def park(self, source: str, message_id: str, message: dict[str, Any]) -> None:
        """Takes a message into the retry queue of a function."""
        body = {
            "messageId": message_id,
            "receiptHandle": message_id,
            "body": message["MessageBody"],
            "attributes": {
                "ApproximateReceiveCount": "0",
                "SentTimestamp": str(int(self.now * 1000)),
            },
            "eventSource": "aws:sqs",
        }
        self.parked[message_id] = Parked(source, body, self.now + message["DelaySeconds"])

    def due(self, source: str) -> list[dict[str, Any]]:
        """What the function is handed from its retry queue now."""
        ready = [it for it in self.parked.values() if it.source == source and it.due <= self.now]
        for it in ready:
            attributes = it.message["attributes"]
            received = int(attributes["ApproximateReceiveCount"])
            attributes["ApproximateReceiveCount"] = str(received + 1)
            it.due = self.now + VISIBILITY_SECONDS
        return [it.message for it in ready]

    def request(self, service: str, do: Callable[[], Any]) -> Any:
        """One request with all that may happen to it."""
        chance = self._chance
        self._clock.sleep(_MILLISECONDS)
        chance.kill(f"before {service}")
        fault = chance.fault(service, AWS_FAULTS)
        self.ledger_failed |= bool(fault) and service == "dynamodb"
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
    """Read once in the life of an environment; its faults are the unit tests' own."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        return {"SecretString": self._secret}


class _Queue:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def send_message(self, **message: Any) -> dict[str, Any]:
        body, message_id = json.loads(message["MessageBody"]), str(uuid.uuid4())
        if message["QueueUrl"].endswith("/retries"):
            self._aws.park(body["source"], message_id, message)
        else:
            self._aws.letters.append({"Body": body, **message})
        return {"MessageId": message_id}

    def change_message_visibility(self, **given: Any) -> dict[str, Any]:
        parked = self._aws.parked.get(given["ReceiptHandle"])
        if parked is not None:
            parked.due = self._aws.now + given["VisibilityTimeout"]
        return {}


class _Bucket:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def put_object(self, **given: Any) -> dict[str, Any]:
        self._aws.objects[given["Key"]] = given["Body"]
        return {}

    def get_object(self, **given: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._aws.objects[given["Key"]])}


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
    """An aware moment, as botocore hands out."""
    return datetime.fromtimestamp(seconds, UTC)
