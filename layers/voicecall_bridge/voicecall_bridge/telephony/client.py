"""The client of the Telephony Integration API: one way to send all operations."""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from voicecall_bridge.telephony.answers import Answer, SalesforceResult, read_answer
from voicecall_bridge.telephony.errors import (
    Effect,
    OutcomeUnknown,
    TelephonyError,
    Unauthorized,
    Unavailable,
)
from voicecall_bridge.telephony.operations import CALLS, Call, Operation
from voicecall_bridge.telephony.retry import RetryPolicy
from voicecall_bridge.tls import read_public_certificates, remembering

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact_centers.secret import ContactCenterSecret
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.telephony.credentials import Credentials, SecretStore

CONNECT_SECONDS = 1.0
"""A healthy endpoint accepts in a fraction of this; more would shorten the next attempt."""
SECOND_ATTEMPT_SECONDS = 0.5
"""Reserved for a second attempt while the first one waits for its answer: the second attempt shows
whether the first one took effect. With less than three times as much left, there is only one."""
_RECORD_ID = re.compile(r"[0-9A-Za-z]{1,40}")
"""An id of Salesforce has 15 or 18 characters. Only an id may reach the log or the flow."""
_ANY_TEXT = re.compile(r"(?s).+")
_TRUSTING = threading.Lock()


class _Adapter(HTTPAdapter):
    """Keeps connections, and reads the certificates that it trusts once.

    Left alone, requests reads all public ones for each new connection, which takes 20 ms of CPU.

    Attributes:
        connections: that are kept.
        certificates: PEM text of further certificates to trust; empty: none.
        context: of all its connections.
    """

    def __init__(self, connections: int, certificates: str = "") -> None:
        self.connections, self.certificates = connections, certificates
        self.context = remembering(urllib3.util.ssl_.create_urllib3_context())
        self.context.hostname_checks_common_name = False
        if certificates:
            self.context.load_verify_locations(cadata=certificates)
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **options: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self.context, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        if self.certificates and proxy.startswith("https"):
            options["proxy_ssl_context"] = self.context
        return super().proxy_manager_for(proxy, ssl_context=self.context, **options)


def new_session(connections: int = 1, proxy: str = "") -> requests.Session:
    """A session that keeps that many connections, follows no redirect and obeys no environment.

    A netrc file or a proxy variable must not change where a token goes or which token it is.

    Args:
        connections: connections that are kept.
        proxy: address of the proxy that leads to Salesforce, `http://host:port`; empty: none. The
            simulator is reached without it.
    """
    session = requests.Session()
    session.trust_env = False
    session.proxies = {"https": proxy} if proxy else {}
    adapter = _Adapter(connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def read_certificates(session: requests.Session) -> None:
    """Reads the public certificates before the first connection needs them."""
    adapter = session.get_adapter("https://")
    if isinstance(adapter, _Adapter):
        read_public_certificates(adapter.context)


def _trust(session: requests.Session, certificates: str) -> None:
    """Lets a session trust further certificates (PEM) from its next connection on."""
    with _TRUSTING:
        adapter = session.get_adapter("https://")
        if isinstance(adapter, _Adapter) and adapter.certificates != certificates:
            session.mount("https://", _Adapter(adapter.connections, certificates))


@dataclass(eq=False, repr=False, slots=True)
class TelephonyClient:
    """Sends requests for one contact center, with retries inside a deadline.

    Attributes:
        session: kept between calls, so that connections are too.
        secrets: where the address and the signer come from.
        provider_name: value of the header Telephony-Provider-Name.
        retries: decides whether a failed attempt is followed by another.
        sleep: waits for seconds between two attempts.
        on_failure: called with the contact id and the error of every failed attempt.
        on_retry: called for every request that is sent again.
        calls: method and path of each call.
    """

    session: requests.Session
    secrets: SecretStore
    provider_name: str = "amazon-connect"
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    sleep: Callable[[float], None] = time.sleep
    on_failure: Callable[[str, TelephonyError], None] = lambda _contact_id, _error: None
    on_retry: Callable[[], None] = lambda: None
    calls: Mapping[Operation, Call] = field(default_factory=lambda: CALLS)

    def perform(
        self,
        operation: Operation,
        vendor_call_key: str,
        deadline: Deadline,
        body: Mapping[str, object] | None = None,
    ) -> SalesforceResult:
        """Asks Salesforce for an operation.

        Args:
            operation: which one.
            vendor_call_key: the call it is about; a record id does as well.
            deadline: for all attempts together.
            body: without callCenterApiName and scrt2Domain, which are added where the operation has
                them; for a GET, the members of the query string. None: no body.

        Raises:
            TelephonyError: its kinds; `effect` covers all attempts together.
        """
        sending = _Sending(vendor_call_key, self.calls[operation], body)
        while True:
            try:
                answer = self._send(sending, deadline)
            except TelephonyError as error:
                pause = self._pause(sending, error, deadline)
                if pause is None:
                    raise
            else:
                return SalesforceResult(answer.members, sending.attempts, sending.unknown_attempts)
            if pause:
                self.sleep(pause)

    def _send(self, sending: _Sending, deadline: Deadline) -> Answer:
        """One attempt, its answer's body included."""
        refused, sending.refused = sending.refused, None
        credentials = self.secrets.renewed(refused) if refused else self.secrets.current()
        if not deadline.allows(0.0):
            raise Unavailable("the time ran out before the request was sent", code="DEADLINE")
        if credentials.certificates:
            _trust(self.session, credentials.certificates)
        if sending.attempts:
            self.on_retry()
        sending.attempts += 1
        sending.credentials = credentials
        if not sending.call.repeatable:
            # A kept connection may be dead, and the outcome would be unknown.
            self.session.close()
        seconds = deadline.remaining()
        try:
            request = sending.request(credentials, self.provider_name)
            # The adapter, not the session: the session's cookies, redirects and environment are not
            # wanted, and cost as much as the request itself.
            with self.session.get_adapter(request.url or "").send(
                request,
                stream=True,
                timeout=(min(CONNECT_SECONDS, seconds), _patience(seconds)),
                verify=self.session.verify or True,
                proxies=self.session.proxies,
            ) as response:
                return _checked(sending.call, read_answer(response, deadline))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _without_answer(error) from None  # the cause's text quotes address and headers

    def _pause(self, sending: _Sending, error: TelephonyError, deadline: Deadline) -> float | None:
        """Seconds until the next attempt; None: there is none. Reports the failure."""
        error.attempts = sending.attempts
        if sending.may_renew(error) and deadline.allows(0.0):
            # The key may have been rotated: read the secret again, once a request.
            sending.refused, sending.renewed = sending.credentials, True
            self.on_failure(sending.contact_id, error)
            return 0.0
        sending.tries += 1
        if error.effect is Effect.UNKNOWN:
            sending.unknown_attempts += 1
        elif sending.unknown_attempts:
            # This attempt made no record. An earlier one may have.
            error.effect = Effect.UNKNOWN
        self.on_failure(sending.contact_id, error)
        return self.retries.pause(
            error, sending.tries, deadline, repeatable=sending.call.repeatable
        )


@dataclass(eq=False, repr=False, slots=True)
class _Sending:
    """One request and its attempts.

    Attributes:
        contact_id: the call it is about.
        call: method, path and rules of the operation.
        body: see TelephonyClient.perform.
        tries: attempts that failed, without those that only read the secret again.
        attempts, unknown_attempts: requests sent; those of them without a known outcome.
        credentials: what the last attempt was signed with.
        refused: credentials to replace before the next attempt.
        renewed: the secret was read again.
    """

    contact_id: str
    call: Call
    body: Mapping[str, object] | None = None
    tries: int = 0
    attempts: int = 0
    unknown_attempts: int = 0
    credentials: Credentials | None = None
    refused: Credentials | None = None
    renewed: bool = False

    def may_renew(self, error: TelephonyError) -> bool:
        """Whether the secret is read again: a token was refused, for the first time."""
        return isinstance(error, Unauthorized) and error.status == 401 and not self.renewed

    def request(self, credentials: Credentials, provider_name: str) -> requests.PreparedRequest:
        """The next attempt, with a token of its own."""
        headers = {
            "Authorization": f"Bearer {credentials.signer.token()}",
            "Content-Type": "application/json",
            "Telephony-Provider-Name": provider_name,
        }
        target = self.call.target(self.contact_id, self.body)
        body = None if self.call.method == "GET" else self._named(credentials.center)
        return requests.Request(
            self.call.method,
            credentials.center.base_url + target,
            headers=headers,
            data=None if body is None else json.dumps(body).encode(),
        ).prepare()

    def _named(self, center: ContactCenterSecret) -> Mapping[str, object] | None:
        body = self.body
        if body is not None and self.call.names_center:
            body = {**body, "callCenterApiName": center.api_name}
        if body is not None and self.call.names_domain:
            context = body.get("context")
            known = context if isinstance(context, dict) else {}
            body = {**body, "context": {**known, "scrt2Domain": center.domain}}
        return body


def _checked(call: Call, answer: Answer) -> Answer:
    # A 2xx that lacks its member, such as an empty answer or a gateway's own, says nothing about
    # the call. The outcome is unknown; another attempt may show it.
    if answer.empty and not call.empty:
        raise answer.unreadable("nothing in the answer")
    if not call.answer:
        return answer
    value = answer.members.get(call.answer)
    wanted = _RECORD_ID if call.answer.endswith("Id") else _ANY_TEXT
    if not isinstance(value, str) or not wanted.fullmatch(value):
        raise answer.unreadable(f"no {call.answer} in the answer")
    return answer


def _patience(seconds: float) -> float:
    enough = seconds >= 3 * SECOND_ATTEMPT_SECONDS
    return max(seconds - SECOND_ATTEMPT_SECONDS if enough else seconds, 0.001)


def _without_answer(error: Exception) -> TelephonyError:
    kind = type(error).__name__
    if isinstance(error, requests.exceptions.SSLError):
        # Usually a failed handshake. A connection can also break like this later.
        effect = Effect.NONE if _is_untrusted(error) else Effect.UNKNOWN
        return Unavailable("no TLS connection to Salesforce", code="UNREACHABLE", effect=effect)
    if isinstance(error, requests.exceptions.ConnectionError) and _never_connected(error):
        return Unavailable(f"no connection to Salesforce ({kind})", code="UNREACHABLE")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Unauthorized("SCRT_ENDPOINT_BASE is not an address", code="SETTINGS")
    return OutcomeUnknown(
        f"no answer that can be read ({kind})", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN
    )


def _is_untrusted(error: requests.exceptions.SSLError) -> bool:
    # requests' error holds urllib3's MaxRetryError; its reason is an SSLError, which holds the ssl
    # module's error.
    reason = getattr(error.args[0], "reason", None) if error.args else None
    inner = reason.args[0] if isinstance(reason, Exception) and reason.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)


def _never_connected(error: requests.exceptions.ConnectionError) -> bool:
    # requests wraps urllib3's MaxRetryError. Its reason distinguishes a connection that was never
    # made from a reset, after which the request may have arrived.
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    return (
        isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError)
        or isinstance(reason, urllib3.exceptions.NewConnectionError)
        # The proxy refused the tunnel, so the request was not sent. The standard library reports
        # this in the text of an OSError only.
        or "Tunnel connection failed" in str(inner)
    )
