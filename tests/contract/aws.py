"""AWS on loopback: moto's server in this process, with the bridge's table, queue and secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.session
import requests
from botocore.config import Config
from botocore.credentials import Credentials

from simulator.aws.moto_server import MotoServer
from voicecall_bridge.ledger.dynamodb import DynamoDb

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION = "us-west-2"
TABLE = "ledger"
QUEUE = "dead-letters"
SECRET = "contact-center"
# moto takes any credentials; the tests look for these in logs.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIACANARYCANARY0001",
    "AWS_SECRET_ACCESS_KEY": "canary/aws+secret/key/0123456789abcdefgh",
}


class Aws:
    """One moto server. Its services keep their state in this process, on any port."""

    def __init__(self, port: int = 0) -> None:
        self._server = MotoServer(port)
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Aws:
        """Serve."""
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        for client in self._clients.values():
            client.close()
        self._server.__exit__(None, None, None)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def url(self) -> str:
        """The endpoint of every service."""
        return self._server.endpoint

    def client(self, service: str, endpoint: str = "", seconds: float = 10.0) -> Any:
        """A client of its own, as the bridge makes it."""
        return botocore.session.get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=endpoint or self.url,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(
                connect_timeout=seconds,
                read_timeout=seconds,
                retries={"total_max_attempts": 1},
                parameter_validation=False,
            ),
        )

    def dynamodb(self, endpoint: str = "", seconds: float = 10.0, attempts: int = 1) -> DynamoDb:
        """DynamoDB as the ledger calls it, without pauses between attempts."""
        client = self.client("dynamodb", endpoint, seconds)
        credentials = Credentials(*CREDENTIALS.values())
        return DynamoDb(client, credentials, attempts, lambda _seconds: None)

    def __getitem__(self, service: str) -> Any:
        """The test's own client of a service."""
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return self._clients[service]

    def reset(self) -> None:
        """Forget all state, then make the table as template.yaml does, and the queue."""
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()
        self["dynamodb"].create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "ledger_key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "ledger_key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self["sqs"].create_queue(QueueName=QUEUE)

    @property
    def queue_url(self) -> str:
        """The dead-letter queue's address."""
        return str(self["sqs"].get_queue_url(QueueName=QUEUE)["QueueUrl"])

    def put_secret(self, secret: Mapping[str, str] | str) -> None:
        """Store the contact center's secret, or replace it."""
        text = secret if isinstance(secret, str) else json.dumps(secret)
        manager = self["secretsmanager"]
        if any(entry["Name"] == SECRET for entry in manager.list_secrets()["SecretList"]):
            manager.put_secret_value(SecretId=SECRET, SecretString=text)
        else:
            manager.create_secret(Name=SECRET, SecretString=text)

    def item(self, key: str) -> dict[str, Any]:
        """An item of the ledger, {} when there is none: {name: value}, numbers as int."""
        answer = self["dynamodb"].get_item(TableName=TABLE, Key={"ledger_key": {"S": key}})
        return {
            name: int(value["N"]) if "N" in value else value["S"]
            for name, value in answer.get("Item", {}).items()
        }

    def items(self) -> int:
        """How many items the ledger holds."""
        return int(self["dynamodb"].scan(TableName=TABLE)["Count"])

    def letters(self) -> list[Any]:
        """The dead letters, taken from the queue."""
        found = []
        while (
            messages := self["sqs"]
            .receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
            .get("Messages", [])
        ):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self["sqs"].delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return found
