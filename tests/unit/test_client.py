"""The client's attempts, over a transport that answers from a list."""

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
import urllib3

from tests.samples.members import CONTACT_ID, CUSTOMER
from tests.unit.doubles import Clock, Outcome, ScriptedTransport, http_answer
from tests.unit.samples import (
    BASE_URL,
    CALL_CENTER,
    SECRET_ID,
    VOICE_CALL_ID,
    a_contact,
    created,
    secret,
)
from tests.unit.test_voice_call import request_for
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.client import TelephonyClient, new_session
from voicecall_bridge.telephony.credentials import SecretStore
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unauthorized,
    Unavailable,
)
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.telephony.retry import RetryPolicy


class Secrets:
    """A Secrets Manager that counts."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text or secret()
        self.reads = 0

    def get_secret_value(self, **_parameters: Any) -> dict[str, str]:
        self.reads += 1
        return {"SecretString": self.text}


class Scene:
    """A client with a scripted transport, a clock and a secret."""

    def __init__(self, *outcomes: Outcome, base: str = BASE_URL) -> None:
        self.clock = Clock()
        self.transport = ScriptedTransport(outcomes)
        self.secrets = Secrets(secret(SCRT_ENDPOINT_BASE=base))
        self.failures: list[tuple[str, TelephonyError]] = []
        self.retries = 0
        session = new_session()
        session.mount("https://", self.transport)
        self.client = TelephonyClient(
            session,
            SecretStore(SECRET_ID, lambda: self.secrets, lambda: None),
            retries=RetryPolicy(draw=lambda _low, high: high),
            sleep=self.clock.sleep,
            on_failure=lambda contact_id, error: self.failures.append((contact_id, error)),
            on_retry=self._retry,
        )

    def _retry(self) -> None:
        self.retries += 1

    def create(self, seconds: float = 6.0) -> SalesforceResult:
        request = request_for(a_contact())
        return self.client.perform(
            Operation.CREATE, CONTACT_ID, self.clock.deadline(seconds), request.to_json()
        )

    def failure(self, seconds: float = 6.0) -> TelephonyError:
        with pytest.raises(TelephonyError) as caught:
            self.create(seconds)
        return caught.value

    def tokens(self) -> list[str]:
        return [sent.headers["Authorization"].split()[1] for sent in self.transport.requests]


def ok(**members: object) -> requests.Response:
    return http_answer(200, {"voiceCallId": VOICE_CALL_ID, "errors": [], **members})


def never_connected() -> requests.exceptions.ConnectionError:
    reason = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
    return requests.exceptions.ConnectionError(
        urllib3.exceptions.MaxRetryError(None, "/", reason)  # type: ignore[arg-type]
    )


def test_one_request_as_the_guide_has_it() -> None:
    scene = Scene(ok())
    assert scene.create() == created()
    (sent,) = scene.transport.requests
    assert (sent.method, sent.url) == ("POST", f"{BASE_URL}/voiceCalls")
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["Telephony-Provider-Name"] == "amazon-connect"
    assert sent.headers["Authorization"].startswith("Bearer ")
    assert isinstance(sent.body, bytes)
    body = json.loads(sent.body)
    assert body.pop("callCenterApiName") == CALL_CENTER
    assert body == request_for(a_contact()).to_json()


def test_time_outs_are_cut_to_the_deadline() -> None:
    """An attempt leaves half a second for a second attempt, if that is long enough for one."""
    for seconds, connect, read in ((6.0, 1.0, 5.5), (1.5, 1.0, 1.0), (1.4, 1.0, 1.4), (0.3,) * 3):
        scene = Scene(ok())
        scene.create(seconds)
        (options,) = scene.transport.options
        assert options["timeout"] == pytest.approx((connect, read))
        assert options["verify"] is True


def test_remarks_of_a_success() -> None:
    assert Scene(ok(errors="a trigger failed")).create().remarks == ("a trigger failed",)


@pytest.mark.parametrize(
    "fault",
    [
        http_answer(429),
        http_answer(500),
        http_answer(503),
        http_answer(200, b"<html>"),
        never_connected(),
        requests.exceptions.ConnectTimeout(),
        requests.exceptions.ReadTimeout(),
        requests.exceptions.ConnectionError("reset"),
        requests.exceptions.SSLError(),
        urllib3.exceptions.ProtocolError("cut"),
    ],
    ids=repr,
)
def test_transient_faults_are_tried_again_with_a_fresh_token(fault: Outcome) -> None:
    scene = Scene(fault, ok())
    made = scene.create()
    assert made.attempts == 2
    assert scene.clock.slept == [0.2]
    first, second = [jwt.decode(t, options={"verify_signature": False}) for t in scene.tokens()]
    assert first["jti"] != second["jti"]
    ((contact_id, error),) = scene.failures
    assert contact_id == CONTACT_ID
    assert made.unknown_attempts == (error.effect is Effect.UNKNOWN)


@pytest.mark.parametrize(
    ("fault", "kind", "code", "effect"),
    [
        (never_connected(), Unavailable, "UNREACHABLE", Effect.NONE),
        (requests.exceptions.ConnectTimeout(), Unavailable, "UNREACHABLE", Effect.NONE),
        (requests.exceptions.SSLError(), Unavailable, "UNREACHABLE", Effect.UNKNOWN),
        (requests.exceptions.ReadTimeout(), OutcomeUnknown, "OUTCOME_UNKNOWN", Effect.UNKNOWN),
        (
            requests.exceptions.ConnectionError("reset"),
            OutcomeUnknown,
            "OUTCOME_UNKNOWN",
            Effect.UNKNOWN,
        ),
        (requests.exceptions.ConnectionError(), OutcomeUnknown, "OUTCOME_UNKNOWN", Effect.UNKNOWN),
        (requests.exceptions.InvalidURL(), Unauthorized, "SETTINGS", Effect.NONE),
    ],
)
def test_what_is_known_without_an_answer(
    fault: Exception, kind: type[TelephonyError], code: str, effect: Effect
) -> None:
    scene = Scene(*[fault] * 4)
    error = scene.failure()
    assert (type(error), error.code, error.effect) == (kind, code, effect)
    assert error.attempts == (4 if kind.retryable else 1)
    assert error.__suppress_context__, "the cause's text quotes address and headers"


@pytest.mark.parametrize("status", [302, 400, 403, 404, 409])
def test_refusals_are_sent_once(status: int) -> None:
    scene = Scene(http_answer(status, headers={"Location": "https://elsewhere.example/"}))
    error = scene.failure()
    assert error.status == status
    assert error.attempts == len(scene.transport.requests) == 1


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_with_an_unreadable_body_is_a_refusal(status: int) -> None:
    """Given the status has come, then it shows that no record was made, whatever the body is."""
    answers = [http_answer(status, b"not gzip", {"Content-Encoding": "gzip"}) for _ in range(4)]
    scene = Scene(*answers)
    error = scene.failure()
    assert (error.code, error.effect, error.attempts) == (str(status), Effect.NONE, 1)


def test_four_attempts_at_most() -> None:
    scene = Scene(*[http_answer(503) for _ in range(4)])
    error = scene.failure()
    assert error.attempts == 4
    assert scene.clock.slept == [0.2, 0.4, 0.8]
    assert [failure.attempts for _, failure in scene.failures] == [1, 2, 3, 4]


def test_retries_are_counted() -> None:
    """Given a refused token, then a limit, then a success, then two of three requests count as
    retries. A request that is never sent again does not count as one."""
    scene = Scene(http_answer(401, {}), http_answer(429, {}), ok())
    assert scene.create().attempts == 3
    assert scene.retries == 2
    rejected = Scene(http_answer(400, {}))
    rejected.failure()
    assert rejected.retries == 0


def test_retry_after_is_obeyed_and_ends_what_it_does_not_fit() -> None:
    scene = Scene(http_answer(429, headers={"Retry-After": "2"}), ok())
    assert scene.create().attempts == 2
    assert scene.clock.slept == [2.0]
    late = Scene(http_answer(429, headers={"Retry-After": "7"}))
    assert type(late.failure()) is LimitExceeded
    assert late.clock.slept == []


def test_a_rotated_key_is_read_once_more() -> None:
    scene = Scene(http_answer(401), ok())
    assert scene.create().attempts == 2
    assert scene.secrets.reads == 2
    assert scene.clock.slept == [], "nothing to wait for"
    assert [error.attempts for _, error in scene.failures] == [1]


def test_a_fresh_key_that_is_refused_too() -> None:
    scene = Scene(http_answer(401), http_answer(401))
    error = scene.failure()
    assert type(error) is Unauthorized
    assert error.attempts == 2
    assert scene.secrets.reads == 2


def test_the_secret_is_read_again_once_a_request() -> None:
    scene = Scene(http_answer(401), http_answer(503), http_answer(401))
    assert scene.failure().attempts == 3
    assert scene.secrets.reads == 2


def test_an_unknown_attempt_makes_a_later_refusal_unknown() -> None:
    """Given a create that Salesforce may have stored, when the next attempt is refused, then the
    outcome stays unknown: the record may exist."""
    scene = Scene(requests.exceptions.ReadTimeout(), http_answer(400, {"message": "no"}))
    error = scene.failure()
    assert type(error) is Rejected
    assert error.effect is Effect.UNKNOWN
    assert error.attempts == 2


@pytest.mark.parametrize(
    "answer", [{}, {"voiceCallId": ""}, {"voiceCallId": None}, {"voiceCallId": 5}]
)
def test_a_success_without_an_id_is_asked_again(answer: dict[str, Any]) -> None:
    scene = Scene(http_answer(200, answer), ok())
    made = scene.create()
    assert (made.attempts, made.unknown_attempts) == (2, 1)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_create_that_is_answered_with_nothing_is_unknown(status: int) -> None:
    error = Scene(*[http_answer(status) for _ in range(4)]).failure()
    assert isinstance(error, OutcomeUnknown)
    assert error.effect is Effect.UNKNOWN


CALL_PATH = f"{BASE_URL}/voiceCalls/{CONTACT_ID}"


@pytest.mark.parametrize(
    ("call", "url", "body"),
    [
        (
            lambda client, deadline: (
                client.perform(Operation.CLEAR_ROUTING, CONTACT_ID, deadline).attempts
            ),
            f"{CALL_PATH}/clearRouting",
            None,
        ),
        (
            lambda client, deadline: (
                client.perform(Operation.REROUTE, CONTACT_ID, deadline).attempts
            ),
            f"{CALL_PATH}/reroute",
            None,
        ),
    ],
    ids=["clearRouting", "reroute"],
)
@pytest.mark.parametrize("answer", [b"", b"{}"])
def test_is_active_call_of_a_call_that_is_on(
    call: Callable[[TelephonyClient, Deadline], int], url: str, body: Any, answer: bytes
) -> None:
    """Source: Voice implementation guide, "Update a Voice Call Record"; SCVL for the other two."""
    scene = Scene(http_answer(503), http_answer(200, answer))
    assert call(scene.client, scene.clock.deadline(6.0)) == 2
    for sent in scene.transport.requests:
        assert (sent.method, sent.url) == ("PATCH", url)
        assert (json.loads(sent.body) if sent.body else None) == body


def test_a_key_stays_in_its_place_in_the_path() -> None:
    scene = Scene(http_answer(200))
    scene.client.perform(Operation.REROUTE, "../a b?c/ü", scene.clock.deadline(6.0))
    (sent,) = scene.transport.requests
    assert sent.url == f"{BASE_URL}/voiceCalls/..%2Fa%20b%3Fc%2F%C3%BC/reroute"


def test_nothing_is_sent_without_time() -> None:
    scene = Scene()
    error = scene.failure(seconds=0.0)
    assert (type(error), error.code, error.attempts) == (Unavailable, "DEADLINE", 0)


def test_time_that_runs_out_before_the_second_key() -> None:
    scene = Scene()

    def slow() -> requests.Response:
        scene.clock.sleep(10.0)
        return http_answer(401)

    scene.transport.outcomes = [slow]
    error = scene.failure()
    assert (type(error), error.attempts) == (Unauthorized, 1)
    assert scene.secrets.reads == 1


def test_a_secret_that_cannot_be_used_sends_nothing() -> None:
    scene = Scene(base="http://elsewhere.example")
    error = scene.failure()
    assert (error.code, error.attempts) == ("SETTINGS", 0)


def test_errors_quote_nothing_of_the_call() -> None:
    scene = Scene(http_answer(400, {"message": CUSTOMER}))
    error = scene.failure()
    assert CUSTOMER not in str(error)
    assert error.remark == CUSTOMER


def test_the_session_obeys_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a netrc file nor a proxy may change where a token goes or which token is sent."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    session = new_session(connections=3)
    settings = session.merge_environment_settings(BASE_URL, {}, None, None, None)
    assert not settings["proxies"]
    adapter = session.get_adapter(BASE_URL)
    assert isinstance(adapter, requests.adapters.HTTPAdapter)
    assert adapter.max_retries.total == 0


def test_failures_are_not_reported_by_default() -> None:
    scene = Scene(http_answer(400))
    silent = TelephonyClient(scene.client.session, scene.client.secrets)
    with pytest.raises(Rejected):
        silent.perform(Operation.REROUTE, CONTACT_ID, scene.clock.deadline(5.0))
