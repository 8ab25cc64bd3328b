"""Lambda's Invoke call for the stand's functions, so that curl and the AWS CLI can deliver events.

    POST /2015-03-31/functions/<logical id>/invocations   the event as body, its answer as answer

Path, statuses and headers: AWS Lambda API reference, "Invoke". Credentials are not looked at.
"""

import json
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self

from local.lambda_process import Invocation
from local.stand import Stand

_PATH: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_SHUTDOWN_POLL_SECONDS: Final = 0.02
_LOOPBACK: Final = "127.0.0.1"


class LambdaApi:
    """Serves Invoke on a free loopback port, as a context manager."""

    def __init__(self, stand: Stand) -> None:
        """Nothing is served before the context is entered."""
        self._stand = stand

    def __enter__(self) -> Self:
        """Serve from now on."""
        self._server = _Server(self._stand)
        self._thread = Thread(
            target=self._server.serve_forever, args=(_SHUTDOWN_POLL_SECONDS,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving; an invocation that is under way loses its caller."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address, as `--endpoint-url` takes it."""
        return f"http://{_LOOPBACK}:{self._server.server_port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        super().__init__((_LOOPBACK, 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        match = _PATH.fullmatch(self.path)
        if match is None or match.group(1) not in self.server.stand.template.functions:
            known = ", ".join(self.server.stand.template.functions)
            self._refuse(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", f"known: {known}")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "InvalidRequestContentException", "no length")
            return
        try:
            event = json.loads(self.rfile.read(int(length)) or b"{}")
            invocation = self.server.stand.invoke(match.group(1), event)
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidRequestContentException", str(error))
            return
        self._answer(invocation)

    def _answer(self, invocation: Invocation) -> None:
        for line in invocation.logs:
            print(line, flush=True)
        if invocation.error is None:
            self._reply(HTTPStatus.OK, invocation.payload, {})
        else:
            self._reply(HTTPStatus.OK, invocation.error, {"X-Amz-Function-Error": "Unhandled"})

    def _refuse(self, status: HTTPStatus, kind: str, message: str) -> None:
        self._reply(status, {"Message": message}, {"X-Amzn-ErrorType": kind})

    def _reply(self, status: HTTPStatus, value: Any, headers: dict[str, str]) -> None:
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
        """Say nothing: the function's own lines are the log."""
