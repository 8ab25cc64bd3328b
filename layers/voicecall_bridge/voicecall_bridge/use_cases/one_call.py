"""A request that is made once for its contact: its identity, and the kept part of its answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.requests import slot_of
from voicecall_bridge.telephony.errors import Effect, OutcomeUnknown
from voicecall_bridge.telephony.operations import CALLS, Operation
from voicecall_bridge.voice_call.actions import callback_identity

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class OneCall:
    """An operation that is not repeatable, and its request."""

    operation: Operation
    request: Mapping[str, object] = field(repr=False)

    @property
    def kind(self) -> str:
        """The word for it, in messages and in the ledger."""
        return "callback" if self.operation is Operation.REQUEST_CALLBACK else "reservation"

    @property
    def slot(self) -> str:
        """Its place in the contact's item: the same request has the same one."""
        if self.operation is Operation.REQUEST_CALLBACK:
            return slot_of(self.kind, callback_identity(self.request))
        text = json.dumps(self.request, sort_keys=True)
        return slot_of(self.kind, f"{self.operation.value} {text}")

    def to_keep(self, members: Mapping[str, object]) -> str:
        """The part of the answer that a repeat of the request needs, as the ledger keeps it."""
        if self.operation is Operation.REQUEST_CALLBACK:
            return str(members["recordId"])
        names = CALLS[self.operation].kept
        return json.dumps({name: members[name] for name in names if name in members})

    def kept(self, answer: str) -> Mapping[str, object]:
        """The members of an answer that the ledger has kept."""
        if self.operation is Operation.REQUEST_CALLBACK:
            return {"recordId": answer}
        members = json.loads(answer)
        return members if isinstance(members, dict) else {}

    def unknown(self) -> OutcomeUnknown:
        """The error where an earlier request has an unknown outcome."""
        harm = {
            "callback": "the customer is called twice",
            "reservation": "it is made twice",
        }
        return OutcomeUnknown(
            f"an earlier request of this {self.kind} went out, and whether Salesforce took it is "
            f"not known: it is not sent again, or {harm[self.kind]}",
            code=f"{self.kind.upper()}_UNKNOWN",
            effect=Effect.UNKNOWN,
        )
