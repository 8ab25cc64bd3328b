"""The contact's enumerations take every value Connect may send."""

import dataclasses

import pytest

from tests.unit.samples import a_contact
from voicecall_bridge.contact import Channel, InitiationMethod


@pytest.mark.parametrize("member", list(Channel))
def test_each_channel_is_read_as_itself(member: Channel) -> None:
    assert Channel(member.value) is member


@pytest.mark.parametrize("spelling", ["Voice", "voice", " VOICE ", "VoIcE"])
def test_channel_is_compared_without_case(spelling: str) -> None:
    """Older events spell it "Voice" (AWS's own fixtures)."""
    assert Channel(spelling) is Channel.VOICE


@pytest.mark.parametrize("spelling", ["", " ", "\t"])
def test_channel_that_is_left_out(spelling: str) -> None:
    assert Channel(spelling) is Channel.UNSTATED


@pytest.mark.parametrize("value", ["HOLOGRAM", "VOICE2", "0"])
def test_channel_added_later_is_unknown(value: str) -> None:
    assert Channel(value) is Channel.UNKNOWN


@pytest.mark.parametrize("member", list(InitiationMethod))
def test_each_initiation_method_is_read_as_itself(member: InitiationMethod) -> None:
    assert InitiationMethod(member.value) is member


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("inbound", InitiationMethod.INBOUND),
        ("Queue_Transfer", InitiationMethod.QUEUE_TRANSFER),
        ("", InitiationMethod.UNSTATED),
        ("CAMPAIGN_PREVIEW", InitiationMethod.UNKNOWN),
    ],
)
def test_initiation_method_is_tolerant(value: str, expected: InitiationMethod) -> None:
    assert InitiationMethod(value) is expected


def test_a_contact_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        a_contact().contact_id = "another"  # type: ignore[misc]


def test_the_name_of_a_contact_center_is_not_shown() -> None:
    """An unknown value may be the caller's text."""
    assert "canary" not in repr(a_contact(secret_name="canary"))


def test_the_flows_name_of_a_contact_center_goes_before_connects() -> None:
    named, unnamed = a_contact(secret_name="a"), a_contact()
    assert named.with_details(a_contact(secret_name="b")).secret_name == "a"
    assert unnamed.with_details(named).secret_name == "a"
