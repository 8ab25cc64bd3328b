"""A proxy that holds one request: before it reaches the server, or its answer on the way back."""

from __future__ import annotations

from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Self
from urllib.parse import urlsplit


class HoldingProxy:
    """In front of a server on loopback, as a context manager.

    Attributes:
        held: set as soon as the request is held.
        seen: how many requests have come.
    """

    def __init__(self, server: str, number: int, *, answer: bool) -> None:
        """Holds the request of that number, from 1; 0: none. `answer`: the server has had it."""
        self.held = Event()
        self.seen = 0
        self._target = urlsplit(server).netloc
        self._number, self._answer = number, answer
        self._let_go = Event()
        self._lock = Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                proxy.pass_on(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Write no access log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def let_go(self) -> None:
        """Drop the held request: its connection closes, since its sender is gone."""
        self._let_go.set()

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        """Pass on one request, and its answer back."""
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        with self._lock:
            self.seen += 1
            hold = self.seen == self._number
        if hold and not self._answer:
            self._hold(request)
            return
        server = HTTPConnection(self._target, timeout=10)
        try:
            server.request("POST", request.path, body, dict(request.headers))
            answer = server.getresponse()
            content = answer.read()
        finally:
            server.close()
        if hold:
            self._hold(request)
            return
        request.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "date", "server"):
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _hold(self, request: BaseHTTPRequestHandler) -> None:
        self.held.set()
        self._let_go.wait()
        request.close_connection = True
