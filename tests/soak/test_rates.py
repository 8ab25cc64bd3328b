"""CreateFromEvents=always above what DescribeContact answers: see tests.soak.rates."""

import pytest

from tests.soak.rates import QUOTA_A_SECOND, QUOTA_AT_ONCE, Simulation

SECONDS = 60


def test_below_the_quota_every_call_is_created_live() -> None:
    rates = Simulation(9, SECONDS).run()
    assert rates.live == rates.calls == rates.answered
    assert rates.throttled == 0


@pytest.mark.parametrize("calls_a_second", [12, 20])
def test_above_the_quota_no_event_waits(calls_a_second: int) -> None:
    """Then as many calls are created live as Connect describes, and no event piles up."""
    rates = Simulation(calls_a_second, SECONDS).run()
    described = QUOTA_A_SECOND * SECONDS + QUOTA_AT_ONCE
    assert rates.live >= 0.95 * described
    assert rates.slowest < 5.0, "seconds that an event lay in the stream"
    assert rates.ends["skipped DEFERRED"] == rates.throttled > 0
    assert not [end for end in rates.ends if end.startswith("retried")]
