"""Which version of an analysis Salesforce has, over DynamoDB in memory and as moto speaks it."""

import pytest

from tests.unit.doubles import Clock
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.analyses import AnalysisLease, AnalysisLedger
from voicecall_bridge.ledger.lease import LeaseHeld, Superseded
from voicecall_bridge.ledger.table import Table

KEY = ContactKey("instance-1", "contact-1")
SECONDS = 5.0
DONE = Superseded("ALREADY_DONE")
OTHERS = pytest.mark.parametrize("other", ["e-0", "e-2"])


@pytest.fixture
def ledger(table: Table, clock: Clock) -> AnalysisLedger:
    return AnalysisLedger(table, clock)


def acquired(ledger: AnalysisLedger, version: str = "e-1") -> AnalysisLease:
    lease = ledger.acquire(KEY, version, SECONDS)
    assert isinstance(lease, AnalysisLease)
    return lease


@OTHERS
def test_a_version_is_brought_once(ledger: AnalysisLedger, other: str) -> None:
    """Then a worker with a version that Salesforce has need not wait for a worker that brings
    another one. A worker with a third version must wait."""
    ledger.settle(acquired(ledger))
    assert ledger.acquire(KEY, "e-1", SECONDS) == DONE
    acquired(ledger, other)
    assert ledger.acquire(KEY, "e-1", SECONDS) == DONE
    for version in ("e-0", "e-2", "e-3"):
        assert isinstance(ledger.acquire(KEY, version, SECONDS), LeaseHeld)


@OTHERS
def test_a_part_of_one_version_is_no_part_of_another(ledger: AnalysisLedger, other: str) -> None:
    first = acquired(ledger)
    assert first.taken == 0
    ledger.release(first, 2)
    again = acquired(ledger)
    assert again.taken == 2
    ledger.release(again, 4)
    another = acquired(ledger, other)
    assert another.taken == 0
    ledger.settle(another)
    assert acquired(ledger).taken == 0
