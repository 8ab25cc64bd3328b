"""The rights to deploy: from the schemas of what the template has, and as the page says."""

import json
import re

import pytest

from tools import deploy_rights
from tools.deploy_rights import BY_HAND, LONGEST_POLICY, OPTIONAL, PAGE, POLICIES


@pytest.fixture(scope="module")
def asked() -> dict[str, set[str]]:
    return deploy_rights.needed()


def test_the_page_is_up_to_date(asked: dict[str, set[str]]) -> None:
    """Else: make docs."""
    text = PAGE.read_text(encoding="utf-8")
    assert deploy_rights.page(text, asked) == text


def test_the_policies_are_up_to_date(asked: dict[str, set[str]]) -> None:
    """Else: make docs."""
    written = {path.name: path.read_text(encoding="utf-8") for path in POLICIES.glob("*.json")}
    assert written == deploy_rights.files(asked)


def test_every_policy_fits_into_a_managed_one(asked: dict[str, set[str]]) -> None:
    for policy in deploy_rights.policies(asked):
        assert len(json.dumps(policy, separators=(",", ":"))) <= LONGEST_POLICY


def test_the_policies_hold_each_right_once(asked: dict[str, set[str]]) -> None:
    actions = [
        action
        for policy in deploy_rights.policies(asked)
        for statement in policy["Statement"]
        for action in statement["Action"]
    ]
    assert len(actions) == len(set(actions))
    assert set(actions) == set().union(*asked.values())


def test_what_is_made_can_be_made_changed_and_removed(asked: dict[str, set[str]]) -> None:
    """A few well-known actions, in case a schema has lost its handlers."""
    for kind, action in (
        ("AWS::Lambda::Function", "lambda:CreateFunction"),
        ("AWS::Lambda::Alias", "codedeploy:CreateDeployment"),
        ("AWS::IAM::Role", "iam:PutRolePermissionsBoundary"),
        ("AWS::DynamoDB::Table", "dynamodb:DeleteTable"),
        ("AWS::Kinesis::Stream", "kinesis:IncreaseStreamRetentionPeriod"),
        ("AWS::CloudFormation::Stack", "cloudformation:UpdateStack"),
    ):
        assert action in asked[kind], kind


def test_actions_are_actions(asked: dict[str, set[str]]) -> None:
    """Some schemas name events of logs, and spell one action in two ways."""
    everything = set().union(*asked.values())
    assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", each) for each in everything)
    for kind, actions in asked.items():
        assert len({each.lower() for each in actions}) == len(actions), kind


def test_optional_types_are_those_that_a_parameter_asks_for(asked: dict[str, set[str]]) -> None:
    assert OPTIONAL.keys() | BY_HAND.keys() <= asked.keys()


def test_a_type_without_rights_is_reported() -> None:
    with pytest.raises(ValueError, match="AWS::CloudFormation::WaitConditionHandle"):
        deploy_rights.rights({"AWS::CloudFormation::WaitConditionHandle"})
