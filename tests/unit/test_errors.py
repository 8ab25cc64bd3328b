"""Salesforce's description of a failure is read defensively: no guide documents its shape."""

import pytest

from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unauthorized,
    Unavailable,
    remark_of,
    remarks_of,
)


@pytest.mark.parametrize(
    ("body", "remark"),
    [
        (b"", ""),
        (b"   ", ""),
        (b"plain words", "plain words"),
        (b'"quoted words"', "quoted words"),
        (b'{"message": "No parent"}', "No parent"),
        (b'{"errors": ["one", "two"]}', "one; two"),
        (b'{"errors": "one text"}', "one text"),
        (b'{"errors": [{"message": "one"}, {"errorCode": "TWO"}]}', "one; TWO"),
        (b'[{"message": "one", "errorCode": "E"}, "two", null, 3]', "one; two"),
        (b'{"errorCode": "LIMIT"}', "LIMIT"),
        (b'{"error": "invalid", "error_description": "longer"}', "longer"),
        (b'{"error": {"message": "nested"}}', "nested"),
        (b'{"message": "", "errors": ["the next one"]}', "the next one"),
        (b'{"message": null, "errorMessage": "here"}', "here"),
        (b'{"other": "words"}', ""),
        (b"{}", ""),
        (b"[]", ""),
        (b"null", ""),
        (b"17", ""),
        (b"<html><body>Bad Gateway</body></html>", ""),
        (b"  <!DOCTYPE html>", ""),
        (b"{broken", "{broken"),
        ("für alle".encode(), "für alle"),
    ],
)
def test_remark_of_a_failure(body: bytes, remark: str) -> None:
    assert remark_of(body) == remark


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"\x00\x01", bytes(range(256)), b'"\\ud800"'])
def test_remark_of_any_bytes_can_be_sent_on(body: bytes) -> None:
    remark = remark_of(body)
    assert len(remark) <= 500
    assert remark.encode()


@pytest.mark.parametrize("body", [b"x" * 10_000, b'{"message": "' + b"x" * 10_000 + b'"}'])
def test_a_long_remark_is_cut(body: bytes) -> None:
    assert remark_of(body) == "x" * 500


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"errors":' * 100_000, b"[" * 700 + b'"deep"' + b"]" * 700],
    ids=["lists", "objects", "closed"],
)
def test_remark_of_a_body_nested_beyond_reason(body: bytes) -> None:
    assert len(remark_of(body)) <= 500


@pytest.mark.parametrize(
    ("errors", "remarks"),
    [
        (None, ()),
        ([], ()),
        ("", ()),
        ("We created your voice call but …", ("We created your voice call but …",)),
        (["one", "two"], ("one", "two")),
        ([{"message": "one"}, {"message": " "}, 5, None, ["two"]], ("one", "two")),
        ({"message": "one"}, ("one",)),
        (5, ()),
    ],
)
def test_remarks_of_a_success(errors: object, remarks: tuple[str, ...]) -> None:
    assert remarks_of(errors) == remarks


def test_remarks_can_be_sent_on() -> None:
    """Given half a surrogate pair, which JSON can hold and UTF-8 cannot."""
    assert all(remark.encode() for remark in remarks_of(["one \ud83d", "two"]))


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [
        (Unauthorized, False),
        (Rejected, False),
        (LimitExceeded, True),
        (Unavailable, True),
        (OutcomeUnknown, True),
    ],
)
def test_each_kind_says_whether_to_try_again(kind: type[TelephonyError], retryable: bool) -> None:
    error = kind("text")
    assert error.retryable is retryable
    assert error.effect is Effect.NONE
    assert str(error) == "text"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(429, "", "429"), (None, "", "UNREACHABLE"), (200, "OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN")],
)
def test_the_code_is_the_status_or_a_name(status: int | None, code: str, expected: str) -> None:
    assert TelephonyError("text", status=status, code=code).code == expected
