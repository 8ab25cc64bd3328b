"""The worker process is killed at every point between ledger and Salesforce, and the batch comes
again: one VoiceCall, at most one POST more and only where the outcome was unknown, nothing lost.

The points need no hook in the bridge: a proxy holds a request of DynamoDB before or after it takes
effect, and the Salesforce simulator hangs before or after it has stored.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from simulator.functions.lambda_process import Invocation, LambdaProcess
from simulator.salesforce.faults import Fault
from tests.integration.event_simulator import INSTANCE, Servers, batch_of, center, event, servers
from tests.integration.holding_proxy import HoldingProxy
from tests.integration.simulator import wait_until
from tests.unit.samples import stream_record

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["center", "servers"]

FUNCTION_SECONDS = 5
"""The function's time-out here: leases run out soon, and 3 s are left for a batch."""
PATIENCE_SECONDS = 40.0


@dataclass(frozen=True)
class Point:
    """Where the process dies.

    Attributes:
        request: number of DynamoDB's request that is held; 0: Salesforce's hangs.
        answer: the request has taken effect.
        fault: what Salesforce does to the first request.
        more: a second request to Salesforce is allowed, since the first one's outcome is unknown.
    """

    request: int = 0
    answer: bool = False
    fault: str = ""
    more: bool = False


# Of a contact no flow called for: 1 entry, 2 begin, (POST), 3 created.
CREATE = {
    "before the ledger is asked": Point(1),
    "before begin": Point(2),
    "after begin, before POST": Point(2, answer=True),
    "POST on its way": Point(fault="hang", more=True),
    "POST stored, not answered": Point(fault="hang_after_storing", more=True),
    "POST answered, before created": Point(3, more=True),
    "after created": Point(3, answer=True),
}
# Of an abandoned call: 1 ended, 2 begin, (PATCH), 3 finish.
CLEAR = {
    "before the end is remembered": Point(1),
    "after it, before begin": Point(2),
    "after begin, before PATCH": Point(2, answer=True),
    "PATCH on its way": Point(fault="hang", more=True),
    "PATCH taken, not answered": Point(fault="hang_after_storing", more=True),
    "PATCH answered, before finish": Point(3, more=True),
    "after finish": Point(3, answer=True),
}


class Worker:
    """The function's process, killed at a point."""

    def __init__(self, servers: Servers, point: Point, method: str) -> None:
        self.servers = servers
        self.point = point
        self.method = method
        function = servers.aws.template.functions["ContactEventsFunction"]
        self.function = replace(function, timeout=FUNCTION_SECONDS)
        self.lines: list[str] = []

    def process(self, dynamodb: str) -> LambdaProcess:
        """An environment whose DynamoDB is at that address."""
        environment = {
            **self.servers.environment("ContactEventsFunction"),
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
        }
        return LambdaProcess(self.function, self.function.layers, environment)

    def die(self, batch: dict[str, Any]) -> None:
        """One invocation, which ends by SIGKILL at the point."""
        salesforce, point = self.servers.salesforce, self.point
        if point.fault:
            salesforce.inject(Fault(point.fault, method=self.method))
        before = self.requests()
        with (
            HoldingProxy(self.servers.aws.endpoint, point.request, answer=point.answer) as proxy,
            self.process(proxy.url) as process,
        ):
            ended: list[Invocation] = []
            running = Thread(target=lambda: ended.append(process.invoke(batch)))
            running.start()
            if point.fault:
                wait_until(lambda: self.requests() > before)
            else:
                assert proxy.held.wait(PATIENCE_SECONDS), "the point was never reached"
            if point.fault == "hang_after_storing":
                wait_until(self.taken)
            process.kill()
            running.join(PATIENCE_SECONDS)
            assert not running.is_alive()
        (invocation,) = ended
        assert invocation.error is not None, "it was killed, not answered"
        self.lines += invocation.logs
        salesforce.clear_faults()

    def requests(self) -> int:
        """How many requests of the method Salesforce has received."""
        return sum(one.method == self.method for one in self.servers.salesforce.journal())

    def taken(self) -> bool:
        """Whether what hangs has taken effect."""
        if self.method == "POST":
            return bool(self.servers.salesforce.voice_calls())
        return True  # a clearRouting leaves nothing that could be looked at

    def come_again(self, batch: dict[str, Any]) -> None:
        """Lambda's retries, until the record has ended."""
        end = time.monotonic() + PATIENCE_SECONDS
        with self.process(self.servers.aws.endpoint) as process:
            while True:
                invocation = process.invoke(batch)
                assert invocation.error is None, invocation
                self.lines += invocation.logs
                if invocation.payload == {"batchItemFailures": []}:
                    return
                assert time.monotonic() < end, "it comes again for ever"
                time.sleep(0.2)

    def deliveries(self) -> int:
        """How many lines tell of an end."""
        return sum('"message":"delivery"' in line for line in self.lines)


def known(servers: Servers, contact_id: str) -> None:
    """Amazon Connect knows the contact."""
    servers.connect.add_contact(
        INSTANCE,
        contact_id,
        Channel="VOICE",
        InitiationMethod="INBOUND",
        CustomerEndpoint={"Type": "TELEPHONE_NUMBER", "Address": "+12065550100"},
        SystemEndpoint={"Type": "TELEPHONE_NUMBER", "Address": "+18005550199"},
    )


def killed(
    servers: Servers, point: Point, method: str, make: Callable[[], dict[str, Any]]
) -> Worker:
    """The worker after its death and the retries."""
    worker = Worker(servers, point, method)
    batch = batch_of([stream_record(make())])
    worker.die(batch)
    worker.come_again(batch)
    return worker


@pytest.mark.parametrize("point", CREATE.values(), ids=CREATE)
def test_killed_while_creating(servers: Servers, point: Point) -> None:
    known(servers, "killed")
    worker = killed(servers, point, "POST", lambda: event("QUEUED", "killed"))
    (call,) = servers.salesforce.voice_calls()
    assert call.vendor_call_key == "killed"
    assert 1 <= worker.requests() <= 1 + point.more
    (item,) = servers.aws.items(worker.function.environment["LEDGER_TABLE"])
    assert item["create_status"] == {"S": "CREATED"}
    assert item["voice_call_id"] == {"S": call.voice_call_id}
    assert servers.aws.messages(worker.function.environment["DEAD_LETTER_QUEUE_URL"]) == []
    assert worker.deliveries() == 1


@pytest.mark.parametrize("point", CLEAR.values(), ids=CLEAR)
def test_killed_while_clearing(servers: Servers, point: Point) -> None:
    servers.salesforce.add_voice_call("killed")
    over = {"disconnectTimestamp": "2026-11-20T10:01:00.700Z"}
    worker = killed(servers, point, "PATCH", lambda: event("DISCONNECTED", "killed", **over))
    paths = [one.path for one in servers.salesforce.journal() if one.method == "PATCH"]
    assert {path.rpartition("/")[2] for path in paths} == {"clearRouting"}
    assert 1 <= len(paths) <= 1 + point.more
    assert any(one.status == 200 for one in servers.salesforce.journal()), "one was taken"
    (item,) = servers.aws.items(worker.function.environment["LEDGER_TABLE"])
    assert item["call_ended"] == {"BOOL": True}
    assert worker.deliveries() == 1
