"""One VoiceCall a contact: the request is stored, then sent, then its outcome is stored.

Flows and the safety net create by the same steps. They differ in what goes before and after.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.assignment import UNASSIGNED
from voicecall_bridge.ledger.assignments import AssignedElsewhere
from voicecall_bridge.ledger.creations import CreateHeld, PlannedCreate
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Effect, Rejected, TelephonyError
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.assignment import reassigned
from voicecall_bridge.use_cases.results import NotCreated
from voicecall_bridge.use_cases.waiting import Waiting, with_reserve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact import Contact, ContactKey
    from voicecall_bridge.contact_centers.assignment import Assignment
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.creations import Created, CreateLease, CreationLedger
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.telephony.client import TelephonyClient
    from voicecall_bridge.telephony.clients import TelephonyClients
    from voicecall_bridge.use_cases.results import Progress
    from voicecall_bridge.voice_call.create import CreateRequest


def existing(voice_call_id: str) -> SalesforceResult:
    """The result where the VoiceCall was there before."""
    return SalesforceResult({"voiceCallId": voice_call_id}, superseded="ALREADY_CREATED")


@dataclass(frozen=True, slots=True)
class WantedCreate:
    """A VoiceCall that is to be made.

    Attributes:
        request: what is sent.
        client: where to.
        may_drop_parent: the parent was not asked for: a refused one is left out.
    """

    request: CreateRequest
    client: TelephonyClient
    may_drop_parent: bool = False

    @property
    def key(self) -> str:
        """The contact's id, which Salesforce knows the call by."""
        return self.request.vendor_call_key

    def can_do_without_parent(self, error: TelephonyError) -> bool:
        """Whether the same call is to be sent again, without its parent.

        The flow asked for an initial call and would have got one from SCVL; the bridge added the
        parent. A call without the link is better for the agent than no call.
        """
        return self.may_drop_parent and isinstance(error, Rejected) and _may_mean_parent(error)


@dataclass(eq=False, repr=False, slots=True)
class CreateOnce:
    """The steps of creating.

    Attributes:
        ledger: what was sent for each contact.
        clients: Salesforce, one client a contact center.
        observer: logs and counters.
        sleep: waits for seconds.
    """

    ledger: CreationLedger
    clients: TelephonyClients
    observer: Observer
    sleep: Callable[[float], None] = time.sleep

    def assign(self, contact: Contact, known: Assignment = UNASSIGNED) -> ContactCenter:
        """The contact center that owns the contact, by what is `known` of it.

        Raises:
            OtherContactCenter: the stack does not serve it.
            LedgerUnavailable: the ledger does not answer which contact center owns the parent.
        """
        return self.clients.contact_centers.assign(contact, known, self.ledger.assignment)

    def acquire(
        self, contact: Contact, planned: PlannedCreate, deadline: Deadline
    ) -> tuple[CreateLease | Created | LedgerUnavailable, ContactCenter]:
        """The right to send, or the VoiceCall that another worker made, or that the ledger does not
        answer; and the contact center that owns the contact, as far as is known: the planned one,
        unless the ledger has named another one.

        Raises:
            LeaseTimeout: another worker is at it and did not finish in time.
            OtherContactCenter: the ledger knows it at a contact center that is not served.
        """
        waiting = Waiting(with_reserve(deadline), self.sleep)
        while True:
            seconds = deadline.remaining() + LEASE_MARGIN_SECONDS
            try:
                lease = self.ledger.acquire(planned, seconds)
            except LedgerUnavailable as fault:
                return fault, planned.contact_center
            if isinstance(lease, AssignedElsewhere):
                centers = self.clients.contact_centers
                owner = reassigned(contact, lease, centers, self.observer)
                planned = replace(planned, contact_center=owner)
            elif isinstance(lease, CreateHeld):
                waiting.wait(
                    "another delivery of this contact is creating its VoiceCall",
                    request_kept=_same(lease.request, planned.request),
                )
            else:
                return lease, planned.contact_center

    def send(
        self,
        lease: CreateLease | None,
        wanted: WantedCreate,
        deadline: Deadline,
        progress: Progress,
    ) -> SalesforceResult:
        """Sends the request and stores the outcome.

        Args:
            lease: the right to send; None: the ledger does not answer.
            wanted: what is sent, and where to.
            deadline: for all of it.
            progress: set when Salesforce has answered, before the ledger knows.

        Raises:
            NotCreated: Salesforce did not make it.
        """
        if lease is not None and lease.after_unknown:
            self.observer.count("RetriedUnknown")
        sending, refused = with_reserve(deadline), 0
        while True:
            try:
                made = wanted.client.perform(
                    Operation.CREATE, wanted.key, sending, wanted.request.to_json()
                )
                break
            except TelephonyError as error:
                error.attempts += refused
                if not wanted.can_do_without_parent(error):
                    raise NotCreated(error, request_kept=self._release(lease, error)) from error
                refused = error.attempts
            wanted = self._without_parent(lease, wanted)
        made = replace(made, attempts=made.attempts + refused)
        self._count(made, wanted.key)
        progress.made = made
        standing = self._settle(lease, made.voice_call_id)
        return replace(made, members={**made.members, "voiceCallId": standing})

    def resent(self, key: ContactKey, request: Mapping[str, object]) -> None:
        """Stores what is sent instead of, or after, the stored request."""
        try:
            self.ledger.resent(key, request)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("resent", fault, key.contact_id)

    def _count(self, made: SalesforceResult, contact_id: str) -> None:
        if made.unknown_attempts:
            self.observer.count("MendedUnknown")
        if made.remarks:
            self.observer.count("CreatedWithRemarks")
            self.observer.report("created with remarks of Salesforce", contact_id)

    def _without_parent(self, lease: CreateLease | None, wanted: WantedCreate) -> WantedCreate:
        self.observer.count("ParentRefused")
        request = wanted.request.without_parent()
        if lease is not None:
            self.resent(lease.key, request.to_json())
        return WantedCreate(request, wanted.client)

    def _settle(self, lease: CreateLease | None, voice_call_id: str) -> str:
        if lease is None:
            return voice_call_id
        try:
            standing = self.ledger.settle(lease, voice_call_id)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("settle", fault, lease.key.contact_id)
            return voice_call_id
        if standing != voice_call_id:
            self.observer.count("SecondVoiceCall")
            self.observer.report(
                "two VoiceCalls for one contact", lease.key.contact_id, voiceCallId=voice_call_id
            )
        return standing

    def _release(self, lease: CreateLease | None, error: TelephonyError) -> bool:
        """Stores that there is no VoiceCall; says whether the ledger holds the request."""
        unknown = error.effect is Effect.UNKNOWN
        if unknown:
            self.observer.count("UnknownOutcome")
        if lease is None:
            return False
        try:
            self.ledger.release(lease, error.code, unknown=unknown)
        except LedgerUnavailable as fault:
            # The request is there since `acquire`; the lease will run out and count as unknown.
            self.observer.ledger_fault("release", fault, lease.key.contact_id)
        return True


def _same(stored: Mapping[str, object], planned: Mapping[str, object]) -> bool:
    """Whether two requests differ in nothing but the call's start, of which the first counts."""
    return {**stored, "startTime": ""} == {**planned, "startTime": ""}


def _may_mean_parent(error: Rejected) -> bool:
    # The status for an unknown parent is not documented; it is neither a conflict nor a redirect.
    return error.status in (400, 404, 422) and error.effect is Effect.NONE
