"""Faults that a test, the replay or a person with curl sets for the requests to come.

A fault waits in a queue; a request takes the first that matches it, and a fault with `times` is
used up by as many requests. `delivery` says what each kind does.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from threading import Event, Lock
from typing import Any

KINDS: Mapping[str, str] = {
    "slow": "process, answer after `seconds`",
    "hang": "store nothing, never answer",
    "hang_after_storing": "process, never answer",
    "reset_before": "close with RST, nothing processed",
    "reset_after": "process, close with RST instead of an answer",
    "status": "store nothing, answer `status`, `headers`, `body`",
    "status_after_storing": "process, answer `status`, `headers`, `body`",
    "body_not_json": "process, answer 200 with an HTML page",
    "empty_body": "process, answer 200 without a body",
    "no_voice_call_id": "process, answer 200 without voiceCallId",
    "errors_string": "process, `errors` is one string",
    "errors_list": "process, `errors` is a list of strings",
    "redirect": "store nothing, answer 302 to another path of this server",
    "trickle_body": "process, send one byte of the body every `seconds`",
    "trickle_headers": "process, send one byte of the head every `seconds`",
    "wrong_clock": "store nothing, answer 401 with a Date that is `seconds` off",
    "broken_json": "process, answer 200 with half of the JSON",
    "cut_off_body": "process, send half of the body that Content-Length announces, then close",
    "endless_body": "process, answer 200 and keep sending, 1 KiB every `seconds` (at least 0.01)",
    "not_http": "process, answer with something that is not HTTP, then close",
    "entry": "lines in bulk: take all but this call's; its entry has `status` and `body`",
}
ENTRY = "entry"
"""The kind that hits a call of a request, and not the request."""
_NEED_STATUS = frozenset({"status", "status_after_storing", ENTRY})
_NEED_SECONDS = frozenset({"slow", "trickle_body", "trickle_headers", "wrong_clock"})
_MAX_SECONDS = 366 * 24 * 3600


@dataclass(frozen=True)
class Fault:
    """A fault and the requests it is for.

    Args:
        kind: one of KINDS.
        times: how many requests it hits; None for every one.
        method: the HTTP method it is for; None, or "*", for any.
        path_contains: a text that the path as received must contain.
        vendor_call_key: the call it is for, by its vendor call key; None for any.
        status: the status to answer, for the kinds that answer one.
        headers: headers to add to the answer (or to replace), for the same kinds.
        body: their body: text as it is, any other value as JSON, None for the simulator's own.
        seconds: the kind's delay; for wrong_clock the shift of the Date header, which may be
            negative.

    Raises:
        ValueError: the kind is unknown, or an argument is missing or does not fit, by name.
    """

    kind: str
    times: int | None = 1
    method: str | None = "POST"
    path_contains: str = ""
    vendor_call_key: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        _require(
            isinstance(self.kind, str) and self.kind in KINDS,
            f"kind is {self.kind!r}; take one of {list(KINDS)}",
        )
        _require(self.times is None or _is_whole(self.times, 1), "times: 1 or more, or null")
        _require(_is_text_or_none(self.method) and self.method != "", "method: a text, or null")
        _require(isinstance(self.path_contains, str), "path_contains: a text")
        _require(_is_text_or_none(self.vendor_call_key), "vendor_call_key: a text, or null")
        _require(self.status is None or _is_whole(self.status, 200, 599), "status: 200 to 599")
        _require(self.status is not None or self.kind not in _NEED_STATUS, "status: required")
        _require(_are_headers(self.headers), "headers: single lines of Latin-1 text by name")
        _require(_is_duration(self.seconds), "seconds: a number, a year at the most")
        _require(self.seconds >= 0 or self.kind == "wrong_clock", "seconds: not negative")
        _require(self.seconds != 0 or self.kind not in _NEED_SECONDS, "seconds: required")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Fault":
        """A fault from a JSON object with the arguments as its keys.

        Raises:
            ValueError: a key is unknown or missing, or a value does not fit.
        """
        unknown = sorted(value.keys() - {known.name for known in fields(cls)})
        _require(not unknown, f"unknown: {', '.join(unknown)}")
        _require("kind" in value, "kind: required")
        return cls(**value)

    def matches(self, method: str, path: str, vendor_call_key: str | None) -> bool:
        """Whether a request is one the fault is for."""
        return (
            (self.method or "*").upper() in ("*", method)
            and self.path_contains in path
            and self.vendor_call_key in (None, vendor_call_key)
        )


@dataclass
class _Waiting:
    fault: Fault
    left: int | None


class FaultQueue:
    """The faults that wait, in the order of their injection."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[_Waiting] = []
        self._released = Event()
        self._closed = False

    def inject(self, fault: Fault) -> None:
        """Put a fault behind those that wait."""
        with self._lock:
            self._waiting.append(_Waiting(fault, fault.times))

    def take(
        self, method: str, path: str, vendor_call_key: str | None
    ) -> tuple[Fault | None, Event]:
        """The first fault that matches, used once more, and the event that ends its waiting."""
        with self._lock:
            for entry in self._waiting:
                if entry.fault.kind == ENTRY:
                    continue
                if entry.fault.matches(method, path, vendor_call_key):
                    self._use(entry)
                    return entry.fault, self._released
            return None, self._released

    def take_entries(self, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
        """Status and message of each of these calls that an `entry` fault hits, used once more."""
        hit: dict[str, tuple[int, str]] = {}
        with self._lock:
            for key in keys:
                for entry in list(self._waiting):
                    fault = entry.fault
                    if fault.kind == ENTRY and fault.vendor_call_key in (None, key):
                        self._use(entry)
                        hit[key] = (fault.status or 400, str(fault.body or ""))
                        break
        return hit

    def _use(self, entry: _Waiting) -> None:
        if entry.left is None:
            return
        entry.left -= 1
        if entry.left == 0:
            # By identity: two injections of the same fault are two faults.
            self._waiting = [other for other in self._waiting if other is not entry]

    def clear(self) -> None:
        """Forget the faults and let go of every request that hangs in one."""
        with self._lock:
            self._waiting = []
            self._released.set()
            if not self._closed:
                self._released = Event()

    def close(self) -> None:
        """Clears all faults for good, and lets hanging requests end."""
        with self._lock:
            self._closed = True
        self.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """The faults that wait, as JSON objects; `left` is how often each will still hit."""
        with self._lock:
            return [{**asdict(entry.fault), "left": entry.left} for entry in self._waiting]


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(f"fault: {message}")


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_whole(value: object, least: int, most: int | None = None) -> bool:
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return value >= least and (most is None or value <= most)


def _is_duration(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) <= _MAX_SECONDS


def _are_headers(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    texts = [*value.keys(), *value.values()]
    return all(isinstance(text, str) and _is_single_line(text) for text in texts)


def _is_single_line(text: str) -> bool:
    return not any(character in "\r\n" or ord(character) > 0xFF for character in text)
