"""One HTTP answer becomes a result or an error."""

import gzip
import http.client
import io
import json
import time
from email.utils import formatdate

import pytest
import urllib3

from tests.unit.doubles import Clock, http_answer
from voicecall_bridge.telephony.answers import BODY_LIMIT, Answer, read_answer
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unauthorized,
    Unavailable,
)


def read(status: int, body: bytes | str = b"", headers: dict[str, str] | None = None) -> Answer:
    return read_answer(http_answer(status, body, headers), Clock().deadline(5.0))


def refused(status: int, body: str = "", headers: dict[str, str] | None = None) -> TelephonyError:
    with pytest.raises(TelephonyError) as caught:
        read(status, body, headers)
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202, 207, 299])
def test_success(status: int) -> None:
    answer = read(status, '{"voiceCallId": "x"}', {"X-Request-Id": "r1"})
    assert answer == Answer(status, "r1", {"voiceCallId": "x"})


def test_the_members_never_show() -> None:
    assert "voiceCallId" not in repr(read(200, '{"voiceCallId": "x"}'))


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'"text"',
        b"<html></html>",
        b"{cut",
        b"\xff\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"9" * 6000,
    ],
    ids=lambda body: repr(body[:12]),
)
@pytest.mark.parametrize("status", [200, 201])
def test_a_success_that_cannot_be_read_is_unknown(status: int, body: bytes) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        read(status, body)
    error = caught.value
    assert (error.status, error.code, error.effect) == (status, "OUTCOME_UNKNOWN", Effect.UNKNOWN)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_may_say_nothing(status: int) -> None:
    """Given a method with an undocumented answer. Only a create looks for its id itself."""
    assert (read(status).members, read(status).empty) == ({}, True)


def test_an_empty_object_is_more_than_nothing() -> None:
    answer = read(200, "{}")
    assert (answer.members, answer.empty) == ({}, False)


@pytest.mark.parametrize(
    ("status", "kind", "effect"),
    [
        (301, Rejected, Effect.NONE),
        (302, Rejected, Effect.NONE),
        (400, Rejected, Effect.NONE),
        (401, Unauthorized, Effect.NONE),
        (403, Unauthorized, Effect.NONE),
        (404, Rejected, Effect.NONE),
        (409, Rejected, Effect.NONE),
        (418, Rejected, Effect.NONE),
        (429, LimitExceeded, Effect.NONE),
        (500, Unavailable, Effect.UNKNOWN),
        (502, Unavailable, Effect.UNKNOWN),
        (503, Unavailable, Effect.NONE),
        (504, Unavailable, Effect.UNKNOWN),
        (501, Unavailable, Effect.NONE),
        (599, Unavailable, Effect.UNKNOWN),
    ],
)
def test_each_status_class(status: int, kind: type[TelephonyError], effect: Effect) -> None:
    error = refused(status, '{"message": "why"}', {"X-SFDC-Request-Id": "r2"})
    assert type(error) is kind
    assert error.effect is effect
    assert (error.status, error.code, error.remark) == (status, str(status), "why")
    assert error.request_id == "r2"
    assert "why" not in str(error), "Salesforce's own words stand apart"


@pytest.mark.parametrize(
    "body",
    [
        '{"errorCode": "SCV_LIMITS_ERROR", "message": "why"}',
        '[{"message": "why: SCV_LIMITS_ERROR"}]',
        "why SCV_LIMITS_ERROR",
    ],
)
def test_a_limit_may_come_as_400(body: str) -> None:
    """Source: reports from people who run such integrations: a limit comes as 429, and as 400."""
    error = refused(400, body, {"Retry-After": "2"})
    assert type(error) is LimitExceeded
    assert (error.status, error.code, error.effect) == (400, "429", Effect.NONE)
    assert (error.retryable, error.retry_after) == (True, 2.0)
    assert "why" in error.remark


@pytest.mark.parametrize("status", [404, 409])
def test_the_word_for_a_limit_changes_no_other_status(status: int) -> None:
    assert type(refused(status, "SCV_LIMITS_ERROR")) is Rejected


def test_the_reason_of_an_answer_that_is_no_success() -> None:
    """Given a 200 without an id, then the flow gets Salesforce's own reason."""
    answer = read(200, '{"errors": ["to is required", "no parent"]}')
    error = answer.unreadable("no voiceCallId in the answer")
    assert error.remark == "to is required; no parent"
    assert "required" not in str(error)


@pytest.mark.parametrize("key", ["message", "errors", "error", "errorCode", "code"])
def test_a_reason_by_any_name(key: str) -> None:
    assert refused(503, json.dumps({key: "why"})).remark == "why"


def test_a_large_answer_is_read_whole() -> None:
    body = {"errors": ["x" * 1000] * 1000, "voiceCallId": "0LQ"}
    assert len(json.dumps(body)) > 1_000_000
    assert read(200, json.dumps(body)).members == body


@pytest.mark.parametrize(
    "end", ["", ",", ', "errors": ["x', ', "errors": [', ', "errors": 12', "}" + " " * 99]
)
@pytest.mark.parametrize("id_first", [True, False])
def test_an_answer_without_end_is_read_as_far_as_it_is_needed(end: str, id_first: bool) -> None:
    """Given an answer that is longer than the limit, then complete members are taken, and no member
    that was cut off."""
    rest = '"a": {"b": [1, "}"]}, "pad": "' + "x" * 1000 + '"'
    known = '"voiceCallId": "0LQ"'
    text = "{" + (f"{known}, {rest}" if id_first else f"{rest}, {known}") + f', "z": 1{end}'
    source = io.BytesIO(text.encode() + b" " * 9 * BODY_LIMIT)
    members = read_answer(http_answer(200, source=source), Clock().deadline(5.0)).members
    assert members["voiceCallId"] == "0LQ"
    assert members["a"] == {"b": [1, "}"]}
    assert not {"errors"} & members.keys()


def test_a_number_that_may_go_on_is_not_taken() -> None:
    source = io.BytesIO(b'{"a": 1, "b": 12' + b"3" * 2 * BODY_LIMIT)
    assert read_answer(http_answer(200, source=source), Clock().deadline(5.0)).members == {"a": 1}


def test_a_404_names_both_that_it_may_mean() -> None:
    """Given a flow that routes a call without a VoiceCall, then the error names both possible
    causes, not only the address."""
    assert "no such VoiceCall, or SCRT_ENDPOINT_BASE" in str(refused(404))


@pytest.mark.parametrize(("status", "named"), [(302, True), (404, True), (400, False)])
def test_a_wrong_address_is_named_as_a_likely_cause(status: int, named: bool) -> None:
    assert ("SCRT_ENDPOINT_BASE" in str(refused(status))) is named


def test_a_request_id_is_cut() -> None:
    assert refused(400, headers={"X-Request-Id": "r" * 500}).request_id == "r" * 100
    assert refused(400).request_id == ""


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("3", 3.0), (" 12 ", 12.0), ("9" * 40, 999999999.0)],
)
def test_retry_after_as_a_number(status: int, value: str, seconds: float) -> None:
    assert refused(status, headers={"Retry-After": value}).retry_after == seconds


def test_retry_after_as_a_date() -> None:
    later = refused(429, headers={"Retry-After": formatdate(time.time() + 100, usegmt=True)})
    assert later.retry_after is not None
    assert 90 < later.retry_after <= 100
    past = refused(429, headers={"Retry-After": formatdate(time.time() - 100, usegmt=True)})
    assert past.retry_after == 0.0


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "1.5", "1e3", "Thu, 99 Foo 2026 99:99:99 GMT", "²", "0 0 0 0 0 0"],
)
def test_retry_after_that_says_nothing(value: str) -> None:
    assert refused(429, headers={"Retry-After": value}).retry_after is None


def test_no_retry_after() -> None:
    assert refused(429).retry_after is None


@pytest.mark.parametrize(("seconds", "sign"), [(600, "-"), (-600, "+")])
def test_a_clock_that_is_wrong_is_named(seconds: float, sign: str) -> None:
    """Given Salesforce's clock runs `seconds` ahead, then the error says how far this clock is
    off."""
    headers = {"Date": formatdate(time.time() + seconds, usegmt=True)}
    assert f"this clock is {sign}" in str(refused(401, headers=headers))


@pytest.mark.parametrize("date", [None, "garbage"])
def test_a_clock_that_is_not_known_is_not_named(date: str | None) -> None:
    assert "clock" not in str(refused(401, headers={"Date": date} if date else {}))


def test_a_clock_that_is_right_is_not_named() -> None:
    headers = {"Date": formatdate(time.time(), usegmt=True)}
    assert "clock" not in str(refused(401, headers=headers))


class Dripping(io.RawIOBase):
    """Sends one byte a second, for ever."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sent = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self.clock.sleep(1.0)
        self.sent += 1
        return b"x"

    read1 = read


def test_a_body_that_never_ends_in_time() -> None:
    """Given one byte a second, then reading stops at the deadline, not at a read time-out."""
    clock = Clock()
    source = Dripping(clock)
    with pytest.raises(OutcomeUnknown):
        read_answer(http_answer(200, source=source), clock.deadline(5.0))
    assert source.sent == 5


def test_a_body_beyond_reason_is_not_read_to_its_end() -> None:
    source = Counted(b" " * (BODY_LIMIT * 8))
    with pytest.raises(OutcomeUnknown):
        read_answer(http_answer(200, source=source), Clock().deadline(5.0))
    assert source.taken < BODY_LIMIT * 4


class Counted(io.BytesIO):
    """A source that counts the bytes that were read."""

    taken = 0

    def read1(self, size: int | None = -1, /) -> bytes:
        chunk = super().read1(size)
        self.taken += len(chunk)
        return chunk

    read = read1


def test_a_compressed_body() -> None:
    body = gzip.compress(b'{"voiceCallId": "x"}')
    assert read(200, body, {"Content-Encoding": "gzip"}).members == {"voiceCallId": "x"}


def test_a_body_that_is_not_compressed_as_it_says() -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        read(200, b"not gzip at all", {"Content-Encoding": "gzip"})


class Breaking(io.RawIOBase):
    """A connection that breaks within the body."""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        raise http.client.IncompleteRead(b"", 10)

    read1 = read


def test_a_connection_that_breaks_within_the_body() -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        read_answer(http_answer(200, source=Breaking()), Clock().deadline(5.0))
