"""The call that a line belongs to."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.samples.members import INSTANCE_ID
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import Clock, MemoryDirectory
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.samples import FIRST, FIRST_ARN, SECOND, TWO_CENTERS, a_contact
from voicecall_bridge.aws.contact_directory import DirectoryUnavailable
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.registry import ContactCenter, ContactCenterRegistry
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger, NewFacts
from voicecall_bridge.ledger.creations import CreateLease, CreationLedger, PlannedCreate
from voicecall_bridge.ledger.table import LedgerUnavailable, Table
from voicecall_bridge.use_cases import transcript_calls
from voicecall_bridge.use_cases.transcript_calls import (
    CONSULT_SECONDS,
    KEPT_SECONDS,
    TranscriptCalls,
)

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ONE_CENTER = ContactCenterRegistry.of(FIRST_ARN, [])


class Scene:
    def __init__(self, centers: ContactCenterRegistry = TWO_CENTERS) -> None:
        self.clock, self.logged = Clock(), CapturedLog()
        self.dynamodb, self.directory = MemoryDynamoDB(), MemoryDirectory()
        table = Table(lambda: self.dynamodb, "memory")
        self.facts = ContactFactsLedger(table, self.clock)
        self.creations = CreationLedger(table, self.clock)
        self.calls = TranscriptCalls(
            self.facts, self.directory, centers, self.logged.observer, self.clock
        )

    def key(self, contact: str) -> ContactKey:
        return ContactKey(INSTANCE_ID, contact)

    def create(self, contact: str, parent: str = "", center: ContactCenter = FIRST) -> None:
        """Lets its flow create a VoiceCall."""
        request = {"vendorCallKey": contact} | ({"parentVoiceCallId": parent} if parent else {})
        lease = self.creations.acquire(PlannedCreate(self.key(contact), center, request), 9.0)
        assert isinstance(lease, CreateLease)
        self.creations.settle(lease, f"0LQ{contact}")

    def of(self, contact: str) -> tuple[str, str]:
        call = self.calls.of(self.key(contact), self.clock.deadline(5.0))
        return call.vendor_call_key, call.contact_center.name

    @property
    def asked(self) -> int:
        return self.directory.journal.count("describe")


def test_the_flow_named_the_first_contact() -> None:
    scene = Scene()
    scene.create("c-1")
    assert scene.of("c-1") == ("c-1", FIRST.name)
    assert scene.asked == 0


def test_lines_of_a_transfer_go_to_the_first_call() -> None:
    """Given flows that named each contact's parent, and parents that have ended."""
    scene = Scene()
    scene.create("c-1", center=SECOND)
    scene.create("c-2", "c-1", SECOND)
    scene.create("c-3", "c-2", SECOND)
    scene.creations.ended(scene.key("c-1"))
    scene.creations.ended(scene.key("c-2"))
    assert scene.of("c-3") == ("c-1", SECOND.name)
    assert scene.asked == 0


@pytest.mark.parametrize(("centers", "asked"), [(ONE_CENTER, 0), (TWO_CENTERS, 1)])
def test_events_named_the_first_contact(centers: ContactCenterRegistry, asked: int) -> None:
    """Then Connect is asked only where the call may be in one of several contact centers."""
    scene = Scene(centers)
    scene.facts.remember(scene.key("c-2"), NewFacts("c-1", "c-1"))
    assert scene.of("c-2") == ("c-1", FIRST.name)
    assert scene.asked == asked


def test_an_unmerged_consult_stays_with_its_own_call() -> None:
    """Given a leg with its own VoiceCall, while the contact before it goes on, then the leg's lines
    are its own. Once that contact has ended, they belong to the first call."""
    scene = Scene()
    scene.create("c-1")
    scene.create("c-2", "c-1")
    assert scene.of("c-2") == ("c-2", FIRST.name)
    scene.creations.ended(scene.key("c-1"))
    scene.clock.now += CONSULT_SECONDS
    assert scene.of("c-2") == ("c-1", FIRST.name)


def test_a_contact_that_the_ledger_does_not_know_does_not_go_on() -> None:
    scene = Scene(ONE_CENTER)
    scene.create("c-2", "c-1")
    scene.facts.remember(scene.key("c-2"), NewFacts("c-1"))
    assert scene.of("c-2") == ("c-1", FIRST.name)


def test_contacts_that_name_each_other_are_no_chain() -> None:
    scene = Scene()
    scene.create("c-1", "c-2")
    scene.create("c-2", "c-1")
    assert scene.of("c-2") == ("c-2", FIRST.name)
    assert scene.asked == 1


def test_a_leg_without_a_voice_call_has_no_place_of_its_own() -> None:
    scene = Scene()
    scene.create("c-1")
    scene.facts.remember(scene.key("c-2"), NewFacts("c-1", "c-1"))
    assert scene.of("c-2") == ("c-1", FIRST.name)


@pytest.mark.parametrize(("centers", "asked"), [(ONE_CENTER, 1), (TWO_CENTERS, 2)])
def test_connect_is_asked_once_a_contact(centers: ContactCenterRegistry, asked: int) -> None:
    """Given nothing in the ledger, then the ledger keeps Connect's answer. With several contact
    centers, each environment asks for the attribute itself."""
    scene = Scene(centers)
    scene.directory.know(a_contact(contact_id="c-2", initial_contact_id="c-1"))
    for _ in range(3):
        assert scene.of("c-2") == ("c-1", FIRST.name)
    scene.calls = replace(scene.calls)
    assert scene.of("c-2") == ("c-1", FIRST.name)
    assert scene.asked == asked


def test_a_contact_that_connect_does_not_know_is_its_own_call() -> None:
    scene = Scene()
    assert scene.of("c-9") == ("c-9", FIRST.name)


def test_a_directory_that_does_not_answer_is_no_answer() -> None:
    """A guess would put lines of a transfer under the wrong call."""
    scene = Scene()
    scene.directory.fault = DirectoryUnavailable("ThrottlingException")
    with pytest.raises(DirectoryUnavailable):
        scene.of("c-9")


def test_the_contact_center_is_the_first_calls() -> None:
    scene = Scene()
    scene.create("c-1", center=SECOND)
    scene.facts.remember(scene.key("c-2"), NewFacts("c-1", "c-1"))
    assert scene.of("c-2") == ("c-1", SECOND.name)


def test_the_contact_center_that_an_attribute_names() -> None:
    scene = Scene()
    contact = a_contact(contact_id="c-1", initial_contact_id="c-1", secret_name="sales/second")
    scene.directory.know(contact)
    assert scene.of("c-1") == ("c-1", SECOND.name)


@pytest.mark.parametrize("later", [0.0, 1.0])
def test_what_is_known_is_kept_for_a_while(later: float) -> None:
    scene = Scene()
    scene.create("c-1", center=SECOND)
    scene.of("c-1")
    scene.dynamodb.items.clear()
    scene.clock.now += KEPT_SECONDS - 1.0
    assert scene.of("c-1") == ("c-1", SECOND.name)
    scene.clock.now += 1.0 + later
    assert scene.of("c-1") == ("c-1", FIRST.name), "forgotten here and in the ledger"
    assert scene.asked == 1


@pytest.mark.parametrize("known", [True, False])
def test_connect_is_asked_for_a_contact_center_once_in_ten_minutes(known: bool) -> None:
    """Given a call that no flow has created, and that Connect knows, or does not."""
    scene = Scene()
    scene.facts.remember(scene.key("c-1"), NewFacts("c-1"))
    if known:
        scene.directory.know(
            a_contact(contact_id="c-1", initial_contact_id="c-1", secret_name="sales/second")
        )
    began = scene.clock.now
    for seconds, asked in ((0.0, 1), (CONSULT_SECONDS, 1), (598.0, 1), (600.0, 2)):
        scene.clock.now = began + seconds
        assert scene.of("c-1") == ("c-1", SECOND.name if known else FIRST.name)
        assert scene.asked == asked


def test_only_so_many_contacts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_calls, "KEPT_CONTACTS", 2)
    scene = Scene(ONE_CENTER)
    for contact, asked in (("c-1", 1), ("c-2", 2), ("c-1", 2), ("c-3", 3), ("c-2", 3), ("c-1", 4)):
        scene.of(contact)
        assert scene.asked == asked


def test_a_ledger_that_does_not_remember_connects_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(**_: object) -> None:
        raise LedgerUnavailable("ConnectTimeoutError")

    scene = Scene()
    scene.directory.know(a_contact(contact_id="c-2", initial_contact_id="c-1"))
    monkeypatch.setattr(scene.dynamodb, "update_item", down)
    assert scene.of("c-2") == ("c-1", FIRST.name)
    assert scene.logged.counted()["LedgerFault"] == 1


def test_facts_are_kept_as_given() -> None:
    scene = Scene()
    key = scene.key("c-2")
    scene.facts.remember(key, NewFacts())
    assert scene.dynamodb.items == {}
    scene.facts.remember(key, NewFacts("c-1", "c-1"))
    scene.facts.remember(key, NewFacts(agent_connected=AT, ended_at=AT))
    facts = scene.facts.read(key)
    assert (facts.initial_contact_id, facts.previous_contact_id) == ("c-1", "c-1")
    assert facts.agent_connected == facts.ended_at == AT
    assert not facts.ended, "that is for those who create"
