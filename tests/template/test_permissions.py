"""Who may call the functions, and what the functions may do."""

import fnmatch
from collections.abc import Iterator
from typing import Any

import build
import pytest
from botocore import xform_name
from botocore.session import get_session

from tests.architecture.source_code import called, package_modules

ROLES = {"ContactFlowFunction": "ContactFlowRole"}
BEYOND_THE_CLIENTS = {"kms", "logs"}  # used for the functions by the services, not by a client


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each statement of a role's own policies, optional ones too."""
    for policy in resource["Properties"].get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def allowed_everywhere(node: Any) -> Iterator[dict[str, Any]]:
    """Each Allow statement anywhere below `node`."""
    if isinstance(node, dict):
        if node.get("Effect") == "Allow":
            yield node
        for value in node.values():
            yield from allowed_everywhere(value)
    elif isinstance(node, list):
        for value in node:
            yield from allowed_everywhere(value)


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def test_only_the_named_instance_may_call_the_flow_function(resources: dict[str, Any]) -> None:
    permissions = [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::Permission"
    ]
    assert permissions == [
        {
            "FunctionName": {"Fn::GetAtt": ["ContactFlowFunction", "Arn"]},
            "Action": "lambda:InvokeFunction",
            "Principal": "connect.amazonaws.com",
            # The fifth part of arn:aws:connect:<region>:<account>:instance/<id>.
            "SourceAccount": {
                "Fn::Select": [4, {"Fn::Split": [":", {"Ref": "ConnectInstanceArn"}]}]
            },
            "SourceArn": {"Ref": "ConnectInstanceArn"},
        }
    ]


def test_no_function_takes_the_role_that_sam_would_make(functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        assert function["Properties"]["Role"] == {"Fn::GetAtt": [ROLES[name], "Arn"]}
        assert "Policies" not in function["Properties"], "SAM ignores them beside a Role"


def test_only_lambda_takes_on_a_role(resources: dict[str, Any]) -> None:
    for name in ROLES.values():
        trust = resources[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert [statement["Principal"] for statement in trust] == [
            {"Service": "lambda.amazonaws.com"}
        ]


def test_the_only_managed_policy_is_that_of_traces(resources: dict[str, Any]) -> None:
    """X-Ray has no resources to name; all else is written out in the template."""
    for name in ROLES.values():
        assert resources[name]["Properties"]["ManagedPolicyArns"] == [
            {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AWSXRayDaemonWriteAccess"}
        ]


def test_nothing_is_allowed_by_wildcard(resources: dict[str, Any]) -> None:
    """Except Resource "*" in the key policy, where it means the key itself (KMS, key policies)."""
    checked = 0
    for name, resource in resources.items():
        for statement in allowed_everywhere(resource):
            own_key = name == "BridgeKey" and statement["Resource"] == "*"
            looked_at = {
                key: value
                for key, value in statement.items()
                if key in {"Action", "Principal"} or (key == "Resource" and not own_key)
            }
            assert not [text for text in strings(looked_at) if "*" in text], (name, statement)
            assert "NotAction" not in statement
            assert "NotResource" not in statement
            checked += 1
    assert checked >= 8


def used_actions() -> set[str]:
    """IAM actions of the AWS calls in the deployed package: get_item is dynamodb:GetItem.

    The name alone tells the service: they share only those of tags and resource policies.
    """
    actions = {}
    for service in build.AWS_SERVICES:
        for operation in get_session().get_service_model(service).operation_names:
            actions[xform_name(operation)] = f"{service}:{operation}"
    names = {name for path in package_modules().values() for name in called(path)}
    return {actions[name] for name in names & actions.keys()}


def test_the_role_may_do_what_the_package_does_and_no_more(resources: dict[str, Any]) -> None:
    granted = {
        action
        for statement in statements(resources["ContactFlowRole"])
        for action in listed(statement["Action"])
    }
    called = {action for action in granted if action.split(":")[0] not in BEYOND_THE_CLIENTS}
    assert called == used_actions()


@pytest.mark.parametrize(
    ("sid", "resource"),
    [
        ("ReadContactCenterSecret", {"Ref": "ContactCenterSecretArn"}),
        ("DecryptContactCenterSecret", {"Ref": "ContactCenterSecretKmsKeyArn"}),
        ("KeepLedger", {"Fn::GetAtt": ["LedgerTable", "Arn"]}),
        ("SendDeadLetter", {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}),
        ("UseBridgeKey", {"Fn::GetAtt": ["BridgeKey", "Arn"]}),
        ("WriteLogs", {"Fn::GetAtt": ["ContactFlowLogGroup", "Arn"]}),
    ],
)
def test_each_statement_names_one_resource(
    resources: dict[str, Any], sid: str, resource: dict[str, Any]
) -> None:
    by_sid = {each["Sid"]: each for each in statements(resources["ContactFlowRole"])}
    assert by_sid[sid]["Resource"] == resource


@pytest.mark.parametrize(
    "name", ["center-scrt-jwt-auth-private-key", "/salesforce/center-scrt-jwt-auth-private-key"]
)
def test_private_key_arn_has_one_slash_before_the_name(
    resources: dict[str, Any], name: str
) -> None:
    """Systems Manager writes parameter/name and parameter/path/name: never two slashes."""
    by_sid = {each["Sid"]: each for each in statements(resources["ContactFlowRole"])}
    # Given !Join [/, !Split [//, !Sub …/${PrivateKeyParameterName}]]
    glue, pieces = by_sid["ReadPrivateKey"]["Resource"]["Fn::Join"]
    separator, substituted = pieces["Fn::Split"]
    # When CloudFormation puts it together
    whole = substituted["Fn::Sub"].replace("${PrivateKeyParameterName}", name)
    arn = glue.join(whole.split(separator))
    # Then
    assert arn.endswith(f":parameter/{name.lstrip('/')}")


@pytest.mark.parametrize(
    ("sid", "condition"),
    [
        ("DecryptContactCenterSecret", "SecretHasCustomerKey"),
        ("ReadPrivateKey", "PrivateKeyInParameterStore"),
    ],
)
def test_optional_rights_are_absent_when_unused(
    resources: dict[str, Any], template: dict[str, Any], sid: str, condition: str
) -> None:
    policies = resources["ContactFlowRole"]["Properties"]["Policies"]
    optional = [
        each["Fn::If"]
        for policy in policies
        for each in policy["PolicyDocument"]["Statement"]
        if "Fn::If" in each
    ]
    found = [branches for branches in optional if branches[1]["Sid"] == sid]
    assert [(branches[0], branches[2]) for branches in found] == [
        (condition, {"Ref": "AWS::NoValue"})
    ]
    assert condition in template["Conditions"]


def test_keys_are_used_through_their_services_only(resources: dict[str, Any]) -> None:
    """Given a right to decrypt or encrypt, then it is bound to the service that keeps the data."""
    cryptographic = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    bound = 0
    for resource in resources.values():
        for statement in allowed_everywhere(resource):
            actions = listed(statement["Action"])
            if any(fnmatch.fnmatch(each, known) for each in actions for known in cryptographic):
                assert statement["Condition"]["StringEquals"]["kms:ViaService"], statement
                bound += 1
    assert bound == 3
