"""How the flow function starts, and how a new version of it takes over."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.deployment import deployed
from tests.template.test_permissions import EVERY_ALARM

FUNCTION = "ContactFlowFunction"


@pytest.fixture
def flow(resources: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = resources[FUNCTION]["Properties"]
    return properties


def references(node: Any) -> Iterator[str]:
    """Every name that a node's Ref and Sub refer to; conditions by their names."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::If":
                yield value[0]
                yield from references(value[1:])
            elif key == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from (part.split("}")[0] for part in text.split("${")[1:])
                yield from references(value)
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def parameters(template: dict[str, Any], node: Any) -> set[str]:
    """The parameters that a node depends on, also by its conditions."""
    found = set()
    for name in references(node):
        if name in template["Parameters"]:
            found.add(name)
        elif name in template["Conditions"]:
            found |= parameters(template, template["Conditions"][name])
    return found


@pytest.mark.parametrize(
    ("startup", "snapshots", "ready"),
    [
        ("snapstart", "PublishedVersions", None),
        ("provisioned", "None", {"ProvisionedConcurrentExecutions": "7"}),
        ("on-demand", "None", None),
    ],
)
def test_snapshots_and_environments_kept_ready_exclude_one_another(
    flow: dict[str, Any], startup: str, snapshots: str, ready: object
) -> None:
    """Source: Lambda developer guide, "Lambda SnapStart": not with provisioned concurrency."""
    stack = deployed(ContactFlowStartup=startup, ContactFlowProvisionedEnvironments="7")
    assert stack.resolve(flow["SnapStart"]) == {"ApplyOn": snapshots}
    assert stack.resolve(flow["ProvisionedConcurrencyConfig"]) == ready


def test_snapshot_is_allowed_for_the_function(flow: dict[str, Any]) -> None:
    """Source: the same page: no file system, and 512 MB of /tmp at most, which is the default."""
    assert "EphemeralStorage" not in flow
    assert "FileSystemConfigs" not in flow


def test_every_change_of_a_parameter_publishes_a_version(
    template: dict[str, Any], flow: dict[str, Any], resources: dict[str, Any]
) -> None:
    """Given a parameter that the function or its environment is made from, then it is one of the
    numbered settings; else a changed value would never reach the version that flows call."""
    of_the_alias = ("DeploymentPreference", "ProvisionedConcurrencyConfig")
    made_from = [value for name, value in flow.items() if name not in of_the_alias]
    needed = parameters(template, [*made_from, template["Globals"]["Function"]])
    content = resources["ContactFlowSettings"]["Properties"]["Content"]
    separator, values = content["Fn::Join"]
    assert separator == "|"
    assert parameters(template, values) == needed
    assert all(isinstance(value, dict) for value in values)
    assert flow["VersionDescription"] == {
        "Fn::Sub": "settings ${ContactFlowSettings.VersionNumber}"
    }
    # A description alone publishes nothing: Lambda looks at code and configuration.
    assert flow["Environment"]["Variables"]["SETTINGS_NUMBER"] == {
        "Fn::Sub": "${ContactFlowSettings.VersionNumber}"
    }


def test_every_change_of_the_layer_publishes_a_version(
    flow: dict[str, Any], resources: dict[str, Any]
) -> None:
    assert flow["AutoPublishAliasAllProperties"] is True
    assert resources["BridgeLayer"]["Properties"]["PublishLambdaVersion"] is True


def test_old_versions_go(flow: dict[str, Any]) -> None:
    """A version's snapshot is charged as long as the version is there."""
    assert flow["VersionDeletionPolicy"] == "Delete"


def test_an_error_of_the_new_version_brings_the_old_one_back(
    flow: dict[str, Any], resources: dict[str, Any]
) -> None:
    preference = flow["DeploymentPreference"]
    assert preference["Type"] == {"Ref": "ContactFlowDeployment"}
    assert preference["Alarms"] == [{"Ref": "ContactFlowNewVersionErrorAlarm"}]
    alarm = resources["ContactFlowNewVersionErrorAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    assert (alarm["Statistic"], alarm["Threshold"], alarm["Period"]) == ("Sum", 1, 60)
    # Without the last dimension the errors of both versions would be one sum.
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
        "FunctionName": {"Ref": FUNCTION},
        "Resource": {"Fn::Sub": "${ContactFlowFunction}:live"},
        "ExecutedVersion": {"Fn::GetAtt": [FUNCTION, "Version.Version"]},
    }
    assert flow["AutoPublishAlias"] == "live"


def test_a_broken_version_does_not_keep_the_next_one_out(expanded: dict[str, Any]) -> None:
    """Given an alarm that rings for the current version; when its repair is deployed; then
    CodeDeploy looks at another alarm, which has not rung yet. Sources: CloudWatch API,
    PutMetricAlarm ("its state is left unchanged"); SAM's issue 716."""
    resources = expanded["Resources"]
    (version,) = (name for name, each in resources.items() if each["Type"].endswith("::Version"))
    name = resources["ContactFlowNewVersionErrorAlarm"]["Properties"]["AlarmName"]["Fn::Sub"]
    assert name.endswith(f"-${{{version}.Version}}")
    # CloudWatch API, AlarmName: 255 characters; a stack's name has 128, a number of a version few.
    assert len(name.replace("${AWS::StackName}", "s" * 128).partition("${")[0]) <= 255 - 10
    group = resources["ContactFlowFunctionDeploymentGroup"]["Properties"]
    (alarm,) = group["AlarmConfiguration"]["Alarms"]
    assert alarm == {"Name": {"Ref": "ContactFlowNewVersionErrorAlarm"}}


def test_code_deploy_shifts_this_alias_and_no_other(
    flow: dict[str, Any], resources: dict[str, Any]
) -> None:
    """Source of what CodeDeploy calls: AWS's policy AWSCodeDeployRoleForLambdaLimited, of which the
    rest (hooks, notifications, an AppSpec in a bucket) is not used here."""
    assert flow["DeploymentPreference"]["Role"] == {
        "Fn::GetAtt": ["ContactFlowDeploymentRole", "Arn"]
    }
    role = resources["ContactFlowDeploymentRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "codedeploy.amazonaws.com"}
    assert "ManagedPolicyArns" not in role
    [policy] = role["Policies"]
    shift, watch = policy["PolicyDocument"]["Statement"]
    assert shift["Action"] == [
        "lambda:GetAlias",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:UpdateAlias",
    ]
    assert shift["Resource"] == [
        {"Fn::GetAtt": [FUNCTION, "Arn"]},
        {"Fn::Sub": "${ContactFlowFunction.Arn}:live"},
    ]
    assert watch["Action"] == "cloudwatch:DescribeAlarms"
    assert watch["Resource"] == {"Fn::Sub": EVERY_ALARM}


def test_code_deploy_knows_every_way_of_shifting(template: dict[str, Any]) -> None:
    """Source: CodeDeploy user guide, predefined deployment configurations for AWS Lambda; SAM puts
    CodeDeployDefault.Lambda before them."""
    ways = template["Parameters"]["ContactFlowDeployment"]["AllowedValues"]
    assert ways == [
        "AllAtOnce",
        *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 10)),
        "Linear10PercentEvery1Minute",
        *(f"Linear10PercentEvery{minutes}Minutes" for minutes in (2, 3, 10)),
    ]


def test_name_of_the_settings_fits_whatever_the_stacks(resources: dict[str, Any]) -> None:
    """AppConfig allows 64 characters; a stack's id ends in a UUID."""
    name, variables = resources["ContactFlowSettingsApplication"]["Properties"]["Name"]["Fn::Sub"]
    assert variables == {"Id": {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}}
    assert len(name.replace("${Id}", "-" * 36)) <= 64
