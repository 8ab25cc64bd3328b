"""One place decides whether a failed call is sent again, and when."""

import pytest

from tests.unit.doubles import Clock
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unauthorized,
    Unavailable,
)
from voicecall_bridge.telephony.retry import RetryPolicy

LONG = 60.0


def highest(_low: float, high: float) -> float:
    return high


def lowest(low: float, _high: float) -> float:
    return low


def pause(
    error: TelephonyError, tries: int = 1, left: float = LONG, policy: RetryPolicy | None = None
) -> float | None:
    policy = policy or RetryPolicy(draw=highest)
    return policy.pause(error, tries, Clock().deadline(left))


RETRIED = [
    LimitExceeded("limit", status=429),
    Unavailable("fails", status=500, effect=Effect.UNKNOWN),
    Unavailable("fails", status=503),
    Unavailable("no connection"),
    Unavailable("no secret", code="SECRET_UNAVAILABLE"),
    OutcomeUnknown("cut off", effect=Effect.UNKNOWN),
]
NEVER_RETRIED = [
    Rejected("refused", status=400),
    Rejected("refused", status=404),
    Rejected("refused", status=409),
    Rejected("moved", status=302),
    Unauthorized("refused", status=401),
    Unauthorized("refused", status=403),
    Unauthorized("no settings", code="SETTINGS"),
    Rejected("refused", status=400, retry_after=1.0),
]


@pytest.mark.parametrize("error", RETRIED, ids=repr)
def test_transient_faults_are_tried_again(error: TelephonyError) -> None:
    assert pause(error) == 0.2


@pytest.mark.parametrize("error", RETRIED, ids=repr)
def test_what_must_not_happen_twice_is_tried_again_only_if_it_did_not_happen(
    error: TelephonyError,
) -> None:
    policy = RetryPolicy(draw=highest)
    found = policy.pause(error, 1, Clock().deadline(LONG), repeatable=False)
    assert found == (0.2 if error.effect is Effect.NONE else None)


@pytest.mark.parametrize("error", NEVER_RETRIED, ids=repr)
def test_refusals_are_not(error: TelephonyError) -> None:
    assert pause(error) is None


def test_at_most_three_further_attempts() -> None:
    """Source: Salesforce's voice resiliency rule."""
    error = Unavailable("fails")
    pauses = [pause(error, tries) for tries in range(1, 6)]
    assert [value is not None for value in pauses] == [True, True, True, False, False]


@pytest.mark.parametrize(("tries", "bound"), [(1, 0.2), (2, 0.4), (3, 0.8)])
def test_full_jitter_between_nothing_and_a_doubling_bound(tries: int, bound: float) -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return high / 2

    assert pause(Unavailable("fails"), tries, policy=RetryPolicy(draw=draw)) == bound / 2
    assert drawn == [(0.0, bound)]


def test_the_bound_is_capped() -> None:
    policy = RetryPolicy(retries=20, draw=highest)
    assert pause(Unavailable("fails"), 15, policy=policy) == policy.cap


def test_the_default_jitter_is_random_within_its_bounds() -> None:
    pauses = {pause(Unavailable("fails"), policy=RetryPolicy()) for _ in range(50)}
    assert len(pauses) > 10
    assert all(value is not None and 0.0 <= value <= 0.2 for value in pauses)


@pytest.mark.parametrize("asked", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("kind", [LimitExceeded, Unavailable])
def test_retry_after_beats_the_jitter(kind: type[TelephonyError], asked: float) -> None:
    assert pause(kind("wait", retry_after=asked)) == asked


def test_retry_after_that_does_not_fit_ends_it() -> None:
    """Given 5 s left, then a pause of 4.8 s would leave too little time for an attempt."""
    assert pause(LimitExceeded("wait", retry_after=4.7), left=5.0) == 4.7
    assert pause(LimitExceeded("wait", retry_after=4.8), left=5.0) is None
    assert pause(LimitExceeded("wait", retry_after=3600.0), left=5.0) is None


def test_jitter_that_does_not_fit_ends_it() -> None:
    assert pause(Unavailable("fails"), left=0.46) == 0.2
    assert pause(Unavailable("fails"), left=0.44) is None
    assert pause(Unavailable("fails"), left=0.44, policy=RetryPolicy(draw=lowest)) == 0.0


def test_no_attempt_is_begun_without_time_for_it() -> None:
    policy = RetryPolicy(draw=lowest)
    assert pause(Unavailable("fails"), left=0.0, policy=policy) is None
    assert pause(Unavailable("fails"), left=0.05, policy=policy) is None


def test_a_policy_without_retries() -> None:
    assert pause(Unavailable("fails"), policy=RetryPolicy(retries=0)) is None
