"""SCRT_ENDPOINT_BASE: its shape, and whether it can be reached. No host's name is shown."""

import socket
import ssl
from collections.abc import Iterator, Mapping
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
    "is signed by nobody the bridge trusts",
    "a proxy or firewall that opens TLS stands between: let this host through unopened",
)


def check_shape(check: str, address: str) -> Iterator[Finding]:
    """What is to be said of an address that the bridge takes."""
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
    """What is wrong with an address that the bridge does not take."""
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


def check_network(address: str, seconds: float, trusted: str = "") -> Iterator[Finding]:
    """Looks the name up, connects, shakes hands; stops where it cannot go on.

    Args:
        address: one that the bridge takes.
        seconds: for each of the three.
        trusted: certificates (PEM file) to trust; empty: those that the bridge trusts.
    """
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    found = _look_up(host, port, seconds)
    yield found
    if found.verdict is not Verdict.OK:
        yield unchecked(CONNECTION, "without an address")
        return
    try:
        connection = run_before(
            Deadline.after(seconds), lambda: socket.create_connection((host, port), seconds)
        )
    except (OSError, DeadlineExceeded) as error:
        yield fault(CONNECTION, *_unconnected(error))
        return
    with connection:
        yield ok(CONNECTION, "the port answers")
        if not secure:
            yield unchecked(TLS, "http on this machine")
            return
        try:
            yield _shake_hands(connection, host, trusted, Deadline.after(seconds))
        except OSError as error:
            yield fault(TLS, *_untrusted(error))


def _look_up(host: str, port: int, seconds: float) -> Finding:
    look_up = Deadline.after(seconds)
    try:
        found = run_before(look_up, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except DeadlineExceeded:
        return fault(NAME, "no answer to the look-up", "the resolver of this network (VPC: DNS)")
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            return fault(NAME, "no name server answers", "the resolver of this network (VPC: DNS)")
        return fault(NAME, "the host is not known", "MyDomain in SCRT_ENDPOINT_BASE")
    except UnicodeError:  # a label of no characters or of more than 63
        return fault(NAME, "the host's name cannot be one", "MyDomain in SCRT_ENDPOINT_BASE")
    return ok(NAME, f"known, {len(found)} address{'es' if len(found) > 1 else ''}")


def _unconnected(error: Exception) -> tuple[str, str]:
    if isinstance(error, ConnectionRefusedError):
        return "refused", "host and port in SCRT_ENDPOINT_BASE (none: 443); a firewall that refuses"
    if isinstance(error, TimeoutError):
        return "no answer", "firewall, routes (VPC: NAT); the bridge does not use HTTPS_PROXY"
    return f"none ({type(error).__name__})", "this machine's network"


def _shake_hands(connection: socket.socket, host: str, trusted: str, deadline: Deadline) -> Finding:
    # The bundle that the bridge's client (requests) verifies with, not this machine's.
    context = ssl.create_default_context(cafile=trusted or certifi.where())

    def shake_hands() -> Finding:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            return ok(TLS, f"{secured.version()}, the certificate is trusted")

    return run_before(deadline, shake_hands)


def _untrusted(error: OSError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        what, change = _UNTRUSTED.get(error.verify_code, _BETWEEN)
        return f"the certificate {what}", change
    if isinstance(error, TimeoutError):
        return "no handshake in time", "what stands between: proxy, firewall"
    return "no TLS on this port", "scheme and port in SCRT_ENDPOINT_BASE (none: 443)"
