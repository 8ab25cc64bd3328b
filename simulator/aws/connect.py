"""Amazon Connect in the simulator: DescribeContact over HTTP, on loopback.

Amazon Connect API Reference, DescribeContact: `GET /contacts/{InstanceId}/{ContactId}`; errors in
the shape of the REST-JSON protocol (status, header x-amzn-errortype, member Message). Throttled as
by default: 10 requests a second, burst 15, for all callers together (Amazon Connect Administrator
Guide, "Amazon Connect service quotas"). A request must carry a Signature Version 4; the signature
itself is not checked, since there is no secret to check it with.
"""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from threading import Event, Lock
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

import botocore.session
from botocore.validate import ParamValidator

from simulator.aws.connect_faults import ConnectFault
from simulator.loopback import LOOPBACK, LoopbackServer

__all__ = ["ConnectSimulator", "DescribeContactRequest"]

_Answer = tuple[int, str, dict[str, Any]]

_REQUESTS_PER_SECOND: Final = 10.0
_BURST: Final = 15.0
_PATH: Final = re.compile(r"/contacts/([^/]+)/([^/]+)")
_SIGNATURE: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/[^/]+/connect/aws4_request, ?"
    r"SignedHeaders=[^,]*host[^,]*, ?Signature=[0-9a-f]{64}"
)


@dataclass(frozen=True, slots=True)
class DescribeContactRequest:
    """One request: when it came (the clock's seconds), for what, and how it was answered.

    status is 0 for one that was left hanging; error is "" for an answered contact.
    """

    at: float
    instance_id: str
    contact_id: str
    status: int
    error: str


class ConnectSimulator:
    """Amazon Connect for as long as the context lasts; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, port: int = 0) -> None:
        """Bind the port, 0 for any free one; requests are answered once the context is entered."""
        self._clock = clock
        self._lock = Lock()
        self._contacts: dict[tuple[str, str], dict[str, Any]] = {}
        self._journal: list[DescribeContactRequest] = []
        self._faults: deque[ConnectFault] = deque()
        self._bucket = _TokenBucket(clock())
        self._released = Event()
        self._shape = (
            botocore.session.get_session().get_service_model("connect").shape_for("Contact")
        )
        self._server = _Server(self, port)

    @property
    def url(self) -> str:
        """The value for AWS_ENDPOINT_URL_CONNECT."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    @property
    def journal(self) -> tuple[DescribeContactRequest, ...]:
        """All requests so far, in the order of their arrival."""
        with self._lock:
            return tuple(self._journal)

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
        """Let go of what hangs, and end every thread."""
        self._released.set()
        self._server.stop()

    def add_contact(self, instance_id: str, contact_id: str, **members: Any) -> None:
        """Know a contact, with `members` of the API's Contact; Id and Arn are filled in.

        Adding it again replaces it. Raises ValueError for members that the API does not have, or
        of another type.
        """
        contact = {"Id": contact_id, **members}
        report = ParamValidator().validate(contact, self._shape)
        unknown = sorted(set(contact) - set(self._shape.members))
        if unknown or report.has_errors():
            raise ValueError(f"not a Contact: {', '.join(unknown) or report.generate_report()}")
        with self._lock:
            self._contacts[instance_id, contact_id] = contact

    def fail_next(self, fault: ConnectFault, times: int = 1) -> None:
        """Leave the next signed requests hanging until the end, answer 500, or throttle them.

        Throttled: as if other callers had used up what the account may ask.
        """
        with self._lock:
            self._faults.extend([fault] * times)

    def waiting_faults(self) -> list[dict[str, Any]]:
        """The faults that wait, with how often each will still hit."""
        with self._lock:
            kinds = dict.fromkeys(self._faults)
            return [{"kind": kind, "left": self._faults.count(kind)} for kind in kinds]

    def clear_faults(self) -> None:
        """Removes all faults that have not happened yet."""
        with self._lock:
            self._faults.clear()

    def answer(self, target: str, authorization: str) -> _Answer | None:
        """Status, error type ("" for none) and body for a GET; None to leave it hanging."""
        match = _PATH.fullmatch(urlsplit(target).path)
        instance_id, contact_id = map(unquote, match.groups()) if match else ("", "")
        with self._lock:
            answer = self._answer(instance_id, contact_id, authorization)
            status, error = (0, "hang") if answer is None else answer[:2]
            self._journal.append(
                DescribeContactRequest(self._clock(), instance_id, contact_id, status, error)
            )
        return answer

    def wait_for_release(self) -> None:
        """Hold a request until the simulator ends."""
        self._released.wait()

    def _answer(self, instance_id: str, contact_id: str, authorization: str) -> _Answer | None:
        if not instance_id:
            return _error(404, "UnknownOperationException", "only DescribeContact is served here")
        if not _SIGNATURE.fullmatch(authorization):
            return _error(403, "MissingAuthenticationTokenException", "the request is not signed")
        if not self._bucket.take(self._clock()):
            return _error(429, "ThrottlingException", "Too Many Requests")
        if self._faults:
            return _FAULTS[self._faults.popleft()]
        return self._describe(instance_id, contact_id)

    def _describe(self, instance_id: str, contact_id: str) -> _Answer:
        if re.search(r"[:/]", instance_id) or len(instance_id) > 100 or len(contact_id) > 256:
            message = "InstanceId is the bare id of an instance, not its ARN"
            return _error(400, "InvalidRequestException", message)
        contact = self._contacts.get((instance_id, contact_id))
        if contact is None:
            return _error(404, "ResourceNotFoundException", "the contact is not known")
        return 200, "", {"Contact": contact}


class _TokenBucket:
    def __init__(self, now: float) -> None:
        self._tokens = _BURST
        self._filled = now

    def take(self, now: float) -> bool:
        self._tokens = min(_BURST, self._tokens + (now - self._filled) * _REQUESTS_PER_SECOND)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _error(status: int, kind: str, message: str) -> _Answer:
    return status, kind, {"Message": message}


_FAULTS: Final[Mapping[ConnectFault, _Answer | None]] = {
    "hang": None,
    "500": _error(500, "InternalServiceException", "an internal error, as asked for"),
    "throttle": _error(429, "ThrottlingException", "Too Many Requests"),
}


class _Server(LoopbackServer):
    def __init__(self, salesforce: ConnectSimulator, port: int) -> None:
        super().__init__(_Handler, "the Connect simulator", port)
        self.salesforce = salesforce


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        salesforce = self.server.salesforce
        answer = salesforce.answer(self.path, self.headers.get("Authorization", ""))
        if answer is None:
            salesforce.wait_for_release()
            self.close_connection = True
            return
        status, error, content = answer
        body = json.dumps(content, default=_epoch_seconds).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if error:
            self.send_header("x-amzn-errortype", error)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Writes nothing: the journal has every request."""


def _epoch_seconds(value: object) -> float:
    """REST-JSON writes timestamps as epoch seconds. Raises TypeError for anything else."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} cannot be written as JSON")
