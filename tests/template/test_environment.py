"""A function's environment: whatever the parameters are, it fits into what Lambda takes."""

import json
from typing import Any

import pytest

from tests.template.deployment import deployed

MOST_BYTES = 4096
"""Of all environment variables of a function (Lambda developer guide, quotas)."""
STACK_NAME = "s" * 128
"""CloudFormation API, StackName."""
REGION = "ap-southeast-1"
"""As long as any of those that Amazon Connect is in."""
RANDOM = "-ABCDEFGHIJKLM"
"""What CloudFormation appends to a name that it makes."""
MADE = {
    "AWS::StackName": STACK_NAME,
    "LedgerTable": f"{STACK_NAME}-LedgerTable{RANDOM}",
    # SQS API, CreateQueue: 80 characters.
    "ContactEventRetryQueue": f"https://sqs.{REGION}.amazonaws.com/111122223333/{'q' * 80}",
    "ContactRecordRetryQueue": f"https://sqs.{REGION}.amazonaws.com/111122223333/{'q' * 80}",
    "DeadLetterQueue": f"https://sqs.{REGION}.amazonaws.com/111122223333/{'q' * 80}",
    # S3 user guide, bucket naming rules: 63 characters.
    "FailureBucket": "b" * 63,
    "ContactFlowSettings.VersionNumber": "9" * 6,
}


def longest(parameter: dict[str, Any]) -> str | None:
    """A value as long as the parameter allows; None where nothing bounds it."""
    if "AllowedValues" in parameter:
        return str(max(map(str, parameter["AllowedValues"]), key=len))
    return "x" * parameter["MaxLength"] if "MaxLength" in parameter else None


def references(node: Any) -> set[str]:
    """The names in the Refs of a node."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    if list(node) == ["Ref"]:
        return {str(node["Ref"])}
    return set().union(*map(references, node.values()))


@pytest.fixture
def in_environments(template: dict[str, Any], functions: dict[str, Any]) -> set[str]:
    """The parameters in any function's environment."""
    environments = [each["Properties"]["Environment"] for each in functions.values()]
    return references(environments) & set(template["Parameters"])


def test_every_parameter_in_an_environment_has_a_longest_value(
    template: dict[str, Any], in_environments: set[str]
) -> None:
    assert len(in_environments) >= 12
    unbounded = [name for name in in_environments if longest(template["Parameters"][name]) is None]
    assert not unbounded, "give them a MaxLength"


def test_the_longest_values_together_fit(
    template: dict[str, Any], in_environments: set[str]
) -> None:
    """Given every parameter at its longest, in the stack with the longest name; counted as JSON,
    quotation marks and commas too, since Lambda does not say how it counts."""
    given = {name: longest(template["Parameters"][name]) or "" for name in in_environments}
    stack = deployed(**{**MADE, **given})
    sizes = {
        name: len(json.dumps(dict(function.environment), separators=(",", ":")).encode())
        for name, function in stack.functions.items()
    }
    assert sizes
    for name, size in sizes.items():
        assert size <= MOST_BYTES, f"{name}: {size - MOST_BYTES} bytes too many"
