"""Routing steps, each done once for a contact: routing cleared, or begun anew."""

import pytest

from tests.samples.members import CONTACT_ID
from tests.unit.event_scene import EVENT, KEY, Scene
from tests.unit.samples import a_contact
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld
from voicecall_bridge.ledger.routing import RoutingStep
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import (
    Effect,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unavailable,
)
from voicecall_bridge.use_cases.results import CallOver, LeaseTimeout, NoVoiceCall


def tidy(
    scene: Scene, step: RoutingStep, seconds: float = 10.0, *, late: bool = False
) -> SalesforceResult:
    deadline = scene.clock.deadline(seconds)
    if step is RoutingStep.CLEAR_ROUTING:
        return scene.steps.clear(a_contact(**EVENT), deadline)
    return scene.steps.reroute(a_contact(**EVENT), late, deadline)


DONE = SalesforceResult(attempts=1)
STEPS = pytest.mark.parametrize("step", list(RoutingStep))


@STEPS
def test_a_step_is_done_once(step: RoutingStep) -> None:
    scene = Scene(SalesforceResult(attempts=2))
    assert tidy(scene, step) == SalesforceResult(attempts=2)
    assert tidy(scene, step) == SalesforceResult(superseded="ALREADY_DONE")
    sent = "clearRouting" if step is RoutingStep.CLEAR_ROUTING else "reroute"
    looks = ["entry"] if step is RoutingStep.REROUTE else []
    assert scene.journal == [*looks, "step acquire", sent, "step settle", *looks, "step acquire"]
    ((_, contact_id, body),) = scene.client.performed
    assert (contact_id, body) == (CONTACT_ID, None)


@STEPS
def test_a_call_salesforce_does_not_know_has_no_routing(step: RoutingStep) -> None:
    error = Rejected("unknown", status=404)
    error.attempts = 1
    scene = Scene(error)
    with pytest.raises(NoVoiceCall) as caught:
        tidy(scene, step)
    assert caught.value.attempts == 1
    assert tidy(scene, step) == SalesforceResult(superseded="ALREADY_DONE")


@STEPS
@pytest.mark.parametrize(
    "error",
    [
        Rejected("refused", status=400),
        Unavailable("fails", status=503),
        OutcomeUnknown("cut", effect=Effect.UNKNOWN),
    ],
    ids=repr,
)
def test_a_step_that_failed_is_tried_again(step: RoutingStep, error: TelephonyError) -> None:
    scene = Scene(error, DONE)
    with pytest.raises(type(error)):
        tidy(scene, step)
    assert tidy(scene, step) == SalesforceResult(attempts=1)


@STEPS
def test_a_step_of_a_worker_that_died_is_not_taken_for_done(step: RoutingStep) -> None:
    """Given a worker that died between the ledger and Salesforce, then Lambda delivers the record
    again until the lease has run out, and the step is done."""
    scene = Scene(RuntimeError("the process ends here"), DONE)
    with pytest.raises(RuntimeError):
        tidy(scene, step)
    with pytest.raises(LeaseTimeout):
        tidy(scene, step)
    scene.clock.sleep(10.0 + LEASE_MARGIN_SECONDS + 0.1)
    assert tidy(scene, step) == SalesforceResult(attempts=1)


@pytest.mark.parametrize("operation", ["step acquire", "step settle"])
def test_a_step_without_the_ledger(operation: str) -> None:
    scene = Scene(DONE)
    scene.routing.called.down = {operation}
    with pytest.raises(LedgerUnavailable):
        tidy(scene, RoutingStep.REROUTE)


def test_the_lease_of_a_step_outlives_its_deadline() -> None:
    scene = Scene(RuntimeError("the process ends here"))
    with pytest.raises(RuntimeError):
        tidy(scene, RoutingStep.REROUTE, seconds=4.0)
    other = scene.routing.acquire(KEY, RoutingStep.REROUTE, 1.0)
    assert isinstance(other, LeaseHeld)
    assert other.until == scene.clock.now + 4.0 + LEASE_MARGIN_SECONDS


@pytest.mark.parametrize("late", [True, False])
def test_a_call_that_is_over_is_not_offered_anew(late: bool) -> None:
    """Given DISCONNECTED came first, in whatever batch, then no agent is rung for a call that is
    over."""
    scene = Scene()
    scene.safety_net.remember_end(a_contact(**EVENT))
    scene.journal.clear()
    with pytest.raises(CallOver):
        tidy(scene, RoutingStep.REROUTE, late=late)
    assert scene.journal == ["entry"]


@pytest.mark.parametrize("ended", [True, False])
def test_a_late_expiry_is_no_sign_of_life(ended: bool) -> None:
    """Given an event that waited for an outage to pass, then Connect is asked first."""
    scene = Scene(DONE)
    scene.directory.know(a_contact(), ended=ended)
    if ended:
        with pytest.raises(CallOver):
            tidy(scene, RoutingStep.REROUTE, late=True)
        assert scene.journal == ["entry", "describe"]
    else:
        assert tidy(scene, RoutingStep.REROUTE, late=True) == SalesforceResult(attempts=1)
    assert scene.logged.counted() == {"DescribeContact": 1}
