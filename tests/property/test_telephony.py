"""Retries never outlast a deadline, and any answer becomes a result or one documented error."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.property.strategies import ANY_JSON
from tests.unit.doubles import Clock, http_answer
from voicecall_bridge.telephony.answers import Answer, read_answer
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
from voicecall_bridge.telephony.retry import RetryPolicy

SECONDS = st.floats(0.0, 100.0)
ERRORS = st.builds(
    lambda kind, retry_after: kind("text", retry_after=retry_after),
    st.sampled_from([Unauthorized, Rejected, LimitExceeded, Unavailable, OutcomeUnknown]),
    st.none() | st.floats(0.0, 1e9),
)


@given(error=ERRORS, tries=st.integers(1, 10), left=SECONDS, share=st.floats(0.0, 1.0))
def test_a_pause_and_an_attempt_fit_the_deadline(
    error: TelephonyError, tries: int, left: float, share: float
) -> None:
    policy = RetryPolicy(draw=lambda low, high: low + (high - low) * share)
    deadline = Clock(0.0).deadline(left)
    pause = policy.pause(error, tries, deadline)
    if pause is not None:
        assert error.retryable
        assert tries <= policy.retries
        assert pause >= 0.0
        assert pause + policy.least_attempt < left


@given(errors=st.lists(ERRORS, min_size=20, max_size=20), left=SECONDS, share=st.floats(0.0, 1.0))
def test_retries_end_in_time_and_number(
    errors: list[TelephonyError], left: float, share: float
) -> None:
    clock = Clock(0.0)
    deadline = clock.deadline(left)
    policy = RetryPolicy(draw=lambda low, high: low + (high - low) * share)
    for tries, error in enumerate(errors, start=1):
        pause = policy.pause(error, tries, deadline)
        if pause is None:
            break
        clock.sleep(pause)
    assert tries <= 4
    assert clock.now <= left


HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Date", "X-Request-Id", "X-SFDC-Request-Id", "Content-Type"]),
    HEADER_TEXT | st.integers(0, 10**30).map(str) | st.datetimes().map(str),
    max_size=4,
)
BODIES = st.binary(max_size=300) | ANY_JSON.map(lambda value: json.dumps(value).encode())
# Without 204 and 304: HTTP gives them no body, and urllib3 holds them to that.
STATUSES = st.integers(200, 599).filter(lambda status: status not in (204, 304))


def outcome_of(status: int, body: bytes, headers: dict[str, str]) -> Answer | TelephonyError:
    try:
        return read_answer(http_answer(status, body, headers), Clock().deadline(5.0))
    except TelephonyError as error:
        return error


@given(status=STATUSES, body=BODIES, headers=HEADERS)
def test_any_answer_is_a_result_or_one_error(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    outcome = outcome_of(status, body, headers)
    assert outcome.status == status
    assert len(outcome.request_id) <= 100
    if isinstance(outcome, Answer):
        assert 200 <= status < 300
        # Written again, since NaN is equal to nothing.
        assert json.dumps(outcome.members) == json.dumps(json.loads(body or b"{}"))
        return
    assert outcome.code
    assert len(outcome.remark) <= 500
    assert outcome.retry_after is None or outcome.retry_after >= 0.0
    assert (status < 300) == isinstance(outcome, OutcomeUnknown)
    assert status >= 300 or outcome.effect is Effect.UNKNOWN


@given(body=BODIES)
def test_a_remark_can_always_be_sent_on(body: bytes) -> None:
    assert len(remark_of(body).encode()) <= 500 * 4


@given(errors=ANY_JSON)
def test_remarks_never_fail_a_success(errors: object) -> None:
    assert all(remark.strip() and remark.encode() for remark in remarks_of(errors))
