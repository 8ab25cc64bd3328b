"""A flow's request about a VoiceCall goes to the contact center that has the VoiceCall."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.samples.contact_records import contact_record as record
from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.aws import TABLE, Through
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.samples import FIRST_ARN, PARENT_ID, SECOND, SECOND_ARN, flow_event
from tests.unit.two_orgs import ONE_CENTER, TwoOrgs
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.assignment import UNASSIGNED, AssignedTo
from voicecall_bridge.ledger.creations import CreationLedger
from voicecall_bridge.ledger.table import Table

NAME = "sales/second"
PARAMETERS: dict[str, dict[str, object]] = {
    "updateVoiceCall": {"fieldValues": {"queue": "q"}},
    "executeOmniFlow": {"flowDevName": "f"},
    "cancelOmniFlowExecution": {},
    "rerouteFlowExecution": {},
    "routeVoiceCall": {"routingTarget": "005"},
    "callbackExecution": {"customerCallbackNumber": "+12065550147"},  # fictional
    "sendMessage": {"fieldValues": {"messageId": "m", "content": "c", "participantId": "p"}},
}
EVERY = pytest.mark.parametrize("method", sorted(PARAMETERS))


@pytest.fixture
def world() -> TwoOrgs:
    return TwoOrgs(MemoryDynamoDB())


def asked(method: str, **parameters: object) -> dict[str, Any]:
    return flow_event(method, {**PARAMETERS[method], "onFailure": "continue", **parameters})


@EVERY
def test_it_goes_where_the_call_is(world: TwoOrgs, method: str) -> None:
    """Given a call that its first block created in the second org, and a block that names none."""
    world.flow(flow_event(parameters={"secretName": NAME}))
    answer = world.flow(asked(method))
    assert answer["errorCode"] == ""
    assert world.sent[1:] == [(SECOND_ARN, world.sent[1][1], CONTACT_ID)]


def test_the_cache_of_salesforces_package(world: TwoOrgs) -> None:
    """Given a block that names the second org for later requests, then the ledger remembers it.
    Once the VoiceCall exists, the name stays. A name that the stack does not serve is refused."""
    answer = world.flow(flow_event("updateCache", {"secretName": NAME}))
    assert (answer["status"], answer["message"]) == ("done", "the ledger remembers it")
    world.flow(flow_event())
    assert [arn for arn, *_ in world.sent] == [SECOND_ARN]
    later = world.flow(flow_event("updateCache", {"secretName": FIRST_ARN}))
    assert (later["status"], later["message"]) == ("done", "there is nothing to remember")
    assert world.flow(flow_event("updateCache"))["message"] == "there is nothing to remember"
    refused = world.flow(flow_event("updateCache", {"secretName": "x", "onFailure": "continue"}))
    assert (refused["status"], refused["errorCode"]) == ("failed", "OTHER_CONTACT_CENTER")
    assert len(world.sent) == 1


def test_where_the_ledger_is_silent_nothing_is_said_to_be_remembered(world: TwoOrgs) -> None:
    fault = ReadTimeoutError(endpoint_url="https://x")

    def fail() -> None:
        raise fault

    world.dynamodb = Through(world.dynamodb, before=fail)
    answer = world.flow(flow_event("updateCache", {"secretName": NAME, "onFailure": "continue"}))
    assert (answer["status"], answer["errorCode"]) == ("deferred", "LEDGER_UNAVAILABLE")


@EVERY
def test_the_first_choice_stands(world: TwoOrgs, method: str) -> None:
    """Given a call of the first org, and a later block that names the second one."""
    world.flow(flow_event())
    world.flow(asked(method, secretName=NAME))
    assert {secret for secret, _, _ in world.sent} == {FIRST_ARN}


@EVERY
def test_a_call_that_the_ledger_does_not_know(world: TwoOrgs, method: str) -> None:
    world.flow(asked(method, secretName=NAME))
    world.flow(asked(method, contactId="c-other"))
    assert [secret for secret, _, _ in world.sent] == [SECOND_ARN, FIRST_ARN]


@EVERY
def test_a_name_that_is_not_listed_is_refused(world: TwoOrgs, method: str) -> None:
    answer = world.flow(asked(method, secretName="sales/third"))
    assert (answer["status"], answer["errorCode"]) == ("failed", "OTHER_CONTACT_CENTER")
    assert world.sent == []
    assert [reason for _, reason, _ in world.letters.kept] == ["OTHER_CONTACT_CENTER"]
    assert "sales/third" not in world.logged.stream.getvalue()


@EVERY
def test_without_the_ledger_the_flow_must_say(world: TwoOrgs, method: str) -> None:
    """Given a silent ledger, then the request goes where the block says, and is never sent by a
    guess."""
    fault = ReadTimeoutError(endpoint_url="https://x")

    def fail() -> None:
        raise fault

    world.dynamodb = Through(world.dynamodb, before=fail)
    assert world.flow(asked(method, secretName=NAME))["errorCode"] == ""
    answer = world.flow(asked(method))
    assert (answer["status"], answer["errorCode"]) == ("deferred", "LEDGER_UNAVAILABLE")
    assert {secret for secret, _, _ in world.sent} == {SECOND_ARN}


def test_a_line_of_a_transferred_call_goes_to_the_first_calls_org(world: TwoOrgs) -> None:
    """Given a chain with its first call in the second org, then its transcript is there too."""
    first = flow_event(parameters={"secretName": NAME}, ContactId=PARENT_ID)
    world.flow({**first, "Details": {**first["Details"]}})
    leg = {"InitiationMethod": "TRANSFER", "InitialContactId": PARENT_ID}
    world.flow(
        flow_event("sendMessage", PARAMETERS["sendMessage"], PreviousContactId=PARENT_ID, **leg)
    )
    assert world.sent[-1] == (SECOND_ARN, "messages", PARENT_ID)


def test_an_update_that_makes_the_record_assigns_the_contact(world: TwoOrgs) -> None:
    """Given a contact without any request yet, then later requests go where its update went, even
    those that name no contact center, or another one."""
    world.flow(asked("updateVoiceCall", secretName=NAME))
    assert world.assignment(CONTACT_ID) == AssignedTo(NAME)
    world.record(record())
    world.flow(flow_event(parameters={"secretName": "sales/first"}))
    assert [(secret, operation) for secret, operation, _ in world.sent] == [
        (SECOND_ARN, "update"),
        (SECOND_ARN, "update"),
        (SECOND_ARN, "create"),
    ]


def test_another_worker_was_quicker_than_the_update(world: TwoOrgs) -> None:
    """Given another worker that assigns the contact between the read and the update."""
    key = ContactKey(INSTANCE_ID, CONTACT_ID)
    looks = iter([None, SECOND])

    def come_between() -> None:
        if center := next(looks, None):
            CreationLedger(Table(lambda: plain, TABLE)).assign(key, center)

    plain = world.dynamodb
    world.dynamodb = Through(plain, before=come_between)
    world.flow(asked("updateVoiceCall"))
    assert world.sent == [(SECOND_ARN, "update", CONTACT_ID)]


def test_one_contact_center_needs_no_further_request(world: TwoOrgs) -> None:
    world.serve(ONE_CENTER)
    world.flow(asked("updateVoiceCall"))
    assert world.assignment(CONTACT_ID) == UNASSIGNED
