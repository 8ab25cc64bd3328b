"""The main stack, deployed once on the emulator, against the Salesforce simulator."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.aws.cloud import CONNECT_INSTANCE_ARN
from simulator.aws.connect import ConnectSimulator
from simulator.salesforce import SalesforceSimulator, new_identity
from simulator.sam.template import resource_types
from tests.artefact.artefact import build, layer_for
from tests.emulator.ministack import BIN, ROOT, Ministack
from tests.emulator.stack import EmulatedStack

Code = dict[str, Path]


@dataclass(frozen=True, slots=True)
class Deployed:
    """The stack, the emulator and the simulators it talks to."""

    aws: Ministack
    stack: EmulatedStack
    salesforce: SalesforceSimulator
    connect: ConnectSimulator
    secret_arn: str


@pytest.fixture(scope="session")
def code() -> Code:
    """The folder of each function and of the layer for the emulator's Python."""
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
    types = resource_types(ROOT / "template.yaml")
    return {
        name: layer if kind.endswith("::LayerVersion") else artefact.built / name
        for name, kind in types.items()
        if kind in ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
    }


@pytest.fixture(scope="session")
def deployed(code: Code) -> Iterator[Deployed]:
    identity = new_identity(org_id="00D5f000001AbCdEAK", call_center_api_name="EmulatedCenter")
    with (
        Ministack() as aws,
        SalesforceSimulator(identity) as salesforce,
        ConnectSimulator() as connect,
    ):
        secrets = aws.client("secretsmanager")
        secret_arn = secrets.create_secret(
            Name="contact-center", SecretString=json.dumps(identity.secret(salesforce.base_url))
        )["ARN"]
        secrets.close()
        stack = EmulatedStack(aws, code, connect.url)
        stack.deploy(ConnectInstanceArn=CONNECT_INSTANCE_ARN, ContactCenterSecretArn=secret_arn)
        yield Deployed(aws, stack, salesforce, connect, secret_arn)
