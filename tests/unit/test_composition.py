"""All parts are built from the settings: once, late, and with as few modules as possible."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.unit.aws import REGION
from tests.unit.samples import flow_event
from voicecall_bridge.aws.dead_letters import DeadLetterSender
from voicecall_bridge.composition import contact_events, contact_flow, contact_records, redrive
from voicecall_bridge.composition.aws import STREAM_SECONDS
from voicecall_bridge.composition.contact_events import CHAINS_AT_ONCE
from voicecall_bridge.flow.service import FlowService, UnconfiguredFlow
from voicecall_bridge.ledger.creations import CreationLedger
from voicecall_bridge.ledger.dynamodb import DynamoDb
from voicecall_bridge.settings.contact_events import CreateFromEvents
from voicecall_bridge.settings.contact_flow import FlowFailure
from voicecall_bridge.settings.shared import SettingsError
from voicecall_bridge.streams.contact_events import ContactEvents
from voicecall_bridge.telephony.operations import GUIDES, Operation
from voicecall_bridge.use_cases.create import CreateVoiceCall
from voicecall_bridge.use_cases.safety_net import SafetyNet

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "CONTACT_CENTER_SECRET": "secret-id",
    "LEDGER_TABLE": "ledger",
    "RETRY_QUEUE_URL": "https://sqs.us-west-2.amazonaws.com/111122223333/retries",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-west-2.amazonaws.com/111122223333/dead-letters",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "POWERTOOLS_SERVICE_NAME": "contact-flow",
}


BUILT = (
    contact_flow.flow_service,
    contact_events.contact_events,
    contact_records.contact_records,
    redrive.redrive,
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for built in BUILT:
        built.cache_clear()
    yield monkeypatch
    for built in BUILT:
        built.cache_clear()


def built() -> tuple[FlowService, CreateVoiceCall]:
    service = contact_flow.flow_service()
    assert isinstance(service, FlowService)
    return service, service.create


def ledger_client(use_case: CreateVoiceCall | SafetyNet) -> Callable[[], Any]:
    """The factory of the ledger's botocore client."""
    made = use_case.ledger.table.client()
    assert isinstance(made, DynamoDb)
    return lambda: made.client


def test_built_once() -> None:
    assert contact_flow.flow_service() is contact_flow.flow_service()


def test_built_anew_after_an_overrun() -> None:
    """Given work that may hang in a client for ever, then the next invocation gets new clients."""
    before, create = built()
    before.on_overrun()
    after, new_bridge = built()
    assert after is not before
    assert new_bridge is not create


@pytest.mark.parametrize(("limit", "budget"), [("8", 6.5), ("3", 1.8), ("1", 0.6)])
def test_time_outs_follow_the_flows_limit(
    environment: pytest.MonkeyPatch, limit: str, budget: float
) -> None:
    environment.setenv("FLOW_TIME_LIMIT_SECONDS", limit)
    service, create = built()
    assert service.budget == pytest.approx(budget)
    assert isinstance(service.dead_letters, DeadLetterSender)
    shares = {
        ledger_client(create): budget / 6,
        service.dead_letters.client: budget / 6,
        create.clients.of(create.clients.contact_centers.default).secrets.secrets_manager: budget
        / 4,
        create.clients.of(create.clients.contact_centers.default).secrets.parameters: budget / 4,
    }
    for make, seconds in shares.items():
        config = make().meta.config
        assert config.connect_timeout == config.read_timeout == pytest.approx(seconds)
        assert config.retries["total_max_attempts"] == 1


def test_settings_reach_their_places(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PRIVATE_KEY_PARAMETER", "/key")
    environment.setenv("JWT_AUDIENCE", "https://scrt.salesforce.com")
    environment.setenv("TELEPHONY_PROVIDER_NAME", "Amazon Connect")
    environment.setenv("TELEPHONY_VARIANTS", "reroute=guide")
    environment.setenv("CONNECT_INSTANCE_ARN", "arn:instance/i-1")
    environment.setenv("FLOW_FAILURE", "error")
    environment.setenv("POWERTOOLS_METRICS_NAMESPACE", "Calls")
    service, create = built()
    secrets = create.clients.of(create.clients.contact_centers.default).secrets
    assert (secrets.secret_id, secrets.key_parameter) == ("secret-id", "/key")
    assert secrets.audience == "https://scrt.salesforce.com"
    assert (
        create.clients.of(create.clients.contact_centers.default).provider_name == "Amazon Connect"
    )
    calls = create.clients.of(create.clients.contact_centers.default).calls
    assert calls[Operation.REROUTE] == GUIDES[Operation.REROUTE]
    assert isinstance(create.ledger, CreationLedger)
    assert create.ledger.table.name == "ledger"
    assert isinstance(service.dead_letters, DeadLetterSender)
    assert service.dead_letters.url == ENVIRONMENT["DEAD_LETTER_QUEUE_URL"]
    assert service.failure is FlowFailure.ERROR
    assert service.instance_arn == "arn:instance/i-1"
    assert service.observer.namespace == "Calls"


def test_what_the_other_methods_run_on() -> None:
    """Given the use cases for a VoiceCall that exists, then they share the ledger, Salesforce's
    client and DynamoDB's client with creating, and are made when they are needed."""
    service, create = built()
    actions = service.actions()
    assert (actions.ledger, actions.clients) == (create.ledger, create.clients)
    assert actions.observer is service.observer
    table = actions.requests.table
    assert (table.name, table.client()) == ("ledger", create.ledger.table.client())


def test_faulty_settings_are_answered_and_mended_by_a_new_environment(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("LEDGER_TABLE")
    environment.setenv("FLOW_FAILURE", "HUSH")
    environment.delenv("DEAD_LETTER_QUEUE_URL")
    answer = contact_flow.flow_service().answer(flow_event(), 8.0)
    assert answer["errorCode"] == "SETTINGS"
    for name in ("LEDGER_TABLE", "FLOW_FAILURE", "DEAD_LETTER_QUEUE_URL"):
        assert name in answer["errorMessage"]
    assert "HUSH" not in json.dumps(answer)


def test_faulty_settings_lose_no_payload_where_the_queue_is_named(
    environment: pytest.MonkeyPatch,
) -> None:
    """Given only the ledger's name is missing, then dead letters still go to the queue."""
    environment.delenv("LEDGER_TABLE")
    flow = contact_flow.flow_service()
    assert isinstance(flow, UnconfiguredFlow)
    assert isinstance(flow.dead_letters, DeadLetterSender)


def test_what_contact_events_run_on(environment: pytest.MonkeyPatch) -> None:
    """Given a stream function without a waiting caller, then it has longer time-outs and retries,
    and sends nothing without a ledger."""
    environment.setenv("CREATE_FROM_EVENTS", "always")
    environment.setenv("FAILURE_BUCKET", "failures")
    processor = contact_events.contact_events()
    source = processor.source
    assert isinstance(source, ContactEvents)
    assert source.create_from is CreateFromEvents.ALWAYS
    letters = processor.dead_letters
    assert (letters.url, letters.bucket) == (ENVIRONMENT["DEAD_LETTER_QUEUE_URL"], "failures")
    secrets = source.safety_net.clients.of(
        source.safety_net.clients.contact_centers.default
    ).secrets
    for make in (
        ledger_client(source.safety_net),
        secrets.secrets_manager,
        letters.client,
        letters.storage,
    ):
        config = make().meta.config
        assert config.connect_timeout == config.read_timeout == STREAM_SECONDS
        assert config.retries["total_max_attempts"] == 3
        assert config.max_pool_connections == CHAINS_AT_ONCE
    connect = source.safety_net.directory.client().meta.config
    assert connect.retries["total_max_attempts"] == 1, "botocore does not wait while throttled"
    adapter = source.safety_net.clients.of(
        source.safety_net.clients.contact_centers.default
    ).session.get_adapter("https://example.test")
    assert vars(adapter)["_pool_maxsize"] == processor.workers == CHAINS_AT_ONCE


def test_contact_events_are_built_once_and_anew_after_an_overrun() -> None:
    before = contact_events.contact_events()
    assert contact_events.contact_events() is before
    before.on_overrun()
    assert contact_events.contact_events() is not before


def test_the_chains_of_a_first_batch_share_their_clients() -> None:
    """Given all chains ask for a client at once, although botocore's session is not thread-safe,
    then one client is made and all chains get it."""
    source = contact_events.contact_events().source
    assert isinstance(source, ContactEvents)
    make = source.safety_net.ledger.table.client
    together = threading.Barrier(CHAINS_AT_ONCE, timeout=20.0)

    def want(_number: int) -> object:
        together.wait()
        return make().client

    with ThreadPoolExecutor(CHAINS_AT_ONCE) as chains:
        clients = list(chains.map(want, range(CHAINS_AT_ONCE)))
    assert len({id(client) for client in clients}) == 1


@pytest.mark.parametrize(
    "build", [contact_events.contact_events, contact_records.contact_records, redrive.redrive]
)
def test_streams_and_operators_see_faulty_settings(
    environment: pytest.MonkeyPatch, build: Callable[[], object]
) -> None:
    """Then no record counts as handled: Lambda delivers the batch again until the settings are
    mended."""
    environment.delenv("DEAD_LETTER_QUEUE_URL")
    with pytest.raises(SettingsError, match="DEAD_LETTER_QUEUE_URL is missing"):
        build()


def test_redrive_runs_whatever_is_wrong_with_the_other_functions_settings(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("LEDGER_TABLE")
    environment.setenv("CONTACT_CENTER_SECRETS", "HUSH")
    assert redrive.redrive().dead_letters.url == ENVIRONMENT["DEAD_LETTER_QUEUE_URL"]


def test_what_redrive_runs_on(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FAILURE_BUCKET", "failures")
    made = redrive.redrive()
    assert redrive.redrive() is made
    assert made.dead_letters.bucket == "failures"
    assert made.client().meta.service_model.service_name == "kinesis"


PROBE = """
import json, sys
import app
from voicecall_bridge.composition.FUNCTION import BUILD
BUILD()
print(json.dumps(sorted(sys.modules)))
"""
NOT_ON_THIS_PATH = ("boto3", "s3transfer", "pydantic", "aws_xray_sdk")


@pytest.mark.parametrize(
    ("function", "build", "needs", "needs_not"),
    [
        (
            "contact_flow",
            "flow_service",
            "use_cases.create",
            ("streams", "aws.contact_directory", "use_cases.call_actions"),
        ),
        ("contact_events", "contact_events", "streams.processor", ("flow", "streams.redrive")),
        (
            "contact_records",
            "contact_records",
            "streams.processor",
            ("flow", "streams.redrive", "streams.contact_events", "use_cases.create"),
        ),
        (
            "redrive",
            "redrive",
            "streams.redrive",
            ("flow", "streams.processor", "aws.contact_directory", "use_cases", "ledger"),
        ),
    ],
)
def test_import_budget(function: str, build: str, needs: str, needs_not: tuple[str, ...]) -> None:
    """Given the handler is imported and its service built, then no module is loaded that only costs
    start-up time: boto3's resource layer, pydantic, the X-Ray SDK, other functions."""
    paths = [ROOT / "functions" / function, ROOT / "layers" / "voicecall_bridge"]
    done = subprocess.run(
        [sys.executable, "-c", PROBE.replace("FUNCTION", function).replace("BUILD", build)],
        env={
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **ENVIRONMENT,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    modules = json.loads(done.stdout)
    assert f"voicecall_bridge.{needs}" in modules
    assert not {f"voicecall_bridge.{name}" for name in needs_not} & set(modules)
    unwanted = [name for name in modules if name.split(".")[0] in NOT_ON_THIS_PATH]
    assert unwanted == []


HANDLER_PROBE = """
import app
class Context:
    def get_remaining_time_in_millis(self): return 5000
print(app.handler({"detail-type": "Scheduled Event"}, Context()))
"""


def test_the_handler_answers() -> None:
    paths = [ROOT / "functions" / "contact_flow", ROOT / "layers" / "voicecall_bridge"]
    done = subprocess.run(
        [sys.executable, "-c", HANDLER_PROBE],
        env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "{'status': 'warm'}" in done.stdout.splitlines()
