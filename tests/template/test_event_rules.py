"""Which contact events reach the stream, and under which partition key.

Shape of the events: Amazon Connect administrator guide, "Contact events", sample events; the ids
are invented.
"""

import json
from typing import Any

import pytest

from simulator.aws.event_rules import Rule, Target, read_rules
from tests.samples.contact_events import envelope
from tests.template.deployment import INSTANCE, RULE_QUEUE, STREAM, deployed
from tests.template.policies import by_sid

FIRST = "c0000001-aaaa-4bbb-8ccc-000000000001"
LATER = "c0000002-aaaa-4bbb-8ccc-000000000002"
EXPIRY = "RoutingCriteria.Step.Status"

USED = ["QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED"]
UNUSED = ["CONNECTED_TO_SYSTEM", "COMPLETED", "PAUSED", "RESUMED", "AMD_DISABLED", "WEBRTC_API", ""]


def contact_event(event_type: str, **detail: object) -> dict[str, Any]:
    """An event of a first contact; `detail` replaces members or adds some."""
    facts = {
        "eventType": event_type,
        "contactId": FIRST,
        "channel": "VOICE",
        "instanceArn": INSTANCE,
        "initiationMethod": "INBOUND",
        "initiationTimestamp": "2026-11-20T10:00:00.120Z",
        "tags": {"aws:connect:systemEndpoint": "+18005550199"},
    }
    return envelope(
        facts | detail,
        name="e0000000-aaaa-4bbb-8ccc-000000000003",
        at="2026-11-20T10:00:20Z",
        resources=[f"{INSTANCE}/contact/{FIRST}", INSTANCE],
    )


def later_event(event_type: str, **detail: object) -> dict[str, Any]:
    """An event of the contact that the first one was transferred to."""
    return contact_event(
        event_type,
        contactId=LATER,
        initialContactId=FIRST,
        previousContactId=FIRST,
        initiationMethod="TRANSFER",
        **detail,
    )


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return read_rules(deployed())


def targets(rules: list[Rule], event: dict[str, Any]) -> list[Target]:
    """The targets of an event: one for each rule that takes it."""
    return [target for rule in rules if rule.pattern.matches(event) for target in rule.targets]


def keys(rules: list[Rule], event: dict[str, Any]) -> list[str]:
    """The partition keys of an event; empty if no rule takes it."""
    found = []
    for target in targets(rules, event):
        value: Any = event if target.key_path else event["id"]
        for step in target.key_path:
            value = value[step]
        found.append(value)
    return found


@pytest.mark.parametrize("event_type", USED)
def test_a_whole_chain_has_one_partition_key(rules: list[Rule], event_type: str) -> None:
    """Given a contact and the one it was transferred to, then each event comes once, in order."""
    assert keys(rules, contact_event(event_type)) == [FIRST]
    assert keys(rules, later_event(event_type)) == [FIRST]


@pytest.mark.parametrize("event_type", UNUSED)
@pytest.mark.parametrize("make", [contact_event, later_event])
def test_events_that_nothing_is_done_with_are_not_delivered(
    rules: list[Rule], event_type: str, make: Any
) -> None:
    assert keys(rules, make(event_type)) == []


@pytest.mark.parametrize("make", [contact_event, later_event])
@pytest.mark.parametrize(
    ("create_from_events", "expected"),
    [("safety-net", []), ("never", []), ("always", [FIRST])],
)
def test_the_first_event_is_delivered_where_it_creates(
    create_from_events: str, expected: list[str], make: Any
) -> None:
    rules = read_rules(deployed(CreateFromEvents=create_from_events))
    assert keys(rules, make("INITIATED")) == expected


@pytest.mark.parametrize("make", [contact_event, later_event])
@pytest.mark.parametrize("create_from_events", ["safety-net", "never", "always"])
def test_what_cleans_up_is_always_delivered(create_from_events: str, make: Any) -> None:
    rules = read_rules(deployed(CreateFromEvents=create_from_events))
    assert keys(rules, make("DISCONNECTED")) == [FIRST]
    assert keys(rules, make("CONTACT_DATA_UPDATED", updatedProperties=[EXPIRY])) == [FIRST]


@pytest.mark.parametrize(
    ("updated", "delivered"),
    [
        ([EXPIRY], True),
        (["UserDefinedAttributes", EXPIRY], True),
        (["routingCriteria.step.status"], True),  # the guide's samples differ in case
        (["UserDefinedAttributes"], False),
        (["Tags", "Segment Attributes", "ScheduledTimestamp"], False),
        (["ContactLens.ConversationalAnalytics.Configuration"], False),
        (["RoutingCriteria"], False),
        ([], False),
        (None, False),
    ],
)
@pytest.mark.parametrize("make", [contact_event, later_event])
def test_changed_data_is_delivered_only_for_routing_criteria(
    rules: list[Rule], updated: object, delivered: bool, make: Any
) -> None:
    event = make("CONTACT_DATA_UPDATED", updatedProperties=updated)
    assert keys(rules, event) == [FIRST] * delivered


def test_changed_data_that_names_nothing_is_not_delivered(rules: list[Rule]) -> None:
    assert keys(rules, contact_event("CONTACT_DATA_UPDATED")) == []


@pytest.mark.parametrize(
    ("channel", "delivered"),
    [("VOICE", True), ("Voice", True), ("voice", True)]
    + [(other, False) for other in ("CHAT", "TASK", "EMAIL", "VOICEMAIL", "", None)],
)
def test_only_voice_is_delivered(rules: list[Rule], channel: object, delivered: bool) -> None:
    """Older samples of the guide spell the channel Voice."""
    assert keys(rules, contact_event("QUEUED", channel=channel)) == [FIRST] * delivered
    assert keys(rules, later_event("QUEUED", channel=channel)) == [FIRST] * delivered


def test_other_instances_are_not_delivered(rules: list[Rule]) -> None:
    """Given a second instance of the account, then this stack does not get its contacts."""
    other = INSTANCE.replace("0f0e0d0c", "1a1b1c1d")
    assert keys(rules, contact_event("QUEUED", instanceArn=other)) == []
    assert keys(rules, later_event("QUEUED", instanceArn=other)) == []


@pytest.mark.parametrize(
    "envelope",
    [
        {"source": "example.connect"},  # PutEvents lets any user of the account send it
        {"detail-type": "Contact Lens Realtime Rules Matched"},
        {"detail-type": "Amazon Connect Contact Evaluation Submitted"},
    ],
)
def test_other_events_are_not_delivered(rules: list[Rule], envelope: dict[str, str]) -> None:
    assert keys(rules, contact_event("QUEUED") | envelope) == []


@pytest.mark.parametrize("make", [contact_event, later_event])
@pytest.mark.parametrize("key", ["contactId", "eventType", "channel", "instanceArn"])
def test_keys_that_are_spelled_otherwise(rules: list[Rule], key: str, make: Any) -> None:
    """Source: the guide's own samples have ContactId beside contactId. Given such an event, then it
    is delivered once, without its chain's order."""
    event = make("QUEUED")
    event["detail"][key[0].upper() + key[1:]] = event["detail"].pop(key)
    assert keys(rules, event) == [event["id"]]
    other = INSTANCE.replace("0f0e0d0c", "1a1b1c1d")
    assert keys(rules, {**event, "resources": [f"{other}/contact/{FIRST}", other]}) == []
    assert keys(rules, {**event, "source": "example.connect"}) == []


def test_all_keys_in_pascal_case(rules: list[Rule]) -> None:
    event = contact_event("QUEUED")
    event["detail"] = {key[0].upper() + key[1:]: each for key, each in event["detail"].items()}
    assert keys(rules, event) == [event["id"]]


def test_undelivered_events_are_kept(rules: list[Rule]) -> None:
    """Given a stream that does not take an event for an hour, then a queue keeps it."""
    assert len(rules) == 3
    for rule in rules:
        (target,) = rule.targets
        assert target.arn == STREAM
        assert target.dead_letter == RULE_QUEUE
        assert target.max_age == 3600
        assert 0 < target.max_retries <= 185


def test_patterns_are_as_short_as_eventbridge_takes_them() -> None:
    """EventBridge API reference, PutRule: EventPattern has 4,096 characters at most."""
    template = deployed(CreateFromEvents="always")
    for name in ("FirstContactRule", "LaterContactRule", "OddContactRule"):
        pattern = template.resolve(template.resources[name]["Properties"]["EventPattern"])
        assert len(json.dumps(pattern)) < 4096


def test_the_two_rules_differ_in_the_chain_alone(resources: dict[str, Any]) -> None:
    def rest(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        properties = resources[name]["Properties"]
        detail = properties["EventPattern"]["detail"]
        (target,) = properties["Targets"]
        return (
            {**properties["EventPattern"], "detail": {**detail, "initialContactId": None}},
            {**target, "KinesisParameters": None},
        )

    assert rest("FirstContactRule") == rest("LaterContactRule")


def test_rules_may_put_into_the_stream_and_nothing_else(resources: dict[str, Any]) -> None:
    role = resources["ContactEventRuleRole"]["Properties"]
    (policy,) = role["Policies"]
    put, encrypt = policy["PolicyDocument"]["Statement"]
    assert set(put["Action"]) == {"kinesis:PutRecord", "kinesis:PutRecords"}
    assert put["Resource"] == {"Fn::GetAtt": ["ContactEventStream", "Arn"]}
    assert encrypt["Action"] == "kms:GenerateDataKey"
    assert encrypt["Resource"] == {"Fn::GetAtt": ["BridgeKey", "Arn"]}
    assert encrypt["Condition"]["StringEquals"]["kms:ViaService"] == {
        "Fn::Sub": "kinesis.${AWS::Region}.amazonaws.com"
    }
    assert "ManagedPolicyArns" not in role


def test_only_rules_of_this_account_take_on_the_role(resources: dict[str, Any]) -> None:
    (trust,) = resources["ContactEventRuleRole"]["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    source = trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
    assert source.endswith(":${AWS::AccountId}:rule/*")


def test_only_the_rules_may_send_dead_letters(resources: dict[str, Any]) -> None:
    policy = resources["EventRuleDeadLetterQueuePolicy"]["Properties"]["PolicyDocument"]
    (allowed,) = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnEquals": {
            "aws:SourceArn": [
                {"Fn::GetAtt": ["FirstContactRule", "Arn"]},
                {"Fn::GetAtt": ["LaterContactRule", "Arn"]},
                {"Fn::GetAtt": ["OddContactRule", "Arn"]},
                {
                    "Fn::If": [
                        "ReadsContactLensFiles",
                        {"Fn::GetAtt": ["ContactLensFileRule", "Arn"]},
                        {"Ref": "AWS::NoValue"},
                    ]
                },
            ]
        },
    }


def test_rules_can_encrypt_their_dead_letters(resources: dict[str, Any]) -> None:
    """SQS developer guide, "Key management": a service that sends needs both actions."""
    rules = by_sid(resources["BridgeKey"]["Properties"]["KeyPolicy"])["EncryptLettersOfRules"]
    assert rules["Principal"] == {"Service": "events.amazonaws.com"}
    assert set(rules["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    # For encrypted topics AWS documents that EventBridge's requests carry neither account nor
    # source (SNS developer guide, "Key management"); for queues it shows no condition either.
    assert "Condition" not in rules
