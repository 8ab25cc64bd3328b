"""Lambda's event source mappings from SQS queues, as template.yaml sets them.

Names, defaults and ranges as in AWS Lambda Developer Guide, "Lambda parameters for Amazon SQS event
source mappings". Read from the functions' events of type SQS and from
AWS::Lambda::EventSourceMapping. Filters are refused: replaying without them would not be what is
deployed. The batching window is not waited for: it saves invocations and changes nothing else.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.pollers.properties import function_of, is_true, number, reports_item_failures
from simulator.sam.intrinsics import place
from simulator.sam.template import Template, TemplateError

__all__ = ["QueueMapping", "read_queue_mappings"]

_QUEUE: Final = re.compile(r"arn:[^:]+:sqs:[^:]+:[0-9]{12}:[A-Za-z0-9_.-]{1,80}")
_KNOWN: Final = frozenset(
    {
        "BatchSize",
        "Enabled",
        "EventSourceArn",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "MetricsConfig",
        "Queue",
        "ScalingConfig",
        "Tags",
    }
)


@dataclass(frozen=True, slots=True)
class QueueMapping:
    """The settings of one queue's poller.

    Attributes:
        logical_id: as CloudFormation names the mapping.
        function: logical id of the function.
        queue_arn: the queue's ARN.
        batch_size: most messages of one invocation.
        report_item_failures: whether the function answers which messages failed.
    """

    logical_id: str
    function: str
    queue_arn: str
    batch_size: int = 10
    report_item_failures: bool = False

    @property
    def queue(self) -> str:
        """The queue's name."""
        return self.queue_arn.rsplit(":", 1)[-1]

    @property
    def region(self) -> str:
        """The queue's region."""
        return self.queue_arn.split(":")[3]


def read_queue_mappings(template: Template) -> list[QueueMapping]:
    """The enabled mappings from SQS queues, in the template's order. Raises TemplateError."""
    found = []
    for logical_id, function, node, queue_key in _written(template):
        with place(logical_id):
            properties = template.resolve(node)
            if is_true(properties, "Enabled", default=True):
                found.append(_mapping(logical_id, function, properties, queue_key))
    return found


def _written(template: Template) -> Iterator[tuple[str, str, Mapping[str, Any], str]]:
    for name, body in template.resources.items():
        properties = body["Properties"]
        if body["Type"] == "AWS::Serverless::Function":
            for event_name, event in (properties.get("Events") or {}).items():
                if isinstance(event, dict) and event.get("Type") == "SQS":
                    yield name + event_name, name, event.get("Properties") or {}, "Queue"
        elif body["Type"] == "AWS::Lambda::EventSourceMapping":
            with place(name):
                source = template.resolve(properties.get("EventSourceArn"))
            if _QUEUE.fullmatch(str(source)):
                with place(name, "FunctionName"):
                    function = function_of(template, properties.get("FunctionName"))
                rest = {key: node for key, node in properties.items() if key != "FunctionName"}
                yield name, function, rest, "EventSourceArn"


def _mapping(
    logical_id: str, function: str, properties: Mapping[str, Any], queue_key: str
) -> QueueMapping:
    if unknown := sorted(set(properties) - _KNOWN):
        raise TemplateError(f"{', '.join(unknown)} cannot be replayed in the simulator")
    queue = properties.get(queue_key)
    if not isinstance(queue, str) or not _QUEUE.fullmatch(queue):
        raise TemplateError(f"{queue_key}: the ARN of a queue is needed, not {queue!r}")
    number(properties, "MaximumBatchingWindowInSeconds", 0, 0, 300)
    return QueueMapping(
        logical_id=logical_id,
        function=function,
        queue_arn=queue,
        batch_size=number(properties, "BatchSize", 10, 1, 10_000),
        report_item_failures=reports_item_failures(properties),
    )
