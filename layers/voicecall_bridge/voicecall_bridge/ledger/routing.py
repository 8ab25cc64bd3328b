"""The steps about a contact's routing that are done once: clearing it, and routing again.

A step's lease is its slot: clear_routing_until and clear_routing_owner. A step that is done keeps
an end that no clock reaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.assignments import assignment_of
from voicecall_bridge.ledger.lease import NOTHING, Lease, LeaseHeld, Ledger, Superseded, held
from voicecall_bridge.ledger.table import ConditionFailed, number, number_of

if TYPE_CHECKING:
    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.contact_centers.assignment import Assignment

_DONE = 10**15
"""A moment, in milliseconds, before which no lease ends."""


class RoutingStep(StrEnum):
    """The steps; the value is the lease's slot."""

    CLEAR_ROUTING = "clear_routing"
    REROUTE = "reroute"


@dataclass(frozen=True, slots=True)
class RoutingLease(Lease):
    """This worker may do the step; `assignment` says which contact center owns the contact."""

    assignment: Assignment


class RoutingLedger(Ledger):
    """The steps of the ledger's contacts."""

    def acquire(
        self, key: ContactKey, step: RoutingStep, seconds: float
    ) -> RoutingLease | Superseded | LeaseHeld:
        """The right to do the step, unless it is done or another worker is at it, which may yet
        fail."""
        try:
            acquired = self._leases.acquire(key, step.value, seconds)
        except ConditionFailed as refused:
            if number_of(refused.item, f"{step.value}_until") == _DONE:
                return Superseded("ALREADY_DONE")
            return held(refused.item, step.value)
        return RoutingLease(key, step.value, acquired.lease.owner, assignment_of(acquired.item))

    def settle(self, lease: RoutingLease) -> None:
        """Remembers that the step is done for good."""
        self._leases.settle(lease, NOTHING, until=number(_DONE))

    def release(self, lease: RoutingLease) -> None:
        """Frees the step for another try."""
        self._leases.release(lease)
