"""Lambda's Invoke call for the simulator's functions: curl and the AWS CLI can deliver events.

    POST /2015-03-31/functions/<logical id>/invocations   the event as body, its answer as answer
    POST /events                                          a contact event for the event bus
    POST /records                                         a contact record for its stream
    POST /contacts                                        a contact for DescribeContact to know

Path, statuses and headers of the first: AWS Lambda API reference, "Invoke". Credentials are not
looked at. The others are the simulator's own; relative times ("{now-5s}") are taken as in samples.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from simulator.functions.lambda_process import Invocation
from simulator.loopback import port_taken
from simulator.samples.expectations import contacts_of
from simulator.samples.moments import at_delivery, with_times
from simulator.simulator import Simulator

_PATH: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_SHUTDOWN_POLL_SECONDS: Final = 0.02
_LOOPBACK: Final = "127.0.0.1"


class LambdaApi:
    """Serves Invoke on a free loopback port, as a context manager."""

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        """Nothing is served before the context is entered; `port` 0: any free one."""
        self._simulator = simulator
        self._port = port

    def __enter__(self) -> Self:
        """Serve from now on."""
        self._server = _Server(self._simulator, self._port)
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

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator = simulator
        try:
            super().__init__((_LOOPBACK, port), _Handler)
        except OSError as error:
            raise port_taken(error, port, "Lambda") from None


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "InvalidRequestContentException", "no length")
            return
        body = self.rfile.read(int(length)) or b"{}"
        try:
            value = at_delivery(json.loads(body), datetime.now(UTC))
            if self.path in self._own:
                self._reply(HTTPStatus.OK, self._own[self.path](self, value), {})
            else:
                self._invoke(value)
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidRequestContentException", str(error))

    def _invoke(self, event: Any) -> None:
        match = _PATH.fullmatch(self.path)
        if match is None or match.group(1) not in self.server.simulator.template.functions:
            known = ", ".join(self.server.simulator.template.functions)
            self._refuse(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", f"known: {known}")
            return
        self._answer(self.server.simulator.invoke(match.group(1), event))

    def _put_event(self, event: Any) -> Any:
        if not isinstance(event, dict):
            raise ValueError("an event is an object")
        deliveries = self.server.simulator.sources.publish(event)
        return [asdict(delivery) for delivery in deliveries] or "no rule takes it"

    def _put_record(self, record: Any) -> Any:
        if not isinstance(record, dict):
            raise ValueError("a contact record is an object")
        key = str(record.get("ContactId") or "-")
        return self.server.simulator.sources.put("contact_records", key, json.dumps(record))

    def _add_contact(self, contact: Any) -> Any:
        for known in contacts_of([contact], "contact"):
            self.server.simulator.connect.add_contact(
                known.instance_id, known.contact_id, **with_times(dict(known.members))
            )
        return "known"

    _own: ClassVar[Mapping[str, Callable[["_Handler", Any], Any]]] = {
        "/events": _put_event,
        "/records": _put_record,
        "/contacts": _add_contact,
    }

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
