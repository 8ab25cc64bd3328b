"""Contact centers: the allow-list, the choice among them, and one client for each."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.samples.members import INSTANCE_ID
from tests.unit.samples import (
    CENTERS,
    FIRST,
    FIRST_ARN,
    PARENT_ID,
    SECOND,
    SECOND_ARN,
    SECRET_ID,
    TWO_CENTERS,
    a_contact,
    a_transfer,
)
from voicecall_bridge.contact import Contact, ContactKey
from voicecall_bridge.contact_centers.assignment import (
    UNASSIGNED,
    AssignedTo,
    AssignedToDefault,
    Assignment,
    Refused,
)
from voicecall_bridge.contact_centers.registry import (
    MOST_OTHERS,
    ContactCenter,
    ContactCenterRegistry,
    OtherContactCenter,
)
from voicecall_bridge.telephony.clients import TelephonyClients


def arn(name: str) -> str:
    return f"arn:aws:secretsmanager:us-west-2:111122223333:secret:{name}"


@pytest.mark.parametrize("name", [SECOND_ARN, "sales/second-d4E5f6", "sales/second"])
def test_a_secret_is_named_by_its_arn_its_whole_name_or_its_name(name: str) -> None:
    """Source: Secrets Manager user guide, six random characters behind the name in an ARN."""
    assert TWO_CENTERS.named(name) is SECOND
    assert ContactCenter("sales/second", SECOND_ARN) == SECOND


@pytest.mark.parametrize(
    "name",
    [
        "second",
        "sales/second-",
        "sales/second-d4E5f",
        "sales/second-D4E5F6",
        "SALES/SECOND",
        "sales/second ",
        "*",
        f"{SECOND_ARN},{FIRST_ARN}",
        arn("sales/third-a1B2c3"),
        Refused.of("sales/second").digest,
        "\ud800",
    ],
)
def test_nothing_else_names_it(name: str) -> None:
    with pytest.raises(OtherContactCenter) as caught:
        TWO_CENTERS.named(name)
    assert name not in str(caught.value), "it may be the caller's text"


def test_a_contact_that_names_none_is_the_defaults() -> None:
    assert TWO_CENTERS.named("") is None
    assert FIRST.default
    assert not SECOND.default


def test_the_default_one_may_be_given_by_its_name_alone() -> None:
    """Given a plain name, then none of its parts counts as a random suffix."""
    assert CENTERS.named(SECRET_ID) == CENTERS.default == ContactCenter(SECRET_ID, SECRET_ID, True)
    assert not CENTERS.several
    assert TWO_CENTERS.several
    with pytest.raises(OtherContactCenter):
        CENTERS.named(SECRET_ID[:-7])


@pytest.mark.parametrize(
    ("others", "fault"),
    [
        (["sales/second"], "item 1 is not the whole ARN of a secret"),
        ([SECOND_ARN, ""], "item 2 is not the whole ARN of a secret"),
        ([SECOND_ARN[:-7]], "item 1 is not the whole ARN of a secret"),
        ([SECOND_ARN + "*"], "item 1 is not the whole ARN of a secret"),
        ([SECOND_ARN + "\n"], "item 1 is not the whole ARN of a secret"),
        (
            [SECOND_ARN.replace(":secretsmanager:", ":ssm:")],
            "item 1 is not the whole ARN of a secret",
        ),
        ([FIRST_ARN], "item 1 has the name of a secret before it"),
        ([SECOND_ARN, SECOND_ARN], "item 2 has the name of a secret before it"),
        # Two secrets of one name: a contact's name would be ambiguous.
        ([arn("sales/first-zZzZzZ")], "item 1 has the name of a secret before it"),
        ([arn("sales/first-a1B2c3-zZzZzZ")], "item 1 has the name of a secret before it"),
        (
            ["x", SECOND_ARN, "y"],
            "item 1 is not the whole ARN of a secret; item 3 is not the whole ARN",
        ),
        (
            [arn(f"center{number}-a1B2c3") for number in range(MOST_OTHERS + 1)],
            f"more than {MOST_OTHERS} secrets",
        ),
    ],
)
def test_a_list_that_cannot_be_used(others: list[str], fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}"):
        ContactCenterRegistry.of(FIRST_ARN, others)


def test_the_longest_list() -> None:
    others = [arn(f"center{number}-a1B2c3") for number in range(MOST_OTHERS)]
    centers = ContactCenterRegistry.of(FIRST_ARN, others)
    assert {center.secret for center in centers.known.values()} == {FIRST_ARN, *others}


def test_what_the_ledger_remembers() -> None:
    assert TWO_CENTERS.owner(UNASSIGNED) is None
    assert TWO_CENTERS.owner(AssignedToDefault()) == FIRST
    assert TWO_CENTERS.owner(AssignedTo("sales/second")) == SECOND
    for gone in (AssignedTo("sales/third"), Refused.of("sales/third")):
        with pytest.raises(OtherContactCenter):
            TWO_CENTERS.owner(gone)


def test_a_secret_that_was_made_again_keeps_its_contacts() -> None:
    """Given the same name with other random characters, then it is the same contact center."""
    again = ContactCenterRegistry.of(FIRST_ARN, [arn("sales/second-n7N8n9")])
    center = again.owner(AssignedTo("sales/second"))
    assert center is not None
    assert center.secret.endswith("-n7N8n9")


@pytest.mark.parametrize("name", [SECOND_ARN, "sales/second-d4E5f6", "sales/second"])
def test_a_refused_name_is_known_again_when_it_is_listed(name: str) -> None:
    refused = Refused.of(name)
    assert "second" not in refused.digest
    with pytest.raises(OtherContactCenter):
        CENTERS.owner(refused)
    known = TWO_CENTERS.owner(refused)
    assert known is not None
    assert (known.secret, known.assignment) == (SECOND_ARN, refused), "as it stands in the ledger"


def not_asked(key: ContactKey) -> Assignment:
    raise AssertionError("the ledger is not to be asked")


def test_which_contact_center_owns_a_contact() -> None:
    def parent(key: ContactKey) -> Assignment:
        assert key == ContactKey(INSTANCE_ID, PARENT_ID)
        return AssignedTo("sales/second")

    def assign(contact: Contact, ask: Callable[[ContactKey], Assignment]) -> ContactCenter:
        return TWO_CENTERS.assign(contact, UNASSIGNED, ask)

    assert assign(a_contact(), not_asked) == FIRST
    assert assign(a_transfer(), parent) == SECOND, "its parent's"
    assert assign(a_transfer(), lambda _: UNASSIGNED) == FIRST
    assert assign(a_transfer(secret_name="sales/first"), not_asked) == FIRST
    known = AssignedTo("sales/second")
    named = a_contact(secret_name="sales/first")
    assert TWO_CENTERS.assign(named, known, not_asked) == SECOND, "the first assignment stands"
    alone = CENTERS.assign(a_transfer(), UNASSIGNED, not_asked)
    assert alone == CENTERS.default, "no choice, no question"
    with pytest.raises(OtherContactCenter):
        assign(a_transfer(), lambda _: Refused.of("x"))


def test_each_has_its_own_made_once() -> None:
    """Given many threads that ask for the same client at once, then one client is made for each
    center."""
    made: list[ContactCenter] = []
    ready = threading.Barrier(8)

    def make(center: ContactCenter) -> Any:
        made.append(center)
        return object()

    kept = TelephonyClients(TWO_CENTERS, make)

    def take(number: int) -> object:
        ready.wait(5.0)
        return kept.of(SECOND if number % 2 else FIRST)

    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(take, range(8)))
    assert sorted(center.name for center in made) == ["sales/first", "sales/second"]
    assert len(set(map(id, got))) == 2
    assert kept.of(SECOND) is got[1]
    renamed = TWO_CENTERS.known["sales/second-d4E5f6"]
    assert kept.of(ContactCenter("x", renamed.secret)) is got[1], "by the secret, whatever name"
