"""A company's proxy and its certificate authority towards Salesforce, over real sockets.

Source: Telephony Integration API, transport; RFC 9110, "CONNECT".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.servers import (
    LOOPBACK,
    Proxy,
    TlsServer,
    certificates_of,
    refusing_server,
    write_chain,
)
from tests.contract.telephony import Caller, Vault
from voicecall_bridge.telephony.errors import Effect, Unauthorized, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.salesforce import SalesforceSimulator

# No resolver knows this name: a request can reach it only through the proxy.
HOST = "acme.scrt.example.invalid"
BODY = b'{"voiceCallId": "0LQ000000000001", "errors": []}'
CREATED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Certificate and key of a server, signed by the company's own authority."""
    return write_chain(tmp_path / "chain.pem", HOST)


def vault(salesforce: SalesforceSimulator, port: int, host: str = HOST) -> Vault:
    return Vault(salesforce.identity.secret(f"https://{host}:{port}/telephony/v1"))


@pytest.mark.parametrize("tls", [False, True], ids=["proxy", "proxy over TLS"])
def test_through_a_proxy_that_opens_tls(
    salesforce: SalesforceSimulator, chain: Path, tmp_path: Path, tls: bool
) -> None:
    """Given proxy and certificates; when two calls are created; then they go through one tunnel,
    and the proxy learns host and port alone."""
    own = write_chain(tmp_path / "proxy.pem", LOOPBACK)
    certificates = f"# Größe GmbH\n{certificates_of(chain)}# proxy\n{certificates_of(own)}"
    with (
        TlsServer(chain, CREATED) as server,
        Proxy(server.port, chain=own if tls else None) as proxy,
        Caller(
            vault(salesforce, server.port), proxy=proxy.url, certificates=certificates
        ) as caller,
    ):
        for _ in range(2):
            assert caller.create().voice_call_id == "0LQ000000000001"
        assert proxy.targets == [f"{HOST}:{server.port}"]
        assert server.received.count(b"Authorization: Bearer") == 2
    assert caller.failures == []


def test_certificates_are_trusted_besides_the_public_ones(
    salesforce: SalesforceSimulator, chain: Path, tmp_path: Path
) -> None:
    """Given one server with a certificate of the public authorities (here a file in their place)
    and one with the company's, then both are trusted, without any proxy."""
    public = write_chain(tmp_path / "public.pem", LOOPBACK)
    private = write_chain(tmp_path / "private.pem", LOOPBACK)
    for used in (public, private):
        with (
            TlsServer(used, CREATED) as server,
            Caller(
                vault(salesforce, server.port, LOOPBACK), certificates=certificates_of(private)
            ) as caller,
        ):
            caller.client.session.verify = str(public)
            assert caller.create().voice_call_id == "0LQ000000000001"


def test_a_proxy_that_opens_tls_is_not_trusted_by_itself(
    salesforce: SalesforceSimulator, chain: Path
) -> None:
    with (
        TlsServer(chain, CREATED) as server,
        Proxy(server.port) as proxy,
        Caller(vault(salesforce, server.port), proxy=proxy.url) as caller,
    ):
        with pytest.raises(Unavailable) as raised:
            caller.create()
        assert (raised.value.code, raised.value.effect) == ("UNREACHABLE", Effect.NONE)
        assert proxy.targets
        assert server.received == b""


@pytest.mark.parametrize("refusal", [403, 407, 502])
def test_a_proxy_that_lets_no_request_through(
    salesforce: SalesforceSimulator, chain: Path, refusal: int
) -> None:
    """Then the request was certainly not sent."""
    with Proxy(0, refusal=refusal) as proxy:
        caller = Caller(vault(salesforce, 443), proxy=proxy.url)
        with caller, pytest.raises(Unavailable) as raised:
            caller.create()
    assert (raised.value.code, raised.value.effect) == ("UNREACHABLE", Effect.NONE)
    assert proxy.targets[0] == f"{HOST}:443"


def test_a_proxy_that_is_not_there(salesforce: SalesforceSimulator) -> None:
    with refusing_server() as port:
        caller = Caller(vault(salesforce, 443), proxy=f"http://{LOOPBACK}:{port}")
        with caller, pytest.raises(Unavailable) as raised:
            caller.create()
    assert (raised.value.code, raised.value.effect) == ("UNREACHABLE", Effect.NONE)
    assert str(port) not in str(raised.value)


def test_the_environment_alone_changes_nothing(
    salesforce: SalesforceSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given proxy and certificates in variables that other programs obey, then nothing is sent
    there, and nothing else is trusted."""
    chain = write_chain(tmp_path / "local.pem", LOOPBACK)
    with TlsServer(chain, CREATED) as server, Proxy(server.port) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, str(chain))
        caller = Caller(vault(salesforce, server.port, LOOPBACK))
        with caller, pytest.raises(Unavailable):
            caller.create()
        assert proxy.targets == []
        assert server.received == b""


def test_the_simulator_is_reached_without_the_proxy(salesforce: SalesforceSimulator) -> None:
    with Proxy(0, refusal=403) as proxy:
        secret = Vault(salesforce.identity.secret(salesforce.base_url))
        with Caller(secret, proxy=proxy.url) as caller:
            assert caller.create().voice_call_id
    assert proxy.targets == []


@pytest.mark.parametrize("text", ["none", "-----BEGIN CERTIFICATE-----\nhush\n", "é"])
def test_certificates_that_cannot_be_read(salesforce: SalesforceSimulator, text: str) -> None:
    caller = Caller(vault(salesforce, 443), certificates=text)
    with caller, pytest.raises(Unauthorized, match="SALESFORCE_CA_PARAMETER") as raised:
        caller.create()
    assert raised.value.code == "SETTINGS"
    assert "hush" not in str(raised.value)
