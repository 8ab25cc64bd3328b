"""Lambda's event source mappings from Kinesis streams, as template.yaml sets them.

Names, defaults and ranges as in AWS Lambda Developer Guide, "Lambda event source mapping
parameters for Kinesis". Read from the functions' events of type Kinesis and from
AWS::Lambda::EventSourceMapping. Settings that change a delivery and are not known here (filters,
tumbling windows, enhanced fan-out) are refused: a replay without them would differ from the
deployed stack.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.pollers.properties import (
    arn_beside,
    destination_of,
    function_of,
    is_true,
    limit,
    number,
    reports_item_failures,
)
from simulator.sam.intrinsics import place
from simulator.sam.template import Template, TemplateError

__all__ = ["EventSourceMapping", "read_mappings"]

_POSITIONS: Final = ("LATEST", "TRIM_HORIZON", "AT_TIMESTAMP")
_STREAM: Final = re.compile(r"arn:[^:]+:kinesis:[^:]+:[0-9]{12}:stream/[A-Za-z0-9_.-]{1,128}")

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
    """The settings of one stream's poller.

    Attributes:
        logical_id: as CloudFormation names the mapping.
        function: logical id of the function.
        starting_timestamp: epoch seconds, of AT_TIMESTAMP alone.
        batching_window: seconds.
        parallelization: concurrent batches a shard.
        max_retries: None: until the records expire.
        max_record_age: seconds; None: until the records expire.
        on_failure: ARN of an S3 bucket or SQS queue; empty for none.
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
        return arn_beside(self.stream_arn, service, resource)


def read_mappings(template: Template) -> list[EventSourceMapping]:
    """The enabled mappings from Kinesis streams, in the template's order. Raises TemplateError."""
    found = []
    for logical_id, function, node, stream_key in _written(template):
        with place(logical_id):
            properties = template.resolve(node)
            if is_true(properties, "Enabled", default=True):
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
                    function = function_of(template, properties.get("FunctionName"))
                # The simulator's functions have no ARN that a reference to them could yield.
                rest = {key: node for key, node in properties.items() if key != "FunctionName"}
                yield name, function, rest, "EventSourceArn"


def _mapping(
    logical_id: str, function: str, properties: Mapping[str, Any], stream_key: str
) -> EventSourceMapping:
    if unknown := sorted(set(properties) - _KNOWN):
        raise TemplateError(f"{', '.join(unknown)} cannot be replayed in the simulator")
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
        batch_size=number(properties, "BatchSize", 100, 1, 10_000),
        batching_window=number(properties, "MaximumBatchingWindowInSeconds", 0, 0, 300),
        parallelization=number(properties, "ParallelizationFactor", 1, 1, 10),
        bisect=is_true(properties, "BisectBatchOnFunctionError", default=False),
        max_retries=limit(properties, "MaximumRetryAttempts", 0, 10_000),
        max_record_age=limit(properties, "MaximumRecordAgeInSeconds", 60, 604_800),
        report_item_failures=reports_item_failures(properties),
        on_failure=destination_of(properties),
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
