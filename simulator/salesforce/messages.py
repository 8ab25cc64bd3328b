"""HTTP messages as the simulator handles them: a request that was read, an answer to be sent.

Salesforce documents no shape for the body of a failure. The simulator's is invented, and no more
than one plausible form: `{"errorCode": "REQUIRED_FIELD_MISSING", "message": "..."}`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote

_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


@dataclass(frozen=True)
class Answer:
    """An answer: status, body, headers in Title-Case, which win over those made for every answer.

    `clock_shift` moves the Date header, in seconds.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    clock_shift: float = 0.0

    def head(self, now: float) -> bytes:
        """Status line and headers, the empty line after them included. `now` in epoch seconds."""
        headers = {
            "Date": formatdate(now + self.clock_shift, usegmt=True),
            "Content-Type": "application/json;charset=UTF-8",
        }
        if self.status not in _WITHOUT_BODY and "Transfer-Encoding" not in self.headers:
            headers["Content-Length"] = str(len(self.body))
        headers.update(self.headers)
        lines = [f"HTTP/1.1 {self.status} {_reason_phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def payload(self) -> bytes:
        """The body, or nothing where the status allows none."""
        return b"" if self.status in _WITHOUT_BODY else self.body


def _reason_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def json_answer(status: int, value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with the value as JSON in its body."""
    return Answer(status, json.dumps(value).encode("ascii"), headers or {})


def failure(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer in the invented shape of a failure."""
    return json_answer(status, {"errorCode": code, "message": message}, headers)


class RefusalError(Exception):
    """The request is refused; `answer` says so to the client."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.answer = failure(status, code, message, headers)


@dataclass(frozen=True)
class Request:
    """A request as read: the target raw, header names in Title-Case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def segments(self) -> tuple[str, ...]:
        """The path's segments, each percent-decoded once, so that `%2F` stays inside its segment.

        Raises:
            RefusalError: 400, a segment is not UTF-8.
        """
        path = self.target.partition("?")[0]
        try:
            return tuple(unquote(part, errors="strict") for part in path.split("/")[1:])
        except UnicodeDecodeError as error:
            raise RefusalError(400, "INVALID_PATH", "the path is not UTF-8") from error

    def query(self) -> dict[str, str]:
        """The members of the query string.

        Raises:
            RefusalError: 400, it is none.
        """
        text = self.target.partition("?")[2]
        try:
            return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)))
        except ValueError as error:
            raise RefusalError(400, "INVALID_QUERY", "the query string cannot be read") from error

    def json_object(self) -> dict[str, Any]:
        """The body, a JSON object.

        Raises:
            RefusalError: 415, the Content-Type is not JSON; 400, the body is not a JSON object.
        """
        media_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise RefusalError(
                415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json"
            )
        try:
            value = parse_json(self.body)
        except ValueError as error:
            raise RefusalError(400, "JSON_PARSER_ERROR", "the body is not JSON") from error
        if not isinstance(value, dict):
            raise RefusalError(400, "JSON_PARSER_ERROR", "the body must be a JSON object")
        return value

    def readable_body(self) -> Any:
        """The body for people and tests: its JSON value, else its text; None when it is empty."""
        if not self.body:
            return None
        try:
            return parse_json(self.body)
        except ValueError:
            return self.body.decode("utf-8", errors="replace")


def parse_json(text: bytes | str) -> Any:
    """The value of a JSON text (RFC 8259).

    Raises:
        ValueError: it is not JSON, not UTF-8, names NaN or Infinity, or is nested too deeply.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(decoded, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
