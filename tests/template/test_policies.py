"""Every statement of the stack's policies, as CloudFormation gets them from SAM.

Whatever SAM makes by itself (roles, permissions) is looked at as well.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.policies import documents_in, listed, statements_in, strings
from tests.template.test_permissions import EVERY_ALARM
from voicecall_bridge.aws import dead_letters, given_up_batches, transcript_files

BOUNDARY = {
    "Fn::If": ["HasPermissionsBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]
}
# (resource, Sid) -> its wildcard. The reason is the comment at the statement in template.yaml.
WILD = {
    # In a key policy Resource "*" means the key itself (KMS developer guide, key policies).
    ("BridgeKey", "Administer"): {"*"},
    ("BridgeKey", "UseThroughServices"): {"*"},
    ("BridgeKey", "EncryptLettersOfRules"): {"*"},
    ("BridgeKey", "EncryptAlarms"): {"*"},
    ("BridgeKey", "GrantToTable"): {"*"},
    # Network interfaces have no names before Lambda makes them.
    ("NetworkPolicy", "ConnectToVpc"): {"*"},
    # CloudWatch asks for the right to look at all of the region's alarms to look at one (see
    # test_permissions).
    ("ContactFlowDeploymentRole", "WatchAlarm"): {EVERY_ALARM},
    # What has no name beforehand, below what is named.
    ("ContactEventsRole", "DescribeContacts"): {"${ConnectInstanceArn}/contact/*"},
}
BELOW_BUCKET = {
    f"${{FailureBucket.Arn}}/{prefix}*"
    for prefix in (given_up_batches.BATCH_PREFIX, dead_letters.OVERFLOW_PREFIX)
}
WILD |= {
    ("ContactEventsRole", "KeepFailures"): BELOW_BUCKET,
    ("ContactEventsRole", "ReadLargeRecords"): {
        f"${{FailureBucket.Arn}}/{dead_letters.OVERFLOW_PREFIX}*"
    },
    ("ContactRecordsRole", "ReadLargeRecords"): {
        f"${{FailureBucket.Arn}}/{dead_letters.OVERFLOW_PREFIX}*"
    },
    ("ContactRecordsRole", "KeepFailures"): BELOW_BUCKET,
    ("ContactLensRole", "DescribeContacts"): {"${ConnectInstanceArn}/contact/*"},
    ("ContactLensRole", "KeepFailures"): BELOW_BUCKET
    | {f"${{FailureBucket.Arn}}/{transcript_files.LATE_PREFIX}*"},
    ("PostCallAnalysisRole", "DescribeContacts"): {"${ConnectInstanceArn}/contact/*"},
    ("PostCallAnalysisRole", "KeepFailures"): {
        f"${{FailureBucket.Arn}}/{dead_letters.OVERFLOW_PREFIX}*"
    },
    ("PostCallAnalysisRole", "ReadAnalyses"): {
        "arn:${AWS::Partition}:s3:::${ContactLensBucketName}/${ContactLensFilePrefix}*"
    },
    ("RedriveRole", "TakeFailures"): BELOW_BUCKET,
    ("RedriveRole", "LeaveFailures"): {
        f"${{FailureBucket.Arn}}/{given_up_batches.BATCH_PREFIX}*",
        f"${{FailureBucket.Arn}}/{dead_letters.SET_ASIDE_PREFIX}*",
    },
}
# Policies that AWS writes: X-Ray knows no resources, so its policy says "*".
OF_AWS = {"arn:${AWS::Partition}:iam::aws:policy/AWSXRayDaemonWriteAccess"}


def allowed(resources: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in resources.items():
        for document in documents_in(resource.get("Properties", {})):
            for statement in statements_in(document):
                if statement["Effect"] == "Allow":
                    yield name, statement


def test_nothing_is_allowed_by_wildcard_but_what_is_written_down(
    expanded: dict[str, Any],
) -> None:
    found = {}
    checked = 0
    for name, statement in allowed(expanded["Resources"]):
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), (name, statement)
        looked_at = [statement.get(key) for key in ("Action", "Principal", "Resource")]
        wild = {text for text in strings(looked_at) if "*" in text}
        if wild:
            found[name, statement.get("Sid", "")] = wild
        checked += 1
    assert checked >= 40
    assert found == WILD, "one that is not written down, or one that is not there any more"


def test_no_statement_lets_all_principals_in(expanded: dict[str, Any]) -> None:
    for name, statement in allowed(expanded["Resources"]):
        assert "*" not in strings(statement.get("Principal", {})), (name, statement)


def test_a_service_is_let_in_for_this_account_alone(expanded: dict[str, Any]) -> None:
    """Given a service that comes as itself, then a condition names the account or the source: it
    would do it for any customer of AWS. Lambda takes on the roles that its functions name."""
    without = [
        (name, statement["Sid"])
        for name, statement in allowed(expanded["Resources"])
        if "Service" in statement.get("Principal", {})
        and statement["Principal"]["Service"] != "lambda.amazonaws.com"
        and "aws:SourceAccount" not in statement.get("Condition", {}).get("StringEquals", {})
    ]
    # EventBridge gives a key neither account nor source; the queue's policy names its two rules.
    assert without == [("BridgeKey", "EncryptLettersOfRules")]


def test_what_aws_wrote_is_written_down(expanded: dict[str, Any]) -> None:
    for name, resource in expanded["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        for policy in resource["Properties"].get("ManagedPolicyArns", []):
            named = policy.get("Fn::Sub") if isinstance(policy, dict) else policy
            assert named is None or named in OF_AWS, (name, policy)


def test_every_role_is_bounded_where_a_boundary_is_asked_for(expanded: dict[str, Any]) -> None:
    roles = {
        name: each["Properties"]
        for name, each in expanded["Resources"].items()
        if each["Type"] == "AWS::IAM::Role"
    }
    assert len(roles) >= 5
    for name, role in roles.items():
        assert role.get("PermissionsBoundary") == BOUNDARY, name


@pytest.mark.parametrize(
    ("kind", "denied"),
    [
        ("AWS::SQS::Queue", "sqs:*"),
        ("AWS::S3::Bucket", "s3:*"),
        # A topic's policy takes no wildcard over actions that are not a topic's.
        ("AWS::SNS::Topic", "sns:Publish"),
    ],
)
def test_what_has_a_policy_refuses_plain_text(
    expanded: dict[str, Any], kind: str, denied: str
) -> None:
    """Given each queue, bucket and topic, then its policy denies what comes without TLS."""
    resources = expanded["Resources"]
    kept = {name for name, each in resources.items() if each["Type"] == kind}
    refusing = set()
    for resource in resources.values():
        properties = resource.get("Properties", {})
        if "PolicyDocument" not in properties:
            continue
        for statement in statements_in(properties["PolicyDocument"]):
            if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}:
                assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
                if statement["Action"] != denied:
                    continue
                named = [
                    properties.get("Bucket"),
                    *properties.get("Queues", []),
                    *properties.get("Topics", []),
                ]
                refusing |= {each["Ref"] for each in named if each}
    assert kept
    assert kept <= refusing


def test_a_function_in_a_vpc_cannot_touch_the_network_itself(expanded: dict[str, Any]) -> None:
    """Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC":
    the rights are Lambda's, before the code runs."""
    policy = expanded["Resources"]["NetworkPolicy"]["Properties"]["PolicyDocument"]
    granted, denied = statements_in(policy)
    assert {action.split(":")[0] for action in listed(granted["Action"])} == {"ec2"}
    assert (denied["Effect"], denied["Action"], denied["Resource"]) == ("Deny", "ec2:*", "*")
    assert list(denied["Condition"]) == ["ArnLike"]
