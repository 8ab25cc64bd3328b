"""SCRT_ENDPOINT_BASE: its shape, and whether it can be reached. No host's name is shown."""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

import certifi

from doctor.findings import Finding, Verdict, fault, ok, unchecked, warning
from voicecall_bridge.contact_centers.secret import LOCAL, wrong_with
from voicecall_bridge.deadline import Deadline, DeadlineExceeded, run_before

NAME: Final = "host's name"
CONNECTION: Final = "connection"
TLS: Final = "TLS"

# Source: Salesforce's Voice implementation guide, the API's base address.
_HOST: Final = ".my.salesforce-scrt.com"
_PATH: Final = "/telephony/v1"
_RIGHT: Final = f"https://<MyDomain>{_HOST}{_PATH}"
# Other hosts of the same org, which are easier to find -> what they are.
_OTHER_HOSTS: Final[Mapping[str, str]] = {
    ".my.salesforce.com": "the org's own host",
    ".lightning.force.com": "the org's pages",
    ".salesforce.com": "a host of Salesforce's, not of this API",
    ".force.com": "a host of Salesforce's, not of this API",
}
# OpenSSL's verify results (x509_vfy.h) -> what is wrong with the certificate, what to change.
_UNTRUSTED: Final[Mapping[int, tuple[str, str]]] = {
    10: ("has expired", "Salesforce's runs on; look at the address, or at what stands between"),
    62: ("is for another host", "look at the host's name in SCRT_ENDPOINT_BASE"),
    64: ("is for another host", "the address is to be the host's name, not a number"),
}
_BETWEEN: Final = (
    "is not signed by an authority that the bridge trusts",
    "a proxy or firewall that opens TLS stands between: let this host through unopened, or name "
    "its certificates (SalesforceCaParameterName)",
)
_PORT_ANSWERS: Final = ok(CONNECTION, "the port answers")


def check_shape(check: str, address: str) -> Iterator[Finding]:
    """The finding of an address that the bridge takes."""
    parts = urlsplit(address.strip().rstrip("/"))
    host = (parts.hostname or "").lower()
    shape = _shape(parts)
    completed = "" if parts.path else f"; the bridge adds {_PATH}"
    if parts.scheme == "http":
        yield ok(check, f"{shape}: a simulator on this machine{completed}")
        yield from _other_path(check, parts)
        return
    if host.endswith(_HOST):
        if parts.path not in ("", _PATH):
            yield fault(check, f"{shape}: the path is not {_PATH}", _RIGHT)
        else:
            yield ok(check, f"{shape}{completed}")
        return
    what = next((what for end, what in _OTHER_HOSTS.items() if host.endswith(end)), "")
    if what:
        yield fault(check, f"{shape}: {what}", _RIGHT)
        return
    yield warning(check, f"{shape}: not a host of Salesforce's", f"unless it is meant: {_RIGHT}")
    yield from _other_path(check, parts)


def _other_path(check: str, parts: SplitResult) -> Iterator[Finding]:
    """A gateway or a simulator may have a path of its own; the bridge takes it as it is."""
    if parts.path not in ("", _PATH):
        change = f"unless it is meant: let the address end with its host, or with {_PATH}"
        yield warning(check, f"the path is not {_PATH}", change)


def what_is_wrong(address: str) -> str:
    """The fault of an address that the bridge does not take."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return "no address"
    signs = {
        "does not begin with https://": not parts.scheme or not parts.netloc,
        "http; the bridge sends its token over https only": parts.scheme == "http",
        "neither https nor http": parts.scheme != "https",
        "has a user or a password in it": bool(parts.username or parts.password),
        "has something behind the path (? or #)": bool(parts.query or parts.fragment),
    }
    if wrong_with(address.strip(), on_loopback=False) == LOCAL:
        return LOCAL
    return next((what for what, holds in signs.items() if holds), "no address")


def _shape(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    known = next((end for end in (_HOST, *_OTHER_HOSTS) if host.endswith(end)), "")
    shown = f"<...>{known}" if known else "<host>"
    path = parts.path if parts.path in ("", _PATH) else "/<path>"
    return f"{parts.scheme}://{shown}{path}"


@dataclass(frozen=True, slots=True)
class Way:
    """How Salesforce is reached.

    Attributes:
        trusted: certificates (PEM file) to trust; empty: those that the bridge trusts.
        proxy: address of the proxy, as SALESFORCE_PROXY has it; empty: none.
    """

    trusted: str = ""
    proxy: str = ""


def check_network(address: str, seconds: float, way: Way | None = None) -> Iterator[Finding]:
    """Looks the name up, connects, shakes hands; stops where it cannot go on.

    Args:
        address: one that the bridge takes.
        seconds: for each of the steps.
        way: how it is reached; None: as it is without settings.
    """
    way = way or Way()
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    proxy = urlsplit(way.proxy if secure else "")
    first = proxy.hostname or host, proxy.port or (port if not proxy.hostname else _port(proxy))
    found = _look_up(*first, seconds, is_proxy=bool(proxy.hostname))
    yield found
    if found.verdict is not Verdict.OK:
        yield unchecked(CONNECTION, "without an address")
        return
    try:
        connection = run_before(
            Deadline.after(seconds), lambda: socket.create_connection(first, seconds)
        )
    except (OSError, DeadlineExceeded) as error:
        yield fault(CONNECTION, *(_no_proxy(error) if proxy.hostname else _unconnected(error)))
        return
    with connection:
        if proxy.scheme == "https":
            yield ok(CONNECTION, "the proxy's port answers")
            yield unchecked(TLS, "inside the TLS of the proxy: the token below shows it")
            return
        found = _tunnel(connection, host, port, seconds) if proxy.hostname else _PORT_ANSWERS
        yield found
        if not secure:
            yield unchecked(TLS, "http on this machine")
        elif found.verdict is Verdict.OK:
            yield _secured(connection, host, way.trusted, seconds)


def _port(proxy: SplitResult) -> int:
    return 443 if proxy.scheme == "https" else 80


def _tunnel(connection: socket.socket, host: str, port: int, seconds: float) -> Finding:
    """Asks the proxy to let this host through."""

    def ask() -> bytes:
        connection.sendall(
            f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n") and (more := connection.recv(1)):
            answer += more
        return answer

    try:
        answer = run_before(Deadline.after(seconds), ask)
    except (OSError, DeadlineExceeded) as error:
        return fault(CONNECTION, *_no_proxy(error))
    status = re.match(rb"HTTP/1\.[01] ([0-9]{3})", answer)
    if status is None:
        return fault(CONNECTION, "what answers is not a proxy", "SalesforceProxy: host and port")
    if status[1].startswith(b"2"):
        return ok(CONNECTION, "the proxy lets this host through")
    text = f"the proxy refuses the tunnel ({status[1].decode()})"
    return fault(CONNECTION, text, f"let CONNECT through to *{_HOST}:443 in the proxy")


def _no_proxy(error: Exception) -> tuple[str, str]:
    what = "refused" if isinstance(error, ConnectionRefusedError) else "no answer"
    return f"the proxy: {what}", "SalesforceProxy: host and port; the way to it"


def _look_up(host: str, port: int, seconds: float, *, is_proxy: bool = False) -> Finding:
    look_up = Deadline.after(seconds)
    place = "SalesforceProxy" if is_proxy else "MyDomain in SCRT_ENDPOINT_BASE"
    owner = "the proxy's: " if is_proxy else ""
    try:
        found = run_before(look_up, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except DeadlineExceeded:
        return fault(NAME, "no answer to the look-up", "the resolver of this network (VPC: DNS)")
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            return fault(NAME, "no name server answers", "the resolver of this network (VPC: DNS)")
        return fault(NAME, f"{owner}the host is not known", place)
    except UnicodeError:  # a label of no characters or of more than 63
        return fault(NAME, f"{owner}the host's name cannot be one", place)
    return ok(NAME, f"{owner}known, {len(found)} address{'es' if len(found) > 1 else ''}")


def _unconnected(error: Exception) -> tuple[str, str]:
    if isinstance(error, ConnectionRefusedError):
        return "refused", "host and port in SCRT_ENDPOINT_BASE (none: 443); a firewall that refuses"
    if isinstance(error, TimeoutError):
        return "no answer", "firewall, routes (VPC: NAT); of proxies, SalesforceProxy alone counts"
    return f"none ({type(error).__name__})", "this machine's network"


def _shake_hands(connection: socket.socket, host: str, trusted: str, deadline: Deadline) -> Finding:
    # The bundle that the bridge's client (requests) verifies with, not this machine's.
    context = ssl.create_default_context(cafile=trusted or certifi.where())

    def shake_hands() -> Finding:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            return ok(TLS, f"{secured.version()}, the certificate is trusted")

    return run_before(deadline, shake_hands)


def _secured(connection: socket.socket, host: str, trusted: str, seconds: float) -> Finding:
    try:
        return _shake_hands(connection, host, trusted, Deadline.after(seconds))
    except OSError as error:
        return fault(TLS, *_untrusted(error))


def _untrusted(error: OSError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        what, change = _UNTRUSTED.get(error.verify_code, _BETWEEN)
        return f"the certificate {what}", change
    if isinstance(error, TimeoutError):
        return "no handshake in time", "what stands between: proxy, firewall"
    return "no TLS on this port", "scheme and port in SCRT_ENDPOINT_BASE (none: 443)"
