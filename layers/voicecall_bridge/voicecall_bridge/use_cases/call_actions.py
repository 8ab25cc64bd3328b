"""The use cases for a VoiceCall that is there: what flows ask beside creating it.

Most may be repeated, so Connect's own repeats simply send again. Callbacks and reservations are
requested once. See `telephony.operations` for what may be repeated and why.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.ledger import lease
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, Lease, LeaseHeld
from voicecall_bridge.ledger.requests import Requested
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Effect, TelephonyError
from voicecall_bridge.telephony.operations import CALLS, Operation
from voicecall_bridge.use_cases.call_owners import CallOwners
from voicecall_bridge.use_cases.live_updates import LiveUpdates
from voicecall_bridge.use_cases.one_call import OneCall
from voicecall_bridge.use_cases.results import NotRouted
from voicecall_bridge.use_cases.waiting import Waiting, with_reserve
from voicecall_bridge.voice_call.actions import said_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.creations import CreationLedger
    from voicecall_bridge.ledger.records import RecordLedger
    from voicecall_bridge.ledger.requests import RequestLedger
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.telephony.clients import TelephonyClients
    from voicecall_bridge.use_cases.results import Progress


@dataclass(eq=False, repr=False, slots=True)
class CallActions:
    """The requests about a call that is there. Without an answer of the ledger it goes on and
    counts the fault: the flow's caller is waiting.

    Attributes:
        ledger, requests, records: the memory.
        clients: Salesforce, one client a contact center.
        observer: logs and counters.
        now: epoch seconds.
        sleep: waits for seconds.
    """

    ledger: CreationLedger
    requests: RequestLedger
    records: RecordLedger
    clients: TelephonyClients
    observer: Observer
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _owners: CallOwners = field(init=False, repr=False)
    _updates: LiveUpdates = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Lets the ledger say which contact center owns a contact."""
        self._owners = CallOwners(self.ledger, self.clients.contact_centers, self.observer)
        self._updates = LiveUpdates(
            self.ledger, self.records, self._owners, self.clients, self.sleep
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
            progress: set when Salesforce has answered, before the ledger is written.

        Raises:
            NotRouted: Salesforce answers, and does not route the call to anyone.
            LeaseTimeout: another worker does the same request, and did not finish in time.
            OtherContactCenter: the call belongs to a contact center that is not served.
            TelephonyError: Salesforce did not do it. OutcomeUnknown also where an earlier request
                that must not be repeated may have been taken: it is not repeated.
        """
        body = dict(request or {})
        if operation is Operation.UPDATE:
            return self._updates.send(contact, body, deadline)
        if not CALLS[operation].repeatable:
            return self._send_once(OneCall(operation, body), contact, deadline, progress)
        if operation is Operation.MESSAGES:
            body = said_at(body, self.now())
        result = self._perform(operation, contact, deadline, None if request is None else body)
        if operation in _ROUTES and not _ROUTES[operation](result):
            raise NotRouted(result.remarks, result.attempts)
        return result

    def remember_contact_center(self, contact: Contact) -> bool:
        """See CallOwners.remember."""
        return self._owners.remember(contact)

    def _send_once(
        self, call: OneCall, contact: Contact, deadline: Deadline, progress: Progress
    ) -> SalesforceResult:
        """Makes a request that is made once for its contact; a repeat gets the same answer."""
        contact_center = self._owners.of(contact)
        acquired = self._acquire(call, contact, deadline)
        if isinstance(acquired, Requested):
            return SalesforceResult(call.kept(acquired.answer), superseded="ALREADY_REQUESTED")
        try:
            result = self._perform(call.operation, contact, deadline, call.request, contact_center)
        except TelephonyError as error:
            unknown = error.effect is Effect.UNKNOWN
            if unknown:
                self.observer.count("UnknownOutcome")
            self._remember(contact, acquired, lambda it: self.requests.release(it, unknown=unknown))
            raise
        progress.made = result
        answer = call.to_keep(result.members)
        self._remember(contact, acquired, lambda it: self.requests.settle(it, answer))
        return result

    def _acquire(
        self, call: OneCall, contact: Contact, deadline: Deadline
    ) -> Lease | Requested | None:
        """The right to send, or the answer of before; None: the ledger is silent."""
        seconds = deadline.remaining() + LEASE_MARGIN_SECONDS
        waiting = Waiting(with_reserve(deadline), self.sleep)
        try:
            while True:
                acquired = self.requests.acquire(contact.key, call.slot, seconds)
                if isinstance(acquired, lease.OutcomeUnknown):
                    raise call.unknown()
                if not isinstance(acquired, LeaseHeld):
                    return acquired
                waiting.wait(f"another invocation is requesting this {call.kind}")
        except LedgerUnavailable as fault:
            self.observer.ledger_fault(f"acquire {call.kind}", fault, contact.contact_id)
            return None

    def _remember(
        self,
        contact: Contact,
        held: Lease | None,
        how: Callable[[Lease], object],
    ) -> None:
        if held is None:
            return
        try:
            how(held)
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
        client = self.clients.of(contact_center or self._owners.of(contact))
        return client.perform(operation, contact.contact_id, with_reserve(deadline), body)


def _is_routed(result: SalesforceResult) -> bool:
    return bool(result.members.get("agent") or result.members.get("queue"))


def _took_it_up(result: SalesforceResult) -> bool:
    # Documented as {"status": "Success"}. Another word alone proves nothing; with errors it does.
    return not result.remarks or str(result.members.get("status", "")).lower() == "success"


_ROUTES: Mapping[Operation, Callable[[SalesforceResult], bool]] = {
    Operation.OMNI_FLOW: _is_routed,
    Operation.REROUTE: _took_it_up,
    Operation.ROUTE: _took_it_up,
}
"""Operations that route a call, and whether an answer says that it is routed."""
