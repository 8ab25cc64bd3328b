"""A world for retries: a stream of contact records, its retry queue, a Salesforce that fails for
some records, and one clock for all."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.unit.doubles import Clock
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.memory_retry_queue import MemoryRetryQueue
from tests.unit.record_function import SECONDS_LEFT, Function
from tests.unit.records import PatchedCalls, batch, version
from voicecall_bridge.telephony.errors import Effect, TelephonyError, Unavailable
from voicecall_bridge.voice_call.update import UpdateRequest

ALL = "all"
"""A member of `failing`: Salesforce fails for all contacts, an outage."""


class World:
    """One run.

    Attributes:
        environments: execution environments; each delivery goes to the next one.
        failing: contacts that Salesforce fails over, or ALL.
        requests: tries of a PATCH, by contact.
        delivered: when each contact's first PATCH was taken.
    """

    def __init__(self, environments: int = 1, error: TelephonyError | None = None) -> None:
        self.clock, self.dynamodb = Clock(), MemoryDynamoDB()
        self.retries = MemoryRetryQueue(now=self.clock)
        self.salesforce = PatchedCalls(self._before)
        self.failing: set[str] = set()
        self.error = error or Unavailable("x", status=500, effect=Effect.UNKNOWN)
        self.requests: Counter[str] = Counter()
        self.delivered: dict[str, float] = {}
        self.environments: list[Function] = []
        self.replaced: list[Function] = []
        for _ in range(environments):
            self._start()
        self.numbers = 0

    def stream(self, *contacts: str) -> list[str]:
        """Delivers the first version of each contact's record. Returns what Lambda must deliver
        again."""
        return self.deliver(self.batch(*[(it, 1) for it in contacts]))

    def batch(self, *versions: tuple[str, int]) -> dict[str, Any]:
        """A batch of the stream: contact and version."""
        first, self.numbers = self.numbers + 1, self.numbers + len(versions)
        return batch([version(number, ContactId=it) for it, number in versions], first)

    def deliver(self, event: dict[str, Any]) -> list[str]:
        """Delivers a batch of the stream. Returns what Lambda must deliver again."""
        answer = self._environment().processor.answer(event, SECONDS_LEFT)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def poll(self, most: int = 100, *, killed: bool = False) -> None:
        """Delivers the messages of the retry queue that are due. With `killed` the function does
        not answer."""
        while (event := self.retries.due(most))["Records"]:
            answer = self._environment().processor.answer(event, SECONDS_LEFT)
            if killed:
                self.kill()
                return
            self.retries.settle(event, answer)

    def run(self, seconds: float, *, step: float = 5.0) -> None:
        """Lets time pass, polling."""
        until = self.clock.now + seconds
        while self.clock.now < until and self.retries.messages:
            self.clock.sleep(step)
            self.poll()

    def kill(self) -> None:
        """Replaces the environment that was used last by a new one."""
        self.replaced.append(self.environments.pop())
        self._start()

    def ends(self) -> Counter[str]:
        """How the records ended. Of a record that ended several times, the last end counts."""
        return Counter({line["inputId"]: line["disposition"] for line in self.lines()}.values())

    def lines(self) -> Sequence[dict[str, Any]]:
        """The delivery lines of all environments."""
        return [line for it in self._all() for line in it.logged.deliveries()]

    def letters(self) -> list[tuple[str, str, object]]:
        """The dead letters."""
        return [letter for it in self._all() for letter in it.letters.kept]

    def _all(self) -> list[Function]:
        return [*self.replaced, *self.environments]

    def _start(self) -> None:
        function = Function(
            self.dynamodb,
            salesforce=self.salesforce,
            now=self.clock,
            sleep=self.clock.sleep,
            retries=self.retries,
        )
        function.processor._postponing.now = self.clock
        self.environments.append(function)

    def _environment(self) -> Function:
        self.environments.append(self.environments.pop(0))
        return self.environments[-1]

    def _before(self, request: UpdateRequest) -> None:
        key = request.vendor_call_key
        self.requests[key] += 1
        if self.failing & {key, ALL}:
            raise self.error
        self.delivered.setdefault(key, self.clock.now)
