"""What contact flows call: the methods, the answer, and how an invocation ends.

The contract (parameter and result names) is that of Salesforce's own Lambda, so that flows in the
field keep working when only the function's ARN is exchanged. A method is one entry in METHODS.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from voicecall_bridge.contact import NotAContact
from voicecall_bridge.dead_letters import DeadLetterLost, DeadLetterQueue
from voicecall_bridge.deadline import Deadline, DeadlineExceeded, run_before
from voicecall_bridge.observability import Delivery, Disposition, Observer
from voicecall_bridge.outcomes import Creation, InProgress, NotCreated, Progress
from voicecall_bridge.settings import FlowFailure
from voicecall_bridge.sources import flow
from voicecall_bridge.telephony.errors import Effect
from voicecall_bridge.voice_call import CallInitiation, CannotCreate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.bridge import Bridge
    from voicecall_bridge.contact import Contact

SOURCE = "contact_flow"
HAND_OVER_SECONDS = 0.2
"""Kept of Lambda's own time-out for handing the answer over."""
REMARKS_LIMIT = 2000
"""Characters of Salesforce's remarks; Connect refuses an answer of more than 32 KB."""


class Status(StrEnum):
    """The answer's `status`; flows branch on it.

    CREATED, EXISTING: the VoiceCall is there. DEFERRED: not known to be there, and a later delivery
    can still succeed. FAILED: sending the same again cannot help.
    """

    CREATED = "created"
    EXISTING = "existing"
    DEFERRED = "deferred"
    FAILED = "failed"
    WARM = "warm"


class FlowMistake(Exception):
    """The flow passes something that can never work; the text names the cure for its author."""


class FlowFailed(Exception):
    """There is no VoiceCall, and FLOW_FAILURE asks for the flow's Error branch."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an invocation ended: the answer, and what the account says of it.

    Attributes:
        status, voice_call_id, remarks, code, text: what the answer tells.
        remark: Salesforce's own words for a failure: for the answer alone, they may quote the call.
        disposition, reason, attempts: what the account tells.
        payload_kept: see observability.Delivery.
    """

    status: Status
    disposition: Disposition
    reason: str = ""
    voice_call_id: str = ""
    remarks: tuple[str, ...] = ()
    code: str = ""
    text: str = ""
    remark: str = ""
    attempts: int = 0
    payload_kept: str = ""

    @property
    def done(self) -> bool:
        """Whether the flow has got what it asked for."""
        return self.status in (Status.CREATED, Status.EXISTING)


def _create(
    asked: CallInitiation,
    bridge: Bridge,
    contact: Contact,
    deadline: Deadline,
    progress: Progress,
) -> Creation:
    return bridge.create(contact, asked, deadline, progress)


METHODS: Mapping[str, Callable[[Bridge, Contact, Deadline, Progress], Creation]] = MappingProxyType(
    {
        "createVoiceCall": partial(_create, CallInitiation.INBOUND),
        "createTransferVC": partial(_create, CallInitiation.TRANSFER),
    }
)


@dataclass(slots=True)
class FlowService:
    """Answers contact flows within their time, whatever happens behind.

    Attributes:
        observer: logs and counters.
        bridge: the use cases; None when the settings cannot be used, with `fault` saying why.
        dead_letters: where payloads go that the ledger could not take.
        budget: seconds for an answer.
        failure: what a flow gets when there is no VoiceCall.
        fault: names of the settings that cannot be used.
        on_overrun: told when an invocation is answered before its work has ended.
    """

    observer: Observer
    bridge: Bridge | None = None
    dead_letters: DeadLetterQueue | None = None
    budget: float = 6.5
    failure: FlowFailure = FlowFailure.CONTINUE
    fault: str = ""
    on_overrun: Callable[[], None] = lambda: None

    def answer(self, event: object, seconds_left: float) -> dict[str, str]:
        """The flow's answer: a flat map of strings (Connect's STRING_MAP).

        Args:
            event: as Lambda passes it.
            seconds_left: until Lambda's own time-out.

        Raises:
            FlowMistake: unknown method, or not the event of a contact flow.
            FlowFailed: no VoiceCall, and the settings ask for the Error branch.
        """
        started = time.monotonic()
        if flow.is_scheduled(event):
            warm = Ending(Status.WARM, Disposition.SKIPPED, reason="SCHEDULED_EVENT")
            self._tell(warm, None, started)
            return {"status": warm.status.value}
        deadline = Deadline.after(max(0.0, min(self.budget, seconds_left - HAND_OVER_SECONDS)))
        invocation = None
        try:
            invocation = _read(event)
            _check_method(invocation.method)
        except FlowMistake:
            self._mistaken(event, invocation, started, deadline)
            raise
        ending = self._run(event, invocation, deadline)
        self._tell(ending, invocation, started)
        if not ending.done and self.failure is FlowFailure.ERROR:
            # Lambda logs the text of what is raised, so Salesforce's own words stay out of it.
            raise FlowFailed(f"{ending.status.value}: {ending.code}: {ending.text}")
        return _answer(ending, invocation.contact.contact_id)

    def _run(self, event: object, invocation: flow.FlowInvocation, deadline: Deadline) -> Ending:
        progress = Progress()
        work = partial(self._work, event, invocation, deadline, progress)
        try:
            return run_before(deadline, work)
        except DeadlineExceeded as error:
            self.on_overrun()
            if progress.made is not None:  # only the ledger does not know it yet
                return _created(progress.made)
            ending = _dead(Status.DEFERRED, "DEADLINE", str(error))
            return replace(ending, payload_kept="ledger" if progress.request_kept else "unknown")

    def _work(
        self,
        event: object,
        invocation: flow.FlowInvocation,
        deadline: Deadline,
        progress: Progress,
    ) -> Ending:
        try:
            return self._ending(event, invocation, deadline, progress)
        finally:
            if not deadline.allows(0.0):  # nobody waits any more who would do it
                self.observer.flush()

    def _ending(
        self,
        event: object,
        invocation: flow.FlowInvocation,
        deadline: Deadline,
        progress: Progress,
    ) -> Ending:
        ending = self._attempt(invocation, deadline, progress)
        if ending.disposition is Disposition.DEAD_LETTERED and not ending.payload_kept:
            return replace(ending, payload_kept=self._keep(ending.reason, event, deadline))
        return ending

    def _attempt(
        self, invocation: flow.FlowInvocation, deadline: Deadline, progress: Progress
    ) -> Ending:
        if self.bridge is None:
            return _dead(Status.FAILED, "SETTINGS", self.fault)
        try:
            made = METHODS[invocation.method](self.bridge, invocation.contact, deadline, progress)
        except (CannotCreate, InProgress, NotCreated) as error:
            return _without_voice_call(error)
        except Exception as error:  # the caller must get an answer also where the bridge is wrong
            self.observer.defect(error, invocation.contact.contact_id)
            return _dead(Status.FAILED, "INTERNAL", "the bridge itself failed; see its log")
        return _created(made)

    def _keep(self, reason: str, payload: object, deadline: Deadline) -> str:
        if self.dead_letters is None or not deadline.allows(0.0):
            return "none"
        try:
            self.dead_letters.keep(SOURCE, reason, payload)
        except DeadLetterLost as error:
            self.observer.count("DeadLetterLost")
            self.observer.trouble("dead letter lost", error=str(error))
            return "none"
        return "queue"

    def _mistaken(
        self,
        event: object,
        invocation: flow.FlowInvocation | None,
        started: float,
        deadline: Deadline,
    ) -> None:
        ending = _dead(Status.FAILED, "FLOW_MISTAKE", "")
        keep = partial(self._keep, ending.reason, event, deadline)
        try:
            kept = run_before(deadline, keep)
        except DeadlineExceeded:
            kept = "unknown"
        self._tell(replace(ending, payload_kept=kept), invocation, started)

    def _tell(self, ending: Ending, invocation: flow.FlowInvocation | None, started: float) -> None:
        self.observer.delivered(
            Delivery(
                source=SOURCE,
                contact_id=invocation.contact.contact_id if invocation else "",
                # An unknown method's text is the flow's, and may be anything.
                method=invocation.method if invocation and invocation.method in METHODS else "",
                disposition=ending.disposition,
                reason=ending.reason,
                status=ending.status.value,
                voice_call_id=ending.voice_call_id,
                error_code=ending.code,
                error_text=ending.text,
                attempts=ending.attempts,
                milliseconds=round((time.monotonic() - started) * 1000),
                payload_kept=ending.payload_kept,
            )
        )
        self.observer.flush()


def _read(event: object) -> flow.FlowInvocation:
    try:
        return flow.read(event)
    except NotAContact as error:
        raise FlowMistake(str(error)) from None


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise FlowMistake(
            "the Lambda block's parameter methodName names no method of the bridge: set it to one "
            f"of {', '.join(METHODS)}"
        )


def _created(made: Creation) -> Ending:
    existing = made.existing
    return Ending(
        Status.EXISTING if existing else Status.CREATED,
        Disposition.SUPERSEDED if existing else Disposition.DELIVERED,
        reason="ALREADY_CREATED" if existing else "",
        voice_call_id=made.voice_call_id,
        remarks=made.remarks,
        attempts=made.attempts,
    )


def _without_voice_call(error: CannotCreate | InProgress | NotCreated) -> Ending:
    if isinstance(error, NotCreated):
        return _not_created(error)
    if isinstance(error, InProgress):
        # Whoever is at it may die of it: the request is in the ledger for whoever comes next.
        return replace(_dead(Status.DEFERRED, "IN_PROGRESS", str(error)), payload_kept="ledger")
    ending = _dead(Status.FAILED, error.code, str(error))
    return replace(ending, disposition=Disposition.SKIPPED) if error.skipped else ending


def _not_created(error: NotCreated) -> Ending:
    cause = error.cause
    later = cause.retryable or cause.effect is Effect.UNKNOWN
    ending = _dead(
        Status.DEFERRED if later else Status.FAILED,
        cause.code,
        str(cause),
    )
    kept = "ledger" if error.request_kept else ""
    return replace(ending, remark=cause.remark, attempts=cause.attempts, payload_kept=kept)


def _dead(status: Status, code: str, text: str) -> Ending:
    return Ending(status, Disposition.DEAD_LETTERED, reason=code, code=code, text=text)


def _answer(ending: Ending, contact_id: str) -> dict[str, str]:
    return {
        "status": ending.status.value,
        "voiceCallId": ending.voice_call_id,
        "vendorCallKey": contact_id,
        "errors": "; ".join(ending.remarks)[:REMARKS_LIMIT],
        "errorCode": ending.code,
        "errorMessage": f"{ending.text}: {ending.remark}" if ending.remark else ending.text,
    }
