"""Which records are skipped, and the settings of contact records."""

import pytest

from tests.unit.records import a_record
from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.settings.contact_records import RecordRules
from voicecall_bridge.settings.shared import SettingsError
from voicecall_bridge.voice_call.update import CustomField


def rules(**variables: str) -> RecordRules:
    return RecordRules.from_environment(
        {f"CONTACT_RECORD_{name}": value for name, value in variables.items()}
    )


SENT = ["INBOUND", "OUTBOUND", "TRANSFER", "CALLBACK", "API", "WEBRTC_API"]  # SCVL's
ALSO_SENT = ["QUEUE_TRANSFER", "EXTERNAL_OUTBOUND"]  # what SCVL lacks


@pytest.mark.parametrize("method", SENT + ALSO_SENT)
def test_sent_by_default(method: str) -> None:
    assert rules().skip(a_record(InitiationMethod=method)) == ""


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("DISCONNECT", "METHOD_DISCONNECT"),
        ("MONITOR", "METHOD_MONITOR"),
        ("FLOW", "METHOD_FLOW"),
        ("CAMPAIGN_PREVIEW", "METHOD_UNKNOWN"),
        (None, "METHOD_UNSTATED"),
    ],
)
def test_skipped_by_default(method: str | None, reason: str) -> None:
    assert rules().skip(a_record(InitiationMethod=method)) == reason


@pytest.mark.parametrize(
    ("attributes", "recordings", "reason"),
    [
        ({"NoSync": "true"}, None, "OPTED_OUT"),
        ({"NoSync": "TRUE "}, None, "OPTED_OUT"),
        ({"NoSync": "false"}, None, ""),
        ({"vm_flag": "1"}, [{}], "VOICEMAIL"),
        ({"vm_flag": "1"}, [], ""),
        ({"vm_flag": "1"}, None, ""),
        ({"vm_flag": ""}, [{}], ""),
        ({}, [{}], ""),
    ],
)
def test_attributes_that_skip(attributes: dict[str, str], recordings: object, reason: str) -> None:
    assert rules().skip(a_record(Attributes=attributes, Recordings=recordings)) == reason


def test_all_of_it_is_configured() -> None:
    chosen = rules(
        METHODS="inbound, MONITOR",
        VOICEMAIL_ATTRIBUTES="vm, mailbox",
        OPT_OUT_ATTRIBUTES="private",
        FIELDS="Agent.RoutingProfile.Name=RoutingProfile__c, Attributes.tier=Tier__c",
    )
    assert chosen.methods == {InitiationMethod.INBOUND, InitiationMethod.MONITOR}
    assert chosen.skip(a_record(InitiationMethod="OUTBOUND")) == "METHOD_OUTBOUND"
    assert chosen.skip(a_record(Attributes={"mailbox": "1"})) == "VOICEMAIL"
    assert chosen.skip(a_record(Attributes={"vm_flag": "1"})) == ""
    assert chosen.skip(a_record(Attributes={"private": "true"})) == "OPTED_OUT"
    assert chosen.fields == (
        CustomField("Agent.RoutingProfile.Name", "RoutingProfile__c"),
        CustomField("Attributes.tier", "Tier__c"),
    )


def test_attributes_can_be_switched_off() -> None:
    off = rules(VOICEMAIL_ATTRIBUTES="none", OPT_OUT_ATTRIBUTES="none")
    assert off.skip(a_record(Attributes={"vm_flag": "1", "NoSync": "true"})) == ""


def test_fields_as_json() -> None:
    chosen = rules(FIELDS='{"SegmentAttributes.connect:Subtype.ValueString": "Subtype__c"}')
    path = "SegmentAttributes.connect:Subtype.ValueString"
    assert chosen.fields == (CustomField(path, "Subtype__c"),)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("Agnt.Username=A__c", "Agnt.Username=A__c: a contact record has no Agnt"),
        ("Agent..Username=A__c", "Agent..Username=A__c: the path is no names"),
        ("=A__c", "=A__c: the path is no names"),
        ("Agent.Username=", "Agent.Username=: no API name"),
        ("Agent.Username=1A__c", "no API name"),
        ("Agent.Username=A c", "no API name"),
        ("Agent.Username=A__c,Queue.Name=A__c", "filled twice"),
        ("Agent.Username", "is a list of path=field"),
        ('{"Agent.Username": 1}', "is a JSON object of paths"),
        ('{"Agent.Username"', "begins as JSON and is none"),
        ("{" * 100_000, "begins as JSON and is none"),
    ],
)
def test_faults_of_fields_are_told_by_name(fields: str, told: str) -> None:
    with pytest.raises(SettingsError, match="CONTACT_RECORD_FIELDS") as caught:
        rules(FIELDS=fields)
    assert told in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        rules(METHODS="INBOUND,CARRIER_PIGEON", FIELDS="Agnt=A__c,Queue.Name=?")
    assert "CARRIER_PIGEON is no initiation method" in str(caught.value)
    assert "Agnt=A__c" in str(caught.value)
    assert "Queue.Name=?" in str(caught.value)
