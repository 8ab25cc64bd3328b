"""`tools/first-deployment`: deploys a stack of its own, checks what only AWS can show, removes it,
and writes a report.

It needs no Salesforce org: its secret names an address that is not there, and it takes no calls of
the instance. It asks once before it changes anything.
"""

import argparse
import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from simulator.salesforce import new_identity
from tools.first_deployment import checks
from tools.first_deployment.removal import remove
from tools.first_deployment.report import report
from tools.first_deployment.trial import (
    BAD,
    UNKNOWN,
    Clients,
    Deployer,
    DeploymentFailed,
    Finding,
    Trial,
)
from tools.package import version

ROOT: Final = Path(__file__).resolve().parents[2]
SAM: Final = ROOT / ".venv-sam" / "bin" / "sam"
REPORT: Final = ROOT / ".build" / "first-deployment.md"
NOWHERE: Final = "https://first-deployment.invalid/telephony/v1"
"""RFC 2606: .invalid never resolves."""


@dataclass(frozen=True, slots=True)
class SamDeployer:
    """Deploys with SAM what `make build` has built."""

    stack: str
    region: str
    fixed: Mapping[str, str]

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Create or update the stack. Raises DeploymentFailed."""
        values = [f"{name}={value}" for name, value in {**self.fixed, **parameters}.items()]
        command = [
            *(str(SAM), "deploy", "--stack-name", self.stack, "--region", self.region),
            *("--capabilities", "CAPABILITY_IAM", "--resolve-s3", "--s3-prefix", self.stack),
            *("--no-confirm-changeset", "--no-fail-on-empty-changeset"),
            *("--parameter-overrides", *values),
        ]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:  # noqa: S603 - our own words
            raise DeploymentFailed("sam deploy failed: see above")


def own_secret(clients: Clients, name: str) -> str:
    """The ARN of a new contact center's secret. Its Salesforce does not exist."""
    identity = new_identity(org_id="00D000000000000AAA", call_center_api_name="FirstDeployment")
    made = clients("secretsmanager").create_secret(
        Name=name, SecretString=json.dumps(identity.secret(NOWHERE))
    )
    return str(made["ARN"])


def examine(
    trial: Trial,
    secret: str,
    parameters: Mapping[str, str],
    tried: Mapping[str, checks.Check] = checks.CHECKS,
) -> tuple[list[Finding], list[str]]:
    """Deploy, check, remove: what was found, and what is left over."""
    findings: list[Finding] = []
    try:
        trial.deployer.deploy(parameters)
        findings.append(Finding("deployment", "ok", "CloudFormation made the stack."))
        findings += checks.run(trial, tried)
    except DeploymentFailed as failure:
        findings.append(Finding("deployment", BAD, str(failure)))
    finally:
        left = _removed(trial, secret)
    return findings, left


def _removed(trial: Trial, secret: str) -> list[str]:
    try:
        return remove(trial, secret)
    except (BotoCoreError, ClientError) as error:
        return [f"the stack {trial.name} ({type(error).__name__}): remove it by hand"]


def main(
    arguments: Sequence[str] | None = None,
    session: boto3.Session | None = None,
    ask: Callable[[str], str] = input,
) -> int:
    """Command line; exit status 1 when something is not as expected or left over."""
    parsed = _parser().parse_args(arguments)
    account = session or boto3.Session()
    name = f"voicecall-first-{secrets.token_hex(3)}"
    number = account.client("sts").get_caller_identity()["Account"]
    region = account.region_name
    instance = parsed.instance or _invented(region, number)
    print(f"Makes the stack {name} in {region}, checks it for about half an hour, and removes it.")
    print("It costs less than a dollar. The instance's calls do not reach any Salesforce.")
    if not parsed.yes and ask("Type yes to begin: ").strip() != "yes":
        return 1
    subprocess.run(["make", "build"], cwd=ROOT, check=True)  # noqa: S607 - whichever make there is
    secret = own_secret(account.client, name)
    fixed = {"ConnectInstanceArn": instance, "ContactCenterSecretArn": secret}
    deployer: Deployer = SamDeployer(name, region, {**fixed, "CreateFromEvents": "never"})
    trial = Trial(name, account.client, deployer, instance, bool(parsed.instance))
    findings, left = examine(trial, secret, {"ContactFlowStartup": "snapstart"})
    text = report(findings, left, version=version(), region=region, at=datetime.now(UTC))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(text, encoding="utf-8")
    print(f"{text}\nWritten to {REPORT.relative_to(ROOT)}: please send it back.")
    return 1 if left or any(each.status in (BAD, UNKNOWN) for each in findings) else 0


def _invented(region: str, account: str) -> str:
    partition = boto3.Session().get_partition_for_region(region)
    identifier = "00000000-0000-4000-8000-000000000000"
    return f"arn:{partition}:connect:{region}:{account}:instance/{identifier}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/first-deployment", description=__doc__)
    parser.add_argument("--instance", default="", help="ARN of a Connect instance to try with")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


if __name__ == "__main__":
    sys.exit(main())
