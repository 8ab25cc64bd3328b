"""The use case of contact records: acquire the lease, PATCH, settle; wait for others; drop refused
fields."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.aws import TABLE, Through
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import Clock, alone
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.records import Failing, PatchedCalls
from tests.unit.samples import CENTER
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS
from voicecall_bridge.ledger.records import RecordLease, RecordLedger, RecordVersion
from voicecall_bridge.ledger.table import LedgerUnavailable, Table
from voicecall_bridge.sources.contact_record import ContactRecord
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import (
    Effect,
    OutcomeUnknown,
    Rejected,
    Unauthorized,
    Unavailable,
)
from voicecall_bridge.use_cases.record_updates import (
    MOST_FIELDS_LEFT_OUT,
    SEND_SHARE,
    LeaseLost,
    RecordUpdates,
)
from voicecall_bridge.use_cases.results import LeaseTimeout
from voicecall_bridge.voice_call.update import UpdateRequest

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)
FIVE = RecordVersion(KEY, 5, "a")
SECONDS = 10.0


def superseded(reason: str) -> SalesforceResult:
    return SalesforceResult(superseded=reason)


class Setting:
    """The use case with the real ledger, a clock that stands still, and a scripted Salesforce."""

    def __init__(self, dynamodb: Any) -> None:
        self.clock = Clock()
        self.ledger = RecordLedger(Table(lambda: dynamodb, TABLE), self.clock)
        self.salesforce = PatchedCalls()
        self.logged = CapturedLog()
        self.updates = RecordUpdates(
            self.ledger, alone(self.salesforce), self.logged.observer, self.clock.sleep
        )

    def update(self, version: int, **fields: object) -> SalesforceResult:
        request = UpdateRequest(CONTACT_ID, {"endTime": "t"}, {"Version__c": version, **fields})
        record = ContactRecord(CONTACT_ID, INSTANCE_ID, version)
        return self.updates.update(record, request, self.clock.deadline(SECONDS))


@pytest.fixture
def setting() -> Setting:
    return Setting(MemoryDynamoDB())


def raising(error: BaseException) -> Callable[[UpdateRequest], None]:
    def fail(_: UpdateRequest) -> None:
        raise error

    return fail


def test_a_version_is_sent_once(setting: Setting) -> None:
    assert setting.update(5) == SalesforceResult(attempts=1)
    assert setting.update(5) == superseded("ALREADY_DELIVERED")
    assert setting.update(4) == superseded("NEWER_DELIVERED")
    assert setting.update(6) == SalesforceResult(attempts=1)
    assert setting.salesforce.versions() == [5, 6]


def test_two_versions_of_one_second_are_both_sent(setting: Setting) -> None:
    """Source: contact records carry whole seconds (administrator guide, data model)."""
    assert setting.update(5) == SalesforceResult(attempts=1)
    assert setting.update(5, Recording__c="there by now") == SalesforceResult(attempts=1)
    for fields in ({}, {"Recording__c": "there by now"}):
        assert setting.update(5, **fields) == superseded("ALREADY_DELIVERED")
    assert len(setting.salesforce.patched) == 2


def test_the_lease_outlives_the_request(setting: Setting) -> None:
    """Given the lease as it is during the PATCH, then it ends after the PATCH by a margin."""
    ends: list[float] = []

    def look(_: UpdateRequest) -> None:
        other = setting.ledger.acquire(FIVE, SECONDS, CENTER)
        ends.append(other.until)  # type: ignore[union-attr]

    setting.salesforce.before = look
    setting.update(5)
    (deadline,) = setting.salesforce.deadlines
    assert ends[0] >= deadline.at + LEASE_MARGIN_SECONDS - 0.01
    share = SEND_SHARE * SECONDS
    assert deadline.remaining() == pytest.approx(share), "the rest is for the ledger"


@pytest.mark.parametrize("seconds", [0.0, 3.5, 6.5])
def test_the_lease_outlives_the_request_however_slow_the_ledger_is(seconds: float) -> None:
    """Given a lease that is written at once and answered late (a lost first answer, a time-out),
    then the PATCH ends before another worker may send another version."""
    slow: Setting = Setting(Through(MemoryDynamoDB(), after=lambda: slow.clock.sleep(seconds)))
    began = slow.clock.now
    slow.update(5)
    (deadline,) = slow.salesforce.deadlines
    lease = began + SEND_SHARE * SECONDS + LEASE_MARGIN_SECONDS
    assert deadline.at <= lease - LEASE_MARGIN_SECONDS


def test_a_newer_version_waits_for_an_older_one(setting: Setting) -> None:
    """Given another worker that sends version 5 and is done after 0.3 s, then version 6 arrives
    behind it."""
    other = setting.ledger.acquire(FIVE, 8.0, CENTER)
    assert isinstance(other, RecordLease)

    def sleep(seconds: float) -> None:
        setting.clock.sleep(seconds)
        if setting.clock.now >= begun + 0.3 and not setting.salesforce.patched:
            setting.ledger.settle(other)

    begun = setting.clock.now
    setting.updates.sleep = sleep
    assert setting.update(6) == SalesforceResult(attempts=1)
    assert sum(setting.clock.slept) < 1.0


def test_a_dead_workers_version_is_taken_over_within_one_delivery(setting: Setting) -> None:
    """Given a worker that died with a fresh lease on the same version, then the next delivery of
    the record waits for the lease to run out and sends the version."""
    setting.salesforce.before = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        setting.update(5)
    setting.salesforce.before = lambda _: None
    assert setting.update(5) == SalesforceResult(attempts=1)


def test_a_record_that_waits_in_vain_is_delivered_again(setting: Setting) -> None:
    setting.ledger.acquire(FIVE, 60.0, CENTER)
    began = setting.clock.now
    with pytest.raises(LeaseTimeout):
        setting.update(6)
    assert setting.clock.now - began < SECONDS
    assert setting.clock.slept == [0.05, 0.1, 0.2, 0.4, 0.8, *[1.0] * 7], "less and less often"
    assert setting.salesforce.patched == []


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("x", status=503),
        OutcomeUnknown("x", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN),
        Unauthorized("x", status=401),
        Rejected("x", status=400, effect=Effect.UNKNOWN),
    ],
)
def test_a_transient_fault_frees_the_contact_for_this_version(
    setting: Setting, error: Exception
) -> None:
    setting.salesforce.before = raising(error)
    with pytest.raises(type(error)):
        setting.update(5)
    setting.salesforce.before = lambda _: None
    assert setting.update(4) == superseded("NEWER_UNDER_WAY")
    assert setting.update(5) == SalesforceResult(attempts=1)


def test_a_refusal_makes_way_for_older_ones(setting: Setting) -> None:
    setting.salesforce.before = raising(Rejected("x", status=400))
    with pytest.raises(Rejected):
        setting.update(5)
    setting.salesforce.before = lambda _: None
    assert setting.update(4) == SalesforceResult(attempts=1)


def test_nothing_is_sent_without_the_ledger() -> None:
    silent = Through(None, before=Failing(ReadTimeoutError(endpoint_url="https://x"), 9))
    setting = Setting(silent)
    with pytest.raises(LedgerUnavailable):
        setting.update(5)
    assert setting.salesforce.patched == []


def test_a_ledger_that_falls_silent_behind_the_patch_brings_the_same_version_again() -> None:
    dynamodb = MemoryDynamoDB()
    setting = Setting(dynamodb)
    silent = Failing(ReadTimeoutError(endpoint_url="https://x"), 1)
    shaky = RecordLedger(Table(lambda: Through(dynamodb, before=silent), TABLE), setting.clock)

    def fall_silent(_: UpdateRequest) -> None:
        setting.updates.ledger = shaky

    setting.salesforce.after = fall_silent
    with pytest.raises(LedgerUnavailable):
        setting.update(5)
    setting.salesforce.after = lambda _: None
    assert setting.update(5) == SalesforceResult(attempts=1)
    assert setting.salesforce.versions() == [5, 5]


def test_a_ledger_that_falls_silent_behind_a_fault_is_reported() -> None:
    dynamodb = MemoryDynamoDB()
    setting = Setting(dynamodb)
    silent = Failing(ReadTimeoutError(endpoint_url="https://x"), 1)
    shaky = RecordLedger(Table(lambda: Through(dynamodb, before=silent), TABLE), setting.clock)

    def fail(_: UpdateRequest) -> None:
        setting.updates.ledger = shaky
        raise Unavailable("x", status=503)

    setting.salesforce.before = fail
    with pytest.raises(Unavailable):
        setting.update(5)
    assert setting.logged.counted()["LedgerFault"] == 1


def test_a_lease_that_ran_out_under_way_brings_the_version_again(setting: Setting) -> None:
    """Given a worker that was frozen after its PATCH, when another worker acquired the contact,
    then its version does not count as sent: the other request may have arrived later."""

    def freeze(_: UpdateRequest) -> None:
        setting.clock.sleep(20)
        setting.ledger.acquire(FIVE, 8.0, CENTER)

    setting.salesforce.after = freeze
    with pytest.raises(LeaseLost):
        setting.update(5)


def refusing(*names: str) -> Callable[[UpdateRequest], None]:
    """A check that refuses the first of these fields that it finds, by its name."""

    def check(request: UpdateRequest) -> None:
        for name in names:
            if name in request.call_attributes:
                remark = f"No such column '{name}' on sobject of type VoiceCall"
                error = Rejected("x", status=400, remark=remark)
                error.attempts = 1
                raise error

    return check


def test_one_bad_field_does_not_cost_the_record(setting: Setting) -> None:
    setting.salesforce.before = refusing("Bad__c", "Worse__c")
    assert setting.update(5, Bad__c="secret", Good__c="1", Worse__c="secret") == SalesforceResult(
        attempts=3
    )
    (sent,) = setting.salesforce.patched
    assert dict(sent.call_attributes) == {"Version__c": 5, "Good__c": "1"}
    lines = [line for line in setting.logged.lines() if line["message"].startswith("field refused")]
    assert [line["field"] for line in lines] == ["Bad__c", "Worse__c"]
    assert setting.logged.counted()["FieldRefused"] == 2
    assert "secret" not in setting.logged.stream.getvalue()


def test_only_names_of_fields_are_reported(setting: Setting) -> None:
    """Attributes are named by the people who build flows: an error does not repeat a number in a
    name."""
    setting.salesforce.before = refusing("+12065550100")
    assert setting.update(5, **{"+12065550100": "x"}) == SalesforceResult(attempts=2)
    assert "+12065550100" not in setting.logged.stream.getvalue()
    assert '"OTHER"' in setting.logged.stream.getvalue()


@pytest.mark.parametrize(
    "error",
    [
        Rejected("x", status=400, remark="endTime is before startTime"),
        Rejected("x", status=400, remark="No such column 'Bad__cc'"),
        Rejected("x", status=400),
        Rejected("x", status=404, remark="Bad__c"),
        Rejected("x", status=400, remark="Bad__c", effect=Effect.UNKNOWN),
    ],
)
def test_other_refusals_are_refusals(setting: Setting, error: Rejected) -> None:
    setting.salesforce.before = raising(error)
    with pytest.raises(Rejected):
        setting.update(5, Bad__c="x")
    assert len(setting.salesforce.deadlines) == 1


def test_leaving_out_is_bounded(setting: Setting) -> None:
    names = [f"F{number}__c" for number in range(MOST_FIELDS_LEFT_OUT + 3)]
    setting.salesforce.before = refusing(*names)
    with pytest.raises(Rejected) as refused:
        setting.update(5, **dict.fromkeys(names, "x"))
    assert len(setting.salesforce.deadlines) == MOST_FIELDS_LEFT_OUT + 1
    assert refused.value.attempts == MOST_FIELDS_LEFT_OUT + 1
