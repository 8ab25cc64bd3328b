"""The contact records that a flow's answer may promise."""

import pytest

from tests.unit.samples import a_contact
from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.settings.contact_records import RecordRules
from voicecall_bridge.settings.sent_records import SENT_METHODS, SentRecords
from voicecall_bridge.settings.shared import EnvironmentReader


def read(methods: str = "", opt_out: str = "") -> SentRecords:
    environment = {
        "CONTACT_RECORD_METHODS": methods,
        "CONTACT_RECORD_OPT_OUT_ATTRIBUTES": opt_out,
    }
    return SentRecords.read(EnvironmentReader(environment))


@pytest.mark.parametrize("methods", ["", "INBOUND", " inbound , NEW_ONE,", "in bound,API", "1"])
@pytest.mark.parametrize(
    "opt_out", ["", "none", "None", ", none", "NoSync", "a, b", "a b", "a b,c"]
)
def test_both_functions_read_the_same(methods: str, opt_out: str) -> None:
    environment = {
        "CONTACT_RECORD_METHODS": methods,
        "CONTACT_RECORD_OPT_OUT_ATTRIBUTES": opt_out,
    }
    rules = RecordRules.read(EnvironmentReader(environment))
    sent = read(methods, opt_out)
    assert (sent.methods, sent.opt_out) == (rules.methods, rules.opt_out)


def test_the_default_is_salesforces_own_and_two_more() -> None:
    assert read().methods == SENT_METHODS
    assert read().include(a_contact(initiation_method=InitiationMethod.OUTBOUND))
    assert not read().include(a_contact(initiation_method=InitiationMethod.MONITOR))


def test_a_method_that_the_bridge_does_not_know_may_be_listed() -> None:
    contact = a_contact(initiation_method=InitiationMethod.UNKNOWN, unknown_method="Campaign_New")
    assert read("INBOUND,campaign_new").include(contact)
    assert not read("INBOUND,UNKNOWN").include(contact)


@pytest.mark.parametrize(
    ("value", "sent"), [("true", False), ("1", False), ("0", True), ("", True)]
)
def test_an_attribute_that_says_yes_leaves_the_record_out(value: str, sent: bool) -> None:
    assert read().include(a_contact(attributes={"NoSync": value})) is sent
    assert read(opt_out="none").include(a_contact(attributes={"NoSync": value}))
