"""The contact center of a call that a flow asks about: the ledger goes before the flow."""

import pytest

from tests.unit.samples import (
    CENTERS,
    CONTACT_ID,
    FIRST,
    INSTANCE_ID,
    PARENT_ID,
    SECOND,
    TWO_CENTERS,
    a_contact,
    a_transfer,
)
from tests.unit.telling import Told
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.registry import ContactCenters, OtherContactCenter
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.telephony.errors import Unavailable
from voicecall_bridge.use_cases.center_choice import CenterChoice

NAME = "sales/second"


class Pins:
    """What the ledger remembers, and how often it is asked."""

    def __init__(self, silent: bool = False, **pins: str) -> None:
        self.pins = {CONTACT_ID: pins.get("own"), PARENT_ID: pins.get("parent")}
        self.silent, self.asked = silent, 0

    def __call__(self, key: ContactKey) -> str | None:
        assert key.instance_id == INSTANCE_ID
        self.asked += 1
        if self.silent:
            raise LedgerUnavailable("ReadTimeoutError")
        return self.pins[key.contact_id]


def choice(pins: Pins, centers: ContactCenters = TWO_CENTERS) -> CenterChoice:
    return CenterChoice(centers, pins, Told().observer)


def test_what_the_ledger_remembers_goes_first() -> None:
    remembering = choice(Pins(own=NAME))
    for named in ("", "sales/first", "nonsense"):
        assert remembering.of_call(a_contact(secret_name=named)) == SECOND


def test_then_what_the_flow_says_then_the_parent_then_the_default() -> None:
    assert choice(Pins(parent="sales/first")).of_call(a_transfer(secret_name=NAME)) == SECOND
    assert choice(Pins(parent=NAME)).of_call(a_transfer()) == SECOND
    assert choice(Pins()).of_call(a_transfer()) == FIRST
    with pytest.raises(OtherContactCenter):
        choice(Pins()).of_call(a_contact(secret_name="nonsense"))


def test_nobody_is_asked_twice_or_for_nothing() -> None:
    pins = Pins(own="sales/first")
    assert choice(pins).of_call(a_contact(), NAME) == SECOND, "read before"
    assert choice(pins, CENTERS).of_call(a_transfer()) == CENTERS.default, "no choice"
    assert pins.asked == 0


def test_a_silent_ledger_leaves_the_flows_word() -> None:
    silent = choice(Pins(silent=True))
    assert silent.of_call(a_contact(secret_name=NAME)) == SECOND
    with pytest.raises(Unavailable) as caught:
        silent.of_call(a_contact())
    assert caught.value.code == "LEDGER_UNAVAILABLE"
    with pytest.raises(OtherContactCenter):
        silent.of_call(a_contact(secret_name="nonsense"))
