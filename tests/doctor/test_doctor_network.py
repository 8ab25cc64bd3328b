"""`bridge doctor` checks the address: name, connection and TLS, with a finding for each fault."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from doctor.address import CONNECTION, NAME, TLS, Way, check_network
from doctor.findings import Finding, Verdict
from tests.contract.servers import Proxy, TlsServer, refusing_server, silent_server, write_chain

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 10.0
BOUND_SECONDS = 0.3


def reach(
    url: str, seconds: float = SECONDS, trusted: str = "", proxy: str = ""
) -> dict[str, Finding]:
    findings = {it.check: it for it in check_network(url, seconds, Way(trusted, proxy))}
    # The host is the org's MyDomain, which is private.
    assert not any(name in str(findings) for name in ("localhost", "127.0.0.1", "acme"))
    return findings


def fails(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    """A fault that this machine's network cannot be made to have."""

    def raising(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(socket, name, raising)


def test_trusted(tmp_path: Path) -> None:
    chain = write_chain(tmp_path / "chain.pem", "localhost")
    with TlsServer(chain, b"") as server:
        found = reach(f"https://localhost:{server.port}/telephony/v1", trusted=str(chain))

    assert {it.verdict for it in found.values()} == {Verdict.OK}
    assert "TLSv1." in found[TLS].text
    assert server.received == b""


def test_certificate_of_an_unknown_authority(tmp_path: Path) -> None:
    """Given a certificate that the bridge's bundle does not lead to, then the finding names a proxy
    that opens TLS as the likely cause."""
    with TlsServer(write_chain(tmp_path / "chain.pem", "localhost"), b"") as server:
        found = reach(f"https://localhost:{server.port}")

    assert found[TLS].verdict is Verdict.FAULT
    assert "not signed by an authority that the bridge trusts" in found[TLS].text
    assert "proxy" in found[TLS].change


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_certificate_of_another_host(tmp_path: Path, host: str) -> None:
    chain = write_chain(tmp_path / "chain.pem", "other.example")
    with TlsServer(chain, b"") as server:
        found = reach(f"https://{host}:{server.port}", trusted=str(chain))

    assert "another host" in found[TLS].text


def test_no_tls(tmp_path: Path) -> None:
    """Given a port without TLS, and one that does not answer."""

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 mail.example ESMTP\r\n" * 10)
            connection.recv(1)

    with silent_server() as port:
        silent = reach(f"https://127.0.0.1:{port}", BOUND_SECONDS)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        speaking = threading.Thread(target=answer, args=(listener,))
        speaking.start()
        other = reach(f"https://127.0.0.1:{listener.getsockname()[1]}")
        speaking.join()

    assert silent[TLS].text == "no handshake in time"
    assert other[TLS].text == "no TLS on this port"


def test_loopback_by_http() -> None:
    with silent_server() as port:
        found = reach(f"http://127.0.0.1:{port}/telephony/v1")

    assert found[CONNECTION].verdict is Verdict.OK
    assert found[TLS].verdict is Verdict.UNCHECKED


def test_refused() -> None:
    with refusing_server() as port:
        found = reach(f"https://127.0.0.1:{port}")

    assert (found[CONNECTION].verdict, found[CONNECTION].text) == (Verdict.FAULT, "refused")
    assert TLS not in found


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "?"), "not known"),
        (socket.gaierror(socket.EAI_AGAIN, "?"), "no name server"),
        (UnicodeError("label too long"), "cannot be one"),
    ],
)
def test_look_up(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    """Given an error of the resolver, then MyDomain or the network is named as likely cause."""
    fails(monkeypatch, "getaddrinfo", error)
    found = reach("https://acme.example")

    assert found[NAME].verdict is Verdict.FAULT
    assert said in found[NAME].text
    assert found[CONNECTION].verdict is Verdict.UNCHECKED


def test_look_up_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a resolver that does not answer, then the wait is bounded without a socket's
    time-out."""

    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end.wait(60) and [])
    found = reach("https://acme.example", BOUND_SECONDS)
    end.set()

    assert found[NAME].text == "no answer to the look-up"


@pytest.mark.parametrize(
    ("error", "said"),
    [(TimeoutError(), "no answer"), (OSError(101, "Network is unreachable"), "none (OSError)")],
)
def test_connection(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    fails(monkeypatch, "create_connection", error)

    assert reach("https://127.0.0.1")[CONNECTION].text == said


def test_through_a_proxy(tmp_path: Path) -> None:
    """Given a host that only the proxy reaches, then the proxy's name is looked up, and the host's
    certificate is looked at."""
    chain = write_chain(tmp_path / "chain.pem", "acme.scrt.example.invalid")
    url = "https://acme.scrt.example.invalid/telephony/v1"
    with TlsServer(chain, b"") as server, Proxy(server.port) as proxy:
        found = reach(url, trusted=str(chain), proxy=proxy.url)
        untrusted = reach(url, proxy=proxy.url)
        assert proxy.targets == ["acme.scrt.example.invalid:443"] * 2
    assert [it.verdict for it in found.values()] == [Verdict.OK] * 3
    assert found[NAME].text.startswith("the proxy's: known")
    assert found[CONNECTION].text == "the proxy lets this host through"
    assert untrusted[TLS].verdict is Verdict.FAULT
    assert "SalesforceCaParameterName" in untrusted[TLS].change


def test_a_proxy_that_does_not_lead_there() -> None:
    url = "https://acme.my.salesforce-scrt.com"
    with Proxy(0, refusal=403) as proxy:
        refused = reach(url, proxy=proxy.url)[CONNECTION]
    assert (refused.verdict, "(403)" in refused.text) == (Verdict.FAULT, True)
    assert "CONNECT" in refused.change
    with refusing_server() as port:
        gone = reach(url, proxy=f"http://127.0.0.1:{port}")[CONNECTION]
    assert (gone.verdict, gone.text) == (Verdict.FAULT, "the proxy: refused")
    unknown = reach(url, proxy="http://proxy.invalid:3128")[NAME]
    assert (unknown.verdict, unknown.change) == (Verdict.FAULT, "SalesforceProxy")


def test_the_simulator_is_reached_without_the_proxy() -> None:
    with refusing_server() as port, Proxy(0, refusal=403) as proxy:
        found = reach(f"http://127.0.0.1:{port}/telephony/v1", proxy=proxy.url)
        assert proxy.targets == []
    assert found[CONNECTION].text == "refused"
