"""The use cases for a VoiceCall that is there: what flows ask beside creating it.

Most may be repeated, so Connect's own repeats simply send again. Callbacks and reservations are
requested once. See `telephony.operations` for what may be repeated and why.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.ledger import lease
from voicecall_bridge.ledger.creations import Entry
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld
from voicecall_bridge.ledger.requests import Requested, RequestLease
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Effect, TelephonyError
from voicecall_bridge.telephony.operations import CALLS, Operation
from voicecall_bridge.use_cases.center_choice import CenterChoice
from voicecall_bridge.use_cases.one_call import OneCall
from voicecall_bridge.use_cases.outcomes import LeaseTimeout, NotRouted
from voicecall_bridge.use_cases.turns import LOOK_AGAIN_SECONDS, with_reserve
from voicecall_bridge.voice_call.actions import said_at, update_of_a_call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.registry import Center, PerCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.creations import CreationLedger
    from voicecall_bridge.ledger.requests import RequestLedger
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.telephony.client import TelephonyClient
    from voicecall_bridge.use_cases.outcomes import Progress


@dataclass(slots=True)
class CallActions:
    """What can be asked about a call. Without an answer of the ledger it goes on and counts the
    fault: the flow's caller is waiting.

    Attributes:
        ledger, requests: the memory.
        clients: Salesforce, a client for each contact center.
        observer: logs and counters.
        now: epoch seconds.
        sleep: waits for seconds.
    """

    ledger: CreationLedger
    requests: RequestLedger
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

    def send(
        self,
        operation: Operation,
        contact: Contact,
        request: Mapping[str, object] | None,
        deadline: Deadline,
        progress: Progress,
    ) -> SalesforceResult:
        """Asks Salesforce for an operation on the contact's VoiceCall.

        Args:
            operation: which one.
            contact: the contact that the call's key is of.
            request: what goes along; None: nothing.
            deadline: for all of it.
            progress: told what Salesforce answered before the ledger is.

        Raises:
            NotRouted: Salesforce answers, and routes the call to nobody.
            LeaseTimeout: another worker is at what is done once, and did not finish in time.
            OtherContactCenter: the call belongs to a contact center that is not served.
            TelephonyError: Salesforce did not do it. OutcomeUnknown also where an earlier request
                for what is done once may have been taken: it is not repeated.
        """
        body = dict(request or {})
        if operation is Operation.UPDATE:
            return self._update(contact, body, deadline)
        if not CALLS[operation].repeatable:
            return self._send_once(OneCall(operation, body), contact, deadline, progress)
        if operation is Operation.MESSAGES:
            body = said_at(body, self.now())
        result = self._perform(operation, contact, deadline, None if request is None else body)
        if operation in _ROUTES and not _ROUTES[operation](result):
            raise NotRouted(result.remarks, result.attempts)
        return result

    def _update(
        self, contact: Contact, properties: Mapping[str, object], deadline: Deadline
    ) -> SalesforceResult:
        """Updates the VoiceCall, unless its contact record has been there: that is the last word,
        and an update without the totals that it brought would set them to 0.
        """
        entry = Entry()
        try:
            entry = self.ledger.entry(contact.key)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("entry", fault, contact.contact_id)
        if entry.record_known:
            return SalesforceResult(superseded="RECORD_DELIVERED")
        body = update_of_a_call(properties, call_is_on=not entry.call_ended)
        center = self._choice.of_call(contact, entry.center)
        if entry.center is None and self.clients.centers.several:
            center = self._pinned(contact, center)  # the update makes the record if there is none
        return self._perform(Operation.UPDATE, contact, deadline, body, center)

    def _pinned(self, contact: Contact, center: Center) -> Center:
        """Where the contact stays from now on: at `center`, unless somebody was quicker."""
        try:
            other = self.ledger.pin(contact.key, center)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("pin", fault, contact.contact_id)
            return center
        return self._choice.kept(contact, other) if other else center

    def _send_once(
        self, call: OneCall, contact: Contact, deadline: Deadline, progress: Progress
    ) -> SalesforceResult:
        """Makes a request that is made once for its contact; a repeat gets the same answer."""
        center = self._choice.of_call(contact)
        turn = self._acquire(call, contact, deadline)
        if isinstance(turn, Requested):
            return SalesforceResult(call.kept(turn.answer), superseded="ALREADY_REQUESTED")
        try:
            result = self._perform(call.operation, contact, deadline, call.request, center)
        except TelephonyError as error:
            unknown = error.effect is Effect.UNKNOWN
            if unknown:
                self.observer.count("UnknownOutcome")
            self._remember(contact, turn, lambda it: self.requests.release(it, unknown=unknown))
            raise
        progress.made = result
        answer = call.to_keep(result.members)
        self._remember(contact, turn, lambda it: self.requests.settle(it, answer))
        return result

    def _acquire(
        self, call: OneCall, contact: Contact, deadline: Deadline
    ) -> RequestLease | Requested | None:
        """The right to send, or what was answered before; None: the ledger is silent."""
        seconds = deadline.remaining() + LEASE_MARGIN_SECONDS
        patience = with_reserve(deadline)
        try:
            while True:
                turn = self.requests.acquire(contact.key, call.slot, seconds)
                if isinstance(turn, lease.OutcomeUnknown):
                    raise call.unknown()
                if not isinstance(turn, LeaseHeld):
                    return turn
                if not patience.allows(LOOK_AGAIN_SECONDS):
                    raise LeaseTimeout(
                        f"another invocation is requesting this {call.kind}", request_kept=False
                    )
                self.sleep(LOOK_AGAIN_SECONDS)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault(f"acquire {call.kind}", fault, contact.contact_id)
            return None

    def _remember(
        self,
        contact: Contact,
        turn: RequestLease | None,
        how: Callable[[RequestLease], object],
    ) -> None:
        if turn is None:
            return
        try:
            how(turn)
        except LedgerUnavailable as fault:
            # The lease will run out and count as unknown: the request is not made again.
            self.observer.ledger_fault("request", fault, contact.contact_id)

    def _perform(
        self,
        operation: Operation,
        contact: Contact,
        deadline: Deadline,
        body: Mapping[str, object] | None,
        center: Center | None = None,
    ) -> SalesforceResult:
        client = self.clients.of(center or self._choice.of_call(contact))
        return client.perform(operation, contact.contact_id, with_reserve(deadline), body)


def _found_somebody(result: SalesforceResult) -> bool:
    return bool(result.members.get("agent") or result.members.get("queue"))


def _took_it_up(result: SalesforceResult) -> bool:
    # Documented as {"status": "Success"}. Another word alone proves nothing; with errors it does.
    return not result.remarks or str(result.members.get("status", "")).lower() == "success"


_ROUTES: Mapping[Operation, Callable[[SalesforceResult], bool]] = {
    Operation.OMNI_FLOW: _found_somebody,
    Operation.REROUTE: _took_it_up,
    Operation.ROUTE: _took_it_up,
}
"""Operations that route a call, and whether an answer says that it is routed."""
