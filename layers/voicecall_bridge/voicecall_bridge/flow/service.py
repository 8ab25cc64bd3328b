"""How an invocation by a contact flow is answered: in time, once told of, and never lost.

What there is to ask for stands in `methods`, how it can end in `endings`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from voicecall_bridge.aws.dead_letters import DeadLetterLost, DeadLetterQueue
from voicecall_bridge.contact import NotAContact
from voicecall_bridge.deadline import Deadline, DeadlineExceeded, run_before
from voicecall_bridge.flow import methods
from voicecall_bridge.flow.methods import UseCases
from voicecall_bridge.flow.results import (
    FAILURES,
    Ending,
    FlowFailed,
    FlowMistake,
    Status,
    answer_of,
    dead,
    ended,
    failed,
)
from voicecall_bridge.observability import Delivery, Disposition, Observer
from voicecall_bridge.settings.all import FlowFailure
from voicecall_bridge.sources import flow
from voicecall_bridge.sources.flow_parameters import ParameterFault
from voicecall_bridge.use_cases.outcomes import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.flow.methods import Method, Plan
    from voicecall_bridge.use_cases.call_actions import CallActions
    from voicecall_bridge.use_cases.create import Bridge

SOURCE = "contact_flow"
_DEFECT = "the bridge itself failed; see its log"
HAND_OVER_SECONDS = 0.2
"""Kept of Lambda's own time-out for handing the answer over."""


@dataclass(slots=True)
class _Told:
    """What the account says of an invocation, as far as it could be read.

    Attributes:
        started: on the monotonic clock.
        contact_id: empty where none could be read.
        method: empty where it is none of the bridge's: its text may be anything then.
    """

    started: float
    contact_id: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """An invocation, read and checked.

    Attributes:
        event: as it came.
        contact_id: see FlowInvocation.
        method, plan: what is to be done.
        failure: what the flow gets if that does not succeed.
    """

    event: object
    contact_id: str
    method: Method
    plan: Plan
    failure: FlowFailure


def _method_of(name: str) -> Method:
    if name in methods.METHODS:
        return methods.METHODS[name]
    # Here, so that creating a VoiceCall does not load what only the other methods run on.
    from voicecall_bridge.flow import call_methods  # noqa: PLC0415

    if name in call_methods.METHODS:
        return call_methods.METHODS[name]
    raise FlowMistake(
        "the Lambda block's parameter methodName names no method of the bridge: set it to one of "
        f"{', '.join((*methods.METHODS, *call_methods.METHODS))}"
    )


def _no_actions() -> CallActions:
    raise RuntimeError("no use cases for a VoiceCall that is there")


@dataclass(slots=True)
class FlowService:
    """Answers contact flows within their time, whatever happens behind.

    Attributes:
        observer: logs and counters.
        bridge: the use cases; None when the settings cannot be used, with `fault` saying why.
        dead_letters: where payloads go that the ledger could not take.
        budget: seconds for an answer.
        failure: what a flow gets when it does not get what it asked for, unless its block or the
            method says otherwise.
        fault: names of the settings that cannot be used.
        on_overrun: told when an invocation is answered before its work has ended.
        actions: makes the use cases for a VoiceCall that is there, when they are needed.
        instance_arn: the instance of contacts that do not say theirs, so that they meet their own
            item in the ledger.
    """

    observer: Observer
    bridge: Bridge | None = None
    dead_letters: DeadLetterQueue | None = None
    budget: float = 6.5
    failure: FlowFailure = FlowFailure.CONTINUE
    fault: str = ""
    on_overrun: Callable[[], None] = lambda: None
    actions: Callable[[], CallActions] = _no_actions
    instance_arn: str = ""

    def answer(self, event: object, seconds_left: float) -> dict[str, str]:
        """The flow's answer: a flat map of strings (Connect's STRING_MAP).

        Args:
            event: as Lambda passes it.
            seconds_left: until Lambda's own time-out.

        Raises:
            FlowMistake: unknown method, a parameter that is missing or wrong, or not the event of a
                contact flow.
            FlowFailed: the flow does not get what it asked for, and wants its Error branch then;
                or the bridge could not read what that is.
        """
        told = _Told(time.monotonic())
        if flow.is_scheduled(event):
            warm = Ending(Status.WARM, Disposition.SKIPPED, reason="SCHEDULED_EVENT")
            self._tell(warm, told)
            return {"status": warm.status.value}
        deadline = Deadline.after(max(0.0, min(self.budget, seconds_left - HAND_OVER_SECONDS)))
        try:
            asked = self._read(event, told)
        except (FlowMistake, NotAContact, ParameterFault) as mistake:
            self._unread("FLOW_MISTAKE", event, told, deadline)
            raise FlowMistake(str(mistake)) from None
        except Exception as error:  # no input may end untold, also where the bridge is wrong
            self.observer.defect(error, told.contact_id)
            self._unread("INTERNAL", event, told, deadline)
            raise FlowFailed(f"{Status.FAILED.value}: INTERNAL: {_DEFECT}") from None
        ending = self._run(asked, deadline)
        self._tell(ending, told)
        if not ending.done and asked.failure is FlowFailure.ERROR:
            # Lambda logs the text of what is raised, so Salesforce's own words stay out of it.
            raise FlowFailed(f"{ending.status.value}: {ending.code}: {ending.text}")
        return answer_of(ending, asked.plan.vendor_call_key, asked.method.results)

    def _read(self, event: object, told: _Told) -> _Asked:
        invocation = flow.read(event, self.instance_arn)
        told.contact_id = invocation.contact.contact_id
        method = _method_of(invocation.method)
        told.method = invocation.method
        failure = methods.on_failure(invocation, method, self.failure)
        plan = method.plan(invocation)
        return _Asked(event, told.contact_id, method, plan, failure)

    def _run(self, asked: _Asked, deadline: Deadline) -> Ending:
        progress = Progress()
        try:
            return run_before(deadline, partial(self._work, asked, deadline, progress))
        except DeadlineExceeded as error:
            self.on_overrun()
            if progress.made is not None:  # only the ledger does not know it yet
                return ended(progress.made)
            ending = dead(Status.DEFERRED, "DEADLINE", str(error))
            return replace(ending, payload_kept="ledger" if progress.request_kept else "unknown")

    def _work(self, asked: _Asked, deadline: Deadline, progress: Progress) -> Ending:
        try:
            return self._ending(asked, deadline, progress)
        finally:
            if not deadline.allows(0.0):  # nobody waits any more who would do it
                self.observer.flush()

    def _ending(self, asked: _Asked, deadline: Deadline, progress: Progress) -> Ending:
        ending = self._attempt(asked, deadline, progress)
        if ending.disposition is Disposition.DEAD_LETTERED and not ending.payload_kept:
            return replace(ending, payload_kept=self._keep(ending.reason, asked.event, deadline))
        return ending

    def _attempt(self, asked: _Asked, deadline: Deadline, progress: Progress) -> Ending:
        if self.bridge is None:
            return dead(Status.FAILED, "SETTINGS", self.fault)
        try:
            return ended(asked.plan.run(UseCases(self.bridge, self.actions), deadline, progress))
        except FAILURES as error:
            return failed(error)
        except Exception as error:  # the caller must get an answer also where the bridge is wrong
            self.observer.defect(error, asked.contact_id)
            return dead(Status.FAILED, "INTERNAL", _DEFECT)

    def _keep(self, reason: str, payload: object, deadline: Deadline) -> str:
        if self.dead_letters is None or not deadline.allows(0.0):
            return "none"
        try:
            self.dead_letters.keep(SOURCE, reason, payload)
        except DeadLetterLost as error:
            self.observer.count("DeadLetterLost")
            self.observer.report("dead letter lost", error=str(error))
            return "none"
        return "queue"

    def _unread(self, code: str, event: object, told: _Told, deadline: Deadline) -> None:
        ending = dead(Status.FAILED, code, "")
        keep = partial(self._keep, ending.reason, event, deadline)
        try:
            kept = run_before(deadline, keep)
        except DeadlineExceeded:
            kept = "unknown"
        self._tell(replace(ending, payload_kept=kept), told)

    def _tell(self, ending: Ending, told: _Told) -> None:
        self.observer.delivered(
            Delivery(
                source=SOURCE,
                contact_id=told.contact_id,
                method=told.method,
                disposition=ending.disposition,
                reason=ending.reason,
                status=ending.status.value,
                voice_call_id=ending.voice_call_id,
                error_code=ending.code,
                error_text=ending.text,
                attempts=ending.attempts,
                milliseconds=round((time.monotonic() - told.started) * 1000),
                payload_kept=ending.payload_kept,
                # A method that is none of the bridge's was most likely to be one of these.
                creates=told.method in methods.METHODS or not told.method,
            )
        )
        self.observer.flush()
