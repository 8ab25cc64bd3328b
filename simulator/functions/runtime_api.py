"""Lambda's Runtime API for one runtime process: hands it one event at a time, takes its answer.

Paths, headers and status codes: AWS Lambda Developer Guide, "Using the Lambda runtime API for
custom runtimes". One server belongs to one process and ends with it, so a killed process can never
answer in the name of its successor.
"""

import json
import re
import sys
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Final

MAX_PAYLOAD_BYTES: Final = 6_291_556
"""Limit of a synchronous invocation's event and answer: 6 MB and 100 bytes (Lambda quotas)."""

_BASE: Final = "/2018-06-01/runtime"
_ANSWER_PATH: Final = re.compile(rf"{_BASE}/invocation/([^/]+)/(response|error)")
_SHUTDOWN_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Event:
    """An invocation for the runtime: the event as JSON, and the headers."""

    request_id: str
    body: bytes
    function_arn: str
    trace_id: str
    timeout: float
    """Seconds from the moment the runtime takes the event."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The runtime's answer to an event. `payload` is its JSON value, `error` Lambda's error."""

    payload: Any
    error: dict[str, Any] | None
    duration: float
    """Seconds from handing over the event to having received the whole answer."""


class RuntimeApi:
    """The Runtime API on a free loopback port, as a context manager.

    One caller at a time offers an event and waits; every wait has a bound. The owner of the process
    reports its end with `runtime_exited`, so that no wait outlives it.
    """

    def __init__(self) -> None:
        """Start serving."""
        self._changed = threading.Condition()
        self._event: Event | None = None
        self._taken_at: float | None = None
        self._answer: Answer | None = None
        self._exited = False
        self._closed = False
        self._snapshot_taken = False
        self._restored = False
        self.ready_at: float | None = None
        """time.perf_counter() when the runtime first asked for an event: the end of its init."""
        self.init_error: dict[str, Any] | None = None
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_SHUTDOWN_POLL_SECONDS,), daemon=True
        )
        self._thread.start()

    def __enter__(self) -> "RuntimeApi":
        """Return the API, which serves already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        self.close()

    @property
    def address(self) -> str:
        """Host and port, as AWS_LAMBDA_RUNTIME_API holds them."""
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving; a runtime that still waits for an event loses its connection."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def runtime_exited(self) -> None:
        """Note that the runtime's process has ended: no answer will come."""
        with self._changed:
            self._exited = True
            self._changed.notify_all()

    def wait_for_snapshot(self, limit: float) -> bool:
        """Wait until all is done that is done before a snapshot; False when it ended otherwise."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._snapshot_taken or self.init_error is not None or self._exited, limit
            )
            return self._snapshot_taken

    def restore(self) -> None:
        """Let a runtime that waits in its snapshot go on."""
        with self._changed:
            self._restored = True
            self._changed.notify_all()

    def wait_for_init(self, limit: float) -> bool:
        """Wait until init has ended in any way; False when it has not within `limit` seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self.ready_at is not None or self.init_error is not None or self._exited,
                limit,
            )

    def offer(self, event: Event) -> bool:
        """Lay `event` out; False when the runtime has not taken it within the event's time-out."""
        with self._changed:
            self._event, self._taken_at, self._answer = event, None, None
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._taken_at is not None or self._exited, event.timeout
            )
            return self._taken_at is not None

    def wait_for_answer(self) -> Answer | None:
        """The answer to the event laid out; None when time or the process ended before it came."""
        with self._changed:
            if self._event is not None and self._taken_at is not None:
                left = self._taken_at + self._event.timeout - time.perf_counter()
                self._changed.wait_for(
                    lambda: self._answer is not None or self._exited, max(left, 0)
                )
            answer, self._event = self._answer, None
            return answer

    def _wait_in_snapshot(self) -> bool:
        """Does as SnapStart does to a runtime; False when it is never restored."""
        with self._changed:
            self._snapshot_taken = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._restored or self._closed)
            return self._restored

    def _next(self) -> Event | None:
        """The next event for the runtime; None when there will be none."""
        with self._changed:
            if self.ready_at is None:
                self.ready_at = time.perf_counter()
                self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._closed or (self._event is not None and self._taken_at is None)
            )
            if self._closed or self._event is None:
                return None
            self._taken_at = time.perf_counter()
            self._changed.notify_all()
            return self._event

    def _accept(self, request_id: str, body: bytes, error_type: str | None) -> HTTPStatus:
        received_at = time.perf_counter()
        with self._changed:
            if self._event is None or self._taken_at is None or self._answer is not None:
                return HTTPStatus.FORBIDDEN
            if request_id != self._event.request_id:
                return HTTPStatus.BAD_REQUEST
            payload, error = None, None
            status = HTTPStatus.ACCEPTED
            if len(body) > MAX_PAYLOAD_BYTES:
                error, status = _too_large(len(body)), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            elif error_type is not None:
                error = _error(body, error_type)
            else:
                payload, error = _payload(body)
            self._answer = Answer(payload, error, received_at - self._taken_at)
            self._changed.notify_all()
            return status

    def _accept_init_error(self, body: bytes, error_type: str) -> HTTPStatus:
        with self._changed:
            self.init_error = _error(body, error_type)
            self._changed.notify_all()
        return HTTPStatus.ACCEPTED


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, except that a killed runtime has lost its connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one piece
    server: _Server
    _deadline_header: ClassVar[str] = "Lambda-Runtime-Deadline-Ms"

    def do_GET(self) -> None:
        if self.path == f"{_BASE}/restore/next":
            self._restore()
        elif self.path == f"{_BASE}/invocation/next":
            self._hand_over()
        else:
            self._reply(HTTPStatus.NOT_FOUND)

    def _restore(self) -> None:
        if self.server.api._wait_in_snapshot():
            self._reply(HTTPStatus.OK)
        else:
            self.close_connection = True

    def _hand_over(self) -> None:
        event = self.server.api._next()
        if event is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            self._deadline_header: str(int((time.time() + event.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
            "Lambda-Runtime-Trace-Id": event.trace_id,
        }
        self._reply(HTTPStatus.OK, event.body, headers)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self.close_connection = True
            self._reply(HTTPStatus.LENGTH_REQUIRED)
            return
        body = self.rfile.read(int(length))
        error_type = self.headers.get("Lambda-Runtime-Function-Error-Type", "Unhandled")
        if self.path in (f"{_BASE}/init/error", f"{_BASE}/restore/error"):
            self._reply(self.server.api._accept_init_error(body, error_type))
        elif match := _ANSWER_PATH.fullmatch(self.path):
            request_id, kind = match.groups()
            failed = error_type if kind == "error" else None
            self._reply(self.server.api._accept(request_id, body, failed))
        else:
            self._reply(HTTPStatus.NOT_FOUND)

    def _reply(
        self, status: HTTPStatus, body: bytes = b"{}", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
        """Say nothing: the function's own lines are the log."""


def _payload(body: bytes) -> tuple[Any, dict[str, Any] | None]:
    try:
        return json.loads(body) if body else None, None
    except ValueError as error:
        return None, {"errorType": "Runtime.InvalidResponse", "errorMessage": str(error)}


def _error(body: bytes, error_type: str) -> dict[str, Any]:
    """The runtime's error as Lambda hands it to the caller, whatever the body is."""
    try:
        error = json.loads(body)
    except ValueError:
        error = None
    if isinstance(error, dict):
        return {"errorType": error_type, "errorMessage": "", **error}
    return {"errorType": error_type, "errorMessage": body.decode("utf-8", "replace")}


def _too_large(size: int) -> dict[str, Any]:
    return {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size ({size} bytes) exceeded maximum allowed payload "
        f"size ({MAX_PAYLOAD_BYTES} bytes).",
    }
