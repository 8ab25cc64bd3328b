"""The simulator of the integration tests, and two checks at the end of every test.

Each invocation must have logged its delivery in one line, so that the tally closes. No output may
hold personal data or a secret.
"""

from __future__ import annotations

import logging
from contextlib import redirect_stdout
from functools import partial
from typing import TYPE_CHECKING

import pytest

from simulator.salesforce import ContactCenterIdentity, SalesforceSimulator, new_identity
from tests.contract.aws import CREDENTIALS, REGION, SECRET, TABLE, Aws
from tests.integration.canaries import key_lines, leaks
from tests.integration.simulator import ACCOUNT, CapturedOutput, Simulator, join_overrunning
from tests.samples.members import INSTANCE_ARN
from voicecall_bridge.composition import contact_flow
from voicecall_bridge.composition import salesforce as telephony
from voicecall_bridge.observability import Observer
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.telephony.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "contact_flow_integration"
"""A name of its own: a logger that other tests made would write elsewhere."""
ENVIRONMENT = contact_flow.flow_service
"""The function's own execution environment, also where a test puts another in its place."""


@pytest.fixture(scope="session")
def identity() -> ContactCenterIdentity:
    return new_identity(org_id="00D000000000001", call_center_api_name="SupportCenter")


@pytest.fixture(scope="session")
def running_salesforce(identity: ContactCenterIdentity) -> Iterator[SalesforceSimulator]:
    with SalesforceSimulator(identity) as salesforce:
        yield salesforce


@pytest.fixture(scope="session")
def running_aws() -> Iterator[Aws]:
    with Aws() as aws:
        yield aws


@pytest.fixture(scope="session")
def session_output() -> CapturedOutput:
    """One for all tests: the bridge's logger is made once, and keeps its stream and its level."""
    logged = CapturedOutput()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(logged):
        patch.setenv("POWERTOOLS_SERVICE_NAME", SERVICE)
        patch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
        Observer()
    return logged


@pytest.fixture
def logged(session_output: CapturedOutput) -> Iterator[CapturedOutput]:
    """The output of the test, with other libraries' logs as Lambda's root logger has them."""
    session_output.clear()
    handler = logging.StreamHandler(session_output)
    handler.setLevel(logging.WARNING)
    # Powertools does the same with Lambda's own handler, which exists before the function.
    handler.addFilter(lambda record: record.name != SERVICE)
    logging.getLogger().addHandler(handler)
    yield session_output
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def simulator(
    running_salesforce: SalesforceSimulator,
    running_aws: Aws,
    logged: CapturedOutput,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Simulator]:
    """AWS and Salesforce, both up and empty, and the function's environment."""
    running_aws.reset()
    running_salesforce.reset()
    running_aws.put_secret(running_salesforce.identity.secret(running_salesforce.base_url))
    made = Simulator(running_salesforce, running_aws, logged, monkeypatch)
    nowhere = str(tmp_path_factory.getbasetemp() / "no-such-file")
    made.set(
        **CREDENTIALS,
        AWS_SESSION_TOKEN=None,
        AWS_PROFILE=None,
        AWS_CONFIG_FILE=nowhere,
        AWS_SHARED_CREDENTIALS_FILE=nowhere,
        AWS_DEFAULT_REGION=REGION,
        AWS_ENDPOINT_URL=running_aws.url,
        CONTACT_CENTER_SECRET=SECRET,
        LEDGER_TABLE=TABLE,
        DEAD_LETTER_QUEUE_URL=running_aws.queue_url,
        TELEPHONY_PROVIDER_NAME=None,
        TELEPHONY_VARIANTS=None,
        CONNECT_INSTANCE_ARN=INSTANCE_ARN,
        PRIVATE_KEY_PARAMETER=None,
        JWT_AUDIENCE=None,
        FLOW_FAILURE=None,
        FLOW_TIME_LIMIT_SECONDS="8",
        POWERTOOLS_SERVICE_NAME=SERVICE,
        POWERTOOLS_METRICS_NAMESPACE="VoiceCallBridge",
    )
    yield made
    running_salesforce.reset()
    join_overrunning()
    ENVIRONMENT.cache_clear()
    check_what_was_logged(made)


def check_what_was_logged(simulator: Simulator) -> None:
    """The tally closes, and nothing of it is personal data or a secret."""
    lines = simulator.deliveries()
    assert len(lines) == simulator.invocations, (
        "in = delivered + superseded + skipped + dead-lettered"
    )
    assert all(line["disposition"] in ACCOUNT for line in lines)
    secrets = key_lines(simulator.salesforce.identity.private_key_pem)
    assert leaks(simulator.logged.text, secrets) == []


@pytest.fixture
def without_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts are 0 s, so that the number of attempts is certain."""
    policy = RetryPolicy(draw=lambda _least, _most: 0.0)
    monkeypatch.setattr(telephony, "TelephonyClient", partial(TelephonyClient, retries=policy))
