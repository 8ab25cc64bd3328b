"""The stored data in template.yaml, its key, and the outputs."""

from pathlib import Path
from typing import Any

import pytest

from tests.template.policies import by_sid
from tools.first_deployment.removal import _REMOVE, KEPT

ROOT = Path(__file__).resolve().parents[2]

QUEUES = (
    "DeadLetterQueue",
    "EventRuleDeadLetterQueue",
    "ContactEventRetryQueue",
    "ContactRecordRetryQueue",
)
LONGEST_RETENTION_SECONDS = 14 * 24 * 60 * 60  # Amazon SQS: MessageRetentionPeriod at most


def test_ledger_is_one_item_a_contact_that_expires(resources: dict[str, Any]) -> None:
    table = resources["LedgerTable"]["Properties"]
    assert table["KeySchema"] == [{"AttributeName": "ledger_key", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "ledger_key", "AttributeType": "S"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_ledger_can_be_restored_to_a_point_in_time(resources: dict[str, Any]) -> None:
    recovery = resources["LedgerTable"]["Properties"]["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": True}


def test_all_that_holds_numbers_lies_under_the_bridges_key(resources: dict[str, Any]) -> None:
    key = {"Fn::GetAtt": ["BridgeKey", "Arn"]}
    encryption = resources["LedgerTable"]["Properties"]["SSESpecification"]
    assert encryption == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    for queue in QUEUES:
        assert resources[queue]["Properties"]["KmsMasterKeyId"] == key
    stream = resources["ContactEventStream"]["Properties"]["StreamEncryption"]
    assert stream == {"EncryptionType": "KMS", "KeyId": key}
    (bucket,) = resources["FailureBucket"]["Properties"]["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    assert bucket["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": key,
    }
    assert resources["BridgeKey"]["Properties"]["EnableKeyRotation"] is True


def test_what_holds_data_outlives_the_stack_with_its_key(resources: dict[str, Any]) -> None:
    for name in (
        "LedgerTable",
        "DeadLetterQueue",
        "EventRuleDeadLetterQueue",
        "ContactEventRetryQueue",
        "ContactRecordRetryQueue",
        "FailureBucket",
        "BridgeKey",
    ):
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate", name
        assert resources[name]["UpdateReplacePolicy"] == "Retain", name


def test_key_can_be_managed_but_not_used_by_administrators(resources: dict[str, Any]) -> None:
    """KMS refuses a policy without an administrator; PutKeyPolicy for the account prevents that."""
    administration = by_sid(resources["BridgeKey"]["Properties"]["KeyPolicy"])["Administer"]
    assert {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} <= set(administration["Action"])
    assert not [
        action
        for action in administration["Action"]
        if "crypt" in action.lower() or "GenerateDataKey" in action
    ]


@pytest.mark.parametrize("queue", QUEUES)
def test_dead_letters_are_kept_as_long_as_sqs_can(resources: dict[str, Any], queue: str) -> None:
    retention = resources[queue]["Properties"]["MessageRetentionPeriod"]
    assert retention == LONGEST_RETENTION_SECONDS


@pytest.mark.parametrize("queue", QUEUES)
def test_queue_refuses_plain_text_connections(resources: dict[str, Any], queue: str) -> None:
    policy = resources[f"{queue}Policy"]["Properties"]
    assert policy["Queues"] == [{"Ref": queue}]
    (statement,) = [
        each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"
    ]
    assert statement["Principal"] == "*"
    assert statement["Action"] == "sqs:*"
    assert statement["Resource"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_bucket_refuses_plain_text_connections_and_the_public(resources: dict[str, Any]) -> None:
    policy = resources["FailureBucketPolicy"]["Properties"]
    assert policy["Bucket"] == {"Ref": "FailureBucket"}
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [
        {"Fn::GetAtt": ["FailureBucket", "Arn"]},
        {"Fn::Sub": "${FailureBucket.Arn}/*"},
    ]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    blocked = resources["FailureBucket"]["Properties"]["PublicAccessBlockConfiguration"]
    assert len(blocked) == 4
    assert all(blocked.values())


def test_a_payload_in_the_bucket_outlives_the_dead_letter_that_names_it(
    resources: dict[str, Any],
) -> None:
    (rule,) = resources["FailureBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert "Prefix" not in rule, "all objects expire"
    assert rule["ExpirationInDays"] * 24 * 60 * 60 > LONGEST_RETENTION_SECONDS


def test_a_redriven_payload_is_gone(resources: dict[str, Any]) -> None:
    assert "VersioningConfiguration" not in resources["FailureBucket"]["Properties"]


def test_outputs_say_what_to_paste_where(template: dict[str, Any]) -> None:
    outputs = template["Outputs"]
    assert outputs["ContactFlowFunctionArn"]["Value"] == {"Ref": "ContactFlowFunction.Alias"}
    assert outputs["LedgerTableName"]["Value"] == {"Ref": "LedgerTable"}
    assert outputs["DeadLetterQueueUrl"]["Value"] == {"Ref": "DeadLetterQueue"}
    for name, output in outputs.items():
        assert output["Description"].endswith("."), name


def test_command_associates_the_function_with_the_instance(template: dict[str, Any]) -> None:
    """Given an instance's ARN, then the command holds its region, bare id and the function."""
    arn = "arn:aws:connect:eu-central-1:123456789012:instance/12345678-90ab-cdef-1234-567890abcdef"
    line, variables = template["Outputs"]["AssociateLambdaFunctionCommand"]["Value"]["Fn::Sub"]
    assert variables["FunctionArn"] == {"Ref": "ContactFlowFunction.Alias"}
    # When CloudFormation fills it in
    for name in ("InstanceRegion", "InstanceId"):
        value = variables[name]
        index, pieces = value["Fn::Select"]
        separator, source = pieces["Fn::Split"]
        assert source == {"Ref": "ConnectInstanceArn"}
        line = line.replace(f"${{{name}}}", arn.split(separator)[index])
    # Then it is what the AWS CLI takes (aws connect associate-lambda-function)
    assert line == (
        "aws connect associate-lambda-function --region eu-central-1"
        " --instance-id 12345678-90ab-cdef-1234-567890abcdef"
        " --function-arn ${FunctionArn}"
    )


def test_what_stays_can_be_removed(resources: dict[str, Any]) -> None:
    """Given what outlives the stack, then the page and the trial's script remove each of it."""
    stays = {name for name, each in resources.items() if "Retain" in each.get("DeletionPolicy", "")}
    assert stays == set(KEPT) == set(_REMOVE)
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    for name in stays:
        assert f"'{name}'" in page
        assert f"<{name}>" in page
