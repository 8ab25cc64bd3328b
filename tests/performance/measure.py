"""The contact flow function as deployed: in its own process, under AWS's runtime.

A duration is what the Runtime API sees, from handing over the event to having received the whole
answer. That is what Lambda bills and Connect waits for, so it includes the runtime's JSON, and also
a few tenths of a millisecond of the bench's own Runtime API.
"""

import dataclasses
import uuid
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.functions.lambda_process import Invocation, LambdaProcess
from simulator.sam.template import LambdaFunction, Template, load_template, resource_types
from tests.performance.deployed import Deployed
from tests.performance.fakes import Fakes
from tests.samples.flow_events import contact_data
from tests.samples.flow_events import flow_event as whole_flow_event
from tests.samples.members import INSTANCE_ARN

FUNCTION: Final = "ContactFlowFunction"
PROBE: Final = Path(__file__).with_name("probe")

_CENTER: Final = "AmazonConnect_Bench"


class MeasurementError(Exception):
    """The function did not do what is measured, so there are no figures."""


def secret() -> dict[str, str]:
    """A contact center's secret as Salesforce provisions it, with a new key of the advised size."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "SALESFORCE_ORG_ID": "00D000000000001AAA",
        "SCRT_ENDPOINT_BASE": "",  # the fakes fill it in
        "CALL_CENTER_API_NAME": _CENTER,
        f"{_CENTER}-scrt-jwt-auth-private-key": pem.decode(),
    }


def template(deployed: Deployed, fakes: Fakes) -> Template:
    """A revision's template.yaml against the fakes: its references have names only."""
    path = deployed.root / "template.yaml"
    values: dict[str, object] = {
        "ConnectInstanceArn": INSTANCE_ARN,
        "ContactCenterSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:b-AbCdEf",
    }
    resources = resource_types(path)
    for logical_id in resources:
        values[logical_id] = logical_id.lower()
        values[f"{logical_id}.Arn"] = f"arn:aws:bench:us-east-1:123456789012:{logical_id}"
    for queue, name in (("DeadLetterQueue", "dead-letters"), ("WaitingQueue", "waiting.fifo")):
        if queue in resources:  # an older revision has fewer
            values[queue] = f"{fakes.aws_url}/123456789012/{name}"
    streams = {"ContactEventStream", "ContactRecordStream", "ContactLensStream"}
    for stream in streams.intersection(resources):
        values[f"{stream}.Arn"] = f"arn:aws:kinesis:us-east-1:123456789012:stream/{stream}"
    values["ContactFlowSettings.VersionNumber"] = "1"
    values["FailureBucket.Arn"] = "arn:aws:s3:::bench"
    return load_template(path, values)


def function(deployed: Deployed, fakes: Fakes, logical_id: str) -> LambdaFunction:
    """A function as a revision's template.yaml deploys it, against the fakes."""
    found = template(deployed, fakes).functions[logical_id]
    environment = {**found.environment, "AWS_ENDPOINT_URL": fakes.aws_url}
    return dataclasses.replace(found, environment=environment)


def flow_function(deployed: Deployed, fakes: Fakes) -> LambdaFunction:
    """The function that contact flows call."""
    return function(deployed, fakes, FUNCTION)


def process_of(
    deployed: Deployed, function: LambdaFunction, *, snap_start: bool = False
) -> LambdaProcess:
    """An environment of a function; nothing runs before it is invoked."""
    return LambdaProcess(function, deployed.layers, python=deployed.python, snap_start=snap_start)


def pid_of(process: LambdaProcess) -> int:
    """The running process of an environment. Raises MeasurementError."""
    if process.pid is None:
        raise MeasurementError("the process has ended")
    return process.pid


def flow_event() -> dict[str, Any]:
    """What an inbound flow sends for a contact of its own."""
    data = contact_data(
        str(uuid.uuid4()),
        Attributes={"sfdc-Language__c": "en"},
        LanguageCode="en-US",
        MediaStreams={"Customer": {"Audio": None}},
        References={},
        Tags={},
    )
    return whole_flow_event(data, {"methodName": "createVoiceCall"})


def create(process: LambdaProcess) -> Invocation:
    """Create one voice call. Raises MeasurementError."""
    invocation = process.invoke(flow_event())
    payload = invocation.payload
    if not isinstance(payload, dict) or payload.get("status") != "created":
        said = "\n".join(invocation.logs)
        raise MeasurementError(f"no voice call was created: {invocation.error or payload}\n{said}")
    return invocation
