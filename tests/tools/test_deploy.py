"""`bridge deploy`: what it finds by two names, what it asks, and that it needs a yes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from moto import mock_aws

from tools.cost import estimate
from tools.deploy import (
    DONE,
    NOT_DONE,
    ROOT,
    UNUSABLE,
    CannotDeploy,
    answer_to,
    find,
    main,
    run_step,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REGION = "us-west-2"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    """An account with one Connect instance and one secret."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        session = boto3.Session(region_name=REGION)
        session.client("connect").create_instance(
            IdentityManagementType="CONNECT_MANAGED",
            InstanceAlias="acme",
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
        )
        session.client("secretsmanager").create_secret(Name="center", SecretString="{}")
        yield session


class Commands:
    """Notes the commands instead of running them; `failing` is a word of the one that fails."""

    def __init__(self, failing: str = "") -> None:
        self.seen: list[list[str]] = []
        self._failing = failing

    def __call__(self, command: Sequence[str]) -> int:
        self.seen.append(list(command))
        return 3 if self._failing and any(self._failing in word for word in command) else 0


def test_two_names_are_enough(session: boto3.Session, capsys: pytest.CaptureFixture[str]) -> None:
    """Given an alias and a secret's name, when yes is typed, then doctor, build and deploy run in
    this order, with the ARNs that were looked up."""
    commands = Commands()
    assert main(["acme", "center"], session, commands, lambda _: "yes") == DONE
    doctor, build, deploy = commands.seen
    assert "doctor" in doctor
    assert build == ["make", "build"]
    overrides = deploy[deploy.index("--parameter-overrides") + 1 :]
    assert overrides[0].startswith(f"ConnectInstanceArn=arn:aws:connect:{REGION}:")
    assert overrides[1].startswith(f"ContactCenterSecretArn=arn:aws:secretsmanager:{REGION}:")
    shown = capsys.readouterr().out
    assert "USD a month at 1,000 calls a day" in shown
    assert "ConnectInstanceArn" in shown


def test_the_doctor_runs_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a shell that knows nothing of the layer, then the doctor starts all the same."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert run_step([sys.executable, "-m", "doctor", "--help"]) == 0


@pytest.mark.parametrize("gone", [EOFError, KeyboardInterrupt])
def test_no_answer_is_no_yes(gone: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_question: str) -> str:
        raise gone

    monkeypatch.setattr("builtins.input", nobody)
    assert answer_to("Type yes to deploy: ") == ""


@pytest.mark.parametrize("typed", ["", "y", "YES", "no"])
def test_nothing_without_a_typed_yes(session: boto3.Session, typed: str) -> None:
    commands = Commands()
    assert main(["acme", "center"], session, commands, lambda _: typed) == NOT_DONE
    assert not any("deploy" in command for command in commands.seen)


def test_doctor_comes_first(session: boto3.Session) -> None:
    """Given a fault that the doctor finds, then no question is asked and nothing is deployed."""

    def ask(_: str) -> str:
        pytest.fail("asked although the doctor found a fault")

    commands = Commands(failing="doctor")
    assert main(["acme", "center"], session, commands, ask) == 3
    assert len(commands.seen) == 1


@pytest.mark.parametrize(
    ("instance", "secret", "says"),
    [
        ("nobody", "center", "no Connect instance has the alias 'nobody' in us-west-2"),
        ("acme", "missing", "the secret 'missing' cannot be described"),
    ],
)
def test_refusals_say_what_was_received(
    session: boto3.Session, instance: str, secret: str, says: str
) -> None:
    with pytest.raises(CannotDeploy, match=says):
        find(instance, secret, session)


def test_a_shell_without_credentials_is_reported_first(capsys: pytest.CaptureFixture[str]) -> None:
    class NoCredentials:
        region_name = REGION

        def client(self, _: str) -> Any:
            raise NoCredentialsError

    session: Any = NoCredentials()
    assert main(["acme", "center"], session, Commands(), lambda _: "yes") == UNUSABLE
    assert "no AWS credentials" in capsys.readouterr().err


def test_cost_grows_with_calls_and_stands_without() -> None:
    resources: dict[str, dict[str, Any]] = {
        "Stream": {"Type": "AWS::Kinesis::Stream"},
        "Flow": {"Type": "AWS::Serverless::Function", "Properties": {"MemorySize": 1024}},
    }
    none, some = (sum(it.dollars for it in estimate(resources, n)) for n in (0, 10_000))
    assert 25 < none < some


def test_the_region_is_the_shells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given AWS_REGION as AWS's CLI reads it, then it takes precedence over what the SDK reads."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with mock_aws():
        assert main(["acme", "center"]) == UNUSABLE
    assert "no Connect instance has the alias 'acme' in eu-central-1" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["deploy", "doctor"])
@pytest.mark.parametrize("own", [None, "eu-central-1"])
def test_the_makefiles_region_is_not_the_accounts(
    monkeypatch: pytest.MonkeyPatch, target: str, own: str | None
) -> None:
    """Given no region in the shell, then the Makefile's region for local runs is removed."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    if own:
        monkeypatch.setenv("AWS_DEFAULT_REGION", own)
    planned = subprocess.run(
        ["make", "-n", target, "INSTANCE=acme", "SECRET=center"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("env -u AWS_DEFAULT_REGION" in planned) == (own is None)
