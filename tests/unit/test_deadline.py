"""The time that is left, and work that is abandoned when the time is over."""

import threading

import pytest

from tests.unit.doubles import Clock
from voicecall_bridge.deadline import Deadline, DeadlineExceeded, run_before


def test_remaining_never_below_nothing() -> None:
    clock = Clock(100.0)
    deadline = Deadline.after(5.0, clock)
    assert deadline.remaining() == 5.0
    clock.sleep(4.0)
    assert deadline.remaining() == 1.0
    clock.sleep(4.0)
    assert deadline.remaining() == 0.0


def test_allows_more_than_is_asked_for_only() -> None:
    deadline = Clock().deadline(5.0)
    assert deadline.allows(4.9)
    assert not deadline.allows(5.0)
    assert not Clock().deadline(0.0).allows(0.0)


def test_less_keeps_time_for_later() -> None:
    clock = Clock()
    deadline = clock.deadline(5.0)
    assert deadline.less(2.0).remaining() == 3.0
    assert deadline.remaining() == 5.0
    clock.sleep(3.0)
    assert not deadline.less(2.0).allows(0.0)


def test_a_deadline_runs_on_the_real_clock() -> None:
    assert 0.0 < Deadline.after(5.0).remaining() <= 5.0


@pytest.mark.parametrize("value", [None, 5, "text", ValueError("an answer like any other")])
def test_the_works_answer(value: object) -> None:
    assert run_before(Deadline.after(5.0), lambda: value) is value


class Stop(BaseException):
    """Not an Exception, like KeyboardInterrupt."""


@pytest.mark.parametrize("error", [ValueError("wrong"), DeadlineExceeded("its own"), Stop()])
def test_the_works_error(error: BaseException) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run_before(Deadline.after(5.0), work)
    assert caught.value is error


def test_work_that_hangs_is_not_waited_for() -> None:
    """Given work that hangs, when its time is over, then the caller goes on at once. The work ends
    later, without harm."""
    release, ended = threading.Event(), threading.Event()

    def work() -> str:
        release.wait(30.0)
        ended.set()
        return "too late"

    with pytest.raises(DeadlineExceeded):
        run_before(Deadline.after(0.02), work)
    assert not ended.is_set()
    release.set()
    assert ended.wait(10.0)


def test_no_time_at_all() -> None:
    release = threading.Event()
    with pytest.raises(DeadlineExceeded):
        run_before(Deadline.after(0.0), lambda: release.wait(30.0))
    release.set()


def test_the_thread_never_keeps_the_process() -> None:
    seen: list[bool] = []
    run_before(Deadline.after(5.0), lambda: seen.append(threading.current_thread().daemon))
    assert seen == [True]
