"""The use cases for a VoiceCall that is there: what flows ask beside creating it.

All but one may be repeated, so Connect's own repeats simply send again. A callback is requested
once for each contact and number. See `telephony.operations` for what may be repeated and why.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.callbacks import CallbackTurn, Requested, Untold
from voicecall_bridge.ledger.creations import LEASE_MARGIN_SECONDS, Busy, ContactKey, Entry
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.errors import Effect, OutcomeUnknown, TelephonyError, remarks_of
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.center_choice import CenterChoice
from voicecall_bridge.use_cases.outcomes import Answered, InProgress, NotRouted
from voicecall_bridge.use_cases.turns import LOOK_AGAIN_SECONDS, with_reserve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.registry import Center, PerCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.callbacks import CallbackLedger
    from voicecall_bridge.ledger.creations import Ledger
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.telephony.client import TelephonyClient
    from voicecall_bridge.use_cases.outcomes import Progress
    from voicecall_bridge.voice_call.actions import (
        ExecuteOmniFlow,
        LiveUpdate,
        RequestCallback,
        RouteVoiceCall,
        TranscriptLine,
    )


@dataclass(slots=True)
class CallActions:
    """What can be asked about a call; each method raises TelephonyError where Salesforce did not do
    it, and OtherContactCenter where the call belongs to a contact center that is not served. A
    silent ledger is counted and gone without: the flow's caller is waiting.

    Attributes:
        ledger, callbacks: the memory.
        clients: Salesforce, a client for each contact center.
        observer: logs and counters.
        now: epoch seconds.
        sleep: waits for seconds.
    """

    ledger: Ledger
    callbacks: CallbackLedger
    clients: PerCenter[TelephonyClient]
    observer: Observer
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _choice: CenterChoice = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Lets the ledger say whose a contact is."""
        self._choice = CenterChoice(
            self.clients.centers, lambda key: self.ledger.entry(key).center, self.observer
        )

    def update(self, contact: Contact, update: LiveUpdate, deadline: Deadline) -> Answered:
        """Updates the VoiceCall, unless its contact record has been there: that is the last word,
        and an update without the totals that it brought would set them to 0.
        """
        entry = Entry()
        try:
            entry = self.ledger.entry(_key(contact))
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("entry", fault, contact.contact_id)
        if entry.record_known:
            return Answered(superseded="RECORD_DELIVERED")
        body = update.to_json(call_is_on=not entry.call_ended)
        center = self._choice.of_call(contact, entry.center)
        if entry.center is None and self.clients.centers.several:
            center = self._pinned(contact, center)  # the update makes the record if there is none
        return self._perform(Operation.UPDATE, contact, deadline, body, center, names_center=True)

    def _pinned(self, contact: Contact, center: Center) -> Center:
        """Where the contact stays from now on: at `center`, unless somebody was quicker."""
        try:
            other = self.ledger.pin(_key(contact), center)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("pin", fault, contact.contact_id)
            return center
        return self._choice.kept(contact, other) if other else center

    def execute_omni_flow(
        self, contact: Contact, request: ExecuteOmniFlow, deadline: Deadline
    ) -> Answered:
        """Lets an Omni flow choose who gets the call.

        Raises:
            NotRouted: it chose nobody.
        """
        answered = self._perform(Operation.OMNI_FLOW, contact, deadline, request.to_json())
        if not (answered.members.get("agent") or answered.members.get("queue")):
            raise NotRouted(remarks_of(answered.members.get("errors")), answered.attempts)
        return answered

    def cancel_omni_flow(self, contact: Contact, deadline: Deadline) -> Answered:
        """Takes back the routing."""
        return self._perform(Operation.CLEAR_ROUTING, contact, deadline)

    def reroute(self, contact: Contact, deadline: Deadline) -> Answered:
        """Routes the call anew.

        Raises:
            NotRouted: Salesforce says that it did not.
        """
        return _routed(self._perform(Operation.REROUTE, contact, deadline))

    def route(self, contact: Contact, request: RouteVoiceCall, deadline: Deadline) -> Answered:
        """Routes the call to an agent, a queue or a flow.

        Raises:
            NotRouted: Salesforce says that it did not.
        """
        body = request.to_json()
        return _routed(self._perform(Operation.ROUTE, contact, deadline, body))

    def add_message(
        self, contact: Contact, vendor_call_key: str, line: TranscriptLine, deadline: Deadline
    ) -> Answered:
        """Adds a line to the transcript of a call: the contact's, or its chain's first one."""
        body = line.to_json(self.now())
        of_call = replace(contact, contact_id=vendor_call_key)
        return self._perform(Operation.MESSAGES, of_call, deadline, body, names_center=True)

    def request_callback(
        self, contact: Contact, request: RequestCallback, deadline: Deadline, progress: Progress
    ) -> Answered:
        """Asks for the customer to be called, once for each contact and number.

        Raises:
            InProgress: another worker is at it and did not finish in time.
            OutcomeUnknown: an earlier request may have been taken; it is not repeated.
        """
        center = self._choice.of_call(contact)
        turn = self._turn(contact, request, deadline)
        if isinstance(turn, Requested):
            return Answered({"recordId": turn.record_id}, superseded="ALREADY_REQUESTED")
        try:
            answered = self._perform(
                Operation.REQUEST_CALLBACK, contact, deadline, request.to_json(), center
            )
        except TelephonyError as error:
            unknown = error.effect is Effect.UNKNOWN
            if unknown:
                self.observer.count("UnknownOutcome")
            self._remember(contact, turn, lambda it: self.callbacks.not_made(it, unknown=unknown))
            raise
        progress.made = answered
        record_id = str(answered.members["recordId"])
        self._remember(contact, turn, lambda it: self.callbacks.made(it, record_id))
        return answered

    def _turn(
        self, contact: Contact, request: RequestCallback, deadline: Deadline
    ) -> CallbackTurn | Requested | None:
        """The right to send, or what was sent before; None: the ledger is silent."""
        lease = deadline.remaining() + LEASE_MARGIN_SECONDS
        patience = with_reserve(deadline)
        try:
            while True:
                turn = self.callbacks.begin(_key(contact), request.callback_number, lease)
                if isinstance(turn, Untold):
                    raise OutcomeUnknown(
                        "an earlier request of this callback went out, and whether Salesforce took "
                        "it is not known: it is not sent again, or the customer is called twice",
                        code="CALLBACK_UNKNOWN",
                        effect=Effect.UNKNOWN,
                    )
                if not isinstance(turn, Busy):
                    return turn
                if not patience.allows(LOOK_AGAIN_SECONDS):
                    raise InProgress(
                        "another invocation is requesting this callback", request_kept=False
                    )
                self.sleep(LOOK_AGAIN_SECONDS)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("begin callback", fault, contact.contact_id)
            return None

    def _remember(
        self,
        contact: Contact,
        turn: CallbackTurn | None,
        how: Callable[[CallbackTurn], None],
    ) -> None:
        if turn is None:
            return
        try:
            how(turn)
        except LedgerUnavailable as fault:
            # The lease will run out and count as unknown: nobody requests the callback again.
            self.observer.ledger_fault("callback", fault, contact.contact_id)

    def _perform(
        self,
        operation: Operation,
        contact: Contact,
        deadline: Deadline,
        body: Mapping[str, object] | None = None,
        center: Center | None = None,
        *,
        names_center: bool = False,
    ) -> Answered:
        client = self.clients.of(center or self._choice.of_call(contact))
        time_for_it = with_reserve(deadline)
        done = client.perform(
            operation, contact.contact_id, time_for_it, body, names_center=names_center
        )
        return Answered(done.members, done.attempts)


def _routed(answered: Answered) -> Answered:
    # Documented as {"status": "Success"}. Another word alone proves nothing; with errors it does.
    remarks = remarks_of(answered.members.get("errors"))
    if remarks and str(answered.members.get("status", "")).lower() != "success":
        raise NotRouted(remarks, answered.attempts)
    return answered


def _key(contact: Contact) -> ContactKey:
    return ContactKey(contact.instance_id, contact.contact_id)
