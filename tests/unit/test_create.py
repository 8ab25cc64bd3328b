"""The use case: the order of calls to the ledger and to Salesforce, and what each outcome
leaves."""

import json
from datetime import UTC, datetime

import pytest

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import Clock, MemoryLedger, ScriptedClient, alone
from tests.unit.samples import CENTER, VOICE_CALL_ID, a_contact, a_transfer, created
from voicecall_bridge.contact import Contact, ContactKey
from voicecall_bridge.ledger.creations import CreateLease, CreateStatus, PlannedCreate
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unavailable,
)
from voicecall_bridge.use_cases.create import CreateVoiceCall
from voicecall_bridge.use_cases.create_once import existing
from voicecall_bridge.use_cases.results import LeaseTimeout, NotCreated, Progress
from voicecall_bridge.use_cases.waiting import LEAST_RESERVE_SECONDS
from voicecall_bridge.voice_call.create import CallInitiation, CannotCreate

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)
INBOUND, TRANSFER = CallInitiation.INBOUND, CallInitiation.TRANSFER
MADE = created()


def failed(error: TelephonyError, attempts: int = 1) -> TelephonyError:
    error.attempts = attempts
    return error


class Scene:
    """A bridge with its clock, ledger, client and log."""

    def __init__(self, logged: CapturedLog, *outcomes: SalesforceResult | Exception) -> None:
        self.clock = Clock()
        self.journal: list[str] = []
        self.ledger = MemoryLedger(self.clock, self.journal)
        self.client = ScriptedClient(outcomes, self.journal)
        self.logged = logged
        self.creating = CreateVoiceCall(
            self.ledger, alone(self.client), logged.observer, now=self.clock, sleep=self.clock.sleep
        )

    def create(
        self, contact: Contact | None = None, asked: CallInitiation = INBOUND, seconds: float = 6.0
    ) -> SalesforceResult:
        deadline = self.clock.deadline(seconds)
        return self.creating.create(contact or a_contact(), asked, deadline, Progress())

    def not_created(self, **arguments: object) -> NotCreated:
        with pytest.raises(NotCreated) as caught:
            self.create(**arguments)  # type: ignore[arg-type]
        return caught.value

    def item(self) -> dict[str, object]:
        return self.ledger.item(KEY)


@pytest.fixture
def logged() -> CapturedLog:
    return CapturedLog()


def test_remembered_before_and_after_it_is_sent(logged: CapturedLog) -> None:
    scene = Scene(logged, MADE)
    assert scene.create() == created(attempts=1)
    assert scene.journal == ["acquire", "POST", "settle"]
    assert scene.item()["create_status"] == CreateStatus.CREATED
    assert logged.counted() == {}


def test_the_request_is_the_contacts_and_its_start_is_now(logged: CapturedLog) -> None:
    scene = Scene(logged, MADE)
    scene.create()
    (sent,) = scene.client.sent
    assert sent.vendor_call_key == CONTACT_ID
    now = datetime.fromtimestamp(scene.clock.now, UTC)
    assert sent.start_time == now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert json.loads(str(scene.item()["create_request"])) == sent.to_json()


def test_time_is_kept_for_remembering(logged: CapturedLog) -> None:
    scene = Scene(logged, MADE)
    scene.create(seconds=6.0)
    assert scene.client.deadlines[0].remaining() == pytest.approx(5.4)


def test_the_lease_outlives_the_deadline(logged: CapturedLog) -> None:
    scene = Scene(logged, RuntimeError("the process ends here"))
    with pytest.raises(RuntimeError):
        scene.create(seconds=6.0)
    until = scene.ledger.entry(KEY).lease_until
    assert until == scene.clock.now + 6.0 + LEASE_MARGIN_SECONDS


def test_what_exists_is_not_made_again(logged: CapturedLog) -> None:
    scene = Scene(logged, MADE)
    scene.create()
    assert scene.create() == existing(VOICE_CALL_ID)
    assert scene.journal == ["acquire", "POST", "settle", "acquire"]


def test_a_contact_without_voice_call_of_its_own_touches_nothing(logged: CapturedLog) -> None:
    scene = Scene(logged)
    with pytest.raises(CannotCreate):
        scene.create(a_contact(system_address=""))
    assert scene.journal == []


def other_worker(scene: Scene, seconds: float = 30.0) -> CreateLease:
    lease = scene.ledger.acquire(PlannedCreate(KEY, CENTER, {}), seconds)
    assert isinstance(lease, CreateLease)
    scene.journal.clear()
    return lease


def test_another_workers_voice_call_is_waited_for(logged: CapturedLog) -> None:
    scene = Scene(logged)
    lease = other_worker(scene)
    sleep = scene.creating._once.sleep

    def work(seconds: float) -> None:
        sleep(seconds)
        if len(scene.clock.slept) == 3:
            scene.ledger.settle(lease, VOICE_CALL_ID)

    scene.creating._once.sleep = work
    assert scene.create() == existing(VOICE_CALL_ID)
    assert "POST" not in scene.journal


def test_another_worker_that_gives_up_leaves_the_contact(logged: CapturedLog) -> None:
    scene = Scene(logged, MADE)
    lease = other_worker(scene)
    sleep = scene.creating._once.sleep

    def work(seconds: float) -> None:
        sleep(seconds)
        scene.ledger.release(lease, "OUTCOME_UNKNOWN", unknown=True)

    scene.creating._once.sleep = work
    assert not scene.create().superseded
    assert scene.journal[-3:] == ["acquire", "POST", "settle"]
    assert logged.counted() == {"RetriedUnknown": 1}


def test_a_lease_that_runs_out_while_waiting(logged: CapturedLog) -> None:
    scene = Scene(logged, MADE)
    other_worker(scene, seconds=1.0)
    assert not scene.create().superseded
    assert 1.0 <= sum(scene.clock.slept) < 1.3


def test_waiting_ends_with_the_deadline(logged: CapturedLog) -> None:
    scene = Scene(logged)
    other_worker(scene)
    with pytest.raises(LeaseTimeout):
        scene.create(seconds=2.0)
    assert sum(scene.clock.slept) == pytest.approx(2.0 - LEAST_RESERVE_SECONDS, abs=0.11)
    assert "POST" not in scene.journal


@pytest.mark.parametrize("waits", [True, False])
def test_a_silent_ledger_does_not_keep_the_call_from_being_made(
    logged: CapturedLog, waits: bool
) -> None:
    scene = Scene(logged, MADE)
    sleep = scene.creating._once.sleep

    def fall_silent(seconds: float) -> None:
        sleep(seconds)
        scene.ledger.down = {"acquire"}

    if waits:
        other_worker(scene)
        scene.creating._once.sleep = fall_silent
    else:
        scene.ledger.down = {"acquire"}
    assert scene.create().voice_call_id == VOICE_CALL_ID
    assert "settle" not in scene.journal, "nothing to remember it by"
    assert logged.counted() == {"LedgerFault": 1}


def test_a_silent_ledger_and_a_failing_salesforce(logged: CapturedLog) -> None:
    scene = Scene(logged, failed(Unavailable("fails", status=503)))
    scene.ledger.down = {"acquire"}
    error = scene.not_created()
    assert not error.request_kept
    assert error.cause.status == 503


def test_an_outcome_that_stays_unknown_is_counted_without_a_ledger_too(logged: CapturedLog) -> None:
    scene = Scene(logged, failed(OutcomeUnknown("cut", effect=Effect.UNKNOWN)))
    scene.ledger.down = {"acquire"}
    scene.not_created()
    assert logged.counted()["UnknownOutcome"] == 1


def test_a_ledger_that_cannot_take_the_outcome(logged: CapturedLog) -> None:
    scene = Scene(logged, MADE)
    scene.ledger.down = {"settle"}
    assert scene.create().voice_call_id == VOICE_CALL_ID
    assert logged.counted() == {"LedgerFault": 1}


def test_a_ledger_that_cannot_take_the_failure_has_kept_the_request(logged: CapturedLog) -> None:
    scene = Scene(logged, failed(Unavailable("fails", status=503)))
    scene.ledger.down = {"release"}
    assert scene.not_created().request_kept
    assert scene.item()["create_request"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Rejected("refused", status=400), CreateStatus.FAILED),
        (LimitExceeded("limit", status=429), CreateStatus.FAILED),
        (Unavailable("fails", status=503), CreateStatus.FAILED),
        (Unavailable("fails", status=500, effect=Effect.UNKNOWN), CreateStatus.UNKNOWN),
        (OutcomeUnknown("cut", effect=Effect.UNKNOWN), CreateStatus.UNKNOWN),
    ],
    ids=repr,
)
def test_each_failure_is_remembered_for_what_it_is(
    logged: CapturedLog, error: TelephonyError, status: CreateStatus
) -> None:
    scene = Scene(logged, failed(error))
    caught = scene.not_created()
    assert caught.cause is error
    assert caught.request_kept
    assert scene.item()["create_status"] == status
    assert logged.counted() == ({"UnknownOutcome": 1} if status is CreateStatus.UNKNOWN else {})


def test_an_unknown_outcome_is_tried_again_and_counted(logged: CapturedLog) -> None:
    scene = Scene(logged, failed(OutcomeUnknown("cut", effect=Effect.UNKNOWN)), MADE)
    scene.not_created()
    assert not scene.create().superseded
    assert logged.counted() == {"UnknownOutcome": 1, "RetriedUnknown": 1}


def test_a_call_starts_once_however_often_it_is_tried(logged: CapturedLog) -> None:
    scene = Scene(logged, *[failed(Unavailable("fails", status=503)) for _ in range(2)], MADE)
    for _ in range(2):
        scene.not_created()
        scene.clock.sleep(60.0)
    scene.create()
    assert len({sent.start_time for sent in scene.client.sent}) == 1


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refused_parent_that_was_the_bridges_idea(logged: CapturedLog, status: int) -> None:
    """Given createVoiceCall on a transfer contact, when Salesforce does not know its parent, then
    the call is created as the initial one that the flow asked for."""
    refusal = failed(Rejected("no parent", status=status), attempts=2)
    scene = Scene(logged, refusal, MADE)
    assert scene.create(a_transfer()).attempts == 3
    first, second = scene.client.sent
    assert first.parent_voice_call_id
    assert second == first.without_parent()
    assert scene.journal == ["acquire", "POST", "resent", "POST", "settle"], (
        "remembered before sent"
    )
    assert logged.counted() == {"ParentRefused": 1}


def test_a_refused_parent_and_then_no_call_either(logged: CapturedLog) -> None:
    refusal = failed(Rejected("no parent", status=400), attempts=2)
    scene = Scene(logged, refusal, failed(Unavailable("fails", status=503), attempts=4))
    error = scene.not_created(contact=a_transfer())
    assert (error.cause.status, error.cause.attempts) == (503, 6)


def test_a_refused_parent_that_the_flow_asked_for(logged: CapturedLog) -> None:
    scene = Scene(logged, failed(Rejected("no parent", status=400)))
    assert scene.not_created(contact=a_transfer(), asked=TRANSFER).cause.status == 400


@pytest.mark.parametrize(
    "error",
    [
        Rejected("no parent", status=400, effect=Effect.UNKNOWN),
        Rejected("a conflict", status=409),
        Rejected("a redirect", status=302),
    ],
    ids=str,
)
def test_no_second_call_where_the_first_may_exist(logged: CapturedLog, error: Rejected) -> None:
    scene = Scene(logged, failed(error))
    assert scene.not_created(contact=a_transfer()).cause is error


def test_a_second_voice_call_is_logged_and_the_first_stands(logged: CapturedLog) -> None:
    scene = Scene(logged, created("0LQ000000000002AAA"))
    late = other_worker(scene, seconds=0.05)
    scene.clock.sleep(0.1)
    send = scene.client.perform

    def after_the_other(*arguments: object) -> SalesforceResult:
        scene.ledger.settle(late, VOICE_CALL_ID)
        return send(*arguments)  # type: ignore[arg-type]

    scene.client.perform = after_the_other  # type: ignore[method-assign,assignment]
    assert scene.create().voice_call_id == VOICE_CALL_ID
    assert scene.ledger.entry(KEY).voice_call_id == VOICE_CALL_ID
    assert logged.counted() == {"RetriedUnknown": 1, "SecondVoiceCall": 1}
    assert any(line.get("voiceCallId") == "0LQ000000000002AAA" for line in logged.lines())


def test_an_unknown_outcome_that_an_attempt_has_mended_is_counted(logged: CapturedLog) -> None:
    Scene(logged, created(attempts=2, unknown=1)).create()
    assert logged.counted() == {"MendedUnknown": 1}


def test_remarks_are_handed_on_but_never_logged(logged: CapturedLog) -> None:
    scene = Scene(logged, created(VOICE_CALL_ID, "HUSH"))
    assert scene.create().remarks == ("HUSH",)
    assert logged.counted() == {"CreatedWithRemarks": 1}
    assert "HUSH" not in json.dumps(logged.lines())


@pytest.mark.parametrize(("attributes", "kept"), [({}, True), ({"sfdc-A__c": "1"}, False)])
def test_a_request_is_kept_only_where_the_ledger_holds_its_own_attributes(
    logged: CapturedLog, attributes: dict[str, str], kept: bool
) -> None:
    """Given a flow that died after its first write, when a second flow waits for its lease in vain,
    then the second flow's request is stored only if both requests are equal."""
    scene = Scene(logged, RuntimeError("the process ends here"))
    with pytest.raises(RuntimeError):
        scene.create()
    scene.clock.sleep(1.0)
    with pytest.raises(LeaseTimeout) as caught:
        scene.create(a_contact(attributes=attributes), seconds=2.0)
    assert caught.value.request_kept is kept
