"""The use case of contact events: each event of a live call is one more chance to create."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.creations import Created, CreateStatus, PlannedCreate
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.errors import is_refused
from voicecall_bridge.use_cases.create_once import CreateOnce, WantedCreate, existing
from voicecall_bridge.use_cases.results import CallOver, NotCreated, ParentMissing, Progress
from voicecall_bridge.voice_call.create import (
    CREATED_LIVE,
    TRANSFERS,
    CallInitiation,
    CannotCreate,
    CreateRequest,
    NotCreatedLive,
    create_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.aws.contact_directory import ContactDirectory
    from voicecall_bridge.contact import Contact, ContactKey
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.creations import CreationLedger, Entry
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.sources.described_contact import DescribedContact
    from voicecall_bridge.telephony.answers import SalesforceResult
    from voicecall_bridge.telephony.clients import TelephonyClients


@dataclass(eq=False, repr=False, slots=True)
class SafetyNet:
    """Creates what no flow created, a parent before its children. Without the ledger nothing is
    sent: Lambda delivers the event again.

    Attributes:
        ledger: what was sent for each contact.
        clients: Salesforce, one client a contact center.
        directory: what Connect says of a contact.
        observer: logs and counters.
        now: epoch seconds.
        sleep: waits for seconds.
    """

    ledger: CreationLedger
    clients: TelephonyClients
    directory: ContactDirectory
    observer: Observer
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _once: CreateOnce = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Takes the steps of creating."""
        self._once = CreateOnce(self.ledger, self.clients, self.observer, self.sleep)

    def ensure(self, contact: Contact, late: bool, deadline: Deadline) -> SalesforceResult:
        """Makes the VoiceCall of a contact that lives, unless it is there, from what is known; its
        parents' before it.

        Args:
            contact: as its event has it, without the customer's number.
            late: the event is so old that the call may be over.
            deadline: for all of it.

        Raises:
            CallOver: the call has ended.
            ParentMissing: a transfer without a VoiceCall of its parent, which is no longer made.
            CannotCreate: this contact has no VoiceCall of its own, or none in a contact center that
                is served (OtherContactCenter).
            LeaseTimeout: another worker is at it and did not finish in time.
            NotCreated: Salesforce did not make it.
            DirectoryThrottled: Connect throttles the question for what the request lacks.
            LedgerUnavailable, DirectoryUnavailable, NoSuchContact: without them nothing is known.
        """
        key = contact.key
        entry = self.ledger.entry(key)
        if entry.create_status is CreateStatus.CREATED:
            return existing(entry.voice_call_id)
        if entry.call_ended:
            raise CallOver(key.contact_id)
        if not entry.request and contact.initiation_method not in CREATED_LIVE:
            raise NotCreatedLive(contact)  # no flow has asked for it
        asks = late or not entry.request
        described = self._describe(key, entry, deadline) if asks else None
        return self._ensure(contact, entry, described, deadline, ())

    def remember_end(self, contact: Contact) -> None:
        """Stores that the contact has ended: it is no longer created live.

        Raises:
            LedgerUnavailable: the ledger does not answer.
        """
        self.ledger.ended(contact.key)

    def _ensure(
        self,
        contact: Contact,
        entry: Entry,
        described: DescribedContact | None,
        deadline: Deadline,
        children: tuple[str, ...],
    ) -> SalesforceResult:
        key = contact.key
        if described is not None:
            if described.ended:
                raise CallOver(key.contact_id)
            contact = contact.with_details(described.contact)
        children = (*children, key.contact_id)
        if entry.request:
            request = CreateRequest.from_json(entry.request)
            if parent := request.parent_voice_call_id:
                self._with_parent(replace(key, contact_id=parent), deadline, children)
        else:
            request = self._request(contact, deadline, children)
        made = self._create(contact, entry, request, deadline)
        if contact.initiated_at and not made.superseded:
            seconds = self.now() - contact.initiated_at.timestamp()
            self.observer.took("CallStartToVoiceCall", max(0, round(seconds * 1000)))
        return made

    def _create(
        self, contact: Contact, entry: Entry, request: CreateRequest, deadline: Deadline
    ) -> SalesforceResult:
        # A transfer belongs to its parent's contact center, and the parent is there by now.
        contact_center = self._once.assign(contact, entry.assignment)
        # The values that a flow stored since are newer than Connect's earlier answer.
        planned = PlannedCreate(contact.key, contact_center, request.to_json(), keeps_earlier=True)
        lease, contact_center = self._once.acquire(contact, planned, deadline)
        if isinstance(lease, LedgerUnavailable):
            raise lease
        if isinstance(lease, Created):
            return existing(lease.voice_call_id)
        if lease.earlier_request:
            request = CreateRequest.from_json(lease.earlier_request)
        wanted = WantedCreate(request, self.clients.of(contact_center))
        return self._once.send(lease, wanted, deadline, Progress())

    def _describe(self, key: ContactKey, entry: Entry, deadline: Deadline) -> DescribedContact:
        # If the request is known, Connect only says whether the call is on. That is asked after an
        # outage, once a call, and is worth a wait. Every call without a flow asks for the rest of
        # its request: there may be more of them than Connect answers.
        return self.directory.describe(key, deadline, waits=bool(entry.request))

    def _request(
        self, contact: Contact, deadline: Deadline, children: tuple[str, ...]
    ) -> CreateRequest:
        if contact.initiation_method not in CREATED_LIVE:
            raise NotCreatedLive(contact)
        transfer = contact.initiation_method in TRANSFERS
        asked = CallInitiation.TRANSFER if transfer else CallInitiation.INBOUND
        if transfer and contact.previous_contact_id:
            parent = replace(contact.key, contact_id=contact.previous_contact_id)
            number = str(self._with_parent(parent, deadline, children).request.get("to", ""))
            # Neither events nor DescribeContact have the system endpoint of a QUEUE_TRANSFER: the
            # call keeps the number that it came in on.
            contact = replace(contact, system_address=contact.system_address or number)
        started = contact.initiated_at or datetime.fromtimestamp(self.now(), UTC)
        return create_request(contact, asked, started)

    def _with_parent(self, key: ContactKey, deadline: Deadline, children: tuple[str, ...]) -> Entry:
        """The entry of a parent that has a VoiceCall, or gets it now: its own events are behind its
        child's in the stream and would come too late."""
        entry = self.ledger.entry(key)
        if entry.create_status is CreateStatus.CREATED or entry.updated:
            return entry
        parent = self._describe(key, entry, deadline)
        if parent.contact.initiation_method not in CREATED_LIVE and not entry.request:
            # Salesforce itself makes it (an outbound call that an agent transfers), and knows
            # whether it is there.
            return entry
        if entry.call_ended or key.contact_id in children:
            raise ParentMissing(key.contact_id)
        try:
            if not self._ensure(parent.contact, entry, parent, deadline, children).superseded:
                self.observer.count("ParentCreated")
        except (CallOver, CannotCreate) as error:
            raise ParentMissing(key.contact_id) from error
        except NotCreated as error:
            if is_refused(error.cause):
                raise ParentMissing(key.contact_id) from error
            raise
        return self.ledger.entry(key)
