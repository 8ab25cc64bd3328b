"""A transfer with a flow event that leaves the number out."""

from typing import Any

import pytest

from tests.samples.members import SYSTEM
from tests.unit.event_scene import INBOUND, MADE, TRANSFER, Scene
from tests.unit.samples import PARENT_ID, a_contact, a_transfer
from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.voice_call.create import CallInitiation, MissingProperty

QUEUE_TRANSFER: dict[str, Any] = {
    "initiation_method": InitiationMethod.QUEUE_TRANSFER,
    "system_address": "",
}


UNSTATED = QUEUE_TRANSFER | {"initiation_method": InitiationMethod.UNSTATED}


@pytest.mark.parametrize(
    ("asked", "leg"), [(INBOUND, QUEUE_TRANSFER), (TRANSFER, QUEUE_TRANSFER), (TRANSFER, UNSTATED)]
)
def test_it_takes_its_parents_number(asked: CallInitiation, leg: dict[str, Any]) -> None:
    """Given Connect leaves out the number of a queue transfer, then the call keeps the number that
    it came in on, in the flow as in events."""
    scene = Scene(MADE, MADE)
    scene.flow(a_contact(contact_id=PARENT_ID, initial_contact_id=PARENT_ID))
    scene.flow(a_transfer(**leg), asked)
    assert [request.to for request in scene.client.sent] == [SYSTEM, SYSTEM]


def test_a_number_of_its_own_is_its_number() -> None:
    scene = Scene(MADE, MADE)
    scene.flow(a_contact(contact_id=PARENT_ID, initial_contact_id=PARENT_ID))
    scene.journal.clear()
    scene.flow(a_transfer(system_address="+18005550111"), TRANSFER)
    assert scene.client.sent[1].to == "+18005550111"
    assert "entry" not in scene.journal


def test_a_call_that_is_no_transfer_takes_no_other_ones_number() -> None:
    scene = Scene(MADE)
    scene.flow(a_contact(contact_id=PARENT_ID, initial_contact_id=PARENT_ID))
    with pytest.raises(MissingProperty):
        scene.flow(a_transfer(**UNSTATED), INBOUND)


def test_a_parent_with_an_unknown_number() -> None:
    with pytest.raises(MissingProperty, match="'to' cannot be filled"):
        Scene().flow(a_transfer(**QUEUE_TRANSFER), TRANSFER)


def test_a_silent_ledger() -> None:
    scene = Scene()
    scene.ledger.down = {"entry"}
    with pytest.raises(MissingProperty):
        scene.flow(a_transfer(**QUEUE_TRANSFER), TRANSFER)
    assert [line["message"] for line in scene.logged.lines()] == ["ledger fault"]
