"""Which callbacks were requested for a contact: once for each number. In the ledger's items.

Requesting a callback makes a record, and nothing tells afterwards whether it did. So the request is
remembered before it is sent, and one whose outcome nobody learned is never sent again.

callback_<number>_until   end of the lease, in milliseconds since 1970; 0: free for another try
callback_<number>_owner   who holds the lease
callback_<number>_record  the record that was made; from then on final

<number> is a hash: names of attributes show up in places where values do not.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.creations import TIME_TO_LIVE_SECONDS, Busy, ContactKey
from voicecall_bridge.ledger.table import ConditionFailed, number, number_of, string_of, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.ledger.table import Table

_FREE = "attribute_not_exists(#until) OR #until = :free"
_BEGIN = "SET vendor_call_key = :contact, expires_at = :expires, #until = :until, #owner = :owner"
_MADE = "SET expires_at = :expires, #record = :record REMOVE #owner"
_NOT_MADE = "SET #until = :until REMOVE #owner"
_OWNED = "#owner = :owner"
_LONG_PAST = 1
"""A lease that has run out: how the request ended is not known."""


@dataclass(frozen=True, slots=True)
class CallbackTurn:
    """This worker may send the request."""

    key: ContactKey
    name: str
    owner: str


@dataclass(frozen=True, slots=True)
class Requested:
    """The callback was requested before; Salesforce made this record of it."""

    record_id: str


@dataclass(frozen=True, slots=True)
class Untold:
    """A request went out before, and nobody learned what became of it."""


@dataclass(slots=True)
class CallbackLedger:
    """The callback side of the ledger. Every method raises LedgerUnavailable when DynamoDB does not
    answer in time or refuses.

    Attributes:
        table: the ledger's table.
        now: epoch seconds.
    """

    table: Table
    now: Callable[[], float] = time.time
    new_owner: Callable[[], str] = field(default=lambda: str(uuid.uuid4()), repr=False)

    def begin(
        self, key: ContactKey, callback_number: str, lease_seconds: float
    ) -> CallbackTurn | Requested | Busy | Untold:
        """The right to send the request, or what is known of an earlier one."""
        now = self.now()
        turn = CallbackTurn(key, name_of(callback_number), self.new_owner())
        values = {
            ":contact": text(key.contact_id),
            ":expires": self._expires(),
            ":until": number(int((now + lease_seconds) * 1000)),
            ":free": number(0),
            ":owner": text(turn.owner),
        }
        names = _names(turn, "until", "owner")
        try:
            self.table.update(str(key), _BEGIN, values, condition=_FREE, names=names)
        except ConditionFailed as refused:
            item = refused.item
            if string_of(item, f"{turn.name}_owner") == turn.owner:
                return turn  # written by a first sending whose answer was lost
            if record_id := string_of(item, f"{turn.name}_record"):
                return Requested(record_id)
            until = number_of(item, f"{turn.name}_until") / 1000
            return Busy(until) if until >= now else Untold()
        return turn

    def made(self, turn: CallbackTurn, record_id: str) -> None:
        """Remembers the record, whoever holds the lease by now."""
        values = {":record": text(record_id), ":expires": self._expires()}
        self.table.update(str(turn.key), _MADE, values, names=_names(turn, "record", "owner"))

    def not_made(self, turn: CallbackTurn, *, unknown: bool) -> None:
        """Remembers that there is no record; or, if `unknown`, that nobody knows."""
        values = {
            ":until": number(_LONG_PAST if unknown else 0),
            ":owner": text(turn.owner),
        }
        names = _names(turn, "until", "owner")
        try:
            self.table.update(str(turn.key), _NOT_MADE, values, condition=_OWNED, names=names)
        except ConditionFailed:
            return  # written already, by a first sending whose answer was lost

    def _expires(self) -> dict[str, str]:
        return number(int(self.now()) + TIME_TO_LIVE_SECONDS)


def name_of(callback_number: str) -> str:
    """The item's name for a callback to this number."""
    digest = hashlib.sha256(callback_number.encode(errors="replace")).hexdigest()
    return f"callback_{digest[:16]}"


def _names(turn: CallbackTurn, *parts: str) -> Mapping[str, str]:
    return {f"#{part}": f"{turn.name}_{part}" for part in parts}
