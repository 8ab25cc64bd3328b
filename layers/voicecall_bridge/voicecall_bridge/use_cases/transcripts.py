"""Brings lines to Salesforce: requests filled across calls, one at a time for each call.

A request has lines of up to five calls, all of one org. The lines of a call go in their order, and
no second request about a call begins before the first one has ended. A line that Salesforce cannot
take now is given back at once, with the rest of its call: the caller tries again later, so that no
call waits for another one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING

from voicecall_bridge.telephony.errors import Rejected, TelephonyError
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.transcript_answers import (
    ALL_TAKEN,
    LineResult,
    Verdict,
    of_entries,
    of_error,
)
from voicecall_bridge.voice_call.transcript import MOST_CALLS, MOST_LINES, bulk_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Executor

    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.telephony.client import TelephonyClient
    from voicecall_bridge.telephony.clients import TelephonyClients
    from voicecall_bridge.use_cases.transcript_calls import TranscriptCall
    from voicecall_bridge.voice_call.transcript import Message

REQUEST_SECONDS = 3.0
"""Seconds that one request may take: a line's worth falls with every second."""
SILENT_SECONDS = 1.0
"""Seconds after which an org that fails is left alone for a moment."""
REST_SECONDS = 1.0
"""Seconds of that moment: without it each batch would wait, and the shards would fall behind."""


@dataclass(slots=True)
class PendingLine:
    """A line on its way; `result` is None until it is known."""

    message: Message
    result: LineResult | None = None


@dataclass(slots=True)
class CallLines:
    """Lines of one call, the earliest first.

    Attributes:
        vendor_call_key: the call.
        lines: what is still to be sent.
        alone: the call gets requests of its own: one with others was refused, and did not say why.
        lines_of_a_request: how many lines go together.
    """

    vendor_call_key: str
    lines: deque[PendingLine]
    alone: bool = False
    lines_of_a_request: int = MOST_LINES


@dataclass(frozen=True, slots=True)
class _Silence:
    """The result of lines of an org that is left alone, until `until` (monotonic seconds)."""

    result: LineResult
    until: float


@dataclass(eq=False, repr=False, slots=True)
class TranscriptSender:
    """Sends lines.

    Attributes:
        clients: one for each contact center.
        pool: where requests run side by side.
        requests_at_once: to one contact center.
        clock: monotonic seconds.
    """

    clients: TelephonyClients
    pool: Executor
    requests_at_once: int = 16
    clock: Callable[[], float] = time.monotonic
    _silent: dict[str, _Silence] = field(default_factory=dict, init=False, repr=False)

    def send(self, lines: Iterable[tuple[TranscriptCall, PendingLine]], deadline: Deadline) -> bool:
        """Sends lines and says of each how that ended; a line without result is to be tried later.

        Args:
            lines: with their calls, those of a call in their order.
            deadline: no request begins after it, and none is waited for.

        Returns:
            Whether all requests have ended.
        """
        orgs: dict[str, tuple[ContactCenter, dict[str, CallLines]]] = {}
        for call, line in lines:
            owner, key = call.contact_center, call.vendor_call_key
            _, calls = orgs.setdefault(owner.secret, (owner, {}))
            calls.setdefault(key, CallLines(key, deque())).lines.append(line)
        rounds = {
            secret: _Round(self.clients.of(owner), list(calls.values()), deadline, self.clock)
            for secret, (owner, calls) in orgs.items()
        }
        for secret, round_ in rounds.items():
            silence = self._silent.get(secret)
            if silence is not None and self.clock() < silence.until:
                round_.stop(silence.result)
        running = [
            self.pool.submit(round_.work)
            for round_ in rounds.values()
            for _ in range(min(self.requests_at_once, ceil(len(round_.calls) / MOST_CALLS)))
        ]
        ended, late = wait(running, timeout=deadline.remaining())
        for done in ended:
            done.result()
        for secret, round_ in rounds.items():
            if round_.silent is not None:
                self._silent[secret] = _Silence(round_.silent, self.clock() + REST_SECONDS)
        return not late


@dataclass(frozen=True, slots=True)
class EventsSent:
    """The result of requests with conversation events.

    Attributes:
        result: of the first that was not taken, or that all were.
        taken: how many were taken.
    """

    result: LineResult
    taken: int


def perform_events(
    clients: TelephonyClients,
    operation: Operation,
    call: TranscriptCall,
    bodies: Iterable[dict[str, object]],
    deadline: Deadline,
) -> EventsSent:
    """Sends conversation events until a request is not taken."""
    attempts = taken = 0
    for body in bodies:
        try:
            done = clients.of(call.contact_center).perform(
                operation, call.vendor_call_key, deadline.within(REQUEST_SECONDS), body
            )
        except TelephonyError as error:
            return EventsSent(of_error(error), taken)
        attempts += done.attempts
        taken += 1
    return EventsSent(LineResult(Verdict.TAKEN, attempts=attempts), taken)


@dataclass(eq=False, repr=False, slots=True)
class _Round:
    """The lines of one org: several workers take from it until nothing is left to take."""

    client: TelephonyClient
    calls: list[CallLines]
    deadline: Deadline
    clock: Callable[[], float]
    silent: LineResult | None = None
    _ready: deque[CallLines] = field(init=False)
    _stopped: LineResult | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._ready = deque(self.calls)

    def work(self) -> None:
        while parts := self._take():
            self._send(parts)

    def _take(self) -> list[tuple[CallLines, list[PendingLine]]]:
        with self._lock:
            taken: list[CallLines] = []
            while self._ready and self._fits(taken):
                taken.append(self._ready.popleft())
            return [
                (
                    call,
                    [call.lines[i] for i in range(min(len(call.lines), call.lines_of_a_request))],
                )
                for call in taken
            ]

    def _fits(self, taken: Sequence[CallLines]) -> bool:
        if self._stopped is not None or not self.deadline.allows(0.0):
            return False
        alone = self._ready[0].alone or any(call.alone for call in taken)
        return len(taken) < (1 if alone else MOST_CALLS)

    def _send(self, parts: Sequence[tuple[CallLines, list[PendingLine]]]) -> None:
        began = self.clock()
        body = bulk_messages(
            (call.vendor_call_key, [line.message for line in lines]) for call, lines in parts
        )
        try:
            answer = self.client.perform(
                Operation.BULK_MESSAGES, "", self.deadline.within(REQUEST_SECONDS), body
            )
        except Rejected as error:
            self._refused(parts, error)
        except TelephonyError as error:
            # Not this request's own fault: the org's limit, an outage, a wrong key. Other requests
            # would fail as well, and each would take its time.
            result = of_error(error)
            if self.clock() - began >= SILENT_SECONDS:
                self.silent = replace(result, attempts=0)
            self.stop(result, parts)
        else:
            results = of_entries(answer)
            for call, lines in parts:
                self._settle(call, lines, results.get(call.vendor_call_key, ALL_TAKEN))

    def _refused(
        self, parts: Sequence[tuple[CallLines, list[PendingLine]]], error: Rejected
    ) -> None:
        """A request with several calls does not say which of them is refused; one with several
        lines does not say which line."""
        (call, lines), several = parts[0], len(parts) > 1
        result = of_error(error)
        if not several and (result.verdict is not Verdict.REFUSED or len(lines) == 1):
            self._settle(call, lines, result)
            return
        with self._lock:
            for call, _ in parts:
                if several:
                    call.alone = True
                else:
                    call.lines_of_a_request = 1
                self._ready.append(call)

    def _settle(self, call: CallLines, lines: Sequence[PendingLine], result: LineResult) -> None:
        with self._lock:
            if result.verdict is Verdict.LATER:
                # The later lines of this call must not overtake it.
                for line in call.lines:
                    line.result = result
                return
            for line in lines:
                line.result = result
                call.lines.popleft()
            if call.lines:
                self._ready.append(call)

    def stop(
        self, result: LineResult, parts: Sequence[tuple[CallLines, list[PendingLine]]] = ()
    ) -> None:
        """Gives back all lines that are not being sent: those of `parts`, and those not begun."""
        with self._lock:
            self._stopped = result
            for call in [*self._ready, *(call for call, _ in parts)]:
                for line in call.lines:
                    line.result = result
            self._ready.clear()
