"""Connections: kept, broken, endless, led elsewhere, and trusted only with a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from simulator.salesforce import Fault
from tests.contract.servers import (
    LOOPBACK,
    Relay,
    TlsServer,
    refusing_server,
    silent_server,
    write_chain,
)
from tests.contract.telephony import Caller, Vault
from voicecall_bridge.telephony.errors import (
    Effect,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unauthorized,
    Unavailable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.salesforce import SalesforceSimulator

CREATED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 35\r\n\r\n"
    b'{"voiceCallId": "0LQ000000000001"}\n'
)


def through(salesforce: SalesforceSimulator, relay: Relay) -> Caller:
    base = f"http://{LOOPBACK}:{relay.port}/telephony/v1"
    return Caller(Vault(salesforce.identity.secret(base)))


def relay_to(salesforce: SalesforceSimulator) -> Relay:
    return Relay(urlsplit(salesforce.base_url).port or 0)


def test_a_connection_is_kept_between_calls(salesforce: SalesforceSimulator) -> None:
    """Given a client; when it creates three calls; then Salesforce has accepted one connection."""
    with relay_to(salesforce) as relay, through(salesforce, relay) as caller:
        for number in range(3):
            caller.create(vendor_call_key=f"contact-{number}")
        assert relay.accepted == 1
    assert len(salesforce.voice_calls()) == 3


def test_a_connection_is_kept_after_an_answer_that_is_an_error(
    salesforce: SalesforceSimulator,
) -> None:
    """Given a 400; when the next call is created; then it takes the same connection."""
    salesforce.inject(Fault("status", status=400))
    with relay_to(salesforce) as relay, through(salesforce, relay) as caller:
        with pytest.raises(Rejected):
            caller.create()
        caller.create()
        assert relay.accepted == 1


def test_a_kept_connection_that_the_server_closed_is_replaced(
    salesforce: SalesforceSimulator,
) -> None:
    """Given a connection closed while idle; when the next call is created; then one POST is
    sent."""
    with relay_to(salesforce) as relay, through(salesforce, relay) as caller:
        caller.create(vendor_call_key="contact-1")
        relay.drop()
        made = caller.create(vendor_call_key="contact-2")
        assert relay.accepted == 2
    assert made.attempts == 1
    assert len(salesforce.voice_calls()) == 2


def test_a_redirect_is_not_followed(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given a 302; when a call is created; then the token goes nowhere else."""
    salesforce.inject(Fault("redirect"))
    with pytest.raises(Rejected) as raised:
        caller.create()
    assert raised.value.status == 302
    assert salesforce.redirects_followed() == 0
    assert len(salesforce.journal()) == 1


def test_the_environment_sends_a_token_nowhere_else(
    salesforce: SalesforceSimulator,
    caller: Caller,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Given a proxy and a netrc file in the environment; when a call is created; then neither
    counts."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {LOOPBACK} login somebody password else\n", encoding="ascii")
    with silent_server() as elsewhere:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{LOOPBACK}:{elsewhere}")
        monkeypatch.setenv("NETRC", str(netrc))
        assert caller.create(seconds=5).attempts == 1
    assert salesforce.journal()[0].headers["Authorization"]["sub"] == "SupportCenter"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("endless_body", times=None),
        Fault("trickle_body", times=None, seconds=0.1),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_body_without_end_is_given_up(
    salesforce: SalesforceSimulator, caller: Caller, fault: Fault
) -> None:
    """Given a body that never ends; when a call is created; then it ends with the deadline."""
    salesforce.inject(fault)
    with pytest.raises(OutcomeUnknown) as raised:
        caller.create(seconds=0.8)  # nothing else would end it
    assert raised.value.effect is Effect.UNKNOWN
    assert len(salesforce.voice_calls()) == 1


def test_a_body_is_read_as_far_as_it_is_needed(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given an answer of 5 MiB that begins with the id; when a call is created; then it exists."""
    body = '{"voiceCallId": "0LQ000000000001", "errors": "' + "x" * 5 * 1024 * 1024 + '"}'
    salesforce.inject(Fault("status", status=200, times=None, body=body))
    assert caller.create().voice_call_id == "0LQ000000000001"


def test_a_body_is_read_up_to_its_limit(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given an answer with the id behind 5 MiB; when a call is created; then its outcome is
    unknown."""
    body = '{"errors": "' + "x" * 5 * 1024 * 1024 + '", "voiceCallId": "0LQ000000000001"}'
    salesforce.inject(Fault("status", status=200, times=None, body=body))
    with pytest.raises(OutcomeUnknown):
        caller.create()


def test_no_server_listens(salesforce: SalesforceSimulator) -> None:
    """Given a port that refuses; when a call is created; then certainly nothing was sent."""
    with refusing_server() as port:
        base = f"http://{LOOPBACK}:{port}/telephony/v1"
        vault = Vault(salesforce.identity.secret(base))
        with Caller(vault) as caller, pytest.raises(Unavailable) as raised:
            caller.create()
    error = raised.value
    assert (error.code, error.effect, error.attempts) == ("UNREACHABLE", Effect.NONE, 4)


def test_an_unknown_outcome_stays_unknown_when_the_connection_is_gone(
    salesforce: SalesforceSimulator,
) -> None:
    """Given an unknown outcome and then no connection; when the error is read; then the record may
    exist."""
    salesforce.inject(Fault("reset_after"))
    with relay_to(salesforce) as relay:
        caller = through(salesforce, relay)
        caller.client.sleep = lambda _: relay.server_close()
        with caller, pytest.raises(TelephonyError) as raised:
            caller.create()
    assert raised.value.effect is Effect.UNKNOWN
    assert len(salesforce.voice_calls()) == 1


@pytest.mark.parametrize(
    "base",
    [
        "http://scrt.example.com/telephony/v1",
        "http://10.0.0.1/telephony/v1",
        "http://127.0.0.1.example.com/telephony/v1",
        "ftp://127.0.0.1/telephony/v1",
        "https://user:password@scrt.example.com/telephony/v1",
        "not an address",
    ],
)
def test_plain_http_is_for_loopback_only(salesforce: SalesforceSimulator, base: str) -> None:
    """Given an address a token must not go to; when a call is created; then nothing is sent."""
    vault = Vault(salesforce.identity.secret(base))
    with Caller(vault) as caller, pytest.raises(Unauthorized) as raised:
        caller.create()
    assert (raised.value.code, raised.value.attempts) == ("SETTINGS", 0)
    assert "SCRT_ENDPOINT_BASE" in str(raised.value)
    assert base not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "trusted", "accepted"),
    [(LOOPBACK, True, True), (LOOPBACK, False, False), ("other.example.com", True, False)],
    ids=["trusted", "self-signed", "another host's"],
)
def test_the_certificate_is_checked(
    salesforce: SalesforceSimulator, tmp_path: Path, host: str, trusted: bool, accepted: bool
) -> None:
    """Given a server's certificate; when a call is created; then it must be trusted and name the
    host, else the server receives no byte of the request."""
    chain = write_chain(tmp_path / "chain.pem", host)
    with TlsServer(chain, CREATED) as server:
        base = f"https://{LOOPBACK}:{server.port}/telephony/v1"
        with Caller(Vault(salesforce.identity.secret(base))) as caller:
            if trusted:
                caller.client.session.verify = str(chain)
            if accepted:
                assert caller.create().voice_call_id == "0LQ000000000001"
            else:
                with pytest.raises(Unavailable) as raised:
                    caller.create()
                assert raised.value.code == "UNREACHABLE"
    assert server.connections == (1 if accepted else 4)
    assert (b"Authorization: Bearer" in server.received) is accepted
    assert bool(server.received) is accepted
