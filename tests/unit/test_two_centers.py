"""Which contact center owns a contact, over its whole life: flow, events, records, and every repeat
of them."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.samples.contact_records import contact_record as record
from tests.samples.members import CONTACT_ID
from tests.unit.aws import Through
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.records import version
from tests.unit.samples import (
    FIRST,
    FIRST_ARN,
    PARENT_ID,
    SECOND,
    SECOND_ARN,
    TWO_CENTERS,
    a_contact,
    contact_event,
    flow_event,
    transfer_event,
)
from tests.unit.two_orgs import ONE_CENTER, TwoOrgs
from voicecall_bridge.aws.contact_directory import DirectoryUnavailable, NoSuchContact
from voicecall_bridge.contact_centers.assignment import UNASSIGNED, AssignedTo
from voicecall_bridge.observability import Observer
from voicecall_bridge.telephony.errors import Unauthorized

NAME = "sales/second"
BY_ATTRIBUTE: dict[str, Any] = {"Attributes": {"secretName": NAME}}
SECRET_TEXT = "+12065550147 is what the caller typed"
"""The number is fictional."""
OTHER = ("dead_lettered", "OTHER_CONTACT_CENTER")
LEG: dict[str, Any] = {
    "InitiationMethod": "TRANSFER",
    "InitialContactId": PARENT_ID,
    "PreviousContactId": PARENT_ID,
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> TwoOrgs:
    """An observer that keeps its counters for the test to read."""
    monkeypatch.setattr(Observer, "flush", lambda _: None)
    return TwoOrgs(MemoryDynamoDB())


def parent_event(**changes: Any) -> dict[str, Any]:
    return flow_event(ContactId=PARENT_ID, InitialContactId=PARENT_ID, **changes)


def by_parameter(name: object = NAME, **changes: Any) -> dict[str, Any]:
    return flow_event(parameters={"secretName": name}, **changes)


def abandoned(**changes: Any) -> dict[str, Any]:
    return contact_event("DISCONNECTED", **changes)


@pytest.mark.parametrize("name", [NAME, "sales/second-d4E5f6", SECOND_ARN])
def test_the_flow_chooses_and_everything_else_follows(world: TwoOrgs, name: str) -> None:
    """Given a parameter that only the flow knows, then all requests go to its org."""
    assert world.flow(by_parameter(name))["status"] == "created"
    assert world.flow(flow_event())["status"] == "existing"
    assert world.event(contact_event(), abandoned()) == []
    assert world.record(version(1), version(2)) == []
    operations = ["create", "clearRouting", "update"]
    assert world.sent == [(SECOND_ARN, operation, CONTACT_ID) for operation in operations]
    assert world.assignment(CONTACT_ID) == AssignedTo(SECOND.name), (
        "the list's name, whatever the flow called it"
    )


def test_a_contact_that_names_none_is_the_defaults(world: TwoOrgs) -> None:
    world.flow(flow_event())
    world.record(record())
    assert world.orgs_of(CONTACT_ID) == {FIRST_ARN}
    assert world.assignment(CONTACT_ID) == AssignedTo(FIRST.name)


@pytest.mark.parametrize(
    "event",
    [
        flow_event(Attributes={"secretName": SECRET_TEXT}),
        by_parameter(SECRET_TEXT),
        flow_event(parameters={"fieldValues": {"secretName": SECRET_TEXT}}, **BY_ATTRIBUTE),
        by_parameter(["sales/second"]),
        by_parameter(7),
    ],
)
def test_what_is_not_listed_is_refused_and_not_quoted(
    world: TwoOrgs, event: dict[str, Any]
) -> None:
    answer = world.flow(event)
    assert (answer["status"], answer["errorCode"]) == ("failed", "OTHER_CONTACT_CENTER")
    assert "AdditionalContactCenterSecretArns" in answer["errorMessage"], "the cure"
    assert world.sent == []
    assert [letter[1] for letter in world.letters.kept] == ["OTHER_CONTACT_CENTER"]
    written = [*answer.values(), world.logged.stream.getvalue(), str(world.assignment(CONTACT_ID))]
    assert not [text for text in written if SECRET_TEXT in text or "12065550147" in text]


def test_a_refusal_holds_for_those_who_do_not_know_of_it(world: TwoOrgs) -> None:
    """Given a refused parameter, which events and records do not carry, then neither the contact
    nor its transfer is assigned to the default contact center."""
    world.directory.know(a_contact())
    world.flow(by_parameter("elsewhere"))
    world.flow(flow_event())
    world.event(contact_event())
    world.event(abandoned())
    world.record(record())
    world.flow(
        flow_event(
            "createTransferVC",
            ContactId="leg",
            InitiationMethod="TRANSFER",
            PreviousContactId=CONTACT_ID,
        )
    )
    assert world.sent == []
    assert world.ends() == [OTHER] * 6


def test_what_was_refused_is_delivered_when_the_list_knows_it(world: TwoOrgs) -> None:
    """Given a stack that did not serve the contact center, and now does, then a redriven input goes
    there, although only the flow ever named it."""
    world.serve(ONE_CENTER)
    world.directory.know(a_contact())
    world.flow(by_parameter("sales/second-d4E5f6"))
    assert world.event(contact_event()) == []
    assert world.record(record()) == []
    assert world.ends() == [OTHER] * 3
    world.serve(TWO_CENTERS)
    assert world.record(record()) == []
    assert world.flow(flow_event())["status"] == "created"
    assert world.sent == [
        (SECOND_ARN, "update", CONTACT_ID),
        (SECOND_ARN, "create", CONTACT_ID),
    ]


def test_a_refusal_takes_nothing_back(world: TwoOrgs) -> None:
    """Given a VoiceCall that exists, when a flow names an unknown contact center, then the contact
    stays where it is."""
    world.flow(by_parameter())
    assert world.flow(by_parameter("nonsense"))["errorCode"] == "OTHER_CONTACT_CENTER"
    assert world.assignment(CONTACT_ID) == AssignedTo(SECOND.name)
    world.record(record(Attributes={"secretName": "nonsense"}))
    assert world.orgs_of(CONTACT_ID) == {SECOND_ARN}


@pytest.mark.parametrize("first", [flow_event(), by_parameter()])
def test_a_later_choice_does_not_move_a_contact(world: TwoOrgs, first: dict[str, Any]) -> None:
    world.flow(first)
    (org,) = world.orgs_of(CONTACT_ID)
    other = NAME if org == FIRST_ARN else "sales/first"
    assert world.flow(by_parameter(other))["status"] == "existing"
    world.record(record(Attributes={"secretName": other}))
    assert world.orgs_of(CONTACT_ID) == {org}
    assert world.logged.counted()["ContactCenterKept"] == 2


def test_saying_nothing_is_no_other_choice(world: TwoOrgs) -> None:
    world.flow(by_parameter())
    world.flow(flow_event())
    world.record(record())
    assert "ContactCenterKept" not in world.logged.counted()


def test_a_transfer_belongs_where_its_parent_does(world: TwoOrgs) -> None:
    """Given legs that name no contact center, by flow, by event and by record alone."""
    world.flow(parent_event(parameters={"secretName": NAME}))
    world.flow(flow_event("createTransferVC", **LEG))
    world.directory.know(a_contact(contact_id="leg2"))
    leg2 = {"initiationMethod": "TRANSFER", "previousContactId": CONTACT_ID}
    assert world.event(transfer_event(contactId="leg2", **leg2)) == []
    leg3 = {**LEG, "ContactId": "leg3", "PreviousContactId": "leg2"}
    assert world.record(record(**leg3)) == []
    assert {secret for secret, *_ in world.sent} == {SECOND_ARN}
    assert [operation for _, operation, _ in world.sent] == ["create"] * 3 + ["update"]


def test_a_transfer_may_choose_for_itself(world: TwoOrgs) -> None:
    world.flow(parent_event(parameters={"secretName": NAME}))
    world.flow(flow_event(Attributes={"secretName": "sales/first"}, **LEG))
    assert world.orgs_of(CONTACT_ID) == {FIRST_ARN}


def test_a_transfer_from_an_unknown_contact_is_the_defaults(world: TwoOrgs) -> None:
    world.flow(flow_event(**LEG))
    assert world.orgs_of(CONTACT_ID) == {FIRST_ARN}


def test_events_alone_ask_connect(world: TwoOrgs) -> None:
    """Given a contact without a flow, then its attributes name the contact center, for creating and
    for clearing. Where Connect does not know the contact, the default center owns it."""
    world.directory.know(a_contact(secret_name=NAME))
    assert world.event(contact_event()) == []
    world.directory.know(a_contact(contact_id="c2", secret_name=NAME))
    assert world.event(abandoned(contactId="c2"), abandoned(contactId="c3")) == []
    assert world.sent == [
        (SECOND_ARN, "create", CONTACT_ID),
        (SECOND_ARN, "clearRouting", "c2"),
        (FIRST_ARN, "clearRouting", "c3"),
    ]
    assert world.assignment("c2") == UNASSIGNED, "what makes no record decides nothing"


@pytest.mark.parametrize("fault", [DirectoryUnavailable("ThrottlingException"), None])
def test_a_step_with_an_unknown_org_is_free_for_the_next_delivery(
    world: TwoOrgs, fault: Exception | None
) -> None:
    world.directory.know(a_contact(secret_name="" if fault else "elsewhere"))
    world.directory.fault = fault
    assert world.event(abandoned()) == ([0] if fault else [])
    world.directory.fault = NoSuchContact("x")
    assert world.event(abandoned()) == []
    assert world.sent == [(FIRST_ARN, "clearRouting", CONTACT_ID)]


def test_events_with_a_refused_attribute(world: TwoOrgs) -> None:
    world.directory.know(a_contact(secret_name=SECRET_TEXT))
    assert world.event(contact_event()) == world.event(abandoned()) == []
    assert world.ends() == [OTHER] * 2
    assert SECRET_TEXT not in world.logged.stream.getvalue()


@pytest.mark.parametrize(
    ("name", "secret"), [("", FIRST_ARN), (NAME, SECOND_ARN), ("sales/first", FIRST_ARN)]
)
def test_records_alone(world: TwoOrgs, name: str, secret: str) -> None:
    assert world.record(record(Attributes={"secretName": name})) == []
    assert world.sent == [(secret, "update", CONTACT_ID)]


def test_a_record_with_a_refused_attribute(world: TwoOrgs) -> None:
    assert world.record(record(Attributes={"secretName": SECRET_TEXT})) == []
    assert (world.sent, world.ends()) == ([], [OTHER])
    assert SECRET_TEXT not in world.logged.stream.getvalue()


def test_a_record_with_a_refused_attribute_follows_its_flow(world: TwoOrgs) -> None:
    world.flow(by_parameter())
    assert world.record(record(Attributes={"secretName": SECRET_TEXT})) == []
    assert world.orgs_of(CONTACT_ID) == {SECOND_ARN}
    assert [operation for _, operation, _ in world.sent] == ["create", "update"]


OLD: dict[str, dict[str, dict[str, str]]] = {
    "created": {"create_request": {"S": "{}"}, "create_status": {"S": "FAILED"}},
    "claimed": {"record_claim": {"N": "1"}},
    "updated": {"record_version": {"N": "1"}},
}


@pytest.mark.parametrize("kind", OLD)
def test_what_was_sent_before_was_the_defaults(world: TwoOrgs, kind: str) -> None:
    """Given an item of a release that did not store contact centers, then the contact stays with
    the default one, whatever flow and record say now."""
    world.old_item(CONTACT_ID, **OLD[kind])
    world.flow(by_parameter("nonsense"))
    world.flow(by_parameter())
    world.record(record(**BY_ATTRIBUTE))
    world.event(abandoned())
    assert world.orgs_of(CONTACT_ID) == {FIRST_ARN}
    assert world.assignment(CONTACT_ID) == AssignedTo(FIRST.name)


def test_an_end_alone_decides_nothing(world: TwoOrgs) -> None:
    """Given an item that only says that the call is over, then the record may still choose."""
    world.old_item(CONTACT_ID, call_ended={"BOOL": True})  # type: ignore[dict-item]
    world.record(record(**BY_ATTRIBUTE))
    assert world.orgs_of(CONTACT_ID) == {SECOND_ARN}


def test_a_contact_center_that_left_the_list(world: TwoOrgs) -> None:
    """Given a contact of a center that the stack does not serve any more, then none of its requests
    is sent."""
    world.flow(by_parameter())
    world.sent.clear()
    world.serve(ONE_CENTER)
    assert world.flow(flow_event())["errorCode"] == "OTHER_CONTACT_CENTER"
    world.event(abandoned())
    world.record(record())
    assert world.sent == []
    assert world.ends()[1:] == [OTHER] * 3


class Silent:
    """Fails the calls of an operation from the `first` on."""

    def __init__(self, world: TwoOrgs, operation: str, first: int = 1) -> None:
        self.world, self.operation, self.first = world, operation, first
        self.client = Through(world.dynamodb, before=self)
        world.dynamodb = self.client
        world.serve(TWO_CENTERS)

    def __call__(self) -> None:
        if self.client.calls[-1] == self.operation:
            self.first -= 1
            if self.first < 1:
                raise ReadTimeoutError(endpoint_url="https://x.example")


def test_a_transfer_waits_for_a_ledger_that_is_silent(world: TwoOrgs) -> None:
    """Given the parent's contact center is not known, then a guess could reach the wrong org: the
    flow's answer is "deferred", and the event is kept."""
    Silent(world, "get_item")
    answer = world.flow(flow_event(**LEG))
    assert (answer["status"], answer["errorCode"]) == ("deferred", "LEDGER_UNAVAILABLE")
    assert world.sent == []
    assert [letter[1] for letter in world.letters.kept] == ["LEDGER_UNAVAILABLE"]


def test_a_first_contact_does_not_wait(world: TwoOrgs) -> None:
    """Given a silent ledger and a contact without a parent, then the name that the contact gives
    counts."""
    Silent(world, "update_item")
    assert world.flow(by_parameter())["status"] == "created"
    assert world.orgs_of(CONTACT_ID) == {SECOND_ARN}


def test_a_ledger_that_falls_silent_after_its_first_answer(world: TwoOrgs) -> None:
    """Given the ledger's first answer names the contact's center and then the ledger is silent,
    then that center counts, not the one that the flow named."""
    world.faults[SECOND_ARN] = Unauthorized("x", status=401)
    world.flow(by_parameter())
    world.faults.clear()
    Silent(world, "update_item", first=2)
    assert world.flow(flow_event())["status"] == "created"
    assert world.orgs_of(CONTACT_ID) == {SECOND_ARN}


def test_a_refusal_that_cannot_be_remembered_is_answered(world: TwoOrgs) -> None:
    Silent(world, "update_item")
    assert world.flow(by_parameter("elsewhere"))["errorCode"] == "OTHER_CONTACT_CENTER"
    assert world.logged.counted()["LedgerFault"] == 1


def test_one_org_that_refuses_its_token_does_not_hold_up_the_other(world: TwoOrgs) -> None:
    """Given the second center's key is wrong, then Lambda delivers its contacts again. The first
    center's contacts are done."""
    world.faults[SECOND_ARN] = Unauthorized("x", status=401)
    world.directory.know(a_contact())
    world.directory.know(a_contact(contact_id="c2", secret_name=NAME))
    first, second = contact_event(), contact_event(contactId="c2")
    assert world.event(second, first) == [0]
    assert world.record(record(ContactId="r2", **BY_ATTRIBUTE), record(ContactId="r1")) == [0]
    assert [end[0] for end in world.ends()] == ["delivered"] * 2
    world.faults.clear()
    assert world.event(second, first) == world.record(record(ContactId="r2")) == []
    assert world.orgs_of("c2") == world.orgs_of("r2") == {SECOND_ARN}


def test_one_contact_center_asks_the_ledger_for_nothing_more(world: TwoOrgs) -> None:
    """Given a stack with one contact center, then every delivery costs as many requests as before
    there were several, transfers included."""
    world.dynamodb = client = Through(world.dynamodb)
    world.serve(ONE_CENTER)
    world.flow(flow_event(**LEG))
    assert client.calls == ["update_item"] * 2
    client.calls.clear()
    world.record(record(**LEG))
    assert client.calls == ["update_item"] * 2
    client.calls.clear()
    world.event(abandoned(initiationMethod="TRANSFER", previousContactId=PARENT_ID))
    assert client.calls == ["update_item"] * 3, "the end, the lease and its outcome"
    assert world.directory.journal == []


def test_several_contact_centers_ask_for_a_parent_only(world: TwoOrgs) -> None:
    world.dynamodb = client = Through(world.dynamodb)
    world.serve(TWO_CENTERS)
    world.flow(flow_event())
    world.record(record())
    assert client.calls == ["update_item"] * 4
    client.calls.clear()
    world.flow(flow_event(**{**LEG, "ContactId": "leg"}))
    assert client.calls == ["get_item", "update_item", "update_item"]
