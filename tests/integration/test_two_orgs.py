"""Two contact centers in one function, each org at an address of its own: a fault of one does not
affect the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from simulator.salesforce import SalesforceSimulator, new_identity
from tests.contract.servers import LOOPBACK, refusing_server
from tests.integration.canaries import CUSTOMER, NAME, key_lines, leaks
from tests.integration.events import inbound, transfer
from voicecall_bridge.telephony.credentials import SecretStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.salesforce import ContactCenterIdentity
    from tests.integration.simulator import Simulator

pytestmark = pytest.mark.usefixtures("without_jitter")
SECOND = "second-center"
SECOND_DOWN = {"status": "deferred", "errorCode": "UNREACHABLE"}


@pytest.fixture(scope="module")
def second_identity() -> ContactCenterIdentity:
    return new_identity(org_id="00D000000000002", call_center_api_name="SecondCenter")


@pytest.fixture
def second(
    simulator: Simulator, second_identity: ContactCenterIdentity
) -> Iterator[SalesforceSimulator]:
    """The second org; its secret is on the stack's list."""
    with SalesforceSimulator(second_identity) as salesforce:
        secret = second_identity.secret(salesforce.base_url)
        answer = simulator.aws["secretsmanager"].create_secret(
            Name=SECOND, SecretString=json.dumps(secret)
        )
        simulator.set(CONTACT_CENTER_SECRETS=answer["ARN"])
        yield salesforce
    assert leaks(simulator.logged.text, key_lines(second_identity.private_key_pem)) == []


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The secrets that were read, in order."""
    names: list[str] = []
    real = SecretStore._secret_text

    def noted(store: SecretStore) -> str:
        names.append(SECOND if SECOND in store.secret_id else "first")
        return real(store)

    monkeypatch.setattr(SecretStore, "_secret_text", noted)
    return names


def put(simulator: Simulator, secret: dict[str, str] | str) -> None:
    text = secret if isinstance(secret, str) else json.dumps(secret)
    simulator.aws["secretsmanager"].put_secret_value(SecretId=SECOND, SecretString=text)


def of_second(contact_id: str, **changes: Any) -> dict[str, Any]:
    return inbound(contact_id, Attributes={"secretName": SECOND}, **changes)


def keys(salesforce: SalesforceSimulator) -> list[str]:
    return [record.vendor_call_key for record in salesforce.voice_calls()]


def test_each_call_reaches_its_own_org(
    simulator: Simulator, second: SalesforceSimulator, read: list[str]
) -> None:
    """Given calls of both by turns, and a transfer that names neither; then each call is in its own
    org, and each secret is read once."""
    for event in (inbound("a1"), of_second("b1"), inbound("a2"), of_second("b2")):
        assert simulator.deliver(event)["status"] == "created"
    assert simulator.deliver(transfer("b3", "b2"))["status"] == "created"
    assert (keys(simulator.salesforce), keys(second)) == (["a1", "a2"], ["b1", "b2", "b3"])
    assert read == ["first", SECOND]
    assert simulator.item("b3")["contact_center"] == SECOND
    assert simulator.item("a1")["contact_center"] == "contact-center"


def test_an_org_that_is_down(simulator: Simulator, second: SalesforceSimulator) -> None:
    """Given no server at the second org's address; then its call is deferred and the first org's is
    created. When the second is back, a retry that names no contact center creates the call
    there."""
    with refusing_server() as port:
        put(simulator, second.identity.secret(f"http://{LOOPBACK}:{port}/telephony/v1"))
        answer = simulator.deliver(of_second("b1"))
        assert {name: answer[name] for name in SECOND_DOWN} == SECOND_DOWN
        assert simulator.deliver(inbound("a1"))["status"] == "created"
    put(simulator, second.identity.secret(second.base_url))
    simulator.set()
    assert simulator.deliver(inbound("b1"))["status"] == "created"
    assert (keys(simulator.salesforce), keys(second)) == (["a1"], ["b1"])


def test_an_org_with_a_wrong_key(
    simulator: Simulator, second: SalesforceSimulator, read: list[str]
) -> None:
    """Given the second's secret holds the first's key; then only the second is refused, and only
    its secret is read again. With the right key it works in the same environment."""
    wrong = second.identity.secret(second.base_url)
    wrong["SecondCenter-scrt-jwt-auth-private-key"] = simulator.salesforce.identity.private_key_pem
    put(simulator, wrong)
    assert simulator.deliver(inbound("a1"))["status"] == "created"
    answer = simulator.deliver(of_second("b1"))
    assert (answer["status"], answer["errorCode"]) == ("failed", "401")
    assert simulator.deliver(inbound("a2"))["status"] == "created"
    assert read == ["first", SECOND, SECOND]
    put(simulator, second.identity.secret(second.base_url))
    assert simulator.deliver(of_second("b1"))["status"] == "created"
    assert (keys(simulator.salesforce), keys(second)) == (["a1", "a2"], ["b1"])
    assert "first" not in read[1:]


@pytest.mark.parametrize("secret", ["not JSON", "{}"])
def test_an_org_without_a_secret(
    simulator: Simulator, second: SalesforceSimulator, secret: str
) -> None:
    put(simulator, secret)
    answer = simulator.deliver(of_second("b1"))
    assert (answer["status"], answer["errorCode"]) == ("failed", "SETTINGS")
    assert simulator.deliver(inbound("a1"))["status"] == "created"
    assert keys(second) == []


@pytest.mark.parametrize("named", [CUSTOMER, NAME, f"{SECOND}'; --", "contact-center-AbCdEf"])
def test_what_is_not_listed_is_neither_read_nor_written(
    simulator: Simulator, second: SalesforceSimulator, read: list[str], named: str
) -> None:
    """Given a name that the caller may have typed; then no secret is asked for, and no log, item or
    raised text has it (see check_what_was_logged)."""
    answer = simulator.deliver(inbound("c1", Attributes={"secretName": named}))
    assert (answer["status"], answer["errorCode"]) == ("failed", "OTHER_CONTACT_CENTER")
    assert read == keys(second) == keys(simulator.salesforce) == []
    written = json.dumps([answer, simulator.item("c1")]) + simulator.logged.text
    assert named not in written
    [letter] = simulator.aws.letters()
    assert letter["reason"] == "OTHER_CONTACT_CENTER"


def test_the_private_key_in_parameter_store_is_the_defaults_alone(
    simulator: Simulator, second: SalesforceSimulator
) -> None:
    """Given PRIVATE_KEY_PARAMETER; then the second still signs with the key in its own secret."""
    name = "SupportCenter-scrt-jwt-auth-private-key"
    simulator.aws["ssm"].put_parameter(
        Name=name, Value=simulator.salesforce.identity.private_key_pem, Type="SecureString"
    )
    simulator.set(PRIVATE_KEY_PARAMETER=name)
    for event in (inbound("a1"), of_second("b1")):
        assert simulator.deliver(event)["status"] == "created"
    assert (keys(simulator.salesforce), keys(second)) == (["a1"], ["b1"])
