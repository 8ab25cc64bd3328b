"""Options that are off by default: network, boundary, key of the logs, wiring in Connect, topic."""

from typing import Any

import pytest

from simulator.sam.intrinsics import Resolver
from tests.template.policies import by_sid, listed

NO_VALUE = {"Ref": "AWS::NoValue"}
LONGEST_ARN = 140  # Amazon Connect API, CreateIntegrationAssociation: IntegrationArn


def defaults(template: dict[str, Any]) -> dict[str, Any]:
    return {name: each.get("Default", "given") for name, each in template["Parameters"].items()}


@pytest.mark.parametrize(
    ("condition", "parameter", "value"),
    [
        ("InVpc", "VpcSubnetIds", "subnet-01234567"),
        ("HasPermissionsBoundary", "PermissionsBoundaryArn", "arn:aws:iam::1:policy/b"),
        ("LogsHaveCustomerKey", "LogKmsKeyArn", "arn:aws:kms:x"),
        ("KnowsFlowLogs", "ConnectFlowLogGroupName", "/aws/connect/i"),
        ("HasAlarmTopic", "AlarmTopicArn", "arn:aws:sns:x"),
        ("HasAlarmEmail", "AlarmEmail", "a@example.com"),
        ("AssociatesContactFlowFunction", "AssociateContactFlowFunction", "yes"),
        ("AttachesContactRecordStream", "AttachContactRecordStream", "yes"),
    ],
)
def test_options_are_off_by_default(
    flat: dict[str, Any], condition: str, parameter: str, value: str
) -> None:
    given = defaults(flat)
    assert not Resolver(given, flat["Conditions"]).condition(condition)
    given[parameter] = value
    assert Resolver(given, flat["Conditions"]).condition(condition)


def test_every_function_goes_into_the_vpc(expanded: dict[str, Any]) -> None:
    subnets, groups = (
        {"Fn::Split": [",", {"Ref": name}]} for name in ("VpcSubnetIds", "VpcSecurityGroupIds")
    )
    functions = {
        name: each["Properties"]
        for name, each in expanded["Resources"].items()
        if each["Type"] == "AWS::Lambda::Function"
    }
    assert len(functions) >= 4
    for name, function in functions.items():
        assert function["VpcConfig"] == {
            "Fn::If": ["InVpc", {"SubnetIds": subnets, "SecurityGroupIds": groups}, NO_VALUE]
        }, name


@pytest.mark.parametrize(
    ("subnets", "groups", "taken"),
    [
        ("", "", True),
        ("subnet-01234567", "sg-01234567", True),
        ("subnet-01234567", "", False),
        ("", "sg-01234567", False),
    ],
)
def test_half_a_network_is_refused(
    template: dict[str, Any], subnets: str, groups: str, taken: bool
) -> None:
    given = defaults(template) | {"VpcSubnetIds": subnets, "VpcSecurityGroupIds": groups}
    (rule,) = template["Rules"]["NetworkIsWhole"]["Assertions"]
    assert Resolver(given, {"Whole": rule["Assert"]}).condition("Whole") is taken
    assert rule["AssertDescription"].endswith(".")


def test_every_log_group_can_lie_under_a_key_of_the_house(resources: dict[str, Any]) -> None:
    groups = [each for each in resources.values() if each["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) >= 4
    for group in groups:
        assert group["Properties"]["KmsKeyId"] == {
            "Fn::If": ["LogsHaveCustomerKey", {"Ref": "LogKmsKeyArn"}, NO_VALUE]
        }


def test_what_is_associated_is_what_flows_are_to_call(template: dict[str, Any]) -> None:
    """Given the stack offers the function to the flow editor, then by the ARN that its output says
    to paste: an alias is another function to Connect."""
    association = template["Resources"]["ContactFlowAssociation"]
    assert association["Condition"] == "AssociatesContactFlowFunction"
    assert association["Properties"] == {
        "InstanceId": {"Ref": "ConnectInstanceArn"},
        "IntegrationType": "LAMBDA_FUNCTION",
        "IntegrationArn": template["Outputs"]["ContactFlowFunctionArn"]["Value"],
    }


def test_what_is_associated_fits_connects_limit() -> None:
    """Given the longest partition, region, function name and an alias of eight letters."""
    arn = "arn:aws-us-gov:lambda:ap-northeast-1:123456789012:function:" + "f" * 64 + ":" + "a" * 8
    assert len(arn) <= LONGEST_ARN


def test_the_made_topic_is_encrypted_and_takes_this_stacks_alarms_alone(
    resources: dict[str, Any],
) -> None:
    topic = resources["AlarmTopic"]
    assert topic["Condition"] == resources["AlarmTopicPolicy"]["Condition"] == "MakesAlarmTopic"
    # SNS's own key lets no CloudWatch in (CloudWatch user guide, alarms and encrypted topics).
    assert topic["Properties"]["KmsMasterKeyId"] == {"Fn::GetAtt": ["BridgeKey", "Arn"]}
    publish = by_sid(resources["AlarmTopicPolicy"]["Properties"]["PolicyDocument"])["PublishAlarms"]
    assert publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    (source,) = publish["Condition"]["ArnLike"].values()
    assert source["Fn::Sub"].endswith(":alarm:${AWS::StackName}-*")
    key = by_sid(resources["BridgeKey"]["Properties"]["KeyPolicy"])["EncryptAlarms"]
    assert set(listed(key["Action"])) == {"kms:Decrypt", "kms:GenerateDataKey"}


def test_an_alarms_name_begins_with_the_stacks(resources: dict[str, Any]) -> None:
    """CloudFormation's own names do, and the topic's policy relies on it. The runbook names an
    alarm by the logical name that follows."""
    for name, resource in resources.items():
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "AlarmName" in resource["Properties"]:
            given = resource["Properties"]["AlarmName"]["Fn::Sub"]
            assert given.startswith(f"${{AWS::StackName}}-{name}"), name
