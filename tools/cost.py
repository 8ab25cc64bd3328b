"""The monthly cost of a stack at so many calls a day, from its own template. Pure.

Prices are list prices of us-east-1, without free tiers and discounts, entered by hand: check them
on AWS's pricing pages. They differ by region and change; the figure is an order of magnitude.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

PRICES_OF: Final = "us-east-1, entered by hand"
DAYS: Final = 30.4
HOURS: Final = 730.0

_STREAM_HOUR: Final = 0.04
_GIGABYTE_IN: Final = 0.08
_LAMBDA_GB_SECOND: Final = 0.0000133334  # arm64
_LAMBDA_REQUEST: Final = 0.20 / 1e6
_SNAPSHOT_GB_SECOND: Final = 0.0000015046
_WRITE: Final = 0.625 / 1e6
_ALARM: Final = 0.10
_COMPOSITE_ALARM: Final = 0.50
_DASHBOARD: Final = 3.00
_METRIC: Final = 0.30
_KEY: Final = 1.00
_LOG_GIGABYTE: Final = 0.50

# One call, measured with the samples of events/: inputs, and how long a function is busy with each.
_FLOW_CALLS: Final = 2.0
_EVENTS: Final = 5.0
_RECORDS: Final = 1.5
_SECONDS_BUSY: Final = 0.3
_WRITES: Final = 7.0
_BYTES: Final = 3_000.0
_LOG_BYTES: Final = 1_500.0
_METRICS: Final = 40


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the estimate; `dollars` a month."""

    what: str
    dollars: float


def estimate(resources: Mapping[str, Mapping[str, Any]], calls_a_day: int) -> list[Item]:
    """The monthly cost of these resources of a template at so many calls a day."""
    return [*_standing(resources), *_by_call(resources, calls_a_day * DAYS)]


def _standing(resources: Mapping[str, Mapping[str, Any]]) -> Iterator[Item]:
    """The charges with calls or without."""
    kinds = Counter(str(each.get("Type")) for each in resources.values())
    streams, alarms = kinds["AWS::Kinesis::Stream"], kinds["AWS::CloudWatch::Alarm"]
    yield Item(f"{streams} Kinesis streams, on demand", streams * HOURS * _STREAM_HOUR)
    yield Item(f"{alarms} alarms", alarms * _ALARM)
    if composites := kinds["AWS::CloudWatch::CompositeAlarm"]:
        yield Item(f"{composites} composite alarms", composites * _COMPOSITE_ALARM)
    if dashboards := kinds["AWS::CloudWatch::Dashboard"]:
        yield Item("dashboard", dashboards * _DASHBOARD)
    yield Item(f"about {_METRICS} metrics", _METRICS * _METRIC)
    if keys := kinds["AWS::KMS::Key"]:
        yield Item("KMS key", keys * _KEY)
    for each in resources.values():
        properties = each.get("Properties") or {}
        if "SnapStart" in properties:
            gigabytes = _gigabytes(properties)
            yield Item("snapshot (SnapStart)", gigabytes * HOURS * 3600 * _SNAPSHOT_GB_SECOND)


def _by_call(resources: Mapping[str, Mapping[str, Any]], calls: float) -> Iterator[Item]:
    functions = [
        _gigabytes(each.get("Properties") or {})
        for each in resources.values()
        if each.get("Type") == "AWS::Serverless::Function"
    ]
    gigabytes = max(functions, default=0.5)
    inputs = calls * (_FLOW_CALLS + _EVENTS + _RECORDS)
    seconds = inputs * _SECONDS_BUSY
    yield Item("Lambda", inputs * _LAMBDA_REQUEST + seconds * gigabytes * _LAMBDA_GB_SECOND)
    yield Item("DynamoDB writes", calls * _WRITES * _WRITE)
    yield Item("data into the streams", inputs * _BYTES / 1e9 * _GIGABYTE_IN)
    yield Item("logs", inputs * _LOG_BYTES / 1e9 * _LOG_GIGABYTE)


def _gigabytes(properties: Mapping[str, Any]) -> float:
    memory = properties.get("MemorySize", 512)
    return memory / 1024 if isinstance(memory, int) else 0.5
