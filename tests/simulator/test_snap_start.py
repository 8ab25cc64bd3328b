"""SnapStart in the simulator: the flow function waits in its snapshot while other things change.

Source of the order (init, before-snapshot hooks, /restore/next, after-restore hooks, first event):
awslambdaric, which is AWS's own runtime.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from simulator.functions.lambda_process import LambdaProcess
from simulator.salesforce import SalesforceSimulator, new_identity
from simulator.simulator import Simulator
from tests.contract.servers import LOOPBACK, Relay
from tests.unit.samples import flow_event

FUNCTION = "ContactFlowFunction"
HOOKS = """
import random
from snapshot_restore_py import register_after_restore, register_before_snapshot
happened = ["init"]
register_before_snapshot(happened.append, "before")
register_after_restore(happened.append, "after")
def handler(event, context):
    return happened
"""


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def put_secret(simulator: Simulator, secret: Mapping[str, str]) -> None:
    client = simulator.aws.client("secretsmanager")
    client.put_secret_value(SecretId=simulator.aws.secret_arn, SecretString=json.dumps(secret))
    client.close()


def process(
    simulator: Simulator, environment: Mapping[str, str], source: Path | None = None
) -> LambdaProcess:
    function = simulator.template.functions[FUNCTION]
    if source is not None:
        function = replace(function, code_dir=source)
    settings = {**simulator.addresses, **environment}
    return LambdaProcess(function, function.layers, settings, snap_start=True)


def test_nothing_is_asked_before_the_snapshot_and_all_is_new_after_it(simulator: Simulator) -> None:
    """Given a published version; when secret and Salesforce change before its first call; then the
    call is created with the new ones at its first attempt, and no request was sent before."""
    identity = new_identity(
        org_id=simulator.salesforce.identity.org_id,
        call_center_api_name=simulator.salesforce.identity.call_center_api_name,
    )
    with (
        SalesforceSimulator(identity) as rotated,
        Relay(urlsplit(simulator.aws.endpoint).port or 0) as aws,
        process(simulator, {"AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{aws.port}"}) as function,
    ):
        assert function.publish()
        assert aws.accepted == 0
        put_secret(simulator, identity.secret(rotated.base_url))
        try:
            invocation = function.invoke(flow_event())
        finally:
            put_secret(
                simulator, simulator.salesforce.identity.secret(simulator.salesforce.base_url)
            )
        assert invocation.payload["status"] == "created", invocation.logs
        assert len(rotated.journal()) == 1
        assert aws.accepted > 0
    assert invocation.cold
    assert simulator.salesforce.journal() == []


def test_a_version_restores_again_after_its_process_has_ended(simulator: Simulator) -> None:
    """Given a restored process that is killed; when invoked; then a new one is restored."""
    with process(simulator, {}) as function:
        assert function.publish()
        assert function.invoke({"detail-type": "Scheduled Event"}).payload == {"status": "warm"}
        function.kill()
        invocation = function.invoke({"detail-type": "Scheduled Event"})
        assert invocation.cold
        assert invocation.payload == {"status": "warm"}
        assert not function.invoke({"detail-type": "Scheduled Event"}).cold


def test_hooks_run_around_the_snapshot(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HOOKS, encoding="utf-8")
    with process(simulator, {}, tmp_path) as function:
        assert function.publish()
        assert function.invoke({}).payload == ["init", "before", "after"]
        assert function.invoke({}).payload == ["init", "before", "after"]


@pytest.mark.parametrize("hook", ["register_before_snapshot", "register_after_restore"])
def test_a_hook_that_fails_is_the_invocations_error(
    simulator: Simulator, tmp_path: Path, hook: str
) -> None:
    """Given a hook that raises; when invoked; then the answer is its error, and nothing hangs."""
    source = f"import snapshot_restore_py\nsnapshot_restore_py.{hook}(lambda: 1 / 0)\n{HOOKS}"
    (tmp_path / "app.py").write_text(source, encoding="utf-8")
    with process(simulator, {}, tmp_path) as function:
        assert function.publish() is (hook == "register_after_restore")
        invocation = function.invoke({})
        assert invocation.error is not None
        assert invocation.error["errorMessage"] == "division by zero"


def test_without_snap_start_there_is_nothing_to_publish(simulator: Simulator) -> None:
    function = simulator.template.functions[FUNCTION]
    with LambdaProcess(function, function.layers) as process, pytest.raises(RuntimeError):
        process.publish()
