"""Which version of a call's analysis Salesforce has: each file version is brought once.

analysis_file  the version that Salesforce has
analysis_part  the version of which Salesforce has a part, and how many requests it has taken
analysis       slot of the lease
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.lease import Change, Lease, LeaseHeld, Ledger, Superseded, held
from voicecall_bridge.ledger.table import ConditionFailed, string_of, text

if TYPE_CHECKING:
    from voicecall_bridge.contact import ContactKey

_SLOT = "analysis"
_FILE = "analysis_file"
_PART = "analysis_part"


@dataclass(frozen=True, slots=True)
class AnalysisLease(Lease):
    """The right to bring a version.

    Attributes:
        version: the file's.
        taken: requests of this version that Salesforce has taken before.
    """

    version: str
    taken: int


class AnalysisLedger(Ledger):
    """The analysis side of the ledger."""

    def acquire(
        self, key: ContactKey, version: str, seconds: float
    ) -> AnalysisLease | Superseded | LeaseHeld:
        """The right to bring a version; or that Salesforce has it, or another worker brings one."""
        try:
            acquired = self._leases.acquire(key, _SLOT, seconds)
        except ConditionFailed as refused:
            if string_of(refused.item, _FILE) == version:
                return Superseded("ALREADY_DONE")
            return held(refused.item, _SLOT)
        if string_of(acquired.item, _FILE) == version:
            self._leases.release(acquired.lease)
            return Superseded("ALREADY_DONE")
        taken, _, of_version = string_of(acquired.item, _PART).partition(" ")
        return AnalysisLease(
            key, _SLOT, acquired.lease.owner, version, int(taken) if of_version == version else 0
        )

    def settle(self, lease: AnalysisLease) -> None:
        """Salesforce has this version."""
        done = Change({":file": text(lease.version)}, f"{_FILE} = :file", _PART)
        self._leases.settle(lease, done)

    def release(self, lease: AnalysisLease, taken: int) -> None:
        """Salesforce has taken so many requests of it, from the first one: the next try brings the
        rest."""
        part = Change({":part": text(f"{taken} {lease.version}")}, f"{_PART} = :part")
        self._leases.release(lease, part)
