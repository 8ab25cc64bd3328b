"""`contact_records` without Lambda and without a network: the stream processor, the use case and
the real ledger."""

import threading
import time
from collections.abc import Callable
from typing import Any

from tests.unit.aws import TABLE
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import MemoryDeadLetters, alone
from tests.unit.memory_retry_queue import MemoryRetryQueue
from tests.unit.records import PatchedCalls, batch
from voicecall_bridge.ledger.records import RecordLedger
from voicecall_bridge.ledger.table import Table
from voicecall_bridge.settings.contact_records import RecordRules
from voicecall_bridge.streams.contact_records import ContactRecords
from voicecall_bridge.streams.processor import StreamProcessor
from voicecall_bridge.use_cases.record_updates import RecordUpdates

SECONDS_LEFT = 30.0


class OneAtATime:
    """A client that makes one call at a time: neither moto's tables nor those in memory are
    thread-safe."""

    def __init__(self, real: Any) -> None:
        self.real, self.lock = real, threading.Lock()

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            with self.lock:
                return getattr(self.real, operation)(**parameters)

        return call


class Function:
    """One execution environment.

    Args:
        dynamodb: the ledger's client.
        rules: the settings.
        salesforce: where PATCHes arrive; several environments may share it.
        workers: chains at a time; more than one takes a client that is made for it.
        retries: the retry queue; None: it takes nothing, and Lambda delivers again what failed.
        now, sleep: clock of the leases, and what waiting for another worker does.
    """

    def __init__(
        self,
        dynamodb: Any,
        rules: RecordRules | None = None,
        salesforce: PatchedCalls | None = None,
        workers: int = 1,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = lambda _: None,
        retries: MemoryRetryQueue | None = None,
    ) -> None:
        self.logged, self.salesforce = CapturedLog(), salesforce or PatchedCalls()
        self.letters = MemoryDeadLetters()
        self.retries = retries or MemoryRetryQueue("no queue")
        ledger = RecordLedger(Table(lambda: dynamodb, TABLE), now)
        updates = RecordUpdates(ledger, alone(self.salesforce), self.logged.observer, sleep)
        source: ContactRecords = ContactRecords(updates, rules or RecordRules())
        self.processor = StreamProcessor(
            source, self.letters, self.retries, self.logged.observer, workers
        )

    def __call__(self, *payloads: object, first: int = 1) -> list[str]:
        answer = self.processor.answer(batch(payloads, first), SECONDS_LEFT)
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    def ended(self) -> list[tuple[str, str]]:
        """Disposition and reason of each delivery, in order."""
        return [(line["disposition"], line["reason"]) for line in self.logged.deliveries()]
