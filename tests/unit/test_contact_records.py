"""Batches of contact records, from Lambda's event to the partial batch response: through the
stream processor, the use case and the real ledger on DynamoDB in memory."""

import json
from collections import Counter

import pytest

from tests.samples.contact_records import contact_record as record
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.record_function import Function
from tests.unit.records import batch, version
from tests.unit.samples import PARENT_ID
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.settings.contact_records import RecordRules
from voicecall_bridge.telephony.errors import Rejected, Unauthorized, Unavailable
from voicecall_bridge.use_cases.record_updates import LeaseLost
from voicecall_bridge.use_cases.results import LeaseTimeout
from voicecall_bridge.voice_call.update import CustomField, UpdateRequest


@pytest.fixture
def function() -> Function:
    return Function(MemoryDynamoDB())


def test_a_record_is_delivered(function: Function) -> None:
    assert function(version(1)) == []
    assert function.ended() == [("delivered", "")]
    (line,) = function.logged.deliveries()
    assert line["source"] == "contact_records"
    assert line["method"] == "INBOUND"
    assert line["attempts"] == 1
    assert function.salesforce.versions() == [1]


def test_only_the_newest_of_a_batch_is_sent(function: Function) -> None:
    assert function(version(1), version(3), version(2), version(3)) == []
    assert function.salesforce.versions() == [3]
    assert Counter(function.ended()) == {
        ("superseded", "NEWER_IN_BATCH"): 3,
        ("delivered", ""): 1,
    }


def test_redelivered_versions_are_superseded(function: Function) -> None:
    function(version(2))
    function(version(2), first=11)
    function(version(1), first=21)
    assert function.salesforce.versions() == [2]
    assert function.ended()[1:] == [
        ("superseded", "ALREADY_DELIVERED"),
        ("superseded", "NEWER_DELIVERED"),
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Channel": "CHAT"}, "NOT_VOICE"),
        ({"InitiationMethod": "MONITOR"}, "METHOD_MONITOR"),
        ({"Attributes": {"NoSync": "true"}}, "OPTED_OUT"),
        ({"Attributes": {"vm_flag": "true"}, "Agent": None}, "VOICEMAIL"),
    ],
)
def test_skips_are_counted_by_reason(
    function: Function, changes: dict[str, object], reason: str
) -> None:
    assert function(record(**changes)) == []
    assert function.ended() == [("skipped", reason)]
    assert function.salesforce.patched == []


def test_what_shares_the_stream_is_skipped(function: Function) -> None:
    assert function({"EventId": "e", "AgentARN": "a", "EventType": "LOGIN"}) == []
    assert function.ended() == [("skipped", "NOT_A_CONTACT_RECORD")]


def test_one_of_a_hundred_is_not_json(function: Function) -> None:
    """Given 99 records and one text, then 99 are delivered, and the text becomes a dead letter,
    whole."""
    payloads: list[object] = [record(ContactId=f"c{number}") for number in range(99)]
    payloads.insert(42, "not json, +12065550100")
    assert function(*payloads) == []
    assert Counter(function.ended()) == {
        ("delivered", ""): 99,
        ("dead_lettered", "NOT_A_CONTACT"): 1,
    }
    ((source, reason, payload),) = function.letters.kept
    assert (source, reason) == ("contact_records", "NOT_A_CONTACT")
    assert payload == batch(payloads)["Records"][42]
    assert "+12065550100" not in function.logged.stream.getvalue()


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("+12065550100", "the record's data is not JSON"),
        (
            json.dumps(record(ContactId="+12065550100")) * 2,
            "several JSON objects in one record: let the function read the stream that Amazon "
            "Connect itself writes into, or put each object into a record of its own",
        ),
        (
            record(ContactId=["+12065550100"]),
            "a contact record without a ContactId of 1 to 256 printable characters",
        ),
    ],
)
def test_what_a_record_lacks_is_logged_and_not_what_it_holds(
    function: Function, payload: object, text: str
) -> None:
    assert function(payload) == []
    (line,) = function.logged.deliveries()
    code = "SEVERAL_OBJECTS" if text.startswith("several") else "NOT_A_CONTACT"
    assert (line["errorCode"], line["reason"], line["errorText"]) == (code, code, text)
    assert "+12065550100" not in function.logged.stream.getvalue()


@pytest.mark.parametrize("first_dated", [True, False])
def test_a_version_without_last_update_is_older_than_any_other(
    function: Function, first_dated: bool
) -> None:
    """Given a version without the timestamp, before or after one that has it, then Salesforce ends
    with the dated one."""
    dated, undated = version(5), version(3) | {"LastUpdateTimestamp": None}
    for number, payload in enumerate((dated, undated) if first_dated else (undated, dated), 1):
        assert function(payload, first=number) == []
    assert function.salesforce.versions()[-1] == 5
    superseded = [("superseded", "NEWER_DELIVERED")] if first_dated else [("delivered", "")]
    assert function.ended() == [("delivered", ""), *superseded]


def test_a_refused_record_is_a_dead_letter_with_its_payload(function: Function) -> None:
    def refuse(_: UpdateRequest) -> None:
        raise Rejected("x", status=400, remark="endTime is wrong for +12065550100")

    function.salesforce.before = refuse
    assert function(version(1)) == []
    assert function.ended() == [("dead_lettered", "400")]
    assert function.letters.kept == [("contact_records", "400", batch([version(1)])["Records"][0])]
    assert "+12065550100" not in function.logged.stream.getvalue()
    function.salesforce.before = lambda _: None
    assert function(version(1), first=7) == [], "put back, it is sent"
    assert function.salesforce.versions() == [1]


@pytest.mark.parametrize(
    "fault",
    [
        Unavailable("x", status=503),
        Unauthorized("x", status=401, code="401"),
        Rejected("x", status=302),
    ],
)
def test_an_outage_loses_nothing(function: Function, fault: Exception) -> None:
    """Given 20 records of 10 contacts while Salesforce is away, then Lambda delivers all of them
    again, and afterwards Salesforce has the newest version of each contact."""

    def fail(_: UpdateRequest) -> None:
        raise fault

    payloads = [version(n, ContactId=f"c{c}") for n in (1, 2) for c in range(10)]
    function.salesforce.before = fail
    again = function(*payloads)
    assert again == [str(number) for number in range(11, 21)], "the older ones are superseded"
    assert function.letters.kept == []
    function.salesforce.before = lambda _: None
    assert function(*payloads[10:], first=11) == []
    assert Counter(function.ended()) == {
        ("superseded", "NEWER_IN_BATCH"): 10,
        ("delivered", ""): 10,
    }
    assert [function.salesforce.versions(f"c{c}") for c in range(10)] == [[2]] * 10


def test_a_fault_holds_up_its_own_chain_only(function: Function) -> None:
    """Given a parent with a transient fault, then its child waits and other calls go on."""

    def fail(request: UpdateRequest) -> None:
        if request.vendor_call_key == PARENT_ID:
            raise Unavailable("x", status=503)

    function.salesforce.before = fail
    child = record(ContactId="child", InitialContactId=PARENT_ID, PreviousContactId=PARENT_ID)
    again = function(record(ContactId=PARENT_ID), child, record(ContactId="other"))
    assert again == ["1", "2"]
    assert [request.vendor_call_key for request in function.salesforce.patched] == ["other"]


def test_versions_of_one_second(function: Function) -> None:
    """Given three records of one second, two of them with the same content, in one batch and again
    in the next, then each content is sent once."""
    early, late = version(1), version(1, DisconnectReason="OTHER")
    assert function(early, late, early) == []
    assert function.ended() == [
        ("superseded", "NEWER_IN_BATCH"),
        ("delivered", ""),
        ("delivered", ""),
    ]
    assert function(late, first=11) == function(early, first=21) == []
    assert function.ended()[3:] == [("superseded", "ALREADY_DELIVERED")] * 2


VOICEMAIL = {"Attributes": {"vm_flag": "true", "sfdc-Version__c": "2"}, "Agent": None}


@pytest.mark.parametrize(
    ("newer", "sent"),
    [({"Attributes": {"NoSync": "true"}}, []), (VOICEMAIL, [1]), ({"Channel": "CHAT"}, [1])],
    ids=["opted out", "voicemail", "chat"],
)
def test_a_newer_version_that_is_skipped(
    function: Function, newer: dict[str, object], sent: list[int]
) -> None:
    """Given a newer version that is skipped here, then the older one is sent, in one batch as in
    two. A contact that opted out is not sent, not by its older version either."""
    skipped = record(LastUpdateTimestamp="2026-11-20T10:06:02Z", **newer)
    assert function(version(1), skipped) == []
    assert function.salesforce.versions() == sent


def test_custom_fields_reach_salesforce() -> None:
    fields = (CustomField("Agent.RoutingProfile.Name", "RoutingProfile__c"),)
    function = Function(MemoryDynamoDB(), RecordRules(fields=fields))
    function(record())
    (sent,) = function.salesforce.patched
    assert json.loads(str(sent.to_json()["callAttributes"])) == {"RoutingProfile__c": "Basic"}


def test_a_wrong_path_costs_its_field_and_is_logged_once() -> None:
    """Given a typing error in a path, a member that Connect added, and a documented one that the
    record lacks, then the records are delivered, and only the typing error is logged."""
    fields = (
        CustomField("Agnet.Username", "User__c"),
        CustomField("RingStartTimestamp", "Ring__c"),
        CustomField("Tomorrow.Name", "Tomorrow__c"),
        CustomField("VoicemailInfo.NumberOfVoicemails", "Voicemails__c"),
    )
    function = Function(MemoryDynamoDB(), RecordRules(fields=fields))
    added = {"RingStartTimestamp": "2026-11-20T10:00:40Z", "Tomorrow": {"Name": "x"}}
    function(record(ContactId="c1", **added), record(ContactId="c2", **added))
    function(record(ContactId="c3", **added))
    assert function.ended() == [("delivered", "")] * 3
    for sent in function.salesforce.patched:
        assert json.loads(str(sent.to_json()["callAttributes"])) == {
            "Ring__c": "2026-11-20T10:00:40Z",
            "Tomorrow__c": "x",
        }
    (line,) = [line for line in function.logged.lines() if line["message"] == "setting fault"]
    assert (line["setting"], line["item"]) == ("CONTACT_RECORD_FIELDS", "Agnet.Username=User__c")
    assert "Agent may be meant" in line["fault"]


def test_which_attributes_say_callback_is_configured() -> None:
    function = Function(MemoryDynamoDB(), RecordRules(callback=("called_back",)))
    function(record(Attributes={"called_back": "1"}))
    (sent,) = function.salesforce.patched
    assert sent.to_json()["disconnectReason"] == {"value": "CALLBACK", "isError": False}


def test_a_defect_is_kept_and_blocks_nothing(function: Function) -> None:
    def break_down(request: UpdateRequest) -> None:
        if request.vendor_call_key == "bad":
            raise ZeroDivisionError

    function.salesforce.before = break_down
    assert function(record(ContactId="bad"), record(ContactId="good")) == []
    assert sorted(function.ended()) == [("dead_lettered", "DEFECT"), ("delivered", "")]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (LedgerUnavailable("ThrottlingException"), "LEDGER_UNAVAILABLE"),
        (LeaseTimeout("x"), "IN_PROGRESS"),
        (LeaseLost(), "LEASE_RAN_OUT"),
    ],
)
def test_a_transient_fault_is_delivered_again_with_its_reason(
    function: Function, fault: Exception, code: str
) -> None:
    def fail(_: UpdateRequest) -> None:
        raise fault

    function.salesforce.before = fail
    assert function(version(1)) == ["1"]
    assert function.ended() == []
    (line,) = [line for line in function.logged.lines() if line["message"] == "retry later"]
    assert (line["source"], line["errorCode"]) == ("contact_records", code)
