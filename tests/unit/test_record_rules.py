"""Which records are skipped, and the settings of contact records."""

import pytest

from tests.samples.contact_records import agent
from tests.unit.records import a_record
from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.settings.contact_records import RecordRules, doubt, undocumented
from voicecall_bridge.settings.sent_records import SENT_METHODS
from voicecall_bridge.settings.shared import EnvironmentReader
from voicecall_bridge.voice_call.update import CustomField


def read(**variables: str) -> tuple[RecordRules, list[str]]:
    """The rules, and what is wrong with items."""
    reader = EnvironmentReader({f"CONTACT_RECORD_{name}": it for name, it in variables.items()})
    found = RecordRules.read(reader)
    assert not reader.faults, "a wrong item stops nothing else"
    return found, [str(fault) for fault in reader.item_faults]


def rules(**variables: str) -> RecordRules:
    found, faults = read(**variables)
    assert not faults
    return found


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


def test_any_method_may_be_listed() -> None:
    """Given a method that Connect added later, then its records are sent once the method is
    listed."""
    chosen = rules(METHODS="INBOUND,CAMPAIGN_PREVIEW")
    assert chosen.skip(a_record(InitiationMethod="Campaign_Preview")) == ""
    assert chosen.skip(a_record(InitiationMethod="CAMPAIGN_REVIEW")) == "METHOD_UNKNOWN"


@pytest.mark.parametrize("yes", ["true", "TRUE ", "1", "yes"])
def test_an_attribute_that_says_yes_opts_out(yes: str) -> None:
    assert rules().skip(a_record(Attributes={"NoSync": yes})) == "OPTED_OUT"


@pytest.mark.parametrize("no", ["false", "FALSE", "0", "no", "", " "])
def test_an_attribute_that_says_no_does_not(no: str) -> None:
    attributes = {"NoSync": no, "vm_flag": no}
    assert rules().skip(a_record(Attributes=attributes, Agent=None)) == ""


NATIVE = {"VoicemailInfo": {"NumberOfVoicemails": 1}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Attributes": {"vm_flag": "1"}}, "VOICEMAIL"),
        (
            {"Attributes": {"vm_flag": "true"}, "Agent": agent(AgentInteractionDuration=0)},
            "VOICEMAIL",
        ),
        ({"Attributes": {"vm_flag": "1"}, "Recordings": []}, ""),
        ({"Attributes": {"vm_flag": "1"}, "Recordings": None}, ""),
        ({"Attributes": {}}, ""),
        (NATIVE, "VOICEMAIL"),
        ({"VoicemailInfo": {"NumberOfVoicemails": "2"}, "Recordings": None}, "VOICEMAIL"),
        ({"VoicemailInfo": {"NumberOfVoicemails": 0}}, ""),
        ({"VoicemailInfo": None}, ""),
    ],
)
def test_voicemails_are_skipped(changes: dict[str, object], reason: str) -> None:
    assert rules().skip(a_record(**{"Agent": None, **changes})) == reason


@pytest.mark.parametrize("changes", [{"Attributes": {"vm_flag": "1"}}, NATIVE])
@pytest.mark.parametrize("spoken", [254, "254", 1.0])
def test_an_agents_interaction_makes_a_call_of_it(
    changes: dict[str, object], spoken: object
) -> None:
    found = a_record(Agent=agent(AgentInteractionDuration=spoken), **changes)
    assert rules().skip(found) == ""


def test_all_of_it_is_configured() -> None:
    chosen = rules(
        METHODS="inbound, MONITOR",
        VOICEMAIL_ATTRIBUTES="vm, mailbox",
        OPT_OUT_ATTRIBUTES="private",
        CALLBACK_ATTRIBUTES="called_back",
        FIELDS="Agent.RoutingProfile.Name=RoutingProfile__c, Attributes.tier=Tier__c",
    )
    assert chosen.methods == {InitiationMethod.INBOUND, InitiationMethod.MONITOR}
    assert chosen.skip(a_record(InitiationMethod="OUTBOUND")) == "METHOD_OUTBOUND"
    assert chosen.skip(a_record(Attributes={"mailbox": "1"}, Agent=None)) == "VOICEMAIL"
    assert chosen.skip(a_record(Attributes={"vm_flag": "1"}, Agent=None)) == ""
    assert chosen.skip(a_record(Attributes={"private": "true"})) == "OPTED_OUT"
    assert chosen.callback == ("called_back",)
    assert chosen.fields == (
        CustomField("Agent.RoutingProfile.Name", "RoutingProfile__c"),
        CustomField("Attributes.tier", "Tier__c"),
    )


def test_attributes_can_be_switched_off() -> None:
    off = rules(VOICEMAIL_ATTRIBUTES="none", OPT_OUT_ATTRIBUTES="None", CALLBACK_ATTRIBUTES="NONE")
    attributes = {"vm_flag": "1", "NoSync": "true"}
    assert off.skip(a_record(Attributes=attributes, Agent=None, **NATIVE)) == ""
    assert off.callback == ()


def test_fields_as_json() -> None:
    chosen = rules(FIELDS='{"SegmentAttributes.connect:Subtype.ValueString": "Subtype__c"}')
    path = "SegmentAttributes.connect:Subtype.ValueString"
    assert chosen.fields == (CustomField(path, "Subtype__c"),)


@pytest.mark.parametrize(
    "path",
    [
        "RingStartTimestamp",
        "VoicemailInfo.NumberOfVoicemails",
        "Cases.0.CaseId",
        "Tags.Cost Center",
        "Tags.aws:connect:instanceId",
        "Tags.team/emea@sales+1",
        "Attributes.größe",
        "SomethingNew.Altogether",
    ],
)
def test_any_member_of_a_record_can_be_mapped(path: str) -> None:
    assert rules(FIELDS=f" {path} = A__c ").fields == (CustomField(path, "A__c"),)


def test_a_path_may_fill_two_fields() -> None:
    both = (CustomField("Queue.Name", "A__c"), CustomField("Queue.Name", "B__c"))
    assert rules(FIELDS="Queue.Name=A__c,Queue.Name=B__c").fields == both
    assert rules(FIELDS='{"Queue.Name": "A__c", "Queue.Name": "B__c"}').fields == both


GOOD = CustomField("Queue.Name", "Good__c")


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ("Agent..Username=A__c", "Agent..Username=A__c: the path must be names with dots between"),
        ("=A__c", "=A__c: the path must be names"),
        ("Agent. .Username=A__c", "the path must be names"),
        ("Agent.Username=", "Agent.Username=: not the API name of a field"),
        ("Agent.Username=1A__c", "not the API name"),
        ("Agent.Username=A c", "not the API name"),
        ("Agent.Username==A__c", "not the API name"),
        ("Agent.Username=Good__c", "an item before it fills the same field"),
        ("Agent.Username", "Agent.Username: not path=field"),
        ("Agent.\tName=A__c", "item 2: the path must be names"),
    ],
)
def test_a_wrong_item_costs_that_item_alone(item: str, fault: str) -> None:
    found, faults = read(FIELDS=f"Queue.Name=Good__c,{item},Queue.ARN=Also__c")
    assert found.fields == (GOOD, CustomField("Queue.ARN", "Also__c"))
    (reported,) = faults
    assert reported.startswith("CONTACT_RECORD_FIELDS: ")
    assert fault in reported


@pytest.mark.parametrize(
    ("text", "fields", "fault"),
    [
        ('{"Agent.Username": 1, "Queue.Name": "Good__c"}', (GOOD,), "must be a text"),
        ('{"Agent.Username": "A c", "Queue.Name": "Good__c"}', (GOOD,), "not the API name"),
        ('{"a": {"b": "A__c"}, "Queue.Name": "Good__c"}', (GOOD,), "a: the field must be a text"),
        ('{"Agent.Username"', (), "all of it: begins as JSON and cannot be read"),
        ("{" * 100_000, (), "begins as JSON and cannot be read"),
    ],
)
def test_a_wrong_item_of_a_json_object(
    text: str, fields: tuple[CustomField, ...], fault: str
) -> None:
    found, faults = read(FIELDS=text)
    assert found.fields == fields
    (reported,) = faults
    assert fault in reported


def test_wrong_items_of_the_other_lists() -> None:
    found, faults = read(
        METHODS="INBOUND,CARRIER PIGEON,OUTBOND",
        VOICEMAIL_ATTRIBUTES="vm flag,mailbox",
        OPT_OUT_ATTRIBUTES="No.Sync",
    )
    assert found.methods == {"INBOUND", "OUTBOND"}
    assert found.voicemail == ("mailbox",)
    assert found.opt_out == ("NoSync",), "the default where nothing is left"
    assert faults == [
        "CONTACT_RECORD_METHODS: CARRIER PIGEON: not the name of a method",
        "CONTACT_RECORD_METHODS: OUTBOND: used as it is, but OUTBOUND may be meant",
        "CONTACT_RECORD_VOICEMAIL_ATTRIBUTES: vm flag: not the name of a contact attribute",
        "CONTACT_RECORD_OPT_OUT_ATTRIBUTES: No.Sync: not the name of a contact attribute",
    ]
    assert read(METHODS="CARRIER PIGEON")[0].methods == SENT_METHODS


def test_what_may_have_been_pasted_by_mistake_is_not_shown() -> None:
    _, faults = read(FIELDS="a=b{}hush", METHODS="-----BEGIN hush;")
    assert len(faults) == 2
    assert "hush" not in "".join(faults)


def test_paths_that_begin_with_no_documented_member_are_doubtful() -> None:
    slip, new = CustomField("Agnet.Username", "A__c"), CustomField("Tomorrow.Name", "B__c")
    assert undocumented([slip, GOOD, new]) == (slip, new)
    assert "Agent may be meant" in doubt(slip).fault
    assert "may be meant" not in doubt(new).fault
    assert not doubt(slip).left_out
