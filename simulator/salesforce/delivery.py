"""How an answer leaves, faults included: a fault is what is processed, what is answered, and how.

Between a token that was seen and an answer that never comes lies all that a client has to
survive. Every kind of `faults.KINDS` has one line in BEHAVIOURS.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from threading import Event
from typing import Protocol

from simulator.salesforce.faults import Fault
from simulator.salesforce.messages import Answer, failure, json_answer

REDIRECT_PATH = "/telephony/v1/redirected"
_LEAST_PAUSE = 0.01
_CHUNK = b"400\r\n" + b" " * 0x400 + b"\r\n"


class Wire(Protocol):
    """The connection a request came on.

    `released` is set when faults are cleared or the server stops: nothing may wait after that.
    """

    released: Event

    def begin(self, answer: Answer) -> bytes:
        """Note in the journal what is about to be answered; the answer's head."""

    def write(self, data: bytes) -> None:
        """Send bytes at once. Raises ConnectionError when the client has gone."""

    def close(self) -> None:
        """Close after this request, with FIN."""

    def reset(self) -> None:
        """Close after this request, with RST."""


class Processing(Enum):
    """How far a request gets before its fault: nowhere, its token is read, all the way."""

    NOTHING = auto()
    TOKEN = auto()
    ALL = auto()


def _at_once(wire: Wire, answer: Answer, _: Fault) -> None:
    wire.write(wire.begin(answer) + answer.payload())


def _after_a_while(wire: Wire, answer: Answer, fault: Fault) -> None:
    wire.released.wait(fault.seconds)
    _at_once(wire, answer, fault)


def _never(wire: Wire, _: Answer, __: Fault) -> None:
    wire.released.wait()
    wire.close()


def _reset(wire: Wire, _: Answer, __: Fault) -> None:
    wire.reset()


def _trickled_body(wire: Wire, answer: Answer, fault: Fault) -> None:
    wire.write(wire.begin(answer))
    _trickle(wire, answer.payload(), fault.seconds)


def _trickled_headers(wire: Wire, answer: Answer, fault: Fault) -> None:
    if _trickle(wire, wire.begin(answer), fault.seconds):
        wire.write(answer.payload())


def _trickle(wire: Wire, data: bytes, seconds: float) -> bool:
    """Send byte by byte; False, and the connection closed, when released before the end."""
    for place in range(len(data)):
        if wire.released.wait(seconds):
            wire.close()
            return False
        wire.write(data[place : place + 1])
    return True


def _cut_off(wire: Wire, answer: Answer, _: Fault) -> None:
    body = answer.payload()
    wire.write(wire.begin(answer) + body[: len(body) // 2])
    wire.close()


def _endlessly(wire: Wire, answer: Answer, fault: Fault) -> None:
    chunked = replace(answer, headers={**answer.headers, "Transfer-Encoding": "chunked"})
    wire.write(wire.begin(chunked))
    # Without a pause a client that collects the body would run out of memory before its patience.
    while not wire.released.wait(max(fault.seconds, _LEAST_PAUSE)):
        wire.write(_CHUNK)
    wire.close()


def _not_http(wire: Wire, answer: Answer, _: Fault) -> None:
    wire.begin(answer)
    wire.write(b"\x15\x03\x01\x00\x02\x02\x28 this is not HTTP\r\n\r\n")
    wire.close()


def _unchanged(answer: Answer, _: Fault) -> Answer:
    return answer


def _given_status(_: Answer, fault: Fault) -> Answer:
    status = fault.status or 200
    headers = {name.title(): value for name, value in fault.headers.items()}
    if fault.body is None:
        return failure(status, "INJECTED", f"injected answer {status}", headers)
    if isinstance(fault.body, str):
        return Answer(status, fault.body.encode(), headers)
    return json_answer(status, fault.body, headers)


def _html(answer: Answer, _: Fault) -> Answer:
    page = b"<!DOCTYPE html><html><body><h1>We are down for maintenance</h1></body></html>"
    return replace(answer, body=page, headers={"Content-Type": "text/html;charset=UTF-8"})


def _empty(answer: Answer, _: Fault) -> Answer:
    return replace(answer, body=b"")


def _half_the_json(answer: Answer, _: Fault) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def _without_id(answer: Answer, _: Fault) -> Answer:
    value = json.loads(answer.body)
    value.pop("voiceCallId", None)
    return json_answer(answer.status, value)


def _with_errors_string(answer: Answer, _: Fault) -> Answer:
    # The text begins as in the guide ("Create a Voice Call Record"); the rule is invented.
    remark = (
        "We created your voice call but there were some errors: "
        "FIELD_CUSTOM_VALIDATION_EXCEPTION: Region__c is required"
    )
    return json_answer(answer.status, {**json.loads(answer.body), "errors": remark})


def _with_errors_list(answer: Answer, _: Fault) -> Answer:
    remarks = ["Region__c is required", "callAttributes: no field Colour__c"]
    return json_answer(answer.status, {**json.loads(answer.body), "errors": remarks})


def _redirect(_: Answer, __: Fault) -> Answer:
    return Answer(302, headers={"Location": REDIRECT_PATH})


def _wrong_clock(_: Answer, fault: Fault) -> Answer:
    refusal = failure(401, "UNAUTHORIZED", "exp has passed")
    return replace(refusal, clock_shift=fault.seconds)


@dataclass(frozen=True)
class Behaviour:
    """The behaviour of a kind of fault.

    `shape` makes the answer of the one that processing gave. An answer that processing refused
    stays as it is: a fault never makes a 200 of a 400.
    """

    processing: Processing
    shape: Callable[[Answer, Fault], Answer]
    send: Callable[[Wire, Answer, Fault], None]

    def shaped(self, answer: Answer, fault: Fault) -> Answer:
        """The answer to send."""
        return answer if answer.status >= 400 else self.shape(answer, fault)


BEHAVIOURS = {
    "slow": Behaviour(Processing.ALL, _unchanged, _after_a_while),
    "hang": Behaviour(Processing.TOKEN, _unchanged, _never),
    "hang_after_storing": Behaviour(Processing.ALL, _unchanged, _never),
    "reset_before": Behaviour(Processing.NOTHING, _unchanged, _reset),
    "reset_after": Behaviour(Processing.ALL, _unchanged, _reset),
    "status": Behaviour(Processing.TOKEN, _given_status, _at_once),
    "status_after_storing": Behaviour(Processing.ALL, _given_status, _at_once),
    "body_not_json": Behaviour(Processing.ALL, _html, _at_once),
    "empty_body": Behaviour(Processing.ALL, _empty, _at_once),
    "no_voice_call_id": Behaviour(Processing.ALL, _without_id, _at_once),
    "errors_string": Behaviour(Processing.ALL, _with_errors_string, _at_once),
    "errors_list": Behaviour(Processing.ALL, _with_errors_list, _at_once),
    "redirect": Behaviour(Processing.TOKEN, _redirect, _at_once),
    "trickle_body": Behaviour(Processing.ALL, _unchanged, _trickled_body),
    "trickle_headers": Behaviour(Processing.ALL, _unchanged, _trickled_headers),
    "wrong_clock": Behaviour(Processing.TOKEN, _wrong_clock, _at_once),
    "broken_json": Behaviour(Processing.ALL, _half_the_json, _at_once),
    "cut_off_body": Behaviour(Processing.ALL, _unchanged, _cut_off),
    "endless_body": Behaviour(Processing.ALL, _unchanged, _endlessly),
    "not_http": Behaviour(Processing.ALL, _unchanged, _not_http),
    "entry": Behaviour(Processing.ALL, _unchanged, _at_once),
}
