"""The use cases for a VoiceCall that exists."""

from typing import Any

import pytest

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import (
    Clock,
    MemoryLedger,
    MemoryRequestLedger,
    ScriptedClient,
    alone,
)
from tests.unit.samples import a_contact
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, Lease
from voicecall_bridge.ledger.records import RecordLedger
from voicecall_bridge.ledger.requests import slot_of
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import (
    Effect,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unavailable,
)
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.call_actions import CallActions
from voicecall_bridge.use_cases.one_call import OneCall
from voicecall_bridge.use_cases.results import LeaseTimeout, NotRouted, Progress

KEY = ContactKey(INSTANCE_ID, CONTACT_ID)
# The numbers are fictional; the ids invented.
NUMBER = "+12065550142"
RECORD_ID = "0aQ000000000001AAA"
MADE = SalesforceResult({"recordId": RECORD_ID}, 1)


class Scene:
    """Use cases with scripted Salesforce answers."""

    def __init__(self, *outcomes: SalesforceResult | Exception) -> None:
        self.clock = Clock()
        self.logged = CapturedLog()
        self.ledger = MemoryLedger(self.clock)
        self.requests = MemoryRequestLedger(self.clock)
        self.client = ScriptedClient(outcomes)
        self.actions = CallActions(
            self.ledger,
            self.requests,
            RecordLedger(self.ledger.table, self.clock),
            alone(self.client),
            self.logged.observer,
            self.clock,
            self.clock.sleep,
        )

    def send(
        self, operation: Operation, seconds: float = 6.0, **request: object
    ) -> SalesforceResult:
        self.progress = Progress()
        deadline = self.clock.deadline(seconds)
        return self.actions.send(operation, a_contact(), request or None, deadline, self.progress)

    def callback(self, seconds: float = 6.0, number: str = NUMBER) -> SalesforceResult:
        return self.send(Operation.REQUEST_CALLBACK, seconds, callbackNumber=number)

    def update(self, **values: Any) -> SalesforceResult:
        return self.send(Operation.UPDATE, **(values or {"queue": "q"}))

    @property
    def bodies(self) -> list[Any]:
        return [body for _, _, body in self.client.performed]


def test_each_request_goes_to_its_operation() -> None:
    scene = Scene(*[SalesforceResult({"status": "Success", "queue": "q"}, 2)] * 5)
    scene.send(Operation.OMNI_FLOW, dialedNumber="+18005550199")
    scene.send(Operation.CLEAR_ROUTING)
    scene.send(Operation.REROUTE)
    scene.send(Operation.ROUTE, routingTarget="005")
    answered = scene.send(Operation.MESSAGES, messageId="m", content="c")
    moment = int(scene.clock.now * 1000)
    line = {"messageId": "m", "content": "c", "startTime": moment, "endTime": moment}
    assert scene.client.performed == [
        (Operation.OMNI_FLOW, CONTACT_ID, {"dialedNumber": "+18005550199"}),
        (Operation.CLEAR_ROUTING, CONTACT_ID, None),
        (Operation.REROUTE, CONTACT_ID, None),
        (Operation.ROUTE, CONTACT_ID, {"routingTarget": "005"}),
        (Operation.MESSAGES, CONTACT_ID, line),
    ]
    assert answered == SalesforceResult({"status": "Success", "queue": "q"}, 2)
    assert all(given.remaining() < 6.0 for given in scene.client.deadlines), (
        "time to answer is kept"
    )


NOBODY: list[dict[str, object]] = [
    {},
    {"agent": None, "queue": None},
    {"agent": "", "queue": ""},
    {"errors": ["no flow"]},
    {"errors": "no flow", "agent": None},
]


@pytest.mark.parametrize("members", NOBODY, ids=repr)
def test_an_omni_flow_that_finds_no_agent(members: dict[str, object]) -> None:
    scene = Scene(SalesforceResult(members, 1))
    with pytest.raises(NotRouted) as caught:
        scene.send(Operation.OMNI_FLOW, dialedNumber="+18005550199")
    assert caught.value.remarks == (("no flow",) if "errors" in members else ())
    assert caught.value.attempts == 1


@pytest.mark.parametrize(
    "members", [{"agent": "a"}, {"queue": "q", "errors": ["remark"]}], ids=repr
)
def test_an_omni_flow_that_finds_an_agent(members: dict[str, object]) -> None:
    scene = Scene(SalesforceResult(members, 1))
    answered = scene.send(Operation.OMNI_FLOW, dialedNumber="+18005550199")
    assert answered.members == members


@pytest.mark.parametrize(
    ("members", "routed"),
    [
        ({"status": "Success"}, True),
        ({"status": "success", "errors": ["remark"]}, True),
        ({"status": "Queued"}, True),
        ({}, True),
        ({"status": "Failure", "errors": ["no such agent"]}, False),
        ({"status": "Unavailable", "errors": ["no such agent"]}, False),
        ({"errors": "no such agent"}, False),
    ],
    ids=repr,
)
@pytest.mark.parametrize("reroutes", [True, False])
def test_routing_fails_where_salesforce_says_so(
    members: dict[str, object], routed: bool, reroutes: bool
) -> None:
    scene = Scene(SalesforceResult(members, 1))

    def ask() -> SalesforceResult:
        if reroutes:
            return scene.send(Operation.REROUTE)
        return scene.send(Operation.ROUTE, routingTarget="005")

    if routed:
        assert ask().members == members
        return
    with pytest.raises(NotRouted) as caught:
        ask()
    assert caught.value.remarks == ("no such agent",)


def test_an_update_of_a_call_that_is_on() -> None:
    scene = Scene(SalesforceResult({"status": "pending"}, 1))
    assert scene.update() == SalesforceResult({"status": "pending"}, 1)
    body = {"queue": "q", "isActiveCall": True}
    assert scene.client.performed == [(Operation.UPDATE, CONTACT_ID, body)]


def test_an_update_of_a_call_that_has_ended_does_not_open_it_again() -> None:
    scene = Scene(SalesforceResult({"status": "pending"}, 1))
    scene.ledger.ended(KEY)
    scene.update()
    assert scene.bodies == [{"queue": "q"}]


def test_an_update_without_the_ledger() -> None:
    scene = Scene(SalesforceResult({"status": "pending"}, 1))
    scene.ledger.down = {"entry"}
    scene.update()
    assert scene.bodies == [{"queue": "q", "isActiveCall": True}]
    assert [line["message"] for line in scene.logged.lines()] == ["ledger fault"]


def test_a_callback_is_requested_once_for_a_number() -> None:
    scene = Scene(MADE, SalesforceResult({"recordId": "0aQ000000000002AAA"}, 1))
    assert scene.callback() == SalesforceResult({"recordId": RECORD_ID}, 1)
    assert scene.progress.made == SalesforceResult({"recordId": RECORD_ID}, 1)
    again = SalesforceResult({"recordId": RECORD_ID}, superseded="ALREADY_REQUESTED")
    assert scene.callback() == again
    other = scene.callback(number="+12065550143")
    assert other.members == {"recordId": "0aQ000000000002AAA"}
    assert scene.callback() == again
    assert scene.bodies == [
        {"callbackNumber": "+12065550142"},
        {"callbackNumber": "+12065550143"},
    ]
    assert scene.requests.journal == [
        "acquire",
        "settle",
        "acquire",
        "acquire",
        "settle",
        "acquire",
    ]


def test_a_request_is_the_same_in_any_order() -> None:
    one = {"countryCode": "US", "toNumber": NUMBER}
    other = dict(reversed(one.items()))
    assert list(one) != list(other)
    first, second = (OneCall(Operation.RESERVE_NUMBER, it) for it in (one, other))
    assert first.slot == second.slot


def test_a_request_does_not_show_its_number() -> None:
    assert NUMBER not in repr(OneCall(Operation.REQUEST_CALLBACK, {"callbackNumber": NUMBER}))


@pytest.mark.parametrize(
    "error", [Rejected("refused", status=400), Unavailable("fails", status=503)], ids=repr
)
def test_a_callback_that_was_not_taken_is_free_for_another_try(error: TelephonyError) -> None:
    scene = Scene(error, MADE)
    with pytest.raises(type(error)):
        scene.callback()
    assert scene.callback().members == {"recordId": RECORD_ID}


@pytest.mark.parametrize(
    "error",
    [OutcomeUnknown("cut", effect=Effect.UNKNOWN), Unavailable("x", effect=Effect.UNKNOWN)],
    ids=repr,
)
def test_a_callback_with_an_unknown_outcome_is_never_repeated(error: TelephonyError) -> None:
    scene = Scene(error)
    with pytest.raises(type(error)):
        scene.callback()
    assert scene.logged.counted() == {"UnknownOutcome": 1}
    for _ in range(2):
        with pytest.raises(OutcomeUnknown) as caught:
            scene.callback()
        assert (caught.value.code, caught.value.effect) == ("CALLBACK_UNKNOWN", Effect.UNKNOWN)
        scene.clock.sleep(100.0)
    assert len(scene.client.performed) == 1


def test_a_callback_of_a_worker_that_died_is_never_repeated() -> None:
    """Given a worker that died before it stored an outcome, then others wait for its lease. When
    the lease has run out, the outcome counts as unknown."""
    scene = Scene(RuntimeError("the process ends here"))
    began = scene.clock.now
    with pytest.raises(RuntimeError):
        scene.callback(seconds=6.0)
    with pytest.raises(LeaseTimeout) as waited:
        scene.callback(seconds=2.0)
    assert not waited.value.request_kept
    assert sum(scene.clock.slept) < 2.0
    scene.clock.now = began + 6.0 + LEASE_MARGIN_SECONDS - 0.1
    with pytest.raises(LeaseTimeout):
        scene.callback(seconds=0.1)
    scene.clock.sleep(0.2)
    with pytest.raises(OutcomeUnknown):
        scene.callback()
    assert len(scene.client.performed) == 1


def test_whoever_waits_for_a_callback_gets_its_record() -> None:
    scene = Scene()
    lease = scene.requests.acquire(KEY, slot_of("callback", NUMBER), 5.0)
    assert isinstance(lease, Lease)

    def settle_meanwhile(seconds: float) -> None:
        scene.clock.sleep(seconds)
        scene.requests.settle(lease, RECORD_ID)

    scene.actions.sleep = settle_meanwhile
    assert scene.callback().members == {"recordId": RECORD_ID}
    assert scene.client.performed == []


def test_a_callback_without_the_ledger_is_requested_and_counted() -> None:
    scene = Scene(MADE, Rejected("refused", status=400))
    scene.requests.down = {"acquire"}
    assert scene.callback().members == {"recordId": RECORD_ID}
    with pytest.raises(Rejected):
        scene.callback()
    assert scene.requests.journal == ["acquire", "acquire"]
    assert [line["message"] for line in scene.logged.lines()] == ["ledger fault"] * 2


@pytest.mark.parametrize("outcome", [MADE, Rejected("refused", status=400)], ids=repr)
def test_a_callback_that_cannot_be_remembered_is_not_requested_again(
    outcome: SalesforceResult | Exception,
) -> None:
    scene = Scene(outcome)
    scene.requests.down = {"settle", "release"}
    try:
        assert scene.callback().members == {"recordId": RECORD_ID}
    except Rejected:
        assert isinstance(outcome, Rejected)
    scene.clock.sleep(100.0)
    with pytest.raises(OutcomeUnknown):
        scene.callback()
    assert len(scene.client.performed) == 1
