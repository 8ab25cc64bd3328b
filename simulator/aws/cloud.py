"""AWS in the simulator: moto's server, the template's resources, the contact centers' secrets.

Tables, queues, streams and buckets are those of the template (see deployment). The secret and the
parameter are Salesforce's: what provisioning a contact center leaves in an account.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import boto3
from botocore.config import Config

from simulator.aws.deployment import Deployment
from simulator.aws.moto_server import MotoServer
from simulator.instance import INSTANCE_ARN, OWN_INSTANCE, Instance
from simulator.salesforce import ContactCenterIdentity
from simulator.sam.template import Template, load_template, parameter_names

_REGION: Final = "us-east-1"
_KEY_SUFFIX: Final = "-scrt-jwt-auth-private-key"
_CREDENTIALS: Final = {"aws_access_key_id": "laptop", "aws_secret_access_key": "laptop"}
CONNECT_INSTANCE_ARN: Final = INSTANCE_ARN


class AwsSimulator:
    """AWS on a free loopback port, as a context manager.

    Attributes:
        endpoint: what AWS_ENDPOINT_URL is to be.
        region: the region all of it is in.
        template: template.yaml with its references resolved to what lies here.
        secret_arn: the default contact center's secret.
        further: names of the further contact centers' secrets -> their ARNs.
        key_parameter: name of the SecureString that holds the private key alone.
    """

    def __init__(
        self,
        template_path: Path,
        identity: ContactCenterIdentity,
        salesforce_url: str,
        further: Sequence[ContactCenterIdentity] = (),
        port: int = 0,
        *,
        instance: Instance = OWN_INSTANCE,
    ) -> None:
        """Remember what to make; nothing runs before the context is entered.

        `further` contact centers are for templates that ask for them. `port`: 0 for any free one.
        `instance`: the Amazon Connect instance that the stack is for.
        """
        self._instance = instance
        self._port = port
        self._template_path = template_path
        self._identity = identity
        self._salesforce_url = salesforce_url
        # As CloudFormation names what the template leaves unnamed: stack, logical id, random part.
        self._suffix = secrets.token_hex(4)
        self._resources = ExitStack()
        self.region = _region_of(instance)
        self.endpoint = ""
        self._further = further
        self.secret_arn = ""
        self.further: dict[str, str] = {}
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

    def client(self, service: str, endpoint: str = "") -> Any:
        """A client of this AWS, or of a simulator at another endpoint. It does not retry."""
        return boto3.client(
            service,
            endpoint_url=endpoint or self.endpoint,
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

    def item(self, table: str, key: Mapping[str, str]) -> Mapping[str, Any]:
        """One item of a table by its key, in DynamoDB's own notation; empty if there is none."""
        typed = {name: {"S": text} for name, text in key.items()}
        answer = self._dynamodb.get_item(TableName=table, Key=typed, ConsistentRead=True)
        item: Mapping[str, Any] = answer.get("Item", {})
        return item

    def empty(self, table: str) -> None:
        """Delete every item of a table."""
        keys = self._dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
        for item in list(self.items(table)):
            key = {part["AttributeName"]: item[part["AttributeName"]] for part in keys}
            self._dynamodb.delete_item(TableName=table, Key=key)

    def purge(self, queue_url: str) -> None:
        """Delete every message of a queue that can be seen. SQS allows its own purge once a
        minute."""
        while messages := self._sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=60
        ).get("Messages"):
            for message in messages:
                handle = message["ReceiptHandle"]
                self._sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=handle)

    def messages(self, queue_url: str) -> list[Any]:
        """The bodies of every message in a queue, as JSON values, else as texts; the messages stay
        there."""
        received: list[Any] = []
        handles: list[str] = []
        while batch := self._sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=60
        ).get("Messages"):
            received += [_value(message["Body"]) for message in batch]
            handles += [message["ReceiptHandle"] for message in batch]
        for handle in handles:
            self._sqs.change_message_visibility(
                QueueUrl=queue_url, ReceiptHandle=handle, VisibilityTimeout=0
            )
        return received

    def put_file(self, bucket: str, key: str, content: bytes) -> None:
        """Put a file into a bucket, which is made where there is none."""
        with closing(self.client("s3")) as client:
            if bucket not in [it["Name"] for it in client.list_buckets()["Buckets"]]:
                client.create_bucket(Bucket=bucket)
            client.put_object(Bucket=bucket, Key=key, Body=content)

    def objects(self, bucket: str, prefix: str) -> Iterator[tuple[str, Any]]:
        """Key and JSON value of every object of a bucket below `prefix`."""
        client = self.client("s3")
        try:
            for page in client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix
            ):
                for found in page.get("Contents", []):
                    body = client.get_object(Bucket=bucket, Key=found["Key"])["Body"]
                    yield found["Key"], json.loads(body.read())
        finally:
            client.close()

    def template_with(self, settings: Mapping[str, str]) -> Template:
        """The template as deployed with other values for the parameters that `settings` stand for.

        A setting is an environment variable; one that the template gives no parameter to changes
        functions only, and nothing here. Raises TemplateError.
        """
        parameters = self.template.parameters_of(settings)
        return load_template(self._template_path, {**self._values, **parameters})

    def _serve(self, resources: ExitStack) -> None:
        self.endpoint = resources.enter_context(MotoServer(self._port)).endpoint
        self._dynamodb, self._sqs = self.client("dynamodb"), self.client("sqs")
        resources.callback(self._dynamodb.close)
        resources.callback(self._sqs.close)

    def _provision_contact_center(self, resources: ExitStack) -> None:
        """Makes the secret and the parameter, as Salesforce's provisioning does, or once did."""
        secrets_manager, parameters = self.client("secretsmanager"), self.client("ssm")
        resources.callback(secrets_manager.close)
        resources.callback(parameters.close)
        _, self.secret_arn = _secret(
            secrets_manager, self._identity, self._salesforce_url, resources
        )
        self.further = dict(
            _secret(secrets_manager, identity, self._salesforce_url, resources)
            for identity in self._further
        )
        parameters.put_parameter(
            Name=self.key_parameter,
            Value=self._identity.private_key_pem,
            Type="SecureString",
            Overwrite=True,
        )
        resources.callback(parameters.delete_parameter, Name=self.key_parameter)

    def _deploy(self, resources: ExitStack) -> Template:
        # A parameter that a template does not have is left out.
        parameters = {
            "ConnectInstanceArn": self._instance.arn,
            "ContactCenterSecretArn": self.secret_arn,
        }
        if self.further:
            parameters["AdditionalContactCenterSecretArns"] = ",".join(self.further.values())
        known = parameter_names(self._template_path)
        values = {name: value for name, value in parameters.items() if name in known}
        values["AWS::Region"] = self.region
        deployment = Deployment(self.client, self.region, self._suffix, resources)
        self._values = deployment.deploy(self._template_path, values)
        return load_template(self._template_path, self._values)


def _secret(
    secrets_manager: Any, identity: ContactCenterIdentity, url: str, resources: ExitStack
) -> tuple[str, str]:
    """Name and ARN of the contact center's secret. The names are the same in every run: samples
    name them."""
    name = identity.call_center_api_name
    secret = json.dumps(identity.secret(url))
    arn = secrets_manager.create_secret(Name=name, SecretString=secret)["ARN"]
    resources.callback(
        secrets_manager.delete_secret, SecretId=name, ForceDeleteWithoutRecovery=True
    )
    return name, str(arn)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _region_of(instance: Instance) -> str:
    """The instance's region, where moto knows it. The simulator's own is where it always was."""
    if instance == OWN_INSTANCE:
        return _REGION
    known = boto3.session.Session().get_available_regions("kinesis")
    return instance.region if instance.region in known else _REGION
