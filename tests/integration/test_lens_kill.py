"""The process is killed while it delivers a line, or a file's sentiment, and Lambda delivers the
input again. Nothing is lost, no line is there twice, and events are only where an answer was lost.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from simulator.salesforce.faults import Fault
from tests.integration.event_simulator import center
from tests.integration.killing import Point, Worker
from tests.integration.lens_simulator import (
    LENS,
    LINES,
    POST_CALL,
    LensSimulator,
    lens,
    lens_simulator,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.functions.lambda_process import LambdaProcess

__all__ = ["center", "lens", "lens_simulator"]

LINE = {
    "request on its way": Point(fault="hang"),
    "lines taken, not answered": Point(fault="hang_after_storing"),
}
QUEUE = {
    "before the queue has it": Point(1, service="SQS"),
    "behind that": Point(1, answer=True, service="SQS"),
}
# 1 lease, 2 facts, 3 first contact, 4 its call, (POST), 5 settled.
FILE = {
    "after the lease, before POST": Point(1, answer=True),
    "POST taken, not answered": Point(fault="hang_after_storing", more=True),
    "POST answered, before it is settled": Point(5, more=True),
}


@pytest.fixture(scope="module")
def alive(lens_simulator: LensSimulator) -> Iterator[dict[str, LambdaProcess]]:
    """For each function the environment that gets the inputs of the dead ones."""
    servers = lens_simulator.servers
    with ExitStack() as processes:
        yield {
            function: processes.enter_context(
                Worker(servers, function, Point(), "POST").process(servers.aws.endpoint)
            )
            for function in (LENS, POST_CALL)
        }


@pytest.mark.parametrize("point", LINE.values(), ids=LINE)
def test_killed_while_lines_are_sent(
    lens: LensSimulator, alive: dict[str, LambdaProcess], point: Point
) -> None:
    contact, batch = (name := lens.call()), lens.batch(name)

    def taken() -> bool:
        return len(lens.said(contact)) == LINES

    worker = Worker(lens.servers, LENS, point, "POST", taken)
    worker.next = alive[LENS]
    worker.die(batch)
    worker.deliver_again(batch)
    assert lens.said(contact) == [f"{contact}-{number}" for number in range(LINES)]
    assert worker.requests() == 2
    assert worker.deliveries() == 1
    assert (lens.waiting(), lens.dead_letters()) == (0, [])
    lens.check_what_was_logged(*worker.lines)


@pytest.mark.parametrize("point", QUEUE.values(), ids=QUEUE)
def test_killed_while_a_record_is_put_into_the_queue(
    lens: LensSimulator, alive: dict[str, LambdaProcess], point: Point
) -> None:
    """Given Salesforce was down; when Lambda delivers the batch again; then its lines are there
    once, whether or not the queue has the record as well."""
    contact, batch = (name := lens.call()), lens.batch(name)
    lens.salesforce.inject(Fault("status", status=503))
    worker = Worker(lens.servers, LENS, point, "POST")
    worker.next = alive[LENS]
    worker.die(batch)
    worker.deliver_again(batch)
    assert lens.waiting() == point.answer
    lens.try_waiting()
    assert lens.said(contact) == [f"{contact}-{number}" for number in range(LINES)]
    assert (lens.waiting(), lens.dead_letters()) == (0, [])
    lens.check_what_was_logged(*worker.lines)


@pytest.mark.parametrize("point", FILE.values(), ids=FILE)
def test_killed_while_a_file_is_brought(
    lens: LensSimulator, alive: dict[str, LambdaProcess], point: Point
) -> None:
    contact = lens.call()
    lens.connected(contact)
    file = lens.write_file(contact)

    def events() -> int:
        return len(lens.events(contact, "postConversationEvents"))

    worker = Worker(lens.servers, POST_CALL, point, "POST", lambda: events() > 0)
    worker.next = alive[POST_CALL]
    worker.die(file)
    worker.deliver_again(file)
    # Where botocore asks twice on a busy machine, the counted request comes before the POST.
    expected = {4 * (1 + point.more)} | ({4} if point.request else set())
    assert events() in expected
    assert worker.deliveries() == 1
    assert lens.dead_letters() == []
    lens.check_what_was_logged(*worker.lines)
