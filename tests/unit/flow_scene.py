"""A flow service with one outcome of the use case, and its log."""

import threading
from collections.abc import Callable
from typing import Any

from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import MemoryDeadLetters
from tests.unit.samples import created, flow_event
from voicecall_bridge.contact import Contact
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.flow.service import FlowService
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import TelephonyError
from voicecall_bridge.use_cases.call_actions import CallActions
from voicecall_bridge.use_cases.create import CreateVoiceCall
from voicecall_bridge.use_cases.results import NotCreated, Progress
from voicecall_bridge.voice_call.create import CallInitiation

# docs/guarantees.md: "unknown" means that the answer did not wait for the work to end.
PLACES = {"", "ledger", "queue", "none", "unknown"}
Outcome = SalesforceResult | Exception | Callable[[], SalesforceResult]


def no_actions() -> CallActions:
    raise AssertionError("creating needs none of them")


class ScriptedCreate(CreateVoiceCall):
    """The use case with one outcome."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.asked: list[tuple[Contact, CallInitiation]] = []
        self.given = 0.0

    def create(
        self,
        contact: Contact,
        asked: CallInitiation,
        deadline: Deadline,
        progress: Progress,
    ) -> SalesforceResult:
        self.asked.append((contact, asked))
        self.given = deadline.remaining()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome() if callable(self.outcome) else self.outcome


class Scene:
    """A service with one outcome of the use case."""

    def __init__(self, outcome: Outcome | None = None, **changes: Any) -> None:
        self.logged = CapturedLog()
        self.create = ScriptedCreate(outcome or created(attempts=1))
        self.letters = MemoryDeadLetters()
        self.overruns = 0
        facts: dict[str, Any] = {
            "create": self.create,
            "dead_letters": self.letters,
            "actions": no_actions,
        }
        self.service = FlowService(
            observer=self.logged.observer, on_overrun=self._overrun, **(facts | changes)
        )

    def _overrun(self) -> None:
        self.overruns += 1

    def answer(self, event: object | None = None, seconds_left: float = 10.0) -> dict[str, str]:
        return self.service.answer(flow_event() if event is None else event, seconds_left)

    def line(self) -> dict[str, Any]:
        (line,) = self.logged.deliveries()
        assert line["payloadKept"] in PLACES
        return line


def not_created(cause: TelephonyError, kept: bool = True) -> NotCreated:
    cause.attempts = 1
    return NotCreated(cause, request_kept=kept)


class HangingLetters(MemoryDeadLetters):
    """A queue that hangs until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def keep(self, source: str, reason: str, payload: object, *, delay_seconds: int = 0) -> None:
        self.release.wait(30.0)


class Hanging:
    """Work that hangs until it is released."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.ended = threading.Event()

    def __call__(self) -> SalesforceResult:
        self.release.wait(30.0)
        self.ended.set()
        return created()
