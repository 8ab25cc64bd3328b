"""Which call a line belongs to, and which contact center has it.

Transcripts go to the first call of the chain. A consult that was not merged with the call stays
with its own: a leg with a VoiceCall of its own, as long as the contact that spawned it goes on
(Salesforce's Voice implementation guide, "Transcribe Calls in Real Time"). Connect shows neither
consult nor merge while the call is on; the events show that the other contact has ended.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from voicecall_bridge.aws.contact_directory import NoSuchContact
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.assignment import Unassigned
from voicecall_bridge.ledger.contact_facts import NewFacts
from voicecall_bridge.ledger.table import LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.aws.contact_directory import ContactDirectory
    from voicecall_bridge.contact_centers.registry import ContactCenter, ContactCenterRegistry
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.contact_facts import ContactFacts, ContactFactsLedger
    from voicecall_bridge.observability import Observer

_Known = TypeVar("_Known")

KEPT_SECONDS = 600.0
"""How long an environment keeps in mind which call a contact belongs to."""
CONSULT_SECONDS = 2.0
"""How long it keeps that a contact is a consult: it may be merged at any moment; and that a contact
is in no contact center yet: its flow may choose one of several."""
KEPT_CONTACTS = 10_000
MOST_LINKS = 10
"""Contacts of a chain that are followed from parent to parent; beyond it Connect is asked."""


@dataclass(frozen=True, slots=True)
class TranscriptCall:
    """The call of a line.

    Attributes:
        vendor_call_key: of its VoiceCall.
        contact_center: the contact center that has it.
    """

    vendor_call_key: str
    contact_center: ContactCenter


@dataclass(eq=False, repr=False, slots=True)
class TranscriptCalls:
    """Finds the calls of contacts. Use it from many threads.

    Attributes:
        ledger: what is known from flow and events.
        directory: DescribeContact, for what the ledger does not have.
        contact_centers: of the stack.
        observer: logs and counters.
        clock: monotonic seconds.
    """

    ledger: ContactFactsLedger
    directory: ContactDirectory
    contact_centers: ContactCenterRegistry
    observer: Observer
    clock: Callable[[], float] = time.monotonic
    _kept: dict[ContactKey, tuple[TranscriptCall, float]] = field(
        default_factory=dict, init=False, repr=False
    )
    _named: dict[ContactKey, tuple[str, float]] = field(
        default_factory=dict, init=False, repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def of(self, key: ContactKey, deadline: Deadline) -> TranscriptCall:
        """The call that a contact's lines go to.

        Raises:
            LedgerUnavailable, DirectoryUnavailable: it does not answer now.
            OtherContactCenter: the stack does not serve the contact's.
        """
        if known := self._known(self._kept, key):
            return known
        call, seconds = self._find(key, deadline)
        self._keep(self._kept, key, call, seconds)
        return call

    def _find(self, key: ContactKey, deadline: Deadline) -> tuple[TranscriptCall, float]:
        facts = self.ledger.read(key)
        first, previous = self._first_of(key, facts), facts.previous_contact_id
        if not first:
            first, previous = self._describe(key, deadline)
        if first == key.contact_id:
            return self._call(first, key, facts, deadline)
        if facts.has_voice_call and previous and self._goes_on(key, previous):
            call, _ = self._call(key.contact_id, key, facts, deadline)
            return call, CONSULT_SECONDS
        of_the_call = self.ledger.read(ContactKey(key.instance_id, first))
        unassigned = isinstance(of_the_call.assignment, Unassigned)
        return self._call(first, key, facts if unassigned else of_the_call, deadline)

    def _call(
        self, vendor_call_key: str, key: ContactKey, facts: ContactFacts, deadline: Deadline
    ) -> tuple[TranscriptCall, float]:
        """The call, in the contact center that the facts or the contact's attributes name, and how
        long that holds."""
        centers = self.contact_centers
        if owner := centers.owner(facts.assignment):
            return TranscriptCall(vendor_call_key, owner), KEPT_SECONDS
        if centers.several and self._known(self._named, key) is None:
            # Connect knows the name. Without it, the lines could go to another org.
            self._describe(key, deadline)
        secret, _ = self._named.get(key, ("", 0.0))
        owner = centers.named(secret) or centers.default
        seconds = CONSULT_SECONDS if centers.several else KEPT_SECONDS
        return TranscriptCall(vendor_call_key, owner), seconds

    def _first_of(self, key: ContactKey, facts: ContactFacts) -> str:
        """The first contact of the chain; empty: the ledger does not have it."""
        for _ in range(MOST_LINKS):
            if facts.initial_contact_id or not facts.previous_contact_id:
                return facts.initial_contact_id
            facts = self.ledger.read(ContactKey(key.instance_id, facts.previous_contact_id))
        return ""

    def _describe(self, key: ContactKey, deadline: Deadline) -> tuple[str, str]:
        """First contact and previous contact, of Connect; keeps which secret an attribute names."""
        try:
            described = self.directory.describe(key, deadline).contact
        except NoSuchContact:
            self._keep(self._named, key, "", KEPT_SECONDS)
            return key.contact_id, ""  # not remembered: asked again by the next look-up
        self._keep(self._named, key, described.secret_name, KEPT_SECONDS)
        first = described.initial_contact_id or key.contact_id
        try:
            self.ledger.remember(key, NewFacts(first, described.previous_contact_id))
        except LedgerUnavailable as fault:
            self.observer.ledger_fault("first contact", fault, key.contact_id)
        return first, described.previous_contact_id

    def _known(
        self, kept: dict[ContactKey, tuple[_Known, float]], key: ContactKey
    ) -> _Known | None:
        found = kept.get(key)
        return found[0] if found and self.clock() < found[1] else None

    def _keep(
        self,
        kept: dict[ContactKey, tuple[_Known, float]],
        key: ContactKey,
        value: _Known,
        seconds: float,
    ) -> None:
        with self._lock:
            kept[key] = value, self.clock() + seconds
            while len(kept) > KEPT_CONTACTS:
                del kept[next(iter(kept))]

    def _goes_on(self, key: ContactKey, previous: str) -> bool:
        before = self.ledger.read(ContactKey(key.instance_id, previous))
        return before.known and not before.ended
