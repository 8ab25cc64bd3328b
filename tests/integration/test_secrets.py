"""The contact center's secret and the settings: rotated, missing, faulty, kept apart.

Source: Voice implementation guide, "Configure the Secrets Manager secret".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from simulator.salesforce import Fault, SalesforceSimulator, new_identity
from tests.contract.aws import SECRET
from tests.contract.servers import LOOPBACK, AwsRefusal
from tests.integration.canaries import key_lines, leaks
from tests.integration.events import inbound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.salesforce import ContactCenterIdentity
    from tests.integration.simulator import Simulator

pytestmark = pytest.mark.usefixtures("without_jitter")
KEY_PARAMETER = "SupportCenter-scrt-jwt-auth-private-key"


@pytest.fixture(scope="module")
def other_key() -> ContactCenterIdentity:
    """The same contact center with another key pair."""
    return new_identity(org_id="00D000000000001", call_center_api_name="SupportCenter")


@pytest.fixture
def rotated(
    other_key: ContactCenterIdentity, simulator: Simulator
) -> Iterator[SalesforceSimulator]:
    """Salesforce after a rotation, at an address of its own: it knows the other key only."""
    with SalesforceSimulator(other_key) as salesforce:
        yield salesforce
    assert leaks(simulator.logged.text, key_lines(other_key.private_key_pem)) == []


def secret_of(simulator: Simulator) -> dict[str, str]:
    return simulator.salesforce.identity.secret(simulator.salesforce.base_url)


def test_a_rotated_key_costs_one_request(
    simulator: Simulator, rotated: SalesforceSimulator
) -> None:
    """Given a warm environment with the old key; when key and secret are rotated; then the next
    call is created at its second request, and the one after it at its first."""
    assert simulator.deliver(inbound("contact-1"))["status"] == "created"
    simulator.aws.put_secret(rotated.identity.secret(rotated.base_url))
    simulator.salesforce.inject(Fault("status", status=401, times=None))
    answers = [simulator.deliver(inbound(name)) for name in ("contact-2", "contact-3")]
    assert [answer["status"] for answer in answers] == ["created", "created"]
    assert [record.vendor_call_key for record in rotated.voice_calls()] == [
        "contact-2",
        "contact-3",
    ]
    assert [line["attempts"] for line in simulator.deliveries()] == [1, 2, 1]


def test_a_rotation_that_has_not_reached_the_secret_yet(
    simulator: Simulator, rotated: SalesforceSimulator
) -> None:
    """Given Salesforce with a new key and the old one in the secret; when delivered; then 401, and
    as soon as the secret has it the same environment creates the call."""
    simulator.aws.put_secret(simulator.salesforce.identity.secret(rotated.base_url))
    answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("failed", "401")
    assert simulator.item()["create_status"] == "FAILED"
    simulator.aws.put_secret(rotated.identity.secret(rotated.base_url))
    answer = simulator.deliver(inbound())
    assert answer["status"] == "created"
    assert [line["attempts"] for line in simulator.deliveries()] == [2, 2]
    [record] = rotated.voice_calls()
    assert record.voice_call_id == answer["voiceCallId"]


def without(secret: dict[str, str], name: str) -> str:
    return json.dumps({key: value for key, value in secret.items() if key != name})


def test_a_secret_that_does_not_exist(simulator: Simulator) -> None:
    """Given no secret by that name; when delivered; then the answer is an error of the settings."""
    simulator.set(CONTACT_CENTER_SECRET="no-such-secret")
    answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("failed", "SETTINGS")
    assert "ResourceNotFoundException" in answer["errorMessage"]
    assert simulator.deliveries()[0]["payloadKept"] == "ledger"


@pytest.mark.parametrize("text", ["no JSON", "[]", "7", "{"])
def test_a_secret_that_is_no_json_object(simulator: Simulator, text: str) -> None:
    """Given a secret of another shape; when delivered; then the answer says so."""
    simulator.aws.put_secret(text)
    answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("failed", "SETTINGS")
    assert "not" in answer["errorMessage"]
    assert "JSON" in answer["errorMessage"]


@pytest.mark.parametrize(
    "name", ["SALESFORCE_ORG_ID", "SCRT_ENDPOINT_BASE", "CALL_CENTER_API_NAME", KEY_PARAMETER]
)
def test_a_secret_with_a_key_missing(simulator: Simulator, name: str) -> None:
    """Given a secret without one of its keys; when delivered; then the answer names the key."""
    simulator.aws.put_secret(without(secret_of(simulator), name))
    answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("failed", "SETTINGS")
    assert name in answer["errorMessage"]
    assert simulator.posts() == []
    assert simulator.item()["create_status"] == "FAILED"


def test_all_faults_of_a_secret_are_named_together(simulator: Simulator) -> None:
    """Given a secret of other names; when delivered; then every missing key is named at once."""
    simulator.aws.put_secret(
        {"orgId": "00D000000000001", "endpoint": simulator.salesforce.base_url}
    )
    message = simulator.deliver(inbound())["errorMessage"]
    for name in ("SALESFORCE_ORG_ID", "SCRT_ENDPOINT_BASE", "CALL_CENTER_API_NAME"):
        assert name in message


@pytest.mark.parametrize("key", ["canary-no-pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_key_that_cannot_be_parsed(simulator: Simulator, key: str) -> None:
    """Given a broken private key; when delivered; then the answer says so without quoting it."""
    simulator.aws.put_secret(secret_of(simulator) | {KEY_PARAMETER: key})
    answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("failed", "SETTINGS")
    assert "private key" in answer["errorMessage"]
    assert key not in answer["errorMessage"]
    assert "canary-no-pem" not in simulator.logged.text


def test_the_secret_is_repaired(simulator: Simulator) -> None:
    """Given a faulty secret; when it is put right; then the same environment reads it again."""
    simulator.aws.put_secret("no JSON")
    assert simulator.deliver(inbound())["errorCode"] == "SETTINGS"
    simulator.aws.put_secret(secret_of(simulator))
    assert simulator.deliver(inbound())["status"] == "created"


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        # Common errors of the Secrets Manager API reference; KMS's denial is AccessDenied too.
        ("AccessDeniedException", "failed", "SETTINGS"),
        ("DecryptionFailure", "failed", "SETTINGS"),
        ("InvalidRequestException", "failed", "SETTINGS"),
        ("ThrottlingException", "deferred", "SECRET_UNAVAILABLE"),
        ("InternalServiceError", "deferred", "SECRET_UNAVAILABLE"),
    ],
)
def test_secrets_manager_refuses(
    simulator: Simulator, refusal: str, status: str, code: str
) -> None:
    """Given an AWS error; when delivered; then a transient one is deferred, and a permanent one has
    failed."""
    with AwsRefusal(refusal) as service:
        simulator.set(AWS_ENDPOINT_URL_SECRETS_MANAGER=f"http://{LOOPBACK}:{service.port}")
        answer = simulator.deliver(inbound())
        # A retry helps against transient errors only.
        assert service.requests == (4 if status == "deferred" else 1)
    assert (answer["status"], answer["errorCode"]) == (status, code)
    assert refusal in answer["errorMessage"]
    assert simulator.posts() == []
    line = simulator.deliveries()[0]
    assert (line["payloadKept"], line["attempts"]) == ("ledger", 0)


def test_the_key_kept_apart_in_a_parameter(simulator: Simulator) -> None:
    """Given the key as an SSM SecureString (until Winter '26); when delivered; then it signs."""
    secret = secret_of(simulator)
    simulator.aws["ssm"].put_parameter(
        Name=KEY_PARAMETER, Value=secret[KEY_PARAMETER], Type="SecureString"
    )
    simulator.aws.put_secret(without(secret, KEY_PARAMETER))
    simulator.set(PRIVATE_KEY_PARAMETER=KEY_PARAMETER)
    assert simulator.deliver(inbound())["status"] == "created"


def test_the_parameter_is_missing(simulator: Simulator) -> None:
    """Given no such parameter; when delivered; then the answer is an error of the settings."""
    simulator.set(PRIVATE_KEY_PARAMETER="no-such-parameter")
    answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("failed", "SETTINGS")
    assert "ParameterNotFound" in answer["errorMessage"]


def test_audience_and_provider_are_settings(simulator: Simulator) -> None:
    """Given both settings; when delivered; then Salesforce sees them."""
    simulator.set(
        JWT_AUDIENCE="https://scrt.salesforce.com", TELEPHONY_PROVIDER_NAME="Amazon Connect"
    )
    simulator.deliver(inbound())
    [post] = simulator.posts()
    assert post.headers["Authorization"]["aud"] == "https://scrt.salesforce.com"
    assert post.headers["Telephony-Provider-Name"] == "Amazon Connect"


def test_missing_settings_are_named_together(simulator: Simulator) -> None:
    """Given an environment without settings; when delivered; then the flow goes on with an answer
    that names them all, and nothing is touched."""
    simulator.set(
        CONTACT_CENTER_SECRET=None,
        LEDGER_TABLE=" ",
        DEAD_LETTER_QUEUE_URL=None,
        FLOW_FAILURE="perhaps",
        FLOW_TIME_LIMIT_SECONDS="9",
    )
    answer = simulator.deliver(inbound())
    assert (answer["status"], answer["errorCode"]) == ("failed", "SETTINGS")
    for name in (
        "CONTACT_CENTER_SECRET",
        "LEDGER_TABLE",
        "DEAD_LETTER_QUEUE_URL",
        "FLOW_FAILURE",
        "FLOW_TIME_LIMIT_SECONDS",
    ):
        assert name in answer["errorMessage"]
    [line] = simulator.deliveries()
    assert (line["disposition"], line["payloadKept"]) == ("dead_lettered", "none")
    assert simulator.salesforce.journal() == []


def test_the_secret_is_looked_up_once(simulator: Simulator) -> None:
    """Given a warm environment; when the secret is deleted; then the next call is still created."""
    assert simulator.deliver(inbound("contact-1"))["status"] == "created"
    simulator.aws["secretsmanager"].delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    assert simulator.deliver(inbound("contact-2"))["status"] == "created"
