"""The facts of a contact from its flow and events, for functions that have only its id.

initial_contact_id   the first contact of its chain
previous_contact_id  the contact that spawned it
agent_connected      when an agent was connected, ISO 8601
call_ended_at        when it ended, ISO 8601
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.assignments import assignment_of
from voicecall_bridge.ledger.lease import Change, Ledger
from voicecall_bridge.ledger.table import string_of, text
from voicecall_bridge.sources.reading import moment, parsed_object
from voicecall_bridge.sources.reading import text as string

if TYPE_CHECKING:
    from datetime import datetime

    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.contact_centers.assignment import Assignment
    from voicecall_bridge.ledger.table import Item


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """A contact's place in its call, as far as the ledger knows it.

    Attributes:
        known: there is an item.
        initial_contact_id, previous_contact_id: empty: not known.
        has_voice_call: the contact has a VoiceCall of its own.
        ended: the contact is known to be over.
        agent_connected, ended_at: None: not known.
        assignment: which contact center owns the contact.
    """

    known: bool
    initial_contact_id: str
    previous_contact_id: str
    has_voice_call: bool
    ended: bool
    agent_connected: datetime | None
    ended_at: datetime | None
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class NewFacts:
    """The facts to be stored; empty and None: not known."""

    initial_contact_id: str = ""
    previous_contact_id: str = ""
    agent_connected: datetime | None = None
    ended_at: datetime | None = None


class ContactFactsLedger(Ledger):
    """The facts in the ledger's items."""

    def read(self, key: ContactKey) -> ContactFacts:
        """The facts that the ledger has right now."""
        return _facts(self.table.read(str(key)))

    def remember(self, key: ContactKey, facts: NewFacts) -> None:
        """Writes what is known. A contact's place in its chain and its times never change, so
        writing them twice does no harm."""
        known = {
            "initial_contact_id": facts.initial_contact_id,
            "previous_contact_id": facts.previous_contact_id,
            "agent_connected": facts.agent_connected.isoformat() if facts.agent_connected else "",
            "call_ended_at": facts.ended_at.isoformat() if facts.ended_at else "",
        }
        known = {name: value for name, value in known.items() if value}
        if known:
            sets = ", ".join(f"{name} = :{name}" for name in known)
            values = {f":{name}": text(value) for name, value in known.items()}
            self._leases.write(key, Change(values, sets))


def _facts(item: Item) -> ContactFacts:
    first, previous = string_of(item, "initial_contact_id"), string_of(item, "previous_contact_id")
    request = parsed_object(string_of(item, "create_request"))
    if request is not None and not previous:
        # A contact that was created without a parent is the first of its chain.
        previous = string(request.get("parentVoiceCallId"))
        first = first or ("" if previous else string_of(item, "vendor_call_key"))
    return ContactFacts(
        known=bool(item),
        initial_contact_id=first,
        previous_contact_id=previous,
        has_voice_call=bool(string_of(item, "voice_call_id")),
        ended=bool(item.get("call_ended", {}).get("BOOL", False)),
        agent_connected=moment(string_of(item, "agent_connected")),
        ended_at=moment(string_of(item, "call_ended_at")),
        assignment=assignment_of(item),
    )
