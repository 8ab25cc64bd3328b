"""The use cases for a VoiceCall that is there: what flows ask beside creating it.

Most may be repeated, so Connect's own repeats simply send again. Callbacks and reservations are
requested once. See `telephony.operations` for what may be repeated and why.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.assignment import UNASSIGNED
from voicecall_bridge.ledger import lease
from voicecall_bridge.ledger.creations import Entry
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld
from voicecall_bridge.ledger.requests import Requested, RequestLease
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Effect, TelephonyError, Unavailable
from voicecall_bridge.telephony.operations import CALLS, Operation
from voicecall_bridge.use_cases.assignment import ContactCenterAssignment
from voicecall_bridge.use_cases.one_call import OneCall
from voicecall_bridge.use_cases.results import NotRouted
from voicecall_bridge.use_cases.waiting import Waiting, with_reserve
from voicecall_bridge.voice_call.actions import said_at, update_of_a_call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.assignment import Assignment
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.creations import CreationLedger
    from voicecall_bridge.ledger.requests import RequestLedger
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.telephony.clients import TelephonyClients
    from voicecall_bridge.use_cases.results import Progress


@dataclass(slots=True)
class CallActions:
    """What can be asked about a call. Without an answer of the ledger it goes on and counts the
    fault: the flow's caller is waiting.

    Attributes:
        ledger, requests: the memory.
        clients: Salesforce, one client a contact center.
        observer: logs and counters.
        now: epoch seconds.
        sleep: waits for seconds.
    """

    ledger: CreationLedger
    requests: RequestLedger
    clients: TelephonyClients
    observer: Observer
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _assignment: ContactCenterAssignment = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Lets the ledger say which contact center owns a contact."""
        self._assignment = ContactCenterAssignment(
            self.clients.contact_centers, self.ledger.assignment, self.observer
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
        contact_center = self._owner(contact, entry.assignment)
        if entry.assignment == UNASSIGNED and self.clients.contact_centers.several:
            # The update makes the record if there is none.
            contact_center = self._assign(contact, contact_center)
        return self._perform(Operation.UPDATE, contact, deadline, body, contact_center)

    def _assign(self, contact: Contact, contact_center: ContactCenter) -> ContactCenter:
        """Assigns the contact to the contact center, unless it is assigned by now."""
        try:
            other = self.ledger.assign(contact.key, contact_center)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("assign", fault, contact.contact_id)
            return contact_center
        return self._assignment.reassign(contact, other) if other else contact_center

    def _owner(self, contact: Contact, known: Assignment = UNASSIGNED) -> ContactCenter:
        """The contact center that owns the contact. What the ledger knows goes before what the flow
        says; it is asked only where there is a choice and it was not asked before.

        Raises:
            OtherContactCenter: the stack does not serve it.
            Unavailable: the ledger does not answer, and the flow does not say.
        """
        try:
            if known == UNASSIGNED and self.clients.contact_centers.several:
                known = self.ledger.assignment(contact.key)
            return self._assignment.assign(contact, known)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("contact center", fault, contact.contact_id)
            if named := self.clients.contact_centers.named(contact.secret_name):
                return named
            silent = "the ledger does not tell which contact center the contact belongs to"
            raise Unavailable(silent, code="LEDGER_UNAVAILABLE") from None

    def _send_once(
        self, call: OneCall, contact: Contact, deadline: Deadline, progress: Progress
    ) -> SalesforceResult:
        """Makes a request that is made once for its contact; a repeat gets the same answer."""
        contact_center = self._owner(contact)
        turn = self._acquire(call, contact, deadline)
        if isinstance(turn, Requested):
            return SalesforceResult(call.kept(turn.answer), superseded="ALREADY_REQUESTED")
        try:
            result = self._perform(call.operation, contact, deadline, call.request, contact_center)
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
        waiting = Waiting(with_reserve(deadline), self.sleep)
        try:
            while True:
                turn = self.requests.acquire(contact.key, call.slot, seconds)
                if isinstance(turn, lease.OutcomeUnknown):
                    raise call.unknown()
                if not isinstance(turn, LeaseHeld):
                    return turn
                waiting.wait(
                    f"another invocation is requesting this {call.kind}", request_kept=False
                )
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
        contact_center: ContactCenter | None = None,
    ) -> SalesforceResult:
        client = self.clients.of(contact_center or self._owner(contact))
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
