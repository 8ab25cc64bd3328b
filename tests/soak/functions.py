"""The deployed functions' handlers, and their events in Lambda's form."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.soak.calls import Input

ROOT = Path(__file__).resolve().parents[2]


def load_handler(name: str) -> Any:
    """The handler of a function, as Lambda loads it."""
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"soak_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.handler


def kinesis_record(number: str, arrived: float, one: Input) -> dict[str, Any]:
    """A record as Lambda passes it; `number` is shard and sequence number."""
    shard, _, sequence = number.partition(":")
    return {
        "kinesis": {
            "sequenceNumber": sequence,
            "partitionKey": one.chain,
            "data": base64.b64encode(json.dumps(one.body).encode()).decode(),
            "approximateArrivalTimestamp": arrived,
        },
        "eventID": f"{shard}:{sequence}",
        "eventSourceARN": "arn:aws:kinesis:us-west-2:111122223333:stream/s",
    }
