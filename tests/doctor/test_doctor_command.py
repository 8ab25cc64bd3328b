"""`bridge doctor` as a command, against the simulator: its output and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from doctor.__main__ import FAULTY, SOUND, UNUSABLE, command, main
from simulator.salesforce import ContactCenterIdentity, Fault
from simulator.simulator import Simulator
from tests.architecture.source_code import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FLOW = "ContactFlowFunction"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def environment(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """What `bridge simulator` prints as exports; the SDK reads its part from the process's own."""
    said = simulator.environment(FLOW)
    monkeypatch.setenv("AWS_ENDPOINT_URL", said["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", said["AWS_REGION"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "laptop")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "laptop")
    return said


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a sign-in to AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def shown(capsys: pytest.CaptureFixture[str], identity: ContactCenterIdentity) -> dict[str, str]:
    """Check -> verdict, as printed; the output holds no value of the secret."""
    text = capsys.readouterr().out
    key = identity.private_key_pem.splitlines()
    for value in (identity.org_id, "127.0.0.1", "Bearer", "eyJ", *key[1:-1]):
        assert value not in text
    lines = [line for line in text.splitlines()[:-2] if "to change: " not in line]
    return {line[13:33].strip(): line[:11].strip() for line in lines}


def write(path: Path, members: Any) -> str:
    path.write_text(json.dumps(members), encoding="utf-8")
    return str(path)


def test_sound(
    simulator: Simulator, environment: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Given the simulator, then its secret, address, key, table and queue are sound, and nothing
    was stored by looking."""
    assert main([environment["CONTACT_CENTER_SECRET"]], environment) == SOUND

    found = shown(capsys, simulator.salesforce.identity)
    unchecked = [check for check, verdict in found.items() if verdict == "not checked"]
    assert unchecked == ["TLS", "function's role"]
    assert set(found.values()) == {"ok", "not checked"}
    assert found["token"] == found["ledger"] == found["dead letters"] == "ok"
    assert simulator.salesforce.voice_calls() == []
    assert simulator.ledger() == []
    assert simulator.dead_letters() == []


def test_key_in_a_secure_string(
    simulator: Simulator,
    environment: Mapping[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Given a secret without the key, and the SecureString that has it, then all is sound."""
    members = simulator.salesforce.identity.secret(simulator.salesforce.base_url)
    del members[simulator.aws.key_parameter]
    file = write(tmp_path / "secret.json", members)

    assert main([file], environment) == FAULTY
    assert main([file, "--key-parameter", simulator.aws.key_parameter], environment) == SOUND
    assert main([file, "--key-parameter", "another"], environment) == FAULTY
    assert "no such parameter" in capsys.readouterr().out


def test_secret_that_is_not_there(
    simulator: Simulator, environment: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["another"], environment) == FAULTY

    assert shown(capsys, simulator.salesforce.identity)["secret in AWS"] == "FAULT"


def test_file(
    simulator: Simulator, no_aws: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a file and no AWS at all, then all but permissions is checked, and that is said."""
    members = simulator.salesforce.identity.secret(simulator.salesforce.base_url)
    assert main([write(tmp_path / "secret.txt", members)], {}) == SOUND

    found = shown(capsys, simulator.salesforce.identity)
    assert found["permissions"] == "not checked"
    assert found["token"] == "ok"


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"SALESFORCE_ORG_ID": "acme"}, "SALESFORCE_ORG_ID"),
        ({"SCRT_ENDPOINT_BASE": "http://acme.example"}, "SCRT_ENDPOINT_BASE"),
        ({"LaptopContactCenter-scrt-jwt-auth-private-key": "x"}, "key's content"),
        ({"CALL_CENTER_API_NAME": "Other"}, "private key"),
    ],
)
def test_fault_in_the_file(
    simulator: Simulator,
    no_aws: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    check: str,
) -> None:
    """Given one fault, then the exit status is 1, only it is reported, and no token is sent."""
    before = len(simulator.salesforce.journal())
    members = {**simulator.salesforce.identity.secret(simulator.salesforce.base_url), **changes}
    assert main([write(tmp_path / "secret.json", members)], {}) == FAULTY

    found = shown(capsys, simulator.salesforce.identity)
    assert [it for it, verdict in found.items() if verdict == "FAULT"] == [check]
    assert found["token"] == "not checked"
    assert len(simulator.salesforce.journal()) == before


def test_fault_of_the_org(
    simulator: Simulator, environment: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Given an org at its limit, then the last lines say how many faults there are and what to
    change; the secret is sound."""
    simulator.salesforce.inject(Fault("status", times=None, method="PATCH", status=429))
    try:
        status = main([environment["CONTACT_CENTER_SECRET"]], environment)
    finally:
        simulator.salesforce.clear_faults()

    text = capsys.readouterr().out
    assert status == FAULTY
    assert "FAULT        token" in text
    assert "to change: run it again" in text
    assert text.endswith("\n1 fault; 2 not checked\n")


def test_files_that_cannot_be_read(
    no_aws: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "secret.json"
    path.write_bytes(b'{"a": "\xe9"}')

    assert main([str(path)], {}) == FAULTY
    assert "not UTF-8" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a secret"),
        (["no-such-file.json"], "no such file"),
        (["docs"], "a folder"),
        (["s", "--seconds", "0"], "from 0.5 to 60"),
        (["s", "--seconds", "nan"], "from 0.5 to 60"),
        (["s", "--seconds", "soon"], "invalid"),
    ],
)
def test_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments, {})

    assert ended.value.code == UNUSABLE
    assert said in capsys.readouterr().err


def test_long_name(no_aws: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a name longer than a file's can be, then it is read as a secret's name."""
    assert main(["n" * 400, "--region", "us-west-2"], {}) == FAULTY
    assert "no AWS credentials" in capsys.readouterr().out


def test_value_in_the_place_of_the_name(
    no_aws: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a text with a colon where the contact center's name belongs, then it is not shown."""
    members = {
        "SALESFORCE_ORG_ID": "00D000000000001",  # invented
        "SCRT_ENDPOINT_BASE": "http://127.0.0.1:9",
        "CALL_CENTER_API_NAME": "password: hush",
    }
    assert main([write(tmp_path / "secret.json", members), "--seconds", "1"], {}) == FAULTY

    text = capsys.readouterr().out
    assert "FAULT        private key" in text
    assert "hush" not in text


def test_unforeseen_error(
    no_aws: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Given a defect of the doctor's own, then its kind and place are shown, and not its text."""

    def broken(*_: object, **__: object) -> None:
        raise LookupError("hush")

    monkeypatch.setattr("doctor.examination.read_secret", broken)
    assert command([write(tmp_path / "secret.json", {})]) == FAULTY

    said = capsys.readouterr().err
    assert "LookupError, test_doctor_command.py:" in said
    assert "hush" not in said
    assert "Traceback" not in said


def test_reader_that_goes_away(no_aws: None, tmp_path: Path) -> None:
    """Given `./bridge doctor | head`, then it ends without output on stderr."""
    path = write(tmp_path / "secret.json", [])
    doctor = subprocess.Popen(
        [sys.executable, "-m", "doctor", path],
        env={**os.environ, "PYTHONPATH": "layers/voicecall_bridge"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with doctor:
        assert doctor.stdout
        assert doctor.stderr
        doctor.stdout.close()
        assert doctor.stderr.read() == b""
    assert doctor.returncode == 141
