"""What each contact event leads to, and how it ends."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.samples.members import CONTACT_ID
from tests.unit.doubles import Clock
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.samples import (
    PARENT_ID,
    VOICE_CALL_ID,
    a_contact,
    contact_event,
    created,
    transfer_event,
)
from tests.unit.scripted_events import Scripted, ScriptedRouting, ScriptedSafetyNet
from voicecall_bridge.aws.contact_directory import (
    DirectoryThrottled,
    DirectoryUnavailable,
    NoSuchContact,
)
from voicecall_bridge.contact import NotAContact
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
from voicecall_bridge.ledger.table import LedgerUnavailable, Table
from voicecall_bridge.observability import Disposition
from voicecall_bridge.settings.contact_events import CreateFromEvents
from voicecall_bridge.streams.contact_events import LATE_SECONDS, ContactEvents
from voicecall_bridge.streams.results import PermanentFailure, RecordResult, TransientFailure
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unauthorized,
    Unavailable,
)
from voicecall_bridge.use_cases.create_once import existing
from voicecall_bridge.use_cases.results import (
    CallOver,
    LeaseTimeout,
    NotCreated,
    NoVoiceCall,
    ParentMissing,
)
from voicecall_bridge.voice_call.create import (
    MissingProperty,
    NotCreatedLive,
    TransferWithoutParent,
)

AT = datetime(2026, 11, 20, 10, 0, 20, tzinfo=UTC).timestamp()
"""When the sample event happened."""


class Scene:
    """The source with one outcome; `age` is the event's age in seconds."""

    def __init__(
        self,
        outcome: Any = None,
        create_from: CreateFromEvents = CreateFromEvents.SAFETY_NET,
        age: float = 1.0,
    ) -> None:
        self.script = Scripted(outcome or created(attempts=2))
        dynamodb = MemoryDynamoDB()
        self.facts = ContactFactsLedger(Table(lambda: dynamodb, "memory"))
        self.events = ContactEvents(
            ScriptedSafetyNet(self.script),
            ScriptedRouting(self.script),
            self.facts,
            create_from,
            now=lambda: AT + age,
        )

    def handle(self, event: dict[str, Any], *later: dict[str, Any]) -> RecordResult:
        items = [self.events.read(one) for one in (event, *later)]
        nothing = self.events.without_salesforce(items[0], items[1:])
        return nothing or self.events.handle(items[0], Clock().deadline(10.0))

    def transient(self, event: dict[str, Any]) -> str:
        with pytest.raises(TransientFailure) as caught:
            self.handle(event)
        return str(caught.value)

    def permanent(self, event: dict[str, Any]) -> str:
        with pytest.raises(PermanentFailure) as caught:
            self.handle(event)
        return str(caught.value)


def skipped(reason: str) -> RecordResult:
    return RecordResult(Disposition.SKIPPED, reason)


LIVE = pytest.mark.parametrize("kind", ["QUEUED", "CONNECTED_TO_AGENT"])


@LIVE
def test_a_sign_of_life_makes_sure_of_the_voice_call(kind: str) -> None:
    scene = Scene()
    assert scene.handle(contact_event(kind)) == RecordResult(
        Disposition.DELIVERED, "", VOICE_CALL_ID, attempts=2, status="created"
    )
    assert scene.script.asked == [("ensure", CONTACT_ID)]


def test_what_was_there_already() -> None:
    ended = Scene(existing(VOICE_CALL_ID)).handle(contact_event())
    assert ended == RecordResult(
        Disposition.SUPERSEDED, "ALREADY_CREATED", VOICE_CALL_ID, status="existing"
    )


@pytest.mark.parametrize(
    ("setting", "kind", "creates"),
    [
        (CreateFromEvents.SAFETY_NET, "INITIATED", "FLOW_FIRST"),
        (CreateFromEvents.ALWAYS, "INITIATED", ""),
        (CreateFromEvents.ALWAYS, "QUEUED", ""),
        (CreateFromEvents.NEVER, "INITIATED", "CREATE_FROM_EVENTS"),
        (CreateFromEvents.NEVER, "QUEUED", "CREATE_FROM_EVENTS"),
        (CreateFromEvents.NEVER, "CONNECTED_TO_AGENT", "CREATE_FROM_EVENTS"),
    ],
)
def test_create_from_events(setting: CreateFromEvents, kind: str, creates: str) -> None:
    scene = Scene(create_from=setting)
    ended = scene.handle(contact_event(kind))
    assert (ended.disposition is Disposition.DELIVERED) is (creates == "")
    assert ended.reason == creates
    assert bool(scene.script.asked) is (creates == "")


@pytest.mark.parametrize(
    "method",
    [
        *("OUTBOUND", "CALLBACK", "EXTERNAL_OUTBOUND", "DISCONNECT", "MONITOR"),
    ],
)
@LIVE
def test_methods_that_are_not_created_live(kind: str, method: str) -> None:
    scene = Scene()
    assert scene.handle(contact_event(kind, initiationMethod=method)) == skipped("NOT_CREATED_LIVE")
    assert scene.script.asked == []


@pytest.mark.parametrize("method", ["API", "AGENT_REPLY", "FLOW", "CAMPAIGN_PREVIEW"])
@LIVE
def test_methods_for_which_the_ledger_decides(kind: str, method: str) -> None:
    """Given a method that the bridge does not know, then the ledger decides: a flow may have
    created the call."""
    scene = Scene()
    assert scene.handle(contact_event(kind, initiationMethod=method)).reason == ""
    assert len(scene.script.asked) == 1


@pytest.mark.parametrize("channel", ["CHAT", "TASK", "EMAIL", "TELEPATHY"])
@pytest.mark.parametrize("kind", ["QUEUED", "DISCONNECTED"])
def test_other_channels(kind: str, channel: str) -> None:
    scene = Scene()
    assert scene.handle(contact_event(kind, channel=channel)) == skipped("NOT_VOICE")
    assert scene.script.asked == []


@pytest.mark.parametrize(
    "kind", ["CONNECTED_TO_SYSTEM", "COMPLETED", "PAUSED", "AMD_DISABLED", "WEBRTC_API", "NEW", ""]
)
def test_events_that_need_nothing(kind: str) -> None:
    scene = Scene()
    assert scene.handle(contact_event(kind)) == skipped("NOTHING_TO_DO")
    assert scene.script.asked == []


@pytest.mark.parametrize("over", ["DISCONNECTED", "COMPLETED"])
def test_a_call_with_its_end_in_the_batch(over: str) -> None:
    scene = Scene()
    assert scene.handle(contact_event(), contact_event(over)) == skipped("CALL_OVER")
    assert scene.script.asked == []


def test_the_end_of_another_contact_of_the_chain_is_not_this_ones() -> None:
    scene = Scene()
    other = contact_event("DISCONNECTED", contactId="another")
    assert scene.handle(contact_event(), other).disposition is Disposition.DELIVERED


def test_an_event_that_holds_its_own_end() -> None:
    event = contact_event(disconnectTimestamp="2026-11-20T10:00:21.000Z")
    assert Scene().handle(event) == skipped("CALL_OVER")


def test_an_end_that_ledger_or_connect_know_of() -> None:
    assert Scene(CallOver("c")).handle(contact_event()) == skipped("CALL_OVER")


@pytest.mark.parametrize(
    ("age", "late"), [(LATE_SECONDS - 1, False), (LATE_SECONDS + 1, True), (-5.0, False)]
)
def test_an_old_event_is_late(age: float, late: bool) -> None:
    scene = Scene(age=age)
    scene.handle(contact_event())
    assert scene.script.late is late
    expired = Scene(SalesforceResult(attempts=1), age=age)
    expired.handle(contact_event("CONTACT_DATA_UPDATED", **EXPIRED))
    assert expired.script.late is late


@pytest.mark.parametrize(("initiated", "late"), [("2026-11-20T10:00:19.000Z", False), (None, True)])
def test_an_event_without_time_is_as_old_as_its_contact(initiated: str | None, late: bool) -> None:
    scene = Scene()
    scene.handle(contact_event(time=None, initiationTimestamp=initiated))
    assert scene.script.late is late


EXPIRED = {
    "updatedProperties": ["RoutingCriteria.Step.Status"],
    "routingCriteria": {
        "steps": [
            {"status": "EXPIRED", "expression": {"matchCriteria": {"agentsCriteria": {"a": 1}}}}
        ]
    },
}


def test_an_expired_routing_is_begun_anew() -> None:
    scene = Scene(SalesforceResult(attempts=1))
    ended = scene.handle(contact_event("CONTACT_DATA_UPDATED", **EXPIRED))
    assert ended == RecordResult(Disposition.DELIVERED, attempts=1)
    assert scene.script.asked == [("reroute", CONTACT_ID)]


def test_a_call_that_is_over_is_not_routed_anew() -> None:
    """The event, the batch, the ledger or Connect may say that the call has ended."""
    event = contact_event("CONTACT_DATA_UPDATED", **EXPIRED)
    ended = {"disconnectTimestamp": "2026-11-20T10:00:21.000Z"}
    scene = Scene()
    itself = contact_event("CONTACT_DATA_UPDATED", **EXPIRED, **ended)
    for events in ([itself], [event, contact_event("DISCONNECTED")]):
        assert scene.handle(*events) == skipped("CALL_OVER")
    assert scene.script.asked == []
    assert Scene(CallOver("c")).handle(event) == skipped("CALL_OVER")


def test_other_updates_need_nothing() -> None:
    event = contact_event("CONTACT_DATA_UPDATED", updatedProperties=["UserDefinedAttributes"])
    assert Scene().handle(event) == skipped("NOTHING_TO_DO")


TIDYING = pytest.mark.parametrize(
    "event", [contact_event("DISCONNECTED"), contact_event("CONTACT_DATA_UPDATED", **EXPIRED)]
)


@TIDYING
def test_a_step_that_was_done_before_or_has_no_voice_call(event: dict[str, Any]) -> None:
    scene = Scene()
    scene.script.outcome = SalesforceResult(superseded="ALREADY_DONE")
    assert scene.handle(event) == RecordResult(Disposition.SUPERSEDED, "ALREADY_DONE")
    ended = Scene(NoVoiceCall(1)).handle(event)
    assert ended == RecordResult(Disposition.SKIPPED, "NO_VOICE_CALL", attempts=1)


ALL = pytest.mark.parametrize(
    "event",
    [
        contact_event(),
        contact_event("DISCONNECTED"),
        contact_event("CONTACT_DATA_UPDATED", **EXPIRED),
    ],
    ids=["create", "clear", "reroute"],
)


@ALL
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (LeaseTimeout("x"), "IN_PROGRESS"),
        (LedgerUnavailable("x"), "LEDGER_UNAVAILABLE"),
        (DirectoryUnavailable("ThrottlingException"), "CONNECT_ThrottlingException"),
    ],
    ids=repr,
)
def test_faults_that_pass(event: dict[str, Any], fault: Exception, code: str) -> None:
    assert Scene(fault).transient(event) == code


@pytest.mark.parametrize("kind", ["INITIATED", "QUEUED", "CONNECTED_TO_AGENT"])
def test_a_throttled_connect_leaves_the_event_to_the_next_one(kind: str) -> None:
    scene = Scene(DirectoryThrottled(), CreateFromEvents.ALWAYS)
    assert scene.handle(contact_event(kind)) == skipped("DEFERRED")


def test_an_end_that_could_not_be_remembered_is_delivered_again() -> None:
    scene = Scene()
    scene.script.end_fault = LedgerUnavailable("x")
    assert scene.transient(contact_event("DISCONNECTED")) == "LEDGER_UNAVAILABLE"
    assert scene.script.asked == [("end", CONTACT_ID)], "nothing is cleared before"


FAULTS = [
    (LimitExceeded("x", status=429), "429", True),
    (Unavailable("x", status=503), "503", True),
    (Unavailable("x", code="SECRET_UNAVAILABLE"), "SECRET_UNAVAILABLE", True),
    (OutcomeUnknown("x", code="OUTCOME_UNKNOWN", effect=Effect.UNKNOWN), "OUTCOME_UNKNOWN", True),
    (Unauthorized("x", status=401), "401", True),
    (Unauthorized("x", code="SETTINGS"), "SETTINGS", True),
    (Rejected("x", status=400), "400", False),
    (Rejected("x", status=302), "302", True),
    (Rejected("x", status=400, effect=Effect.UNKNOWN), "400", True),
]


@ALL
@pytest.mark.parametrize(("error", "code", "passes"), FAULTS, ids=repr)
def test_faults_of_salesforce(
    event: dict[str, Any], error: TelephonyError, code: str, passes: bool
) -> None:
    """A refused token is not the record's fault. A refused request may follow on a stored one."""
    creates = event["detail"]["eventType"] == "QUEUED"
    scene = Scene(NotCreated(error, request_kept=True) if creates else error)
    assert (scene.transient(event) if passes else scene.permanent(event)) == code


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (NoSuchContact("x"), "CONTACT_NOT_FOUND"),
        (MissingProperty("x"), "MISSING_PROPERTY"),
        (TransferWithoutParent("x"), "TRANSFER_WITHOUT_PARENT"),
        (ParentMissing("p"), "PARENT_MISSING"),
    ],
    ids=repr,
)
def test_events_that_can_never_succeed(fault: Exception, reason: str) -> None:
    assert Scene(fault).permanent(contact_event()) == reason


def test_a_contact_that_proves_to_be_of_another_kind() -> None:
    """Given an event without an initiation method, when Connect says that the call was outbound,
    then the event is skipped without a fault."""
    assert Scene(NotCreatedLive(a_contact())).handle(contact_event()) == skipped("NOT_CREATED_LIVE")


def test_a_chain_is_its_first_contact_within_its_instance() -> None:
    events = Scene().events
    parent = events.read(contact_event(contactId=PARENT_ID))
    child = events.read(transfer_event())
    other = events.read(transfer_event(instanceArn="arn:aws:connect:x:1:instance/other"))
    assert events.chain(parent) == events.chain(child) != events.chain(other)


def test_what_is_logged() -> None:
    events = Scene().events
    assert events.describe(events.read(contact_event())) == (CONTACT_ID, "QUEUED")
    with pytest.raises(NotAContact):
        events.read({})
