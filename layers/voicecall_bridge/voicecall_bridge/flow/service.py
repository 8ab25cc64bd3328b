"""How an invocation by a contact flow is answered: in time, with one line in the log, never lost.

`methods` has the methods that a flow can ask for, `results` the answers.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from voicecall_bridge.aws.dead_letters import DeadLetterLost, DeadLetterSender, NoDeadLetterQueue
from voicecall_bridge.contact import InitiationMethod, NotAContact
from voicecall_bridge.deadline import Deadline, DeadlineExceeded, run_before
from voicecall_bridge.flow.methods import METHODS, method_call
from voicecall_bridge.flow.results import (
    FAILURES,
    LEFT_OUT,
    FlowFailed,
    FlowMistake,
    FlowResult,
    Status,
    answer_of,
    answered,
    created,
    dead_lettered,
    failed,
    not_created_live,
    not_found,
    nothing_to_ask,
    value_of,
    without_result,
)
from voicecall_bridge.observability import Delivery, Disposition, Observer
from voicecall_bridge.settings.contact_flow import FlowFailure
from voicecall_bridge.settings.sent_records import SentRecords
from voicecall_bridge.sources import flow
from voicecall_bridge.sources.flow_parameters import ParameterFault
from voicecall_bridge.sources.words import unknown
from voicecall_bridge.telephony.errors import Rejected
from voicecall_bridge.use_cases.results import Progress
from voicecall_bridge.voice_call.create import NotCreatedLive, require_voice

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.flow.methods import Method, MethodCall
    from voicecall_bridge.telephony.answers import SalesforceResult
    from voicecall_bridge.use_cases.call_actions import CallActions
    from voicecall_bridge.use_cases.create import CreateVoiceCall

SOURCE = "contact_flow"
METHODS_OF_CONNECT = [it for it in InitiationMethod if it not in ("", InitiationMethod.UNKNOWN)]
_DEFECT = "the bridge itself failed; see its log"
KEEP_ATTEMPTS = 2
"""How often the queue is asked to keep a dead letter, within the budget."""
HAND_OVER_SECONDS = 0.2
"""Kept of Lambda's own time-out for handing the answer over."""


@dataclass(eq=False, repr=False, slots=True)
class InvocationLog:
    """The log's facts of an invocation, as far as it could be read.

    Attributes:
        started: on the monotonic clock.
        contact_id: empty where none could be read.
        method: the name; empty for an unknown method, which may be any text.
        creates: the method creates a VoiceCall; also true until the method is read.
    """

    started: float
    contact_id: str = ""
    method: str = ""
    creates: bool = True


@dataclass(frozen=True, slots=True)
class ParsedInvocation:
    """An invocation, read and checked.

    Attributes:
        event: as it came.
        contact_id: see FlowInvocation.
        call: what is to be done.
    """

    event: object
    contact_id: str
    call: MethodCall


def _method_of(name: str) -> Method:
    if name in METHODS:
        return METHODS[name]
    raise FlowMistake(
        "the Lambda block's parameter methodName names no method of the bridge"
        f"{unknown(name, METHODS)}: set it to one of {', '.join(METHODS)}"
    )


def _succeeded(call: MethodCall, result: SalesforceResult) -> FlowResult:
    """The result of a use case that did not raise."""
    if call.method.creates is not None:
        return created(result)
    done = answered(result)
    lacking = [
        key.name for key in call.method.results if key.needed and not value_of(done, key).strip()
    ]
    return without_result(done, lacking) if lacking else done


@dataclass(eq=False, repr=False, slots=True, kw_only=True)
class FlowAnswers(ABC):
    """Answers contact flows within their time, whatever fails.

    Attributes:
        observer: logs and counters.
        dead_letters: keeps payloads that the ledger could not take.
        budget: seconds for an answer.
        failure: what a flow gets when it does not get what it asked for, unless its block or the
            method says otherwise.
        on_overrun: called when an invocation is answered before its work has ended.
        instance_arn: the instance of contacts that do not name theirs, for their key in the ledger.
    """

    observer: Observer
    dead_letters: DeadLetterSender | NoDeadLetterQueue
    budget: float = 6.5
    failure: FlowFailure = FlowFailure.CONTINUE
    on_overrun: Callable[[], None] = lambda: None
    instance_arn: str = ""

    def answer(
        self, event: object, seconds_left: float, began: float | None = None
    ) -> dict[str, str]:
        """The flow's answer: a flat map of strings (Connect's STRING_MAP).

        Args:
            event: as Lambda passes it.
            seconds_left: until Lambda's own time-out, when the invocation began.
            began: when that was, on the monotonic clock; None: now.

        Raises:
            FlowMistake: unknown method, a parameter that is missing or wrong, or not the event of a
                contact flow.
            FlowFailed: the request failed, and the flow asked for its Error branch; or the bridge
                failed to read the event.
        """
        log = InvocationLog(time.monotonic() if began is None else began)
        if flow.is_scheduled(event):
            warm = FlowResult(Status.WARM, Disposition.SKIPPED, reason="SCHEDULED_EVENT")
            self._log(warm, log)
            return {"status": warm.status.value}
        seconds = min(self.budget, seconds_left - HAND_OVER_SECONDS)
        deadline = Deadline.after(max(0.0, seconds - (time.monotonic() - log.started)))
        try:
            parsed = self._parse(event, log)
        except (FlowMistake, NotAContact, ParameterFault) as mistake:
            self._unread("FLOW_MISTAKE", event, log, deadline)
            raise FlowMistake(str(mistake)) from None
        except Exception as error:  # every input has a line in the log, even if the bridge fails
            self.observer.defect(error, log.contact_id)
            self._unread("INTERNAL", event, log, deadline)
            raise FlowFailed(f"{Status.FAILED.value}: INTERNAL: {_DEFECT}") from None
        result = self._run(parsed, deadline)
        self._log(result, log)
        call = parsed.call
        if not result.done and call.failure is FlowFailure.ERROR:
            # Lambda logs the text of an exception, so it must not quote Salesforce.
            raise FlowFailed(f"{result.status.value}: {result.code}: {result.text}")
        return answer_of(result, call.contact.contact_id, call.method.results)

    def _parse(self, event: object, log: InvocationLog) -> ParsedInvocation:
        invocation = flow.read(event, self.instance_arn)
        log.contact_id = invocation.contact.contact_id
        method = _method_of(invocation.method)
        log.method, log.creates = invocation.method, method.creates is not None
        call = method_call(invocation, method, self.failure)
        return ParsedInvocation(event, log.contact_id, call)

    def _run(self, parsed: ParsedInvocation, deadline: Deadline) -> FlowResult:
        progress = Progress()
        try:
            return run_before(deadline, partial(self._work, parsed, deadline, progress))
        except DeadlineExceeded as error:
            self.on_overrun()
            if progress.made is not None:  # created, but not stored in the ledger yet
                return _succeeded(parsed.call, progress.made)
            result = dead_lettered(Status.DEFERRED, "DEADLINE", str(error))
            return replace(result, payload_kept="ledger" if progress.request_kept else "unknown")

    def _work(self, parsed: ParsedInvocation, deadline: Deadline, progress: Progress) -> FlowResult:
        try:
            result = self._attempt(parsed, deadline, progress)
            if result.disposition is Disposition.DEAD_LETTERED and not result.payload_kept:
                kept = self._keep(result.reason, parsed.event, deadline)
                result = replace(result, payload_kept=kept)
            return result
        finally:
            if not deadline.allows(0.0):  # the answer is out: its own flush came too early
                self.observer.flush()

    @abstractmethod
    def _attempt(
        self, parsed: ParsedInvocation, deadline: Deadline, progress: Progress
    ) -> FlowResult:
        """Performs the flow's request. Never raises: a failure is a result."""

    def _keep(self, reason: str, payload: object, deadline: Deadline) -> str:
        fault = "the time ran out"
        for _ in range(KEEP_ATTEMPTS):
            if not deadline.allows(0.0):
                break
            try:
                self.dead_letters.keep(SOURCE, reason, payload)
            except DeadLetterLost as error:
                fault = str(error)  # try again: a dead letter kept twice is better than none
            else:
                return "queue"
        self.observer.count("DeadLetterLost")
        self.observer.report("dead letter lost", error=fault)
        return "none"

    def _unread(self, code: str, event: object, log: InvocationLog, deadline: Deadline) -> None:
        result = dead_lettered(Status.FAILED, code, "")
        keep = partial(self._keep, result.reason, event, deadline)
        try:
            kept = run_before(deadline, keep)
        except DeadlineExceeded:
            kept = "unknown"
        self._log(replace(result, payload_kept=kept), log)

    def _log(self, result: FlowResult, log: InvocationLog) -> None:
        self.observer.delivered(
            Delivery(
                source=SOURCE,
                contact_id=log.contact_id,
                method=log.method,
                disposition=result.disposition,
                reason=result.reason,
                status=result.status.value,
                voice_call_id=result.voice_call_id,
                error_code=result.code,
                error_text=result.text,
                attempts=result.attempts,
                milliseconds=round((time.monotonic() - log.started) * 1000),
                payload_kept=result.payload_kept,
                creates=log.creates,
            )
        )
        self.observer.flush()


@dataclass(eq=False, repr=False, slots=True, kw_only=True)
class FlowService(FlowAnswers):
    """Does what flows ask for.

    Attributes:
        create: creates VoiceCalls.
        actions: makes the use cases for a VoiceCall that is there, when they are needed.
        sent_records: which contacts will have a VoiceCall by their records.
        prepare: does all that can be done before the first call.
    """

    create: CreateVoiceCall
    actions: Callable[[], CallActions]
    prepare: Callable[[], None] = lambda: None
    sent_records: SentRecords = field(default_factory=SentRecords)

    def _attempt(
        self, parsed: ParsedInvocation, deadline: Deadline, progress: Progress
    ) -> FlowResult:
        call = parsed.call
        try:
            return self._perform(call, deadline, progress)
        except FAILURES as error:
            return self._failed(error, call)
        except Exception as error:  # the caller gets an answer even if the bridge has a defect
            self.observer.defect(error, parsed.contact_id)
            return dead_lettered(Status.FAILED, "INTERNAL", _DEFECT)

    def _failed(self, error: Exception, call: MethodCall) -> FlowResult:
        if call.method.may_lack and isinstance(error, Rejected) and error.status == 404:
            return not_found(error)
        if isinstance(error, NotCreatedLive):
            by_record = self.sent_records.include(error.contact)
            return not_created_live(error, by_record=by_record)
        result = failed(error)
        return result if call.method.creates is None else self._named(result, call.contact)

    def _named(self, result: FlowResult, contact: Contact) -> FlowResult:
        """The result of creating, with the initiation method as it came if the bridge does not
        know it: for the answer alone, since what the bridge does not know is not logged."""
        if not contact.unknown_method:
            return result
        named = unknown(contact.unknown_method, METHODS_OF_CONNECT)
        note = f"the bridge does not know its InitiationMethod{named}"
        if result.done and not self.sent_records.include(contact):
            note += f". Its contact record is not sent: {LEFT_OUT}"
        return replace(result, remark="; ".join(filter(None, (result.remark, note))))

    def _perform(self, call: MethodCall, deadline: Deadline, progress: Progress) -> FlowResult:
        method, contact = call.method, call.contact
        if method.creates is not None:
            made = self.create.create(contact, method.creates, deadline, progress)
            return self._named(_succeeded(call, made), contact)
        if method.operation is None:
            remembered = self.actions().remember_contact_center(contact)
            return nothing_to_ask(contact.contact_id, remembered=remembered)
        require_voice(contact)
        send = self.actions().send
        return _succeeded(call, send(method.operation, contact, call.request, deadline, progress))


@dataclass(eq=False, repr=False, slots=True, kw_only=True)
class UnconfiguredFlow(FlowAnswers):
    """Answers flows while the settings are unusable: keeps their events, and names the faults.

    Attributes:
        fault: names of the settings that cannot be used.
    """

    fault: str

    def _attempt(self, *_: object) -> FlowResult:
        return dead_lettered(Status.FAILED, "SETTINGS", self.fault)
