"""The main stack, deployed once on the emulator, against the Salesforce simulator."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from simulator.aws.cloud import CONNECT_INSTANCE_ARN
from simulator.aws.connect import ConnectStandIn
from simulator.salesforce import SalesforceSimulator, new_identity
from tests.artefact.artefact import build, layer_for
from tests.emulator.ministack import BIN, Ministack
from tests.emulator.stack import EmulatedStack

FUNCTIONS = ("ContactFlowFunction", "ContactEventsFunction", "ContactRecordsFunction")


@dataclass(frozen=True, slots=True)
class Deployed:
    """The stack and what it talks to."""

    aws: Ministack
    stack: EmulatedStack
    salesforce: SalesforceSimulator
    connect: ConnectStandIn
    secret_arn: str


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployed]:
    artefact = build()
    python = str(BIN / "python")
    version = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    layer = artefact.layer.parent
    if version != artefact.version:
        layer = layer_for(python, version)
    code = {name: artefact.built / name for name in (*FUNCTIONS, "RedriveFunction")}
    identity = new_identity(org_id="00D5f000001AbCdEAK", call_center_api_name="EmulatedCenter")
    with (
        Ministack() as aws,
        SalesforceSimulator(identity) as salesforce,
        ConnectStandIn() as connect,
    ):
        secrets = aws.client("secretsmanager")
        secret_arn = secrets.create_secret(
            Name="contact-center", SecretString=json.dumps(identity.secret(salesforce.base_url))
        )["ARN"]
        secrets.close()
        stack = EmulatedStack(aws, {**code, "BridgeLayer": layer}, connect.url)
        stack.deploy(ConnectInstanceArn=CONNECT_INSTANCE_ARN, ContactCenterSecretArn=secret_arn)
        yield Deployed(aws, stack, salesforce, connect, secret_arn)
