"""A summary is sent behind the contact's record, and leaves the record's totals as they are."""

import json

import pytest

from tests.samples.members import CONTACT_ID
from tests.unit.samples import CENTERS
from tests.unit.test_post_call import Scene
from voicecall_bridge.ledger.analyses import AnalysisLedger
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld
from voicecall_bridge.ledger.records import RecordLease, RecordLedger, RecordVersion
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.sources.post_call_file import CreatedFile
from voicecall_bridge.streams.results import TransientFailure
from voicecall_bridge.use_cases.post_call import UPDATE_SECONDS
from voicecall_bridge.voice_call.delivered import DeliveredRecord


def test_the_summary_goes_to_the_field_that_is_named() -> None:
    scene = Scene(summary_field="Summary__c")
    scene.know()
    assert scene.handle() == ("delivered", "")
    operation, key, body = scene.org.events[0]
    assert (operation, key) == ("update", CONTACT_ID)
    assert json.loads(body["callAttributes"]) == {"Summary__c": "All is well."}
    assert "well" not in scene.logged.stream.getvalue()


def test_the_leases_outlive_the_work() -> None:
    """Given the leases as they are while the summary is under way."""
    scene = Scene(summary_field="Summary__c")
    scene.know()
    ends: list[float] = []

    def look() -> None:
        if not ends:
            analysis = scene.leases.acquire(scene.key, "e-2", 1.0)
            record = scene.records.acquire_update(scene.key, 1.0)
            assert isinstance(analysis, LeaseHeld)
            assert isinstance(record, LeaseHeld)
            ends.extend(lease.until - scene.clock.now for lease in (analysis, record))

    scene.org.fault = look
    file = CreatedFile("bucket", "key", "e-1")
    scene.events.analysis.bring(scene.key, file, scene.clock.deadline(60.0))
    assert ends == [60.0 + LEASE_MARGIN_SECONDS, UPDATE_SECONDS + LEASE_MARGIN_SECONDS]


@pytest.mark.parametrize(
    ("ledger", "operation"), [(RecordLedger, "release_update"), (AnalysisLedger, "settle")]
)
def test_a_lease_that_cannot_be_ended_runs_out(
    ledger: type, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise LedgerUnavailable("ReadTimeoutError")

    scene = Scene(summary_field="Summary__c")
    scene.know()
    monkeypatch.setattr(ledger, operation, silent)
    assert scene.handle() == ("delivered", "")
    assert [line["message"] for line in scene.logged.lines()] == ["ledger fault", "delivery"]


TOTALS = {"totalHoldDuration": 34, "numberOfHolds": 2, "agentInteractionDuration": 254}
BROUGHT = DeliveredRecord(totals=TOTALS).to_text()


def deliver(scene: Scene, brought: str = BROUGHT) -> None:
    """The contact's record was delivered."""
    wanted = RecordVersion(scene.key, 1, "x", brought)
    lease = scene.records.acquire(wanted, 9.0, CENTERS.default)
    assert isinstance(lease, RecordLease)
    assert scene.records.settle(lease)


def test_a_summary_takes_nothing_away_from_the_calls_record() -> None:
    """Given an update without totals, which Salesforce takes for 0, then the update repeats those
    of the contact record."""
    scene = Scene(summary_field="Summary__c")
    scene.know()
    deliver(scene)
    scene.handle()
    body = scene.org.events[0][2]
    assert {name: body[name] for name in TOTALS} == TOTALS


def test_a_summary_is_left_out_where_the_records_totals_are_not_known() -> None:
    scene = Scene(summary_field="Summary__c")
    scene.know()
    deliver(scene, brought="")
    assert scene.handle() == ("delivered", "")
    assert {operation for operation, _, _ in scene.org.events} == {"postConversationEvents"}


def test_a_summary_waits_for_the_record_that_is_being_sent() -> None:
    """Given a contact record that is being sent, then no summary is sent until the record has
    arrived."""
    scene = Scene(summary_field="Summary__c")
    scene.know()
    lease = scene.records.acquire(RecordVersion(scene.key, 1, "x", BROUGHT), 9.0, CENTERS.default)
    assert isinstance(lease, RecordLease)
    with pytest.raises(TransientFailure):
        scene.handle()
    assert not scene.org.events
    assert scene.records.settle(lease)
    assert scene.handle() == ("delivered", "")
    assert scene.org.events[0][2]["numberOfHolds"] == 2
