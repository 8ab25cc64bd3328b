"""Deploys the stack for one Connect instance and one secret: `./bridge deploy <instance> <secret>`.

It looks up what the two imply, runs the doctor, prints what will be made and what that costs, and
asks once. It changes nothing before a typed yes.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError

from simulator.terminal import Terminal
from tools.cost import PRICES_OF, estimate

ROOT: Final = Path(__file__).resolve().parents[1]
LAYER: Final = ROOT / "layers" / "voicecall_bridge"
SAM: Final = ROOT / ".venv-sam" / "bin" / "sam"
TEMPLATES: Final = (ROOT / "template.yaml", ROOT / "monitoring" / "template.yaml")
DONE: Final = 0
NOT_DONE: Final = 1
UNUSABLE: Final = 2

Run = Callable[[Sequence[str]], int]
Ask = Callable[[str], str]


class CannotDeploy(Exception):
    """Something is missing; the text says what was found and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """The facts that follow from the two names.

    Attributes:
        account, region: where the stack will be.
        instance_arn: of the Connect instance.
        secret_arn: of the contact center's secret.
        secret_key: ARN of the secret's customer managed key; empty: AWS's own.
        record_stream: ARN of the Kinesis stream that contact records go into already; empty: none.
    """

    account: str
    region: str
    instance_arn: str
    secret_arn: str
    secret_key: str = ""
    record_stream: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The stack's parameters."""
        named = {
            "ConnectInstanceArn": self.instance_arn,
            "ContactCenterSecretArn": self.secret_arn,
            "ContactCenterSecretKmsKeyArn": self.secret_key,
            "ContactRecordStreamArn": self.record_stream,
        }
        return {name: value for name, value in named.items() if value}


def find(instance: str, secret: str, session: boto3.Session) -> Found:
    """Looks up what the instance (alias or ARN) and the secret (name or ARN) imply.

    Raises:
        CannotDeploy: credentials, instance or secret are not there.
    """
    try:
        account = str(session.client("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise CannotDeploy(
            f"this shell has no AWS credentials that work ({type(error).__name__}): run "
            "`aws configure` or `aws sso login`, and set AWS_REGION to the instance's region"
        ) from None
    region = str(session.region_name or "")
    if not region:
        raise CannotDeploy("no region is set: set AWS_REGION to the Connect instance's region")
    arn = instance if instance.startswith("arn:") else _instance_of(instance, session, region)
    found = _secret(secret, session)
    return Found(
        account,
        region,
        arn,
        str(found["ARN"]),
        _customer_key(str(found.get("KmsKeyId") or "")),
        _record_stream(arn, session),
    )


def _instance_of(alias: str, session: boto3.Session, region: str) -> str:
    connect = session.client("connect")
    known: list[str] = []
    for page in connect.get_paginator("list_instances").paginate():
        for each in page["InstanceSummaryList"]:
            if each.get("InstanceAlias") == alias:
                return str(each["Arn"])
            known.append(str(each.get("InstanceAlias")))
    raise CannotDeploy(
        f"no Connect instance has the alias {alias!r} in {region}; there are: "
        f"{', '.join(known) or 'none'}"
    )


def _secret(name: str, session: boto3.Session) -> Any:
    try:
        return session.client("secretsmanager").describe_secret(SecretId=name)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise CannotDeploy(
            f"the secret {name!r} cannot be described ({code}): take its name or ARN from Secrets "
            "Manager, in the instance's region"
        ) from None


def _customer_key(key: str) -> str:
    return key if key.startswith("arn:") else ""


def _record_stream(instance_arn: str, session: boto3.Session) -> str:
    """The stream that contact records go into already, if this shell may ask."""
    try:
        answer = session.client("connect").list_instance_storage_configs(
            InstanceId=instance_arn.rpartition("/")[2], ResourceType="CONTACT_TRACE_RECORDS"
        )
    except (BotoCoreError, ClientError):
        return ""  # the plan says so; the parameter can be given by hand
    for config in answer.get("StorageConfigs", []):
        if stream := config.get("KinesisStreamConfig", {}).get("StreamArn"):
            return str(stream)
    return ""


def plan(found: Found, stack: str, calls_a_day: int) -> Iterator[str]:
    """The plan, line by line, with its cost."""
    yield f"account     {found.account}, region {found.region}"
    yield f"stack       {stack}"
    for name, value in found.parameters.items():
        yield f"  {name} = {value}"
    if not found.record_stream:
        yield "  contact records: the stack makes a stream; docs/wiring.md says how to attach it"
    yield "All other parameters keep their defaults; docs/deploying.md explains each."
    resources = _resources()
    yield f"resources   {len(resources)}"
    items = estimate(resources, calls_a_day)
    total = sum(item.dollars for item in items)
    yield f"cost        about {total:,.0f} USD a month at {calls_a_day:,} calls a day"
    yield f"            (list prices of {PRICES_OF}; yours may differ)"
    yield from (f"  {item.dollars:8.2f}  {item.what}" for item in items)


def _resources() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in TEMPLATES:
        if path.exists():
            found |= yaml.load(path.read_text(encoding="utf-8"), _Loader)["Resources"]  # noqa: S506
    return found


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as what they are about; nothing here resolves them."""


_Loader.add_multi_constructor("!", lambda _, suffix, node: f"{suffix} {node.tag}")


def deploy(found: Found, stack: str, run: Run) -> int:
    """Builds and deploys; the exit status of the step that failed, or 0."""
    overrides = [f"{name}={value}" for name, value in found.parameters.items()]
    steps = (
        ["make", "build"],
        [
            *(str(SAM), "deploy", "--stack-name", stack, "--region", found.region),
            *("--no-confirm-changeset", "--no-fail-on-empty-changeset"),
            *("--parameter-overrides", *overrides),
        ],
    )
    for step in steps:
        if status := run(step):
            return status
    return DONE


def doctor(found: Found, run: Run) -> int:
    """The doctor's exit status for the secret."""
    return run([sys.executable, "-m", "doctor", found.secret_arn, "--region", found.region])


def main(
    arguments: Sequence[str] | None = None,
    session: boto3.Session | None = None,
    run: Run | None = None,
    ask: Ask | None = None,
) -> int:
    """Looks up, checks, asks, deploys; answers the exit status."""
    parsed = parser().parse_args(arguments)
    runs = run or run_step
    try:
        found = find(parsed.instance, parsed.secret, session or _session())
    except (CannotDeploy, BotoCoreError, ClientError) as error:
        Terminal(sys.stderr).say(str(error))
        return UNUSABLE
    print("== the doctor looks at the secret first")
    if status := doctor(found, runs):
        print("nothing was deployed: mend what the doctor names, then run this again")
        return status
    print("== what will be made")
    for line in plan(found, parsed.stack, parsed.calls):
        print(line)
    if (ask or answer_to)("Type yes to deploy: ").strip() != "yes":
        print("nothing was deployed")
        return NOT_DONE
    return deploy(found, parsed.stack, runs)


def _session() -> boto3.Session:
    """AWS's CLI reads AWS_REGION first; this SDK does not read it at all."""
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None)


def answer_to(question: str) -> str:
    """The typed answer; nothing without a terminal, or after Ctrl-C."""
    try:
        return input(question)
    except (EOFError, KeyboardInterrupt):
        print()
        return ""


def run_step(command: Sequence[str]) -> int:
    """Run a step in the repository, with the layer in sight: the doctor reads it."""
    environment = {**os.environ, "PYTHONPATH": str(LAYER)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603 - our words
    return ended.returncode


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="./bridge deploy", description=__doc__)
    parser.add_argument("instance", help="alias or ARN of the Connect instance")
    parser.add_argument("secret", help="name or ARN of the contact center's secret")
    parser.add_argument("--stack", default="voicecall-bridge", help="the stack's name")
    parser.add_argument("--calls", type=int, default=1_000, help="calls a day, for the cost")
    return parser


if __name__ == "__main__":
    sys.exit(main())
