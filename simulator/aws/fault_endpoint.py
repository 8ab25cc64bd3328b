"""Stands before AWS and fails on request: makes the console's faults of AWS.

    ledger-slow        each request to DynamoDB is answered `seconds` later
    ledger-throttled   DynamoDB answers ProvisionedThroughputExceededException
    ledger-down        DynamoDB answers 500
    secret-missing     Secrets Manager answers ResourceNotFoundException

Every other request goes through unchanged. Errors in the shape of the JSON protocol (Amazon
DynamoDB developer guide, "Error handling with DynamoDB").
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from threading import Event, Lock
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from simulator.loopback import LOOPBACK, LoopbackServer

KINDS: Final[Mapping[str, str]] = {
    "ledger-slow": "DynamoDB answers `seconds` later",
    "ledger-throttled": "DynamoDB refuses each request as throttled",
    "ledger-down": "DynamoDB answers 500",
    "secret-missing": "Secrets Manager does not know the secret",
}
_SERVICES: Final[Mapping[str, str]] = {
    "ledger-slow": "DynamoDB",
    "ledger-throttled": "DynamoDB",
    "ledger-down": "DynamoDB",
    "secret-missing": "secretsmanager",
}
_ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "ledger-throttled": (
        400,
        "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    ),
    "ledger-down": (500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
    "secret-missing": (400, "ResourceNotFoundException"),
}
_NOT_FORWARDED: Final = frozenset(("connection", "transfer-encoding", "content-length", "date"))
_MOST_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class AwsFault:
    """A fault of AWS.

    Attributes:
        kind: one of KINDS.
        times: how many requests it hits; None for every one.
        seconds: the delay of ledger-slow.
    """

    kind: str
    times: int | None = None
    seconds: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be done. Raises ValueError, naming it."""
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}; there are {', '.join(KINDS)}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times is {self.times}; take a number from 1, or leave it out")
        if not 0.0 < self.seconds <= _MOST_SECONDS:
            raise ValueError(f"seconds is {self.seconds}; take up to {_MOST_SECONDS:g}")


class FaultEndpoint:
    """An endpoint of AWS for as long as the context lasts; requests go on to `target`."""

    def __init__(self, target: str) -> None:
        """Bind a free loopback port; `target` is the address of AWS here."""
        self._target = urlsplit(target)
        self._lock = Lock()
        self._faults: list[AwsFault] = []
        self._released = Event()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        """The value for a function's AWS_ENDPOINT_URL."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    @property
    def faults(self) -> list[AwsFault]:
        """The faults that are switched on."""
        with self._lock:
            return list(self._faults)

    def inject(self, fault: AwsFault) -> None:
        """Switch a fault on; a second one of its kind takes its place."""
        with self._lock:
            self._faults = [each for each in self._faults if each.kind != fault.kind] + [fault]

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._faults = []

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of what waits, and end every thread."""
        self._released.set()
        self._server.stop()

    def take(self, operation: str) -> AwsFault | None:
        """The fault for a request; one with `times` is used up."""
        with self._lock:
            for place, fault in enumerate(self._faults):
                if operation.startswith(_SERVICES[fault.kind]):
                    if fault.times is not None:
                        left = replace(fault, times=fault.times - 1) if fault.times > 1 else None
                        self._faults[place : place + 1] = [left] if left else []
                    return fault
            return None

    def wait(self, seconds: float) -> None:
        """Hold a request back, until the end at most."""
        self._released.wait(seconds)

    def forward(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """The answer of AWS: status, headers, body. Raises OSError when there is none."""
        connection = http.client.HTTPConnection(
            self._target.hostname or LOOPBACK, self._target.port or 80, timeout=60
        )
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Server(LoopbackServer):
    def __init__(self, endpoint: FaultEndpoint) -> None:
        self.endpoint = endpoint
        super().__init__(_Handler, "the endpoint before AWS")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        endpoint = self.server.endpoint
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = endpoint.take(self.headers.get("X-Amz-Target", ""))
        if fault is not None and fault.kind == "ledger-slow":
            endpoint.wait(fault.seconds)
        elif fault is not None:
            status, kind = _ERRORS[fault.kind]
            text = json.dumps({"__type": kind, "message": "as asked for on the console"}).encode()
            self._reply(status, [("Content-Type", "application/x-amz-json-1.0")], text)
            return
        kept = {name: text for name, text in self.headers.items() if name.lower() != "connection"}
        self._reply(*endpoint.forward(self.command, self.path, kept, body))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815 - named by http.server

    def _reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, text in headers:
            if name.lower() not in _NOT_FORWARDED:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
        """Say nothing: the console shows what a fault did."""
