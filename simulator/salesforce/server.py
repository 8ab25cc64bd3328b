"""The transport: HTTP/1.1 with kept connections on loopback, one thread a connection.

A stop lets go of what hangs, closes every connection, and waits for every thread.

A request that cannot be read to its end (no usable length, too long, a client that left) reaches
neither the API nor the journal. Bodies come with a Content-Length; chunked ones are refused (411).
"""

import logging
import re
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any

from simulator.loopback import LoopbackServer
from simulator.salesforce.admin import ADMIN_SEGMENT, AdminApi
from simulator.salesforce.checks import readable_claims
from simulator.salesforce.delivery import BEHAVIOURS, Processing
from simulator.salesforce.faults import Fault, FaultQueue
from simulator.salesforce.messages import Answer, RefusalError, Request
from simulator.salesforce.orgs import Orgs
from simulator.salesforce.store import Exchange, Store

MAX_BODY_BYTES = 1024 * 1024
_NO_LINGER = struct.pack("ii", 1, 0)

_KEPT_BYTES = 20_000
"""Of an answer, for people who look at the journal."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """The receiver of the transport's requests."""

    api: Orgs
    admin: AdminApi
    store: Store
    faults: FaultQueue
    clock: Callable[[], float]


class SalesforceServer(LoopbackServer):
    """Listens on a free loopback port from the moment it is made."""

    def __init__(self, parts: Parts, port: int = 0) -> None:
        super().__init__(_Handler, "the Salesforce simulator", port)
        self.parts = parts

    def stop(self) -> None:
        """Let go of what hangs, then end with all connections.

        Raises:
            RuntimeError: a thread did not end.
        """
        self.parts.faults.close()
        super().stop()

    def close_connection(self, request: Any) -> None:
        """One that is to be reset is closed without the FIN that would come first."""
        if _is_to_be_reset(request):
            self.close_request(request)
        else:
            super().close_connection(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base's
        """Clients that leave are expected; anything else is a bug of the simulator and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            _log.exception("the Salesforce simulator failed on a request")


def _is_to_be_reset(connection: socket.socket) -> bool:
    option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(_NO_LINGER))
    return option == _NO_LINGER


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SalesforceServer

    def _serve(self) -> None:
        try:
            request = self._read()
        except RefusalError as refusal:
            # Bytes that are left unread would be taken for the next request.
            self.close_connection = True
            answer = refusal.answer
        else:
            if not request.target.startswith(f"/{ADMIN_SEGMENT}/"):
                self._serve_telephony(request)
                return
            answer = self.server.parts.admin.handle(request)
        self.wfile.write(answer.head(self.server.parts.clock()) + answer.payload())

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _read(self) -> Request:
        headers = {name.title(): value for name, value in self.headers.items()}
        if "Transfer-Encoding" in headers:
            raise RefusalError(411, "LENGTH_REQUIRED", "send the body with a Content-Length")
        length = headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,10}", length):
            raise RefusalError(400, "INVALID_HEADER", "Content-Length must be a number of bytes")
        if int(length) > MAX_BODY_BYTES:
            raise RefusalError(413, "TOO_LARGE", f"the body may have {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionAbortedError("the client left within the body")
        return Request(self.command, self.path, headers, body)

    def _serve_telephony(self, request: Request) -> None:
        parts = self.server.parts
        key = parts.api.vendor_call_key(request)
        fault, released = parts.faults.take(request.method, request.target, key)
        number = parts.store.open_exchange(_received(request, fault, parts.clock()))
        wire = _Wire(self, number, released)
        if fault is None:
            refused = parts.faults.take_entries(parts.api.bulk_keys(request))
            answer = parts.api.handle(request, refused)
            wire.write(wire.begin(answer) + answer.payload())
            return
        behaviour = BEHAVIOURS[fault.kind]
        answer = Answer(200)
        if behaviour.processing is Processing.ALL:
            answer = parts.api.handle(request)
        elif behaviour.processing is Processing.TOKEN:
            parts.api.spend_token(request)
        behaviour.send(wire, behaviour.shaped(answer, fault), fault)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Writes nothing: the journal has every request."""


class _Wire:
    """The connection of one request (see `delivery.Wire`)."""

    def __init__(self, handler: _Handler, number: int, released: Event) -> None:
        self.released = released
        self._handler = handler
        self._number = number

    def begin(self, answer: Answer) -> bytes:
        parts = self._handler.server.parts
        kept = answer.payload()[:_KEPT_BYTES].decode("utf-8", errors="replace")
        parts.store.set_status(self._number, answer.status, kept)
        return answer.head(parts.clock())

    def write(self, data: bytes) -> None:
        self._handler.wfile.write(data)

    def close(self) -> None:
        self._handler.close_connection = True

    def reset(self) -> None:
        self.close()
        # Closing with no time to linger sends RST (POSIX, SO_LINGER).
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def _received(request: Request, fault: Fault | None, at: float) -> Exchange:
    headers: dict[str, Any] = dict(request.headers)
    if "Authorization" in headers:
        headers["Authorization"] = readable_claims(headers["Authorization"])
    return Exchange(
        method=request.method,
        path=request.target,
        headers=headers,
        body=request.readable_body(),
        status=None,
        fault=fault.kind if fault else "",
        at=at,
    )
