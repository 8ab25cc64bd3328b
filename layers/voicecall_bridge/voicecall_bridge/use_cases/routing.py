"""The use case of calls without an agent: clears routing, or routes again, once a contact."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.aws.contact_directory import NoSuchContact
from voicecall_bridge.contact_centers.assignment import Unassigned
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld, Superseded
from voicecall_bridge.ledger.routing import RoutingStep
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import TelephonyError
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.results import CallOver, LeaseTimeout, NoVoiceCall

if TYPE_CHECKING:
    from voicecall_bridge.aws.contact_directory import ContactDirectory
    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.assignment import Assignment
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.creations import CreationLedger
    from voicecall_bridge.ledger.routing import RoutingLease, RoutingLedger
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.telephony.clients import TelephonyClients

_OPERATIONS = {
    RoutingStep.CLEAR_ROUTING: Operation.CLEAR_ROUTING,
    RoutingStep.REROUTE: Operation.REROUTE,
}


@dataclass(eq=False, repr=False, slots=True)
class Routing:
    """Clears and renews a contact's routing, each once.

    Attributes:
        steps: the steps that are done.
        creations: what the ledger knows of a contact.
        clients: Salesforce, one client a contact center.
        directory: what Connect says of a contact.
        observer: logs and counters.
    """

    steps: RoutingLedger
    creations: CreationLedger
    clients: TelephonyClients
    directory: ContactDirectory
    observer: Observer

    def clear(self, contact: Contact, deadline: Deadline) -> SalesforceResult:
        """Clears the routing of an abandoned call, once.

        Raises:
            NoVoiceCall: Salesforce does not know the call, so it has no routing.
            LeaseTimeout: another worker does it.
            OtherContactCenter: the contact belongs to a contact center that is not served.
            TelephonyError: Salesforce did not do it; the next delivery tries again.
            LedgerUnavailable, DirectoryUnavailable: without them nothing is known.
        """
        return self._run_once(RoutingStep.CLEAR_ROUTING, contact, deadline)

    def reroute(self, contact: Contact, late: bool, deadline: Deadline) -> SalesforceResult:
        """Routes a call again if its preferred agent did not answer, once.

        Args:
            contact: as its event has it.
            late: the event is so old that the call may be over.
            deadline: for all of it.

        Raises:
            CallOver: the call has ended.
            NoSuchContact: Connect was asked and does not know it.
            NoVoiceCall, LeaseTimeout, OtherContactCenter, TelephonyError, LedgerUnavailable,
            DirectoryUnavailable: as in `clear`.
        """
        over = self.creations.entry(contact.key).call_ended
        if over or (late and self.directory.describe(contact.key, deadline).ended):
            raise CallOver(contact.contact_id)
        return self._run_once(RoutingStep.REROUTE, contact, deadline)

    def _run_once(
        self, step: RoutingStep, contact: Contact, deadline: Deadline
    ) -> SalesforceResult:
        seconds = deadline.remaining() + LEASE_MARGIN_SECONDS
        lease = self.steps.acquire(contact.key, step, seconds)
        if isinstance(lease, Superseded):
            return SalesforceResult(superseded=lease.reason)
        if isinstance(lease, LeaseHeld):
            raise LeaseTimeout(f"another delivery of this contact is at {step.name}")
        result = self._send(step, contact, lease, deadline)
        self.steps.settle(lease)
        if isinstance(result, NoVoiceCall):
            raise result
        return result

    def _send(
        self, step: RoutingStep, contact: Contact, lease: RoutingLease, deadline: Deadline
    ) -> SalesforceResult | NoVoiceCall:
        try:
            client = self.clients.of(self._assign(contact, lease.assignment, deadline))
        except Exception:  # nothing was sent, whatever the reason
            self.steps.release(lease)
            raise
        try:
            return client.perform(_OPERATIONS[step], contact.contact_id, deadline)
        except TelephonyError as error:
            if error.status == 404:
                return NoVoiceCall(error.attempts)
            self.steps.release(lease)
            raise

    def _assign(self, contact: Contact, known: Assignment, deadline: Deadline) -> ContactCenter:
        if isinstance(known, Unassigned) and self.clients.contact_centers.several:
            # No create was sent. If there is a VoiceCall, the contact's attributes name its contact
            # center.
            with suppress(NoSuchContact):
                contact = contact.with_details(
                    self.directory.describe(contact.key, deadline).contact
                )
        return self.clients.contact_centers.assign(contact, known, self.creations.assignment)
