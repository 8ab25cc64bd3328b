"""Any interleaving of flow, event and record deliveries of two contact centers' contacts.

All requests that make or fill a contact's record go to one org, and to the right one: the one that
the first delivery to make a record names, else the parent's, else the default one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from hypothesis import event as note
from hypothesis import example, given
from hypothesis import strategies as st

from tests.samples.contact_records import contact_record as record
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.samples import (
    FIRST,
    FIRST_ARN,
    SECOND,
    SECOND_ARN,
    a_contact,
    contact_event,
    flow_event,
)
from tests.unit.two_orgs import TwoOrgs
from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.contact_centers.assignment import UNASSIGNED, AssignedTo, Assignment
from voicecall_bridge.flow import service as flow_service
from voicecall_bridge.telephony.errors import Effect, OutcomeUnknown, TelephonyError, Unavailable

PARENTS = {"c1": "", "c2": "c1", "c3": "c2", "d1": ""}
"""A call that is transferred twice, and another call."""
NAMES = ["", "", "sales/first", "sales/second", SECOND_ARN, "elsewhere"]
SECRETS = {"sales/first": FIRST_ARN, "sales/second": SECOND_ARN, SECOND_ARN: SECOND_ARN}
PINS = {FIRST.name: FIRST_ARN, SECOND.name: SECOND_ARN}
REFUSED = "refused"


def secret_of(assignment: Assignment) -> str:
    """The secret of the contact center that owns a contact."""
    return PINS[assignment.name] if isinstance(assignment, AssignedTo) else REFUSED


CONTACTS = st.sampled_from(["c1", "c1", "c2", "c2", "c3", "d1"])
KINDS = ["QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED", "CONTACT_DATA_UPDATED"]
FAULTS: dict[str, Callable[[], TelephonyError]] = {
    "down": lambda: Unavailable("x", status=503),
    "cut": lambda: OutcomeUnknown("x", effect=Effect.UNKNOWN),
}
DELIVERIES = st.lists(
    st.tuples(st.just("flow"), CONTACTS, st.sampled_from(["", "", "", *NAMES]))
    | st.tuples(st.just("event"), CONTACTS, st.sampled_from(KINDS))
    | st.tuples(st.just("record"), CONTACTS, st.integers(0, 3))
    | st.tuples(st.just("fault"), st.sampled_from(sorted(PINS)), st.sampled_from(sorted(FAULTS)))
    | st.tuples(st.just("up"), st.sampled_from(sorted(PINS)), st.none()),
    min_size=6,
    max_size=14,
)


class Model:
    """The contact center of each contact, by the rule and nothing else."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes
        self.belongs: dict[str, str] = {}

    def said(self, contact_id: str, named: str) -> None:
        """A delivery that is about to make a record, and the center that it names."""
        if contact_id not in self.belongs:
            named = named or self.attributes[contact_id]
            if named:
                self.belongs[contact_id] = SECRETS.get(named, REFUSED)
            elif (parent := self.belongs.get(PARENTS[contact_id], FIRST_ARN)) != REFUSED:
                # A transfer that names nothing is refused with its parent, and may name one later.
                self.belongs[contact_id] = parent


class Play:
    """Deliveries to a world, also passed to the model."""

    def __init__(self, world: TwoOrgs, attributes: dict[str, str]) -> None:
        self.world, self.model = world, Model(attributes)
        for contact_id in PARENTS:
            facts = self._facts(contact_id)
            world.directory.know(a_contact(**facts, secret_name=attributes[contact_id]))

    def _facts(self, contact_id: str) -> dict[str, Any]:
        parent = PARENTS[contact_id]
        return {
            "contact_id": contact_id,
            "previous_contact_id": parent,
            "initiation_method": InitiationMethod.TRANSFER if parent else InitiationMethod.INBOUND,
        }

    def _members(self, contact_id: str) -> dict[str, Any]:
        parent = PARENTS[contact_id]
        return {
            "ContactId": contact_id,
            "InitialContactId": "c1" if parent else contact_id,
            "PreviousContactId": parent or contact_id,
            "InitiationMethod": "TRANSFER" if parent else "INBOUND",
            "Attributes": {"secretName": self.model.attributes[contact_id]},
        }

    def flow(self, contact_id: str, named: str) -> None:
        event = flow_event(parameters={"secretName": named}, **self._members(contact_id))
        wanted = named or self.model.attributes[contact_id]
        # A refused name is refused whatever is known; what was sent before stays.
        if SECRETS.get(wanted, REFUSED) != REFUSED or not wanted:
            self.model.said(contact_id, named)
        else:
            self.model.belongs.setdefault(contact_id, REFUSED)
        self.world.flow(event)

    def event(self, contact_id: str, kind: str) -> None:
        parent = PARENTS[contact_id]
        expired = {
            "updatedProperties": ["RoutingCriteria.Step.Status"],
            "routingCriteria": {
                "steps": [
                    {
                        "status": "EXPIRED",
                        "expression": {"matchCriteria": {"agentsCriteria": {"x": 1}}},
                    }
                ]
            },
        }
        facts = {"initiationMethod": "TRANSFER", "previousContactId": parent} if parent else {}
        more = expired if kind == "CONTACT_DATA_UPDATED" else {}
        self.world.event(contact_event(kind, contactId=contact_id, **facts, **more))
        # Which contacts of the chain it has begun depends on timing; their assignments do not.
        for begun in PARENTS:  # parents first
            if self.world.assignment(begun) != UNASSIGNED:
                self.model.said(begun, "")

    def record(self, contact_id: str, version: int) -> None:
        if self.model.attributes[contact_id] != "elsewhere":
            self.model.said(contact_id, "")
        updated = f"2026-11-20T10:06:{version:02d}Z"
        self.world.record(record(LastUpdateTimestamp=updated, **self._members(contact_id)))

    def fault(self, name: str, kind: str) -> None:
        self.world.faults[PINS[name]] = FAULTS[kind]()

    def up(self, name: str, _: None) -> None:
        self.world.faults.pop(PINS[name], None)

    def check(self) -> None:
        for secret, operation, contact_id in self.world.sent:
            if operation in ("create", "update"):
                assert secret == self.model.belongs.get(contact_id), (operation, contact_id)
        for contact_id, secret in self.model.belongs.items():
            known = self.world.assignment(contact_id)
            assert known == UNASSIGNED or secret_of(known) == secret


@contextmanager
def in_this_thread() -> Iterator[None]:
    """A flow's answer waits for a thread, which takes longer than the rest of an example."""
    with mock.patch.object(flow_service, "run_before", lambda _deadline, work: work()):
        yield


@given(
    attributes=st.fixed_dictionaries(
        {
            contact: st.sampled_from(["", "", "", *NAMES] if parent else NAMES)
            for contact, parent in PARENTS.items()
        }
    ),
    deliveries=DELIVERIES,
)
@example(
    attributes=dict.fromkeys(PARENTS, ""),
    deliveries=[("flow", "c1", "elsewhere"), ("flow", "c2", ""), ("flow", "c2", "sales/first")],
)
def test_all_requests_of_a_contact_go_to_its_org(
    attributes: dict[str, str], deliveries: list[tuple[str, str, Any]]
) -> None:
    with in_this_thread():
        world = TwoOrgs(MemoryDynamoDB())
        play = Play(world, attributes)
        for kind, which, what in deliveries:
            before = len(world.sent)
            getattr(play, kind)(which, what)
            play.check()
            for secret, operation, contact_id in world.sent[before:]:
                # A request that makes no record goes to the record's org, if a record was begun.
                known = world.assignment(contact_id)
                assert known == UNASSIGNED or secret_of(known) == secret, operation
        assert [line for line in world.logged.lines() if line["message"] == "defect"] == []
        note(f"orgs reached: {len({secret for secret, *_ in world.sent})}")
        note(f"refused: {REFUSED in play.model.belongs.values()}")
