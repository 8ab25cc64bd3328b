"""Parents before children: a transfer's event first makes sure that the calls before it exist."""

import pytest

from tests.samples.members import CONTACT_ID, CUSTOMER
from tests.unit.event_scene import EVENT, INBOUND, MADE, PARENT, TRANSFER, Scene
from tests.unit.samples import PARENT_ID, a_contact, a_transfer
from voicecall_bridge.aws.contact_directory import NoSuchContact
from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.ledger.creations import CreateStatus
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import Rejected, Unavailable
from voicecall_bridge.use_cases.results import LeaseTimeout, NotCreated, ParentMissing
from voicecall_bridge.voice_call.create import MissingProperty, TransferWithoutParent

KNOWN = pytest.mark.parametrize("known", [True, False], ids=["flow's request", "Connect's word"])
NOT_THERE = pytest.mark.parametrize("status", [CreateStatus.FAILED, CreateStatus.UNKNOWN, None])


def orphan(status: CreateStatus | None, known: bool, *outcomes: SalesforceResult) -> Scene:
    """A transfer, known from its flow or from Connect, when its parent has no VoiceCall."""
    scene = Scene(*outcomes)
    scene.directory.know(a_transfer())
    if known:
        scene.flow_fails(a_transfer())
    scene.parent(status)
    scene.client.sent.clear()
    return scene


@NOT_THERE
@KNOWN
def test_a_parent_that_is_on_is_made_first(status: CreateStatus | None, known: bool) -> None:
    """Given a parent's events lie behind its child's in the stream, then the child need not wait
    for them."""
    scene = orphan(status, known, MADE, MADE)
    assert not scene.ensure(a_transfer(**EVENT)).superseded
    parent, child = scene.client.sent
    assert (parent.vendor_call_key, parent.initiation_method) == (PARENT_ID, INBOUND)
    assert (child.vendor_call_key, child.parent_voice_call_id) == (CONTACT_ID, PARENT_ID)


@NOT_THERE
@KNOWN
@pytest.mark.parametrize("source", ["ledger", "Connect"])
def test_a_parent_that_is_over(status: CreateStatus | None, known: bool, source: str) -> None:
    """Then its contact record makes it, and the child is not created without it."""
    scene = orphan(status, known)
    parent = a_contact(contact_id=PARENT_ID)
    if source == "ledger":
        scene.safety_net.remember_end(parent)
    else:
        scene.directory.know(parent, ended=True)
    with pytest.raises(ParentMissing):
        scene.ensure(a_transfer(**EVENT))
    assert scene.client.sent == []


@KNOWN
def test_a_parent_that_salesforce_refuses(known: bool) -> None:
    scene = orphan(None, known)
    scene.client.outcomes = [Rejected("refused", status=400)]
    with pytest.raises(ParentMissing):
        scene.ensure(a_transfer(**EVENT))
    assert [sent.vendor_call_key for sent in scene.client.sent] == [PARENT_ID]


def test_a_parent_that_salesforce_does_not_make_now() -> None:
    """Then Lambda delivers the child's event again."""
    scene = orphan(None, known=True)
    scene.client.outcomes = [Unavailable("fails", status=503)]
    with pytest.raises(NotCreated):
        scene.ensure(a_transfer(**EVENT))


def test_a_parent_that_another_worker_is_making() -> None:
    scene = orphan(CreateStatus.CREATING, known=True)
    with pytest.raises(LeaseTimeout):
        scene.ensure(a_transfer(**EVENT))
    assert scene.client.sent == []


def test_a_parent_that_its_contact_record_made() -> None:
    """Given a parent that no flow and no event created, when its contact record has been sent."""
    scene = orphan(None, True, MADE)
    scene.ledger.put(PARENT, call_ended=True, record_version=1)
    assert not scene.ensure(a_transfer(**EVENT)).superseded
    assert [sent.vendor_call_key for sent in scene.client.sent] == [CONTACT_ID]


def test_a_whole_chain_is_made_from_its_last_event() -> None:
    """Given three contacts; the first two have had no flow and no event."""
    scene = Scene(MADE, MADE, MADE)
    first = "c0000009-aaaa-4bbb-8ccc-000000000009"
    scene.directory.know(a_contact(contact_id=first))
    scene.directory.know(a_transfer(contact_id=PARENT_ID, previous_contact_id=first))
    scene.directory.know(a_transfer())
    scene.ensure(a_transfer(**EVENT))
    assert [sent.vendor_call_key for sent in scene.client.sent] == [first, PARENT_ID, CONTACT_ID]
    assert scene.logged.counted() == {"DescribeContact": 3, "ParentCreated": 2}


def test_contacts_that_name_each_other_are_no_chain() -> None:
    scene = Scene()
    scene.directory.know(a_transfer())
    scene.directory.know(a_transfer(contact_id=PARENT_ID, previous_contact_id=CONTACT_ID))
    with pytest.raises(ParentMissing):
        scene.ensure(a_transfer(**EVENT))
    assert scene.client.sent == []


@pytest.mark.parametrize("known", [True, False])
def test_a_parent_that_is_there(known: bool) -> None:
    scene = Scene(MADE)
    scene.directory.know(a_transfer())
    if known:
        scene.flow_fails(a_transfer())
    scene.parent(CreateStatus.CREATED)
    assert not scene.ensure(a_transfer(**EVENT)).superseded
    sent = scene.client.sent[-1]
    assert (sent.initiation_method, sent.parent_voice_call_id) == (TRANSFER, PARENT_ID)


def test_a_parent_that_others_create() -> None:
    """Given an agent transfers an outbound call, then Salesforce is asked, which makes the
    VoiceCalls of outbound calls itself."""
    scene = Scene(MADE)
    scene.directory.know(a_transfer())
    scene.parent(None, initiation_method=InitiationMethod.OUTBOUND)
    assert not scene.ensure(a_transfer(**EVENT)).superseded
    assert scene.logged.counted() == {"DescribeContact": 2}


def test_an_unknown_parent() -> None:
    scene = Scene()
    scene.directory.know(a_transfer())
    with pytest.raises(NoSuchContact):
        scene.ensure(a_transfer(**EVENT))


def test_a_refused_parent_is_no_reason_for_an_orphan() -> None:
    """Given Salesforce does not know the parent after all, then the child is not created as an
    initial call, as in a flow: no agent is waiting, and Lambda can deliver the event again."""
    scene = Scene(Rejected("no parent", status=400))
    scene.directory.know(a_transfer())
    scene.parent(CreateStatus.CREATED)
    with pytest.raises(NotCreated):
        scene.ensure(a_transfer(**EVENT))
    assert len(scene.client.sent) == 1


def test_a_transfer_without_parent() -> None:
    scene = Scene()
    with pytest.raises(TransferWithoutParent):
        scene.ensure(a_transfer(**EVENT, previous_contact_id=""))


QUEUE_TRANSFER = {"initiation_method": InitiationMethod.QUEUE_TRANSFER, "system_address": ""}
"""Source: administrator guide, "Contact events": systemEndpoint is not populated for it; API
reference, "DescribeContact": empty."""


def test_a_queue_transfer_goes_on_on_the_number_its_parent_came_in_on() -> None:
    scene = Scene(MADE, MADE)
    scene.flow(a_contact(contact_id=PARENT_ID, system_address="+18005550142"))
    scene.directory.know(a_transfer(**QUEUE_TRANSFER))
    scene.ensure(a_transfer(**EVENT | QUEUE_TRANSFER))
    sent = scene.client.sent[-1]
    assert (sent.to, sent.from_, sent.parent_voice_call_id) == ("+18005550142", CUSTOMER, PARENT_ID)


def test_a_queue_transfer_of_a_parent_without_a_number() -> None:
    """Given a parent that others make, then the ledger does not hold its number either."""
    scene = Scene()
    scene.directory.know(a_transfer(**QUEUE_TRANSFER))
    scene.parent(None, initiation_method=InitiationMethod.OUTBOUND)
    with pytest.raises(MissingProperty):
        scene.ensure(a_transfer(**EVENT | QUEUE_TRANSFER))
