"""Kill the process of a function at a point; deliver its inputs again until they have ended.

The points need no hook in the bridge: a proxy holds a request to AWS before or after it takes
effect, and the Salesforce simulator hangs before or after it has stored.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from simulator.aws.queue_clock import visible_in
from simulator.functions.lambda_process import Invocation, LambdaProcess
from simulator.pollers.batch import drain
from simulator.pollers.queue_mapping import read_queue_mappings
from simulator.pollers.sqs_poller import SqsPoller
from simulator.salesforce.faults import Fault
from tests.integration.event_simulator import LONG_SECONDS, Clock
from tests.integration.holding_proxy import HoldingProxy
from tests.integration.simulator import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.integration.event_simulator import Servers

FUNCTION_SECONDS = 5
"""A function's time-out here: leases run out soon, and 3 s are left for its work."""
PATIENCE_SECONDS = 40.0
NO_VARIABLES: Mapping[str, str] = {}


@dataclass(frozen=True)
class Point:
    """The point at which the process dies.

    Attributes:
        request: number of the service's request that is held; 0: Salesforce's hangs.
        answer: the request has taken effect.
        fault: what Salesforce does to the first request.
        more: a second request to Salesforce is allowed, since the first one's outcome is unknown.
        service: the service that gets the held request.
    """

    request: int = 0
    answer: bool = False
    fault: str = ""
    more: bool = False
    service: str = "DYNAMODB"


class Worker:
    """A function's process, killed at a point; as a context manager, with the environment that gets
    its inputs afterwards: one, as Lambda keeps one as long as it lives.

    Args:
        servers: what it talks to.
        function: its logical id.
        point: where it dies.
        method: of the request to Salesforce that the point is about.
        taken: whether what hangs there has taken effect.
        variables: of its environment, instead of the template's.
        next: the environment that gets its inputs afterwards; None: one of its own.
    """

    def __init__(
        self,
        servers: Servers,
        function: str,
        point: Point,
        method: str,
        taken: Callable[[], bool] = lambda: True,
    ) -> None:
        self.servers, self.point, self.method, self.taken = servers, point, method, taken
        self.variables: Mapping[str, str] = NO_VARIABLES
        self.function = replace(servers.aws.template.functions[function], timeout=FUNCTION_SECONDS)
        self.lines: list[str] = []
        self.next: LambdaProcess | None = None
        self._own = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the next environment, unless the caller owns it."""
        self._own.close()

    def process(self, endpoint: str) -> LambdaProcess:
        """An environment that reaches its service at that address."""
        environment = {
            **self.servers.environment(self.function.logical_id),
            **self.variables,
            f"AWS_ENDPOINT_URL_{self.point.service}": endpoint,
        }
        return LambdaProcess(self.function, self.function.layers, environment)

    def die(self, event: dict[str, Any]) -> None:
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
            running = Thread(target=lambda: ended.append(process.invoke(event)))
            running.start()
            if point.request:
                assert proxy.held.wait(PATIENCE_SECONDS), "the point was never reached"
            else:
                wait_until(lambda: self.requests() > before)
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

    def deliver_again(self, event: dict[str, Any]) -> None:
        """Deliver again as Lambda does, until each input has ended or waits in a queue."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            invocation = self._invoke(event)
            error = invocation.error or {}
            assert error.get("errorType", "TransientFailure") == "TransientFailure", invocation
            if not error and not invocation.payload.get("batchItemFailures"):
                return
            assert time.monotonic() < end, "the input did not end in time"
            time.sleep(0.5)

    def drain_retries(self) -> None:
        """Deliver what waits in the function's queue, until each input has ended.

        The queue's pauses are jumped over; the lease of the process that died ends in real time.
        """
        clock = Clock()
        clock.on_sleep = lambda _ahead: time.sleep(0.5)
        pollers = [
            SqsPoller(self.servers.clients["sqs"], mapping, self._invoke, visible_in, clock)
            for mapping in read_queue_mappings(self.servers.aws.template)
            if mapping.function == self.function.logical_id
        ]
        drain(pollers, clock, clock.sleep, within=LONG_SECONDS)
        assert all(poller.next_due is None for poller in pollers)

    def _invoke(self, event: dict[str, Any]) -> Invocation:
        """One invocation after the death."""
        if self.next is None:
            self.next = self._own.enter_context(self.process(self.servers.aws.endpoint))
        invocation = self.next.invoke(event)
        self.lines += invocation.logs
        return invocation

    def ends(self) -> list[dict[str, Any]]:
        """The delivery lines with a final disposition."""
        return [json.loads(line) for line in self.lines if '"message":"delivery"' in line]

    def deliveries(self) -> int:
        """How many inputs have a line with a final disposition.

        An input may be in the retry queue twice, when SQS answered too late on a busy machine. It
        has two lines and counts once (docs/guarantees.md).
        """
        return len({end["inputId"] for end in self.ends()})
