"""Counts the bridge's own frames between a function's handler and the HTTP request to Salesforce.

Each function runs in this process, beside the simulators of AWS, Amazon Connect and Salesforce. The
frames of a thread that waits for the work count as well as those of the thread that does it: who
follows a call reads both. The handler itself does not count.
"""

import base64
import importlib.util
import io
import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest import mock

from requests.adapters import HTTPAdapter

from simulator.aws.cloud import CONNECT_INSTANCE_ARN, AwsSimulator
from simulator.aws.connect import ConnectSimulator
from simulator.salesforce import SalesforceSimulator, new_identity
from simulator.samples.moments import at_delivery

ROOT: Final = Path(__file__).resolve().parents[1]
FUNCTIONS: Final = ROOT / "functions"
PACKAGE: Final = ROOT / "layers" / "voicecall_bridge" / "voicecall_bridge"
SAMPLES: Final[Mapping[str, str]] = {
    "contact_flow": "createVoiceCall",
    "contact_events": "an event",
    "contact_records": "a record",
}
"""Function -> what is sent through it."""
_EVENTS: Final[Mapping[str, str]] = {
    "contact_flow": "contact_flow/inbound.json",
    "contact_events": "contact_events/connected_to_agent.json",
    "contact_records": "contact_records/inbound_answered.json",
}


class NothingSentError(Exception):
    """The function sent nothing to Salesforce: there is nothing to count."""


class _Context:
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


def frames() -> dict[str, int]:
    """The kind of input -> frames between the handler and the request.

    Raises:
        NothingSentError: a sample does not lead to a request any more.
    """
    identity = new_identity(org_id="00D5f000001AbCdEAK", call_center_api_name="FramesCenter")
    with (
        SalesforceSimulator(identity) as salesforce,
        ConnectSimulator() as connect,
        AwsSimulator(ROOT / "template.yaml", identity, salesforce.base_url) as aws,
        redirect_stdout(io.StringIO()),  # log and metrics
    ):
        found = {}
        for name, what in SAMPLES.items():
            sample = at_delivery(json.loads((ROOT / "events" / _EVENTS[name]).read_text()), _now())
            if name == "contact_events":
                _know(connect, sample["detail"]["contactId"])
            with mock.patch.dict(os.environ, _environment(aws, connect, name)):
                found[what] = _frames(name, sample if name == "contact_flow" else _batch(sample))
        return found


def _now() -> datetime:
    return datetime.now(UTC)


def _know(connect: ConnectSimulator, contact_id: str) -> None:
    endpoint = {"Type": "TELEPHONE_NUMBER", "Address": "+12065550100"}
    connect.add_contact(
        CONNECT_INSTANCE_ARN.rpartition("/")[2],
        contact_id,
        Channel="VOICE",
        InitiationMethod="INBOUND",
        InitiationTimestamp=_now(),
        CustomerEndpoint=endpoint,
        SystemEndpoint={**endpoint, "Address": "+18005550199"},
    )


def _environment(aws: AwsSimulator, connect: ConnectSimulator, name: str) -> dict[str, str]:
    logical_id = "".join(word.capitalize() for word in name.split("_")) + "Function"
    return {
        **aws.template.functions[logical_id].environment,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ENDPOINT_URL_CONNECT": connect.url,
        "AWS_REGION": aws.region,
        "AWS_DEFAULT_REGION": aws.region,
        "AWS_ACCESS_KEY_ID": "simulator",
        "AWS_SECRET_ACCESS_KEY": "simulator",
    }


def _batch(payload: Any) -> dict[str, Any]:
    """Lambda's event with one record of a Kinesis stream."""
    kinesis = {
        "partitionKey": "0",
        "sequenceNumber": "1",
        "data": base64.b64encode(json.dumps(payload).encode()).decode(),
        "approximateArrivalTimestamp": _now().timestamp(),
    }
    record = {
        "kinesis": kinesis,
        "eventSource": "aws:kinesis",
        "eventID": "shardId-000000000000:1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:111122223333:stream/frames",
    }
    return {"Records": [record]}


def _frames(name: str, event: object) -> int:
    spec = importlib.util.spec_from_file_location(f"{name}_app", FUNCTIONS / name / "app.py")
    if spec is None or spec.loader is None:
        raise NothingSentError(f"functions/{name}/app.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    counted: list[int] = []
    send = HTTPAdapter.send

    def counting(*arguments: Any, **options: Any) -> Any:
        counted.append(len(list(_own_frames())))
        return send(*arguments, **options)

    with mock.patch.object(HTTPAdapter, "send", counting):
        module.handler(event, _Context())
    if not counted:
        raise NothingSentError(f"events/{_EVENTS[name]} leads to no request")
    return counted[0]


def _own_frames() -> Iterator[traceback.FrameSummary]:
    """The package's frames of this thread, and of the thread that waits for it."""
    stacks = sys._current_frames()
    for thread in {threading.get_ident(), threading.main_thread().ident or 0}:
        for summary in traceback.extract_stack(stacks[thread]):
            if Path(summary.filename).is_relative_to(PACKAGE):
                yield summary
