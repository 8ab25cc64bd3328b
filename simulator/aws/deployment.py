"""Makes the template's tables, queues, streams and buckets in moto, as CloudFormation does in AWS.

The value of a reference to a resource is known when the resource exists. Keys and roles are not
made: nothing in the simulator encrypts or asks for permission, so their ARNs are texts only.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from simulator.sam.template import Template, load_template, resource_types

ACCOUNT: Final = "123456789012"

_TABLE: Final = "AWS::DynamoDB::Table"
_QUEUE: Final = "AWS::SQS::Queue"
_STREAM: Final = "AWS::Kinesis::Stream"
_BUCKET: Final = "AWS::S3::Bucket"
# Only what a queue has in SQS's own API under the same name (API reference, CreateQueue).
_QUEUE_ATTRIBUTES: Final = ("MessageRetentionPeriod", "VisibilityTimeout", "DelaySeconds")
_MADE: Final[Mapping[str, tuple[str, ...]]] = {
    _TABLE: (
        *("TableName", "KeySchema", "AttributeDefinitions", "BillingMode"),
        "TimeToLiveSpecification",
    ),
    _QUEUE: ("QueueName", *_QUEUE_ATTRIBUTES),
    _STREAM: ("Name", "ShardCount", "StreamModeDetails", "RetentionPeriodHours"),
    _BUCKET: ("BucketName",),
}
"""Types that are made, and the properties that count here."""

_SHORTEST_RETENTION_HOURS: Final = 24


class Deployment:
    """The resources of one template; `client` makes a client of a service of this AWS.

    The caller closes `resources`, which undoes all that was made.
    """

    def __init__(
        self, client: Callable[[str], Any], region: str, suffix: str, resources: ExitStack
    ) -> None:
        """`suffix` ends every name, as the random part does that CloudFormation appends."""
        self._region = region
        self._suffix = suffix
        self._resources = resources
        self._dynamodb, self._sqs, self._kinesis, self._s3 = (
            self._closed_with(client(service)) for service in ("dynamodb", "sqs", "kinesis", "s3")
        )

    def deploy(self, path: Path, given: Mapping[str, object]) -> dict[str, object]:
        """Make everything; answer what the template's references yield (see load_template).

        `given` are the values of parameters. Raises TemplateError, and botocore's ClientError when
        moto refuses a resource.
        """
        values: dict[str, object] = {**given, **dict(self._unmade(path))}
        # Which properties a resource has is known when the template is read, what refers to it
        # only when it is made: this reading is not the last one.
        draft = load_template(path, values)
        for logical_id, body in draft.resources.items():
            if needed := _MADE.get(body["Type"]):
                properties = {
                    name: draft.resolve(node)
                    for name, node in body["Properties"].items()
                    if name in needed
                }
                values.update(self._make(body["Type"], logical_id, properties))
        self._set_redrive_policies(load_template(path, values))
        return values

    def _set_redrive_policies(self, template: Template) -> None:
        """A queue's policy names another queue, which must be there."""
        for logical_id, body in template.resources.items():
            policy = body["Properties"].get("RedrivePolicy")
            if body["Type"] == _QUEUE and policy:
                self._sqs.set_queue_attributes(
                    QueueUrl=template.resolve({"Ref": logical_id}),
                    Attributes={"RedrivePolicy": json.dumps(template.resolve(policy))},
                )

    def _unmade(self, path: Path) -> Iterator[tuple[str, str]]:
        for logical_id, kind in resource_types(path).items():
            if kind in _MADE:
                yield logical_id, ""
                yield f"{logical_id}.Arn", ""
            elif kind == "AWS::IAM::Role":
                yield f"{logical_id}.Arn", f"arn:aws:iam::{ACCOUNT}:role/{logical_id}"
            elif kind == "AWS::AppConfig::HostedConfigurationVersion":
                yield f"{logical_id}.VersionNumber", "1"
            elif kind == "AWS::KMS::Key":
                yield f"{logical_id}.Arn", self._arn("kms", f"key/{logical_id}")
            elif kind == "AWS::Serverless::Function":
                yield logical_id, logical_id
                yield f"{logical_id}.Arn", self._arn("lambda", f"function:{logical_id}")
                yield f"{logical_id}.Alias", self._arn("lambda", f"function:{logical_id}:live")

    def _make(self, kind: str, logical_id: str, properties: Mapping[str, Any]) -> dict[str, str]:
        """Makes the resource; the values of its Ref and GetAtt Arn from now on."""
        name = f"laptop-{logical_id}-{self._suffix}"
        match kind:
            case "AWS::DynamoDB::Table":
                reference, arn = self._table(str(properties.get("TableName", name)), properties)
            case "AWS::SQS::Queue":
                reference, arn = self._queue(str(properties.get("QueueName", name)), properties)
            case "AWS::Kinesis::Stream":
                reference, arn = self._stream(str(properties.get("Name", name)), properties)
            case _:
                # Names of buckets are in lower case.
                reference, arn = self._bucket(str(properties.get("BucketName", name.lower())))
        named = {f"{logical_id}.QueueName": arn.rsplit(":", 1)[-1]} if kind == _QUEUE else {}
        return {logical_id: reference, f"{logical_id}.Arn": arn, **named}

    def _table(self, name: str, properties: Mapping[str, Any]) -> tuple[str, str]:
        self._dynamodb.create_table(
            TableName=name,
            KeySchema=properties["KeySchema"],
            AttributeDefinitions=properties["AttributeDefinitions"],
            BillingMode=properties.get("BillingMode", "PAY_PER_REQUEST"),
        )
        self._resources.callback(self._dynamodb.delete_table, TableName=name)
        if expiry := properties.get("TimeToLiveSpecification"):
            self._dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
        return name, self._arn("dynamodb", f"table/{name}")

    def _queue(self, name: str, properties: Mapping[str, Any]) -> tuple[str, str]:
        attributes = {
            key: str(properties[key])
            for key in _QUEUE_ATTRIBUTES
            if properties.get(key) is not None
        }
        url = str(self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        self._resources.callback(self._sqs.delete_queue, QueueUrl=url)
        return url, self._arn("sqs", name)

    def _stream(self, name: str, properties: Mapping[str, Any]) -> tuple[str, str]:
        shards = {"ShardCount": int(properties["ShardCount"])} if "ShardCount" in properties else {}
        mode = properties.get("StreamModeDetails")
        self._kinesis.create_stream(
            StreamName=name, **shards, **({"StreamModeDetails": mode} if mode else {})
        )
        self._resources.callback(
            self._kinesis.delete_stream, StreamName=name, EnforceConsumerDeletion=True
        )
        hours = int(properties.get("RetentionPeriodHours", _SHORTEST_RETENTION_HOURS))
        if hours > _SHORTEST_RETENTION_HOURS:
            self._kinesis.increase_stream_retention_period(
                StreamName=name, RetentionPeriodHours=hours
            )
        return name, self._arn("kinesis", f"stream/{name}")

    def _bucket(self, name: str) -> tuple[str, str]:
        elsewhere = {"LocationConstraint": self._region}
        # S3 wants no location where it has always been.
        place = {} if self._region == "us-east-1" else {"CreateBucketConfiguration": elsewhere}
        self._s3.create_bucket(Bucket=name, **place)
        self._resources.callback(self._remove_bucket, name)
        return name, f"arn:aws:s3:::{name}"

    def _remove_bucket(self, name: str) -> None:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=name):
            for found in page.get("Contents", []):
                self._s3.delete_object(Bucket=name, Key=found["Key"])
        self._s3.delete_bucket(Bucket=name)

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self._region}:{ACCOUNT}:{resource}"

    def _closed_with(self, client: Any) -> Any:
        self._resources.callback(client.close)
        return client
