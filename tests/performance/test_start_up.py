"""The figures of docs/start-up.md are computed in the way that the page describes."""

import os
import time

import pytest

from tests.performance.machine import cpu, largest_memory
from tests.performance.start_up import computed


@pytest.mark.parametrize(("memory", "milliseconds"), [(1769, 100), (3538, 100), (884.5, 200)])
def test_time_grows_as_the_share_of_a_vcpu_shrinks(memory: int, milliseconds: float) -> None:
    """More than one vCPU is of no use to one thread."""
    assert computed(100, memory) == pytest.approx(milliseconds)


def test_cpu_is_that_of_the_process() -> None:
    """Given this process, then its clock read from outside lies between two readings of its own."""
    before = time.process_time() * 1000
    read = cpu(os.getpid())
    assert before <= read <= time.process_time() * 1000


def test_memory_is_at_least_that_of_an_interpreter() -> None:
    assert largest_memory(os.getpid()) > 5
