"""Execution environments: one for each invocation that runs at the same time, up to the limit."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from simulator.functions.function_pool import FunctionPool
from simulator.functions.lambda_process import Invocation

PATIENCE = 10.0


class Environment:
    """In place of a process: the event "wait" runs until `may_end` is set."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.may_end = threading.Event()
        self.closed = False
        self.pid: int | None = 7

    def invoke(self, event: Any) -> Invocation:
        if event == "faulty":
            raise ValueError(event)
        self.running.set()
        assert event != "wait" or self.may_end.wait(PATIENCE)
        return Invocation(event, None, [], 1.0, None, timed_out=False, request_id="", cold=False)

    def close(self) -> None:
        self.closed = True
        self.pid = None


class Maker:
    """Makes environments and remembers them."""

    def __init__(self) -> None:
        self.made: list[Environment] = []

    def __call__(self) -> Any:
        self.made.append(Environment())
        return self.made[-1]


@pytest.fixture
def maker() -> Maker:
    return Maker()


def test_one_after_the_other_is_one_environment(maker: Maker) -> None:
    """Given invocations one at a time, one of them refused, then all run in one environment."""
    pool = FunctionPool(maker, 4)

    assert pool.invoke(1).payload == 1
    with pytest.raises(ValueError, match="faulty"):
        pool.invoke("faulty")
    assert pool.invoke(2).payload == 2
    assert len(maker.made) == 1


def test_side_by_side_up_to_the_limit(maker: Maker) -> None:
    """Given two at most, when three are invoked at once, then the third waits until one ends."""
    pool = FunctionPool(maker, 2)
    with ThreadPoolExecutor(3) as executor:
        first = [executor.submit(pool.invoke, "wait") for _ in range(2)]
        try:
            while len(maker.made) < 2:
                assert not any(future.done() for future in first)
            assert all(made.running.wait(PATIENCE) for made in maker.made)
            third = executor.submit(pool.invoke, "last")
            assert not third.done()
        finally:
            for made in maker.made:
                made.may_end.set()
        assert third.result(PATIENCE).payload == "last"
    assert len(maker.made) == 2


def test_closing_ends_every_environment(maker: Maker) -> None:
    pool = FunctionPool(maker, 1)
    pool.invoke(1)
    assert pool.process_ids == [7]

    pool.close()

    assert all(made.closed for made in maker.made)
    assert pool.process_ids == []
