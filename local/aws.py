"""AWS on a laptop: moto's server with the template's resources and the contact center's secret.

Tables and queues are those of the template, with its keys, its time to live and its retention. The
secret and the parameter are Salesforce's: what provisioning a contact center leaves in an account.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import boto3
from botocore.config import Config

from local.moto_server import MotoServer
from local.salesforce import ContactCenterIdentity
from local.template import Template, load_template

_REGION: Final = "us-east-1"
_KEY_SUFFIX: Final = "-scrt-jwt-auth-private-key"
_CREDENTIALS: Final = {"aws_access_key_id": "laptop", "aws_secret_access_key": "laptop"}
# Only what a queue has in SQS's own API under the same name (API reference, CreateQueue).
_QUEUE_ATTRIBUTES: Final = ("MessageRetentionPeriod", "VisibilityTimeout", "DelaySeconds")
# The tables and queues that the functions' environments refer to.
_REFERENCED: Final = ("LedgerTable", "DeadLetterQueue")
# The key is KMS's, which is not on the laptop.
_ENCRYPTION: Final = ("SSESpecification", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds")

CONNECT_INSTANCE_ARN: Final = (
    "arn:aws:connect:us-east-1:123456789012:instance/0f0e0d0c-1111-4222-8333-444455556666"
)


class LaptopAws:
    """AWS on a free loopback port, as a context manager.

    endpoint         what AWS_ENDPOINT_URL is to be
    region           the region all of it is in
    template         template.yaml with its references resolved to what lies here
    secret_arn       the contact center's secret
    key_parameter    name of the SecureString that holds the private key alone
    """

    def __init__(
        self, template_path: Path, identity: ContactCenterIdentity, salesforce_url: str
    ) -> None:
        """Remember what to make; nothing runs before the context is entered."""
        self._template_path = template_path
        self._identity = identity
        self._salesforce_url = salesforce_url
        # As CloudFormation names what the template leaves unnamed: stack, logical id, random part.
        self._suffix = secrets.token_hex(4)
        self._resources = ExitStack()
        self.region = _REGION
        self.endpoint = ""
        self.secret_arn = ""
        self.key_parameter = identity.call_center_api_name + _KEY_SUFFIX

    def __enter__(self) -> Self:
        """Start the server and create everything.

        Raises:
            TemplateError: the template cannot be used.
            botocore.exceptions.ClientError: moto refuses a resource.
        """
        with ExitStack() as resources:
            self._serve(resources)
            self._provision_contact_center(resources)
            self.template = self._deploy(resources)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete everything and stop the server."""
        self._resources.close()

    def client(self, service: str) -> Any:
        """A client of this AWS."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            config=Config(retries={"total_max_attempts": 1}),
            **_CREDENTIALS,
        )

    def items(self, table: str) -> Iterator[Mapping[str, Any]]:
        """Every item of a table, in DynamoDB's own notation."""
        for page in self._dynamodb.get_paginator("scan").paginate(
            TableName=table, ConsistentRead=True
        ):
            yield from page["Items"]

    def messages(self, queue_url: str) -> list[Any]:
        """The bodies of every message in a queue, as JSON values; the messages stay there."""
        received: list[Any] = []
        handles: list[str] = []
        while batch := self._sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=60
        ).get("Messages"):
            received += [json.loads(message["Body"]) for message in batch]
            handles += [message["ReceiptHandle"] for message in batch]
        for handle in handles:
            self._sqs.change_message_visibility(
                QueueUrl=queue_url, ReceiptHandle=handle, VisibilityTimeout=0
            )
        return received

    def _serve(self, resources: ExitStack) -> None:
        self.endpoint = resources.enter_context(MotoServer()).endpoint
        self._dynamodb, self._sqs = self.client("dynamodb"), self.client("sqs")
        resources.callback(self._dynamodb.close)
        resources.callback(self._sqs.close)

    def _provision_contact_center(self, resources: ExitStack) -> None:
        """What Salesforce's provisioning makes: the secret and, in earlier days, the parameter."""
        secrets_manager, parameters = self.client("secretsmanager"), self.client("ssm")
        resources.callback(secrets_manager.close)
        resources.callback(parameters.close)
        secret = self._identity.secret(self._salesforce_url)
        name = f"{self._identity.call_center_api_name}-{self._suffix}"
        answer = secrets_manager.create_secret(Name=name, SecretString=json.dumps(secret))
        self.secret_arn = answer["ARN"]
        resources.callback(
            secrets_manager.delete_secret, SecretId=name, ForceDeleteWithoutRecovery=True
        )
        parameters.put_parameter(
            Name=self.key_parameter,
            Value=self._identity.private_key_pem,
            Type="SecureString",
            Overwrite=True,
        )
        resources.callback(parameters.delete_parameter, Name=self.key_parameter)

    def _deploy(self, resources: ExitStack) -> Template:
        """Create the template's tables and queues, and resolve its references to them."""
        values: dict[str, object] = {
            "AWS::Region": self.region,
            "ConnectInstanceArn": CONNECT_INSTANCE_ARN,
            "ContactCenterSecretArn": self.secret_arn,
        }
        # What a reference yields is known when its resource exists, and the resources are known
        # when the template is read: so it is read twice.
        draft = load_template(self._template_path, {**values, **dict.fromkeys(_REFERENCED, "")})
        create = {"AWS::DynamoDB::Table": self._table, "AWS::SQS::Queue": self._queue}
        for logical_id, body in draft.resources.items():
            if body["Type"] in create:
                properties = {
                    name: draft.resolve(node)
                    for name, node in body["Properties"].items()
                    if name not in _ENCRYPTION
                }
                values[logical_id] = create[body["Type"]](resources, logical_id, properties)
        return load_template(self._template_path, values)

    def _table(self, resources: ExitStack, logical_id: str, properties: Mapping[str, Any]) -> str:
        name = str(properties.get("TableName") or f"laptop-{logical_id}-{self._suffix}")
        self._dynamodb.create_table(
            TableName=name,
            KeySchema=properties["KeySchema"],
            AttributeDefinitions=properties["AttributeDefinitions"],
            BillingMode=properties.get("BillingMode", "PAY_PER_REQUEST"),
        )
        resources.callback(self._dynamodb.delete_table, TableName=name)
        if expiry := properties.get("TimeToLiveSpecification"):
            self._dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
        return name

    def _queue(self, resources: ExitStack, logical_id: str, properties: Mapping[str, Any]) -> str:
        name = str(properties.get("QueueName") or f"laptop-{logical_id}-{self._suffix}")
        attributes = {
            key: str(properties[key])
            for key in _QUEUE_ATTRIBUTES
            if properties.get(key) is not None
        }
        url = str(self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        resources.callback(self._sqs.delete_queue, QueueUrl=url)
        return url
