"""Servers that behave badly on purpose, or count, besides the simulators.

All of them listen on 127.0.0.1 on a free port and end with their `with` block.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import socketserver
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LOOPBACK = "127.0.0.1"


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and requests, and never answers.

    It never accepts: the kernel completes the handshakes of a listening socket by itself.
    """
    with socket.create_server((LOOPBACK, 0), backlog=128) as listener:
        yield listener.getsockname()[1]


@contextmanager
def refusing_server() -> Iterator[int]:
    """A port that refuses connections and that no other process gets: bound, not listening."""
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        yield bound.getsockname()[1]


class LoopbackServer(socketserver.ThreadingTCPServer):
    """Serves on a free port within its `with` block; every thread has ended afterwards."""

    allow_reuse_address = True
    block_on_close = True

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__((LOOPBACK, 0), handler)
        self.port = int(self.server_address[1])
        self.lock = threading.Lock()
        self._serving = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._serving.start()

    def end_connections(self) -> None:
        """Nothing may keep a connection's thread after this."""

    def server_close(self) -> None:
        """Stop serving and wait for every thread."""
        self.shutdown()
        self._serving.join()
        self.end_connections()
        super().server_close()


class Relay(LoopbackServer):
    """Hands bytes on to another port, and counts the connections it accepted.

    The next `breaking` connections are closed as soon as their request arrives, unanswered.
    """

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.accepted = 0
        self.breaking = 0
        self.idle = threading.Condition()
        self.open: set[socket.socket] = set()
        super().__init__(_RelayHandler)

    def drop(self) -> None:
        """Close every connection, as a server does with connections that were idle for long."""
        self.end_connections()
        with self.idle:
            assert self.idle.wait_for(lambda: not self.open, timeout=10)

    def end_connections(self) -> None:
        """Close both sides of every connection."""
        with self.idle:
            for connection in self.open:
                _end(connection)


class _RelayHandler(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        server = self.server
        with server.idle:
            server.accepted += 1
            server.open.add(self.request)
            breaks = server.breaking > 0
            server.breaking -= breaks
        if breaks:
            self.request.recv(65536)
            return
        with socket.create_connection((LOOPBACK, server.upstream)) as upstream:
            back = threading.Thread(target=_pump, args=(upstream, self.request))
            back.start()
            _pump(self.request, upstream)
            back.join()

    def finish(self) -> None:
        _end(self.request)
        with self.server.idle:
            self.server.open.discard(self.request)
            self.server.idle.notify_all()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # one side has gone: so does the other
        while data := source.recv(65536):
            target.sendall(data)
    _end(source)
    _end(target)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):  # the peer was faster
        connection.shutdown(socket.SHUT_RDWR)


class TlsServer(LoopbackServer):
    """Answers `answer` over TLS; `received` is what arrived inside TLS, handshakes excepted."""

    def __init__(self, chain: Path, answer: bytes) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain)
        self.answer = answer
        self.received = b""
        self.connections = 0
        super().__init__(_TlsHandler)


class _TlsHandler(socketserver.BaseRequestHandler):
    server: TlsServer

    def handle(self) -> None:
        server = self.server
        with server.lock:
            server.connections += 1
        try:
            with server.context.wrap_socket(self.request, server_side=True) as connection:
                while data := connection.recv(65536):
                    with server.lock:
                        server.received += data
                    if server.received.endswith(b"}"):
                        connection.sendall(server.answer)
        except OSError:
            return  # the client refuses the certificate, or has gone


class Proxy(LoopbackServer):
    """A company's proxy: CONNECT leads to `upstream`, whatever host is named, or is refused.

    Attributes:
        targets: what was asked for, host and port, in order.
        refusal: status line's status instead of a tunnel; 0: a tunnel.
        chain: with one, the proxy itself is spoken to over TLS.
    """

    def __init__(self, upstream: int, *, refusal: int = 0, chain: Path | None = None) -> None:
        self.upstream, self.refusal = upstream, refusal
        self.targets: list[str] = []
        self.context: ssl.SSLContext | None = None
        if chain is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(chain)
        super().__init__(_ProxyHandler)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'https' if self.context else 'http'}://{LOOPBACK}:{self.port}"


class _ProxyHandler(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        server = self.server
        try:
            if server.context:
                self.request = server.context.wrap_socket(self.request, server_side=True)
            head = b""
            while not head.endswith(b"\r\n\r\n") and (data := self.request.recv(1)):
                head += data
            with server.lock:
                server.targets.append(head.split(b" ")[1].decode())
            if server.refusal:
                self.request.sendall(f"HTTP/1.1 {server.refusal} No\r\n\r\n".encode())
                return
            with socket.create_connection((LOOPBACK, server.upstream)) as upstream:
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(upstream, self.request))
                back.start()
                _pump(self.request, upstream)
                back.join()
        except (OSError, IndexError):
            return  # the client refuses the certificate, or has gone

    def finish(self) -> None:
        _end(self.request)
        self.request.close()


def certificates_of(chain: Path) -> str:
    """The certificates of a chain file, without its key."""
    text = chain.read_text(encoding="ascii")
    return text[: text.index("-----BEGIN PRIVATE KEY")]


def write_chain(path: Path, host: str) -> Path:
    """A self-signed certificate for a host (a name or an address) and its key, in one PEM file.

    Its subject also names the file: where two authorities have one name, OpenSSL looks at one only.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, path.stem),
            x509.NameAttribute(NameOID.COMMON_NAME, host),
        ]
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class AwsAnswers(LoopbackServer):
    """An AWS service (JSON protocol) with a list of answers, of which the last one repeats.

    Attributes:
        answers: status and body of each.
        received: the headers and the body of each request.
    """

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.received: list[tuple[Mapping[str, str], bytes]] = []
        super().__init__(_AwsAnswersHandler)

    @property
    def requests(self) -> int:
        """How many came."""
        return len(self.received)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"


class AwsRefusal(AwsAnswers):
    """An AWS service (JSON protocol) that answers every request with one error code."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__((status, refusal(code)))


def refusal(code: str) -> bytes:
    """The body of a refusal, as the JSON protocol writes it."""
    return json.dumps({"__type": code, "message": "refused by the test"}).encode()


class _AwsAnswersHandler(BaseHTTPRequestHandler):
    server: AwsAnswers

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with self.server.lock:
            self.server.received.append((dict(self.headers.items()), body))
            answers = self.server.answers
            status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Log nothing: the count is enough."""
