"""A flow service with scripted Salesforce answers, for the methods of a VoiceCall that exists."""

from typing import Any

from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import (
    Clock,
    MemoryDeadLetters,
    MemoryLedger,
    MemoryRequestLedger,
    ScriptedClient,
    alone,
)
from tests.unit.samples import flow_event
from voicecall_bridge.flow.service import FlowService
from voicecall_bridge.ledger.records import RecordLedger
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.use_cases.call_actions import CallActions
from voicecall_bridge.use_cases.create import CreateVoiceCall


class Scene:
    """A service with scripted Salesforce answers."""

    def __init__(self, *outcomes: SalesforceResult | Exception, **changes: Any) -> None:
        self.logged = CapturedLog()
        self.letters = MemoryDeadLetters()
        self.client = ScriptedClient(outcomes)
        clock = Clock()
        ledger = self.ledger = MemoryLedger(clock)
        callbacks = MemoryRequestLedger(clock)
        actions = CallActions(
            ledger,
            callbacks,
            RecordLedger(ledger.table, clock),
            alone(self.client),
            self.logged.observer,
            clock,
            clock.sleep,
        )
        facts: dict[str, Any] = {
            "create": CreateVoiceCall(
                ledger, alone(self.client), self.logged.observer, now=clock, sleep=clock.sleep
            ),
            "dead_letters": self.letters,
            "actions": lambda: actions,
        }
        self.service = FlowService(observer=self.logged.observer, **(facts | changes))

    def answer(
        self, method: str, parameters: dict[str, object] | None = None, **changes: object
    ) -> dict[str, str]:
        return self.service.answer(flow_event(method, parameters, **changes), 10.0)

    def line(self) -> dict[str, Any]:
        (line,) = self.logged.deliveries()
        return line
