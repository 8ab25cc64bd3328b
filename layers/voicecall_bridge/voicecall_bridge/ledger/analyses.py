"""Which version of a call's analysis Salesforce has: each file version is brought once.

analysis_file  the version that Salesforce has
analysis       slot of the lease
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.lease import Change, Lease, LeaseHeld, Leases, Superseded, held
from voicecall_bridge.ledger.table import ConditionFailed, string_of, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.ledger.table import Table

_SLOT = "analysis"
_FILE = "analysis_file"


@dataclass(slots=True)
class AnalysisLedger:
    """The analysis side of the ledger. Every method raises LedgerUnavailable when DynamoDB does not
    answer in time or refuses.

    Attributes:
        table: the ledger's table.
        now: epoch seconds.
    """

    table: Table
    now: Callable[[], float] = time.time
    _leases: Leases = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Takes the leases of the table."""
        self._leases = Leases(self.table, self.now)

    def acquire(
        self, key: ContactKey, version: str, seconds: float
    ) -> Lease | Superseded | LeaseHeld:
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
        return acquired.lease

    def settle(self, lease: Lease, version: str) -> None:
        """Salesforce has this version."""
        done = Change({":file": text(version)}, f"{_FILE} = :file")
        self._leases.settle(lease, done)

    def release(self, lease: Lease) -> None:
        """Salesforce does not have it: the next try may."""
        self._leases.release(lease)
