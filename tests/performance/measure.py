"""Measures the contact flow function as deployed: in its own process, under AWS's runtime.

A duration is what the Runtime API sees, from handing over the event to having received the whole
answer. That is what Lambda bills and Connect waits for, so it includes the runtime's JSON, and also
a few tenths of a millisecond of the bench's own Runtime API: `Warm.empty` measures an empty handler
in the same way, as the share of both. The fakes answer at once and their latency is zero unless a
measurement says otherwise, so a duration is the time above the round trips.

CPU is what the operating system has charged to the process, user and system, between two probes.
"""

import dataclasses
import statistics
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.functions.lambda_process import LambdaProcess
from simulator.sam.template import LambdaFunction, Template, load_template, resource_types
from tests.performance.deployed import ROOT, Deployed
from tests.performance.fakes import AWS, CREATE, SALESFORCE, Fakes

FUNCTION: Final = "ContactFlowFunction"
PROBE: Final = Path(__file__).with_name("probe")
WARM_UP: Final = 30
"""Invocations before the measured ones: connections, caches, the interpreter's specialising."""

INSTANCE_ARN: Final = (
    "arn:aws:connect:us-west-2:111122223333:instance/0f0e0d0c-1111-4222-8333-444455556666"
)
_CENTER: Final = "AmazonConnect_Bench"


class MeasurementError(Exception):
    """The function did not do what is measured, so there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Warm:
    """One run of warm invocations in one process. Times in milliseconds; counts an invocation."""

    p50: float
    p99: float
    empty: float
    cpu: float
    secret_look_ups: float
    aws_connections: float
    salesforce_connections: float
    ledger_writes: float
    posts: float
    modules: int


@dataclass(frozen=True, slots=True)
class Cold:
    """One first invocation of a new process, in milliseconds from the start of the process."""

    init: float
    first_answer: float


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


def template(fakes: Fakes) -> Template:
    """template.yaml against the fakes: what it refers to is there in name only."""
    path = ROOT / "template.yaml"
    values: dict[str, object] = {
        "ConnectInstanceArn": INSTANCE_ARN,
        "ContactCenterSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:b-AbCdEf",
    }
    for logical_id in resource_types(path):
        values[logical_id] = logical_id.lower()
        values[f"{logical_id}.Arn"] = f"arn:aws:bench:us-east-1:123456789012:{logical_id}"
    values["DeadLetterQueue"] = f"{fakes.aws_url}/123456789012/dead-letters"
    for stream in ("ContactEventStream", "ContactRecordStream"):
        values[f"{stream}.Arn"] = f"arn:aws:kinesis:us-east-1:123456789012:stream/{stream}"
    values["FailureBucket.Arn"] = "arn:aws:s3:::bench"
    return load_template(path, values)


def function(fakes: Fakes, logical_id: str) -> LambdaFunction:
    """A function as template.yaml deploys it, against the fakes."""
    found = template(fakes).functions[logical_id]
    environment = {**found.environment, "AWS_ENDPOINT_URL": fakes.aws_url}
    return dataclasses.replace(found, environment=environment)


def flow_function(fakes: Fakes) -> LambdaFunction:
    """The function that contact flows call."""
    return function(fakes, FUNCTION)


def measure_cold(function: LambdaFunction, deployed: Deployed) -> Cold:
    """Start a new process and create one voice call. Raises MeasurementError."""
    with LambdaProcess(function, deployed.layers, python=deployed.python) as process:
        invocation = process.invoke(flow_event())
    _require_created(invocation.payload, invocation.error, invocation.logs)
    if invocation.init_ms is None:
        raise MeasurementError("the first invocation was not cold")
    return Cold(invocation.init_ms, invocation.init_ms + invocation.duration_ms)


def measure_warm(
    function: LambdaFunction, deployed: Deployed, fakes: Fakes, invocations: int
) -> Warm:
    """Create `invocations` voice calls in a process that is warm. Raises MeasurementError."""
    probed = dataclasses.replace(function, handler="bench_probe.handler")
    with LambdaProcess(probed, [PROBE, *deployed.layers], python=deployed.python) as process:
        for _ in range(WARM_UP):
            create(process)
        arrived, probe = fakes.counts(), process.invoke({"probe": True}).payload
        durations = [create(process) for _ in range(invocations)]
        after, probe_after = fakes.counts(), process.invoke({"probe": True}).payload
        empty = [process.invoke({"empty": True}).duration_ms for _ in range(invocations)]
    new = after.since(arrived)
    percentiles = statistics.quantiles(durations, n=100, method="inclusive")

    def each(operation: str) -> float:
        return new.requests.get(operation, 0) / invocations

    return Warm(
        p50=percentiles[49],
        p99=percentiles[98],
        empty=statistics.median(empty),
        cpu=(probe_after["cpu_seconds"] - probe["cpu_seconds"]) * 1000 / invocations,
        secret_look_ups=each("GetSecretValue") + each("GetParameter"),
        aws_connections=new.connections.get(AWS, 0) / invocations,
        salesforce_connections=new.connections.get(SALESFORCE, 0) / invocations,
        ledger_writes=each("UpdateItem") + each("PutItem"),
        posts=each(CREATE),
        modules=len(set(probe_after["modules"]) - {"bench_probe"}),
    )


def flow_event() -> dict[str, Any]:
    """What an inbound flow sends for a contact of its own.

    Shape: Amazon Connect Administrator Guide, "Invoke AWS Lambda functions"; values invented.
    """
    contact_id = str(uuid.uuid4())
    return {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "Attributes": {"sfdc-Language__c": "en"},
                "AwsRegion": "us-west-2",
                "Channel": "VOICE",
                "ContactId": contact_id,
                "CustomerEndpoint": {"Address": "+12065550100", "Type": "TELEPHONE_NUMBER"},
                "InitialContactId": contact_id,
                "InitiationMethod": "INBOUND",
                "InstanceARN": INSTANCE_ARN,
                "LanguageCode": "en-US",
                "MediaStreams": {"Customer": {"Audio": None}},
                "PreviousContactId": contact_id,
                "Queue": None,
                "References": {},
                "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
                "SystemEndpoint": {"Address": "+18005550199", "Type": "TELEPHONE_NUMBER"},
                "Tags": {},
            },
            "Parameters": {"methodName": "createVoiceCall"},
        },
    }


def create(process: LambdaProcess) -> float:
    """Create one voice call; answers the milliseconds it took. Raises MeasurementError."""
    invocation = process.invoke(flow_event())
    _require_created(invocation.payload, invocation.error, invocation.logs)
    return invocation.duration_ms


def _require_created(payload: Any, error: dict[str, Any] | None, logs: list[str]) -> None:
    if not isinstance(payload, dict) or payload.get("status") != "created":
        said = "\n".join(logs)
        raise MeasurementError(f"no voice call was created: {error or payload}\n{said}")
