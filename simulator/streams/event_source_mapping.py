"""Lambda's event source mappings from Kinesis streams, as template.yaml sets them.

Names, defaults and ranges as in AWS Lambda Developer Guide, "Lambda event source mapping
parameters for Kinesis". Read from the functions' events of type Kinesis and from
AWS::Lambda::EventSourceMapping. What changes a delivery and is not known here (filters, tumbling
windows, enhanced fan-out) is refused: replaying without it would not be what is deployed.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.sam.intrinsics import place
from simulator.sam.template import Template, TemplateError

__all__ = ["EventSourceMapping", "read_mappings"]

_POSITIONS: Final = ("LATEST", "TRIM_HORIZON", "AT_TIMESTAMP")
_STREAM: Final = re.compile(r"arn:[^:]+:kinesis:[^:]+:[0-9]{12}:stream/[A-Za-z0-9_.-]{1,128}")
_DESTINATION: Final = re.compile(r"arn:[^:]+:(s3:::.+|sqs:[^:]+:[0-9]{12}:.+)")
_UNLIMITED: Final = -1

_KNOWN: Final = frozenset(
    {
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "Enabled",
        "EventSourceArn",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "MetricsConfig",
        "ParallelizationFactor",
        "StartingPosition",
        "StartingPositionTimestamp",
        "Stream",
        "Tags",
    }
)


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """How one stream feeds one function.

    logical_id           as CloudFormation names the mapping
    function             logical id of the function
    starting_timestamp   epoch seconds, of AT_TIMESTAMP alone
    batching_window      seconds
    parallelization      concurrent batches a shard
    max_retries          None: until the records expire
    max_record_age       seconds; None: until the records expire
    on_failure           ARN of an S3 bucket or SQS queue, "" for none
    """

    logical_id: str
    function: str
    stream_arn: str
    starting_position: str
    starting_timestamp: float | None = None
    batch_size: int = 100
    batching_window: int = 0
    parallelization: int = 1
    bisect: bool = False
    max_retries: int | None = None
    max_record_age: int | None = None
    report_item_failures: bool = False
    on_failure: str = ""

    @property
    def uuid(self) -> str:
        """The mapping's id, the same in every run."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.stream_arn}/{self.logical_id}"))

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.stream_arn.rsplit("/", 1)[-1]

    @property
    def region(self) -> str:
        """The stream's region."""
        return self.stream_arn.split(":")[3]

    def arn(self, service: str, resource: str) -> str:
        """ARN of `resource` in the stream's account; IAM's have no region."""
        _, partition, _, region, account, _ = self.stream_arn.split(":", 5)
        return (
            f"arn:{partition}:{service}:{region if service != 'iam' else ''}:{account}:{resource}"
        )


def read_mappings(template: Template) -> list[EventSourceMapping]:
    """The enabled mappings from Kinesis streams, in the template's order. Raises TemplateError."""
    found = []
    for logical_id, function, node, stream_key in _written(template):
        with place(logical_id):
            properties = template.resolve(node)
            if _is_true(properties, "Enabled", default=True):
                found.append(_mapping(logical_id, function, properties, stream_key))
    return found


def _written(template: Template) -> Iterator[tuple[str, str, Mapping[str, Any], str]]:
    for name, body in template.resources.items():
        properties = body["Properties"]
        if body["Type"] == "AWS::Serverless::Function":
            for event_name, event in (properties.get("Events") or {}).items():
                if isinstance(event, dict) and event.get("Type") == "Kinesis":
                    # SAM names the mapping it makes by function and event.
                    yield name + event_name, name, event.get("Properties") or {}, "Stream"
        elif body["Type"] == "AWS::Lambda::EventSourceMapping":
            with place(name):
                source = template.resolve(properties.get("EventSourceArn"))
            if _STREAM.fullmatch(str(source)):
                with place(name, "FunctionName"):
                    function = _function(template, properties.get("FunctionName"))
                # The laptop's functions have no ARN that a reference to them could yield.
                rest = {key: node for key, node in properties.items() if key != "FunctionName"}
                yield name, function, rest, "EventSourceArn"


def _function(template: Template, node: object) -> str:
    """The logical id a raw mapping's FunctionName refers to, by whatever reference."""
    name: object = node
    if isinstance(node, dict):
        name = node.get("Ref") or node.get("Fn::GetAtt")
    if isinstance(name, list):
        name = name[0] if name else None
    logical_id = str(name).split(".", 1)[0]
    if logical_id not in template.functions:
        raise TemplateError(f"a Ref or GetAtt of a function is needed, not {node!r}")
    return logical_id


def _mapping(
    logical_id: str, function: str, properties: Mapping[str, Any], stream_key: str
) -> EventSourceMapping:
    if unknown := sorted(set(properties) - _KNOWN):
        raise TemplateError(f"{', '.join(unknown)} cannot be replayed on the laptop")
    stream = properties.get(stream_key)
    if not isinstance(stream, str) or not _STREAM.fullmatch(stream):
        raise TemplateError(f"{stream_key}: the ARN of a stream is needed, not {stream!r}")
    position, timestamp = _start(properties)
    return EventSourceMapping(
        logical_id=logical_id,
        function=function,
        stream_arn=stream,
        starting_position=position,
        starting_timestamp=timestamp,
        batch_size=_number(properties, "BatchSize", 100, 1, 10_000),
        batching_window=_number(properties, "MaximumBatchingWindowInSeconds", 0, 0, 300),
        parallelization=_number(properties, "ParallelizationFactor", 1, 1, 10),
        bisect=_is_true(properties, "BisectBatchOnFunctionError", default=False),
        max_retries=_limit(properties, "MaximumRetryAttempts", 0, 10_000),
        max_record_age=_limit(properties, "MaximumRecordAgeInSeconds", 60, 604_800),
        report_item_failures=_reports_item_failures(properties),
        on_failure=_on_failure(properties),
    )


def _start(properties: Mapping[str, Any]) -> tuple[str, float | None]:
    position = properties.get("StartingPosition")
    if position not in _POSITIONS:
        raise TemplateError(f"StartingPosition: one of {', '.join(_POSITIONS)}, not {position!r}")
    timestamp = properties.get("StartingPositionTimestamp")
    if (position == "AT_TIMESTAMP") != (timestamp is not None):
        raise TemplateError("StartingPositionTimestamp belongs to AT_TIMESTAMP, and to it alone")
    if timestamp is None:
        return position, None
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", str(timestamp)):
        raise TemplateError(f"StartingPositionTimestamp: epoch seconds, not {timestamp!r}")
    return position, float(timestamp)


def _number(properties: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = properties.get(key, default)
    # Parameters arrive as texts; true is no number, though Python takes it for 1.
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(value)):
        raise TemplateError(f"{key}: a whole number is needed, not {value!r}")
    if not least <= int(value) <= most:
        raise TemplateError(f"{key}: {value} is not from {least} to {most}")
    return int(value)


def _limit(properties: Mapping[str, Any], key: str, least: int, most: int) -> int | None:
    if str(properties.get(key, _UNLIMITED)) == str(_UNLIMITED):
        return None
    return _number(properties, key, _UNLIMITED, least, most)


def _is_true(properties: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = str(properties.get(key, default)).lower()
    if value not in ("true", "false"):
        raise TemplateError(f"{key}: true or false is needed, not {value!r}")
    return value == "true"


def _reports_item_failures(properties: Mapping[str, Any]) -> bool:
    types = properties.get("FunctionResponseTypes", [])
    if types not in ([], ["ReportBatchItemFailures"]):
        raise TemplateError(f"FunctionResponseTypes: [ReportBatchItemFailures], not {types!r}")
    return bool(types)


def _on_failure(properties: Mapping[str, Any]) -> str:
    config = properties.get("DestinationConfig", {})
    if not isinstance(config, dict) or not isinstance(config.get("OnFailure", {}), dict):
        raise TemplateError(f"DestinationConfig: a map with OnFailure is needed, not {config!r}")
    if not config.get("OnFailure"):
        return ""
    destination = config["OnFailure"].get("Destination")
    if not isinstance(destination, str) or not _DESTINATION.fullmatch(destination):
        raise TemplateError(f"DestinationConfig: a bucket's or queue's ARN, not {destination!r}")
    return destination
