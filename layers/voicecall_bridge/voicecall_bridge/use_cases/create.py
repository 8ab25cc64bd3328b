"""The use cases: the only place that knows in which order ledger and Salesforce are asked."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.creations import (
    Created,
    CreateLease,
    CreateStatus,
    CreationLedger,
    Entry,
)
from voicecall_bridge.ledger.routing import RoutingLedger, RoutingStep
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.errors import Effect, Rejected, TelephonyError, is_refused
from voicecall_bridge.use_cases.center_choice import CenterChoice
from voicecall_bridge.use_cases.outcomes import (
    CallOver,
    Creation,
    NotCreated,
    ParentMissing,
    Progress,
    Tidied,
)
from voicecall_bridge.use_cases.parents_number import on_its_parents_number
from voicecall_bridge.use_cases.run_once import once
from voicecall_bridge.use_cases.turns import Turns, with_reserve
from voicecall_bridge.voice_call.create import (
    CREATED_LIVE,
    TRANSFERS,
    CallInitiation,
    CannotCreate,
    CreateVoiceCall,
    NotCreatedLive,
    create_voice_call,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.aws.contact_directory import ContactDirectory
    from voicecall_bridge.contact import Contact, ContactKey
    from voicecall_bridge.contact_centers.registry import Center, PerCenter
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.sources.described_contact import DescribedContact
    from voicecall_bridge.telephony.answers import SalesforceResult
    from voicecall_bridge.telephony.client import TelephonyClient


def _may_mean_parent(error: Rejected) -> bool:
    # Which status an unknown parent has is documented nowhere; a conflict or a redirect it is not.
    return error.status in (400, 404, 422) and error.effect is Effect.NONE


@dataclass(slots=True)
class Bridge:
    """Contacts of Connect to VoiceCalls of Salesforce.

    Attributes:
        ledger: the memory.
        clients: Salesforce, a client for each contact center.
        observer: logs and counters.
        directory: Connect's word on a contact; only where contact events are handled.
        needs_ledger: whether a silent ledger is an error. A flow's caller is waiting, so the flow
            goes on without it; an event comes again.
        now: epoch seconds.
        sleep: waits for seconds.
    """

    ledger: CreationLedger
    clients: PerCenter[TelephonyClient]
    observer: Observer
    directory: ContactDirectory | None = None
    needs_ledger: bool = False
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _choice: CenterChoice = field(init=False, repr=False)
    _turns: Turns = field(init=False, repr=False)
    _routing: RoutingLedger = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Lets the ledger say whose a contact is, and whose turn it is."""
        self._choice = CenterChoice(
            self.clients.centers, lambda key: self.ledger.entry(key).center, self.observer
        )
        self._routing = RoutingLedger(self.ledger.table, self.ledger.now)
        self._turns = Turns(self.ledger, self._choice, self.needs_ledger)

    def create(
        self,
        contact: Contact,
        asked: CallInitiation,
        deadline: Deadline,
        progress: Progress | None = None,
    ) -> Creation:
        """Makes the contact's VoiceCall, once, whoever else is asked for the same.

        Raises:
            CannotCreate: this contact has no VoiceCall of its own, or none in a contact center that
                is served (OtherContactCenter).
            LeaseTimeout: another worker is at it and did not finish in time.
            NotCreated: Salesforce did not make it.
        """
        center = self._choice.of_flow(contact, self.ledger)
        if asked is CallInitiation.TRANSFER or contact.initiation_method in TRANSFERS:
            contact = on_its_parents_number(contact, self.ledger, self.observer)
        started = contact.initiated_at or datetime.fromtimestamp(self.now(), UTC)
        request = create_voice_call(contact, asked, started)
        return self._create(contact, request, center, deadline, progress or Progress(), asked=asked)

    def ensure(self, contact: Contact, late: bool, deadline: Deadline) -> Creation:
        """Makes the VoiceCall of a contact that lives, unless it is there, from what is known; its
        parents' before it.

        Args:
            contact: as its event tells it, without the customer's number.
            late: the event is so old that the call may be over.
            deadline: for all of it.

        Raises:
            CallOver: the call has ended.
            ParentMissing: a transfer whose parent is not there and can never be made live.
            CannotCreate, LeaseTimeout, NotCreated: as in `create`.
            LedgerUnavailable, DirectoryUnavailable, NoSuchContact: without them nothing is known.
        """
        key = contact.key
        entry = self.ledger.entry(key)
        if entry.create_status is CreateStatus.CREATED:
            return Creation(entry.voice_call_id, existing=True)
        if entry.call_ended:
            raise CallOver(key.contact_id)
        if not entry.request and contact.initiation_method not in CREATED_LIVE:
            raise NotCreatedLive(contact)  # no flow has asked for it
        described = self._describe(key, deadline) if late or not entry.request else None
        return self._ensure(contact, entry, described, deadline, ())

    def _ensure(
        self,
        contact: Contact,
        entry: Entry,
        described: DescribedContact | None,
        deadline: Deadline,
        children: tuple[str, ...],
    ) -> Creation:
        key = contact.key
        if described is not None:
            if described.ended:
                raise CallOver(key.contact_id)
            contact = contact.with_details(described.contact)
        children = (*children, key.contact_id)
        if entry.request:
            request = CreateVoiceCall.from_json(entry.request)
            if parent := request.parent_voice_call_id:
                self._with_parent(replace(key, contact_id=parent), deadline, children)
        else:
            request = self._request(contact, deadline, children)
        # A transfer belongs where its parent does, which is there by now.
        center = self._choice.of(contact, entry.center)
        made = self._create(
            contact, request, center, deadline, Progress(), asked=request.initiation_method
        )
        if contact.initiated_at and not made.existing:
            seconds = self.now() - contact.initiated_at.timestamp()
            self.observer.took("CallStartToVoiceCall", max(0, round(seconds * 1000)))
        return made

    def _request(
        self, contact: Contact, deadline: Deadline, children: tuple[str, ...]
    ) -> CreateVoiceCall:
        if contact.initiation_method not in CREATED_LIVE:
            raise NotCreatedLive(contact)
        transfer = contact.initiation_method in TRANSFERS
        asked = CallInitiation.TRANSFER if transfer else CallInitiation.INBOUND
        if transfer and contact.previous_contact_id:
            parent = replace(contact.key, contact_id=contact.previous_contact_id)
            number = str(self._with_parent(parent, deadline, children).request.get("to", ""))
            # Neither events nor DescribeContact tell the system endpoint of a QUEUE_TRANSFER; the
            # call goes on on the number that it came in on.
            contact = replace(contact, system_address=contact.system_address or number)
        started = contact.initiated_at or datetime.fromtimestamp(self.now(), UTC)
        return create_voice_call(contact, asked, started)

    def remember_end(self, contact: Contact) -> None:
        """From now on the contact is not created live any more.

        Raises:
            LedgerUnavailable: the ledger does not answer.
        """
        self.ledger.ended(contact.key)

    def clear_routing(self, contact: Contact, deadline: Deadline) -> Tidied | None:
        """Takes back the routing of an abandoned call, once; None: it was done before.

        Raises:
            LeaseTimeout: another worker is at it.
            OtherContactCenter: the contact belongs to a contact center that is not served.
            TelephonyError: Salesforce did not do it.
            LedgerUnavailable, DirectoryUnavailable: without them nothing is known.
        """
        return self._once(RoutingStep.CLEAR_ROUTING, contact, deadline, lambda it: it.clear_routing)

    def reroute(self, contact: Contact, late: bool, deadline: Deadline) -> Tidied | None:
        """Routes a call anew whose wanted agent did not come, once; None: it was done before.

        Args:
            contact: as its event tells it.
            late: the event is so old that the call may be over.
            deadline: for all of it.

        Raises:
            CallOver: the call has ended.
            NoSuchContact: Connect was asked and does not know it.
            LeaseTimeout, OtherContactCenter, TelephonyError, LedgerUnavailable,
            DirectoryUnavailable: as in `clear_routing`.
        """
        key = contact.key
        over = self.ledger.entry(key).call_ended
        if over or (late and self._describe(key, deadline).ended):
            raise CallOver(key.contact_id)
        return self._once(RoutingStep.REROUTE, contact, deadline, lambda it: it.reroute)

    def _once(
        self,
        step: RoutingStep,
        contact: Contact,
        deadline: Deadline,
        call_of: Callable[[TelephonyClient], Callable[[str, Deadline], int]],
    ) -> Tidied | None:
        def aim(pin: str | None) -> Callable[[], int]:
            call = call_of(self.clients.of(self._center_of_step(contact, pin, deadline)))
            return lambda: call(contact.contact_id, deadline)

        return once(self._routing, contact.key, step, aim, deadline)

    def _center_of_step(self, contact: Contact, pin: str | None, deadline: Deadline) -> Center:
        if pin is None and self.clients.centers.several:
            # Here: what flows run on does not load it.
            from voicecall_bridge.aws.contact_directory import NoSuchContact  # noqa: PLC0415

            # Nobody began to create it. Where its VoiceCall is after all, its attributes tell.
            with suppress(NoSuchContact):
                contact = contact.with_details(self._describe(contact.key, deadline).contact)
        return self._choice.of(contact, pin)

    def _describe(self, key: ContactKey, deadline: Deadline) -> DescribedContact:
        if self.directory is None:
            raise RuntimeError("no contact directory where contact events are handled")
        self.observer.count("DescribeContact")
        return self.directory.describe(key.instance_id, key.contact_id, deadline)

    def _with_parent(self, key: ContactKey, deadline: Deadline, children: tuple[str, ...]) -> Entry:
        """What is known of a parent whose VoiceCall is there, or is made now: its own events lie
        behind its child's in the stream and would come too late."""
        entry = self.ledger.entry(key)
        if entry.create_status is CreateStatus.CREATED or entry.updated:
            return entry
        parent = self._describe(key, deadline)
        if parent.contact.initiation_method not in CREATED_LIVE and not entry.request:
            # Others make it (an outbound call that an agent transfers): Salesforce knows whether
            # it is there.
            return entry
        if entry.call_ended or key.contact_id in children:
            raise ParentMissing(key.contact_id)
        try:
            if not self._ensure(parent.contact, entry, parent, deadline, children).existing:
                self.observer.count("ParentCreated")
        except (CallOver, CannotCreate) as error:
            raise ParentMissing(key.contact_id) from error
        except NotCreated as error:
            if is_refused(error.cause):
                raise ParentMissing(key.contact_id) from error
            raise
        return self.ledger.entry(key)

    def _create(
        self,
        contact: Contact,
        request: CreateVoiceCall,
        center: Center,
        deadline: Deadline,
        progress: Progress,
        *,
        asked: CallInitiation,
    ) -> Creation:
        key = contact.key
        turn, center = self._turns.take(contact, request, center, deadline, sleep=self.sleep)
        client = self.clients.of(center)
        if isinstance(turn, Created):
            self._bring_attributes(key, turn, request, client, deadline)
            return Creation(turn.voice_call_id, existing=True)
        if turn is not None:
            progress.request_kept = True
            request = request.started_as(turn.earlier_request)
        if turn is not None and turn.after_unknown:
            self.observer.count("RetriedUnknown")
        try:
            made = self._send(turn, request, client, asked, with_reserve(deadline))
        except TelephonyError as error:
            raise NotCreated(error, request_kept=self._remember_failure(turn, error)) from error
        if made.unknown_attempts:
            self.observer.count("MendedUnknown")
        if made.remarks:
            self.observer.count("CreatedWithRemarks")
            self.observer.report("created with remarks of Salesforce", key.contact_id)
        creation = Creation(made.voice_call_id, False, made.remarks, made.attempts)
        progress.made = creation
        return replace(creation, voice_call_id=self._remember(turn, made.voice_call_id))

    def _bring_attributes(
        self,
        key: ContactKey,
        made: Created,
        request: CreateVoiceCall,
        client: TelephonyClient,
        deadline: Deadline,
    ) -> None:
        """A flow that comes second may know fields that the first one could not: they are sent."""
        if not request.call_attributes or made.request.get("callAttributes") == (
            request.call_attributes
        ):
            return
        try:
            client.update_attributes(key.contact_id, request.call_attributes, deadline)
        except TelephonyError as error:
            # The call is there; its contact record brings the attributes once more.
            self.observer.report("attributes not sent", key.contact_id, errorCode=error.code)
            self.observer.count("AttributesNotSent")
            return
        self._resent(key, {**made.request, "callAttributes": request.call_attributes})

    def _resent(self, key: ContactKey, request: Mapping[str, object]) -> None:
        try:
            self.ledger.resent(key, request)
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("resent", fault, key.contact_id)

    def _send(
        self,
        turn: CreateLease | None,
        request: CreateVoiceCall,
        client: TelephonyClient,
        asked: CallInitiation,
        deadline: Deadline,
    ) -> SalesforceResult:
        try:
            return client.create_voice_call(request, deadline)
        except Rejected as error:
            # The flow asked for an initial call and would have got one from SCVL; the parent was
            # the bridge's idea. An agent without the link beats an agent without the call.
            if asked is request.initiation_method or not _may_mean_parent(error):
                raise
            first = error
        self.observer.count("ParentRefused")
        request = request.without_parent()
        if turn is not None:
            self._resent(turn.key, request.to_json())
        try:
            made = client.create_voice_call(request, deadline)
        except TelephonyError as error:
            error.attempts += first.attempts
            raise
        return replace(made, attempts=made.attempts + first.attempts)

    def _remember(self, lease: CreateLease | None, voice_call_id: str) -> str:
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

    def _remember_failure(self, lease: CreateLease | None, error: TelephonyError) -> bool:
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
