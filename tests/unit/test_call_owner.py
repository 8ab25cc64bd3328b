"""Which contact center a flow's request about a call goes to: the ledger's entry counts before the
name that the flow gives."""

import pytest

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import Clock, MemoryLedger, MemoryRequestLedger, ScriptedClient
from tests.unit.samples import CENTERS, FIRST, PARENT_ID, SECOND, TWO_CENTERS, a_contact, a_transfer
from voicecall_bridge.contact import Contact, ContactKey
from voicecall_bridge.contact_centers.registry import ContactCenter, OtherContactCenter
from voicecall_bridge.ledger.records import RecordLedger
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.clients import TelephonyClients
from voicecall_bridge.telephony.errors import Unavailable
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.use_cases.call_actions import CallActions
from voicecall_bridge.use_cases.results import Progress

NAME = "sales/second"


class Scene:
    """A ledger that knows a contact and its parent, and the contact center that a request goes
    to."""

    def __init__(self, own: str = "", parent: str = "", contact_centers: object = TWO_CENTERS):
        self.clock = Clock()
        self.ledger = MemoryLedger(self.clock)
        self.asked: list[ContactCenter] = []
        for contact_id, name in ((CONTACT_ID, own), (PARENT_ID, parent)):
            if name:
                self.ledger.put(ContactKey(INSTANCE_ID, contact_id), contact_center=name)
        clients = TelephonyClients(contact_centers, self._client)  # type: ignore[arg-type]
        callbacks = MemoryRequestLedger(self.clock)
        records = RecordLedger(self.ledger.table, self.clock)
        self.actions = CallActions(self.ledger, callbacks, records, clients, CapturedLog().observer)

    def _client(self, contact_center: ContactCenter) -> ScriptedClient:
        self.asked.append(contact_center)
        return ScriptedClient([SalesforceResult(attempts=1)])

    def goes_to(self, contact: Contact) -> ContactCenter:
        deadline = self.clock.deadline(5.0)
        self.actions.send(Operation.CLEAR_ROUTING, contact, None, deadline, Progress())
        return self.asked.pop()


@pytest.mark.parametrize("named", ["", "sales/first", "nonsense"])
def test_what_the_ledger_knows_goes_first(named: str) -> None:
    assert Scene(own=NAME).goes_to(a_contact(secret_name=named)) == SECOND


def test_then_what_the_flow_says_then_the_parent_then_the_default() -> None:
    assert Scene(parent="sales/first").goes_to(a_transfer(secret_name=NAME)) == SECOND
    assert Scene(parent=NAME).goes_to(a_transfer()) == SECOND
    assert Scene().goes_to(a_transfer()) == FIRST
    with pytest.raises(OtherContactCenter):
        Scene().goes_to(a_contact(secret_name="nonsense"))


def test_the_ledger_is_not_asked_where_there_is_no_choice() -> None:
    scene = Scene(own="sales/first", contact_centers=CENTERS)
    assert scene.goes_to(a_transfer()) == CENTERS.default
    assert scene.ledger.journal == []


def test_without_the_ledger_the_flows_word_counts() -> None:
    scene = Scene()
    scene.ledger.down = {"assignment"}
    with pytest.raises(Unavailable) as caught:
        scene.goes_to(a_contact())
    assert caught.value.code == "LEDGER_UNAVAILABLE"
    with pytest.raises(OtherContactCenter):
        scene.goes_to(a_contact(secret_name="nonsense"))
    assert scene.goes_to(a_contact(secret_name=NAME)) == SECOND
