"""The contact center's secret: read once, read anew for a refused key, each fault by its name."""

import threading
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tests.samples.members import MISSING
from tests.unit.samples import CALL_CENTER, KEY_NAME, SECRET_ID, damaged_key, key_pair, secret
from voicecall_bridge.telephony.credentials import SecretStore
from voicecall_bridge.telephony.errors import Effect, Unauthorized, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class Aws:
    """Secrets Manager and Systems Manager with one secret and one parameter."""

    def __init__(self, text: str | None = None, parameter: str = "") -> None:
        self.answer: dict[str, Any] = {"SecretString": secret() if text is None else text}
        self.parameter = parameter
        self.fault: Exception | None = None
        self.asked: list[dict[str, Any]] = []
        self.hold: Callable[[], object] = lambda: None

    def get_secret_value(self, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        self.hold()
        if self.fault:
            raise self.fault
        return self.answer

    def get_parameter(self, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        return {"Parameter": {"Value": self.parameter}}

    def store(self, key_parameter: str = "", audience: str = "") -> SecretStore:
        return SecretStore(SECRET_ID, lambda: self, lambda: self, key_parameter, audience)


def test_the_secret_is_read_once() -> None:
    aws = Aws()
    store = aws.store()
    assert aws.asked == [], "not before it is needed"
    first = store.current()
    assert store.current() is first
    assert aws.asked == [{"SecretId": SECRET_ID}]
    assert first.center.api_name == CALL_CENTER


def test_the_signer_signs_for_the_contact_center() -> None:
    token = Aws().store(audience="https://scrt.salesforce.com").current().signer.token()
    claims = jwt.decode(
        token, key_pair()[1], algorithms=["RS256"], audience="https://scrt.salesforce.com"
    )
    assert claims["sub"] == CALL_CENTER


def test_a_refused_key_is_read_anew() -> None:
    aws = Aws()
    store = aws.store()
    old = store.current()
    aws.answer = {"SecretString": secret(**{KEY_NAME: key_pair(2049)[0]})}
    new = store.renewed(old)
    assert new is not old
    assert jwt.decode(new.signer.token(), key_pair(2049)[1], algorithms=["RS256"])
    assert store.current() is new


def test_credentials_another_thread_has_renewed_are_taken() -> None:
    aws = Aws()
    store = aws.store()
    old = store.current()
    new = store.renewed(old)
    assert store.renewed(old) is new
    assert len(aws.asked) == 2


@pytest.mark.parametrize("known", [False, True])
def test_several_threads_read_the_secret_once(known: bool) -> None:
    """Given four threads that need the secret at the same moment."""
    aws = Aws()
    store = aws.store()
    refused = store.current() if known else None
    aws.asked.clear()
    together = threading.Barrier(4)
    found: list[object] = []

    def work() -> None:
        together.wait(10.0)
        found.append(store.renewed(refused))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10.0)
    assert len(found) == 4
    assert len({id(credentials) for credentials in found}) == 1
    assert len(aws.asked) == 1


def test_the_key_may_lie_in_systems_manager() -> None:
    aws = Aws(secret(**{KEY_NAME: MISSING}), parameter=key_pair()[0])
    assert aws.store(key_parameter="/key").current().signer.token()
    assert aws.asked[1] == {"Name": "/key", "WithDecryption": True}


def error(code: str, status: int = 400) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "HUSH"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "GetSecretValue")


@pytest.mark.parametrize(
    "fault",
    [
        error("InternalServiceError", 500),
        error("InternalServerError", 500),
        error("ThrottlingException"),
        error("ServiceUnavailable", 503),
        error("503", 503),  # botocore's code for an answer with an empty body
        ConnectTimeoutError(endpoint_url="https://x.example"),
        ReadTimeoutError(endpoint_url="https://x.example"),
    ],
    ids=repr,
)
def test_transient_faults(fault: Exception) -> None:
    """Then the next delivery may succeed, and nothing was sent to Salesforce."""
    aws = Aws()
    aws.fault = fault
    store = aws.store()
    with pytest.raises(Unavailable) as caught:
        store.current()
    assert caught.value.code == "SECRET_UNAVAILABLE"
    assert caught.value.effect is Effect.NONE
    assert "HUSH" not in str(caught.value)
    aws.fault = None
    assert store.current(), "a transient fault is not kept"


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ResourceNotFoundException", "DecryptionFailure", ""]
)
def test_faults_of_the_settings(code: str) -> None:
    aws = Aws()
    aws.fault = error(code)
    with pytest.raises(Unauthorized) as caught:
        aws.store().current()
    assert caught.value.code == "SETTINGS"
    assert code in str(caught.value)
    assert "HUSH" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ({"SecretString": "HUSH"}, "not JSON"),
        ({"SecretBinary": b"HUSH"}, "not JSON"),
        ({"SecretString": secret(SALESFORCE_ORG_ID="HUSH")}, "SALESFORCE_ORG_ID"),
        ({"SecretString": secret(**{KEY_NAME: "HUSH"})}, "PEM"),
        ({"SecretString": secret(**{KEY_NAME: damaged_key(100)})}, "private key is damaged"),
        ({"SecretString": secret(SCRT_ENDPOINT_BASE="https://[HUSH")}, "SCRT_ENDPOINT_BASE"),
    ],
)
def test_a_secret_that_cannot_be_used(answer: dict[str, Any], named: str) -> None:
    aws = Aws()
    aws.answer = answer
    with pytest.raises(Unauthorized, match=named) as caught:
        aws.store().current()
    assert caught.value.code == "SETTINGS"
    assert "HUSH" not in str(caught.value)


def test_a_secret_that_was_mended_is_read_again() -> None:
    aws = Aws("HUSH")
    store = aws.store()
    with pytest.raises(Unauthorized):
        store.current()
    aws.answer = {"SecretString": secret()}
    assert store.current().center.api_name == CALL_CENTER
