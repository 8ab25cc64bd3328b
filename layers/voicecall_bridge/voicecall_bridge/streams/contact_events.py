"""Handles a contact event: creates, clears or reroutes what the flow did not.

Rules: docs/contact-events.md; the clean-up of abandoned and expired contacts is that of
Salesforce's own package (SCVL), with the initiation methods it misses.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.aws.contact_directory import (
    DirectoryThrottled,
    DirectoryUnavailable,
    NoSuchContact,
)
from voicecall_bridge.contact import Channel
from voicecall_bridge.contact_centers.registry import OtherContactCenter
from voicecall_bridge.ledger.contact_facts import NewFacts
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.observability import LEDGER_UNAVAILABLE, Disposition
from voicecall_bridge.settings.contact_events import CreateFromEvents
from voicecall_bridge.sources import contact_event
from voicecall_bridge.sources.kinds import Kind
from voicecall_bridge.streams.results import PermanentFailure, RecordResult, TransientFailure
from voicecall_bridge.telephony.errors import TelephonyError, is_refused
from voicecall_bridge.use_cases.results import (
    CallOver,
    LeaseTimeout,
    NotCreated,
    NoVoiceCall,
    ParentMissing,
)
from voicecall_bridge.voice_call.create import NEVER_LIVE, CannotCreate, MissingProperty

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
    from voicecall_bridge.sources.contact_event import ContactEvent
    from voicecall_bridge.telephony.answers import SalesforceResult
    from voicecall_bridge.use_cases.routing import Routing
    from voicecall_bridge.use_cases.safety_net import SafetyNet

LATE_SECONDS = 30.0
"""From this age on an event is not taken for a sign of life: the call may be over."""

_LIVE = {"INITIATED", "QUEUED", "CONNECTED_TO_AGENT"}
_OVER = {"DISCONNECTED", "COMPLETED"}


@dataclass(eq=False, repr=False, slots=True)
class ContactEvents:
    """The source of the contact event stream (see processor.Source).

    Attributes:
        safety_net: creates what no flow created.
        routing: clears and reroutes.
        facts: stores what the events say, for transcripts and for the analysis after the call.
        create_from: which events may create a VoiceCall.
        now: epoch seconds.
        instance_arn: the instance of events that name none.
    """

    safety_net: SafetyNet
    routing: Routing
    facts: ContactFactsLedger
    create_from: CreateFromEvents = CreateFromEvents.SAFETY_NET
    now: Callable[[], float] = time.time
    instance_arn: str = ""
    name: str = "contact_events"
    kind: Kind = Kind.CONTACT_EVENT

    def read(self, payload: object) -> ContactEvent:
        """The event; raises NotAContact."""
        return contact_event.read(payload, self.instance_arn)

    def chain(self, item: ContactEvent) -> str:
        """The first contact of the chain."""
        return f"{item.contact.instance_id}/{item.contact.initial_contact_id}"

    def describe(self, item: ContactEvent) -> tuple[str, str]:
        """Contact id and event type, as they may be logged."""
        return item.contact.contact_id, item.published_type

    def without_salesforce(
        self, item: ContactEvent, later: Sequence[ContactEvent]
    ) -> RecordResult | None:
        """How most events end; None for the others. The event's data is stored first.

        Raises:
            TransientFailure: the ledger does not take the end of a call.
        """
        if item.contact.channel not in (Channel.VOICE, Channel.UNSTATED):
            return _skipped("NOT_VOICE")
        try:
            self._remember(item)
        except LedgerUnavailable as fault:
            raise TransientFailure(LEDGER_UNAVAILABLE, str(fault)) from None
        reason = self._no_need(item, later)
        return _skipped(reason) if reason else None

    def handle(self, item: ContactEvent, deadline: Deadline) -> RecordResult:
        """Creates, clears or reroutes.

        Raises:
            TransientFailure: a fault of Salesforce, Connect or the ledger.
            PermanentFailure: refused for good, or without its parent for good.
        """
        try:
            return self._handle(item, deadline)
        except LeaseTimeout:
            raise TransientFailure("IN_PROGRESS", own=True) from None
        except LedgerUnavailable as fault:
            raise TransientFailure(LEDGER_UNAVAILABLE, str(fault)) from None
        except DirectoryUnavailable as fault:
            raise TransientFailure(f"CONNECT_{fault}") from None
        except NoSuchContact:
            raise PermanentFailure("CONTACT_NOT_FOUND") from None
        except CallOver:
            return _skipped("CALL_OVER")
        except NoVoiceCall as none:
            return RecordResult(Disposition.SKIPPED, "NO_VOICE_CALL", attempts=none.attempts)
        except OtherContactCenter as refused:
            raise PermanentFailure(refused.code) from None
        except TelephonyError as error:
            raise _fault(error) from None

    def _no_need(self, item: ContactEvent, later: Sequence[ContactEvent]) -> str:
        if item.type in _LIVE:
            return self._not_created(item, later)
        if item.type == "DISCONNECTED" and not item.agent_connected:
            # However the contact began: an Omni flow may have routed it before any Connect queue.
            return ""
        if item.type == "CONTACT_DATA_UPDATED" and item.routing_expired:
            # An agent must not be offered a call that has ended meanwhile.
            return "CALL_OVER" if item.disconnected or _is_over(item, later) else ""
        return "NOTHING_TO_DO"

    def _handle(self, item: ContactEvent, deadline: Deadline) -> RecordResult:
        if item.type in _LIVE:
            return self._create(item, deadline)
        if item.type == "DISCONNECTED":
            return _routed(self.routing.clear(item.contact, deadline))
        late = self._age(item) > LATE_SECONDS
        return _routed(self.routing.reroute(item.contact, late, deadline))

    def _remember(self, item: ContactEvent) -> None:
        facts = _new_facts(item)
        try:
            self.facts.remember(item.contact.key, facts)
        except LedgerUnavailable as fault:
            # DescribeContact has it as well, so the event must not fail.
            self.safety_net.observer.ledger_fault("facts", fault, item.contact.contact_id)
        if item.type == "DISCONNECTED":
            self.safety_net.remember_end(item.contact)

    def _create(self, item: ContactEvent, deadline: Deadline) -> RecordResult:
        try:
            made = self.safety_net.ensure(item.contact, self._age(item) > LATE_SECONDS, deadline)
        except DirectoryThrottled:
            return _skipped("DEFERRED")  # to the call's next event
        except ParentMissing:
            raise PermanentFailure("PARENT_MISSING") from None
        except CannotCreate as error:
            if error.skipped:
                return _skipped(error.code)
            # The words are the bridge's own; those of other kinds may quote the event.
            detail = str(error) if isinstance(error, MissingProperty) else ""
            raise PermanentFailure(error.code, detail) from None
        except NotCreated as error:
            raise _fault(error.cause) from None
        return _created(made)

    def _not_created(self, item: ContactEvent, later: Sequence[ContactEvent]) -> str:
        if item.contact.initiation_method in NEVER_LIVE:
            return "NOT_CREATED_LIVE"
        if self.create_from is CreateFromEvents.NEVER:
            return "CREATE_FROM_EVENTS"
        if self.create_from is CreateFromEvents.SAFETY_NET and item.type == "INITIATED":
            return "FLOW_FIRST"  # the flow is only about to run
        if item.disconnected or _is_over(item, later):
            return "CALL_OVER"
        return ""

    def _age(self, item: ContactEvent) -> float:
        at = item.at or item.contact.initiated_at
        return self.now() - at.timestamp() if at else float("inf")


def _new_facts(item: ContactEvent) -> NewFacts:
    """The facts of an event that no other write of the bridge stores."""
    contact = item.contact
    if item.type == "INITIATED" and contact.initial_contact_id != contact.contact_id:
        return NewFacts(contact.initial_contact_id, contact.previous_contact_id)
    if item.type == "CONNECTED_TO_AGENT":
        return NewFacts(agent_connected=item.connected_at)
    if item.type == "DISCONNECTED" and item.agent_connected:
        return NewFacts(agent_connected=item.connected_at, ended_at=item.ended_at)
    return NewFacts()


def _is_over(item: ContactEvent, later: Sequence[ContactEvent]) -> bool:
    return any(
        other.contact.contact_id == item.contact.contact_id and other.type in _OVER
        for other in later
    )


def _created(made: SalesforceResult) -> RecordResult:
    if made.superseded:
        return RecordResult(
            Disposition.SUPERSEDED, made.superseded, made.voice_call_id, status="existing"
        )
    return RecordResult(Disposition.DELIVERED, "", made.voice_call_id, made.attempts, "created")


def _routed(result: SalesforceResult) -> RecordResult:
    if result.superseded:
        return RecordResult(Disposition.SUPERSEDED, result.superseded)
    return RecordResult(Disposition.DELIVERED, attempts=result.attempts)


def _fault(error: TelephonyError) -> TransientFailure | PermanentFailure:
    if is_refused(error):
        return PermanentFailure(error.code)
    return TransientFailure(error.code)


def _skipped(reason: str) -> RecordResult:
    return RecordResult(Disposition.SKIPPED, reason)
