"""Several contact centers: the functions may read exactly the secrets that the stack lists."""

from typing import Any

import pytest

from simulator.sam.template import Template
from tests.template.deployment import SECRET, deployed
from voicecall_bridge.contact_centers.registry import MOST_OTHERS
from voicecall_bridge.settings.shared import EnvironmentReader, SalesforceSettings

MOST_CHARACTERS = 6144
"""Of a managed policy, white space apart (IAM user guide, quotas)."""
MOST_ENVIRONMENT = 4096
"""Bytes of a function's environment (Lambda developer guide, quotas)."""
FUNCTIONS = ("ContactFlowFunction", "ContactEventsFunction", "ContactRecordsFunction")


def arns(count: int, name: str = "center") -> list[str]:
    start = "arn:aws:secretsmanager:us-west-2:111122223333:secret"
    return [f"{start}:{name}{number}-a1B2c3" for number in range(count)]


def key(number: int) -> str:
    return f"arn:aws:kms:us-west-2:111122223333:key/1234567{number}-90ab-cdef-1234-567890abcdef"


def allowed(template: Template) -> list[dict[str, Any]]:
    """The statements of the policy that all functions have which create VoiceCalls."""
    document = template.resolve(template.resources["VoiceCallPolicy"])["Properties"]
    statements: list[dict[str, Any]] = document["PolicyDocument"]["Statement"]
    return [statement for statement in statements if statement]


def resources(template: Template, action: str) -> list[str]:
    found: list[str] = []
    for statement in allowed(template):
        if statement["Action"] == action:
            named = statement["Resource"]
            found += named if isinstance(named, list) else [named]
    return found


def test_one_contact_center_is_one_secret() -> None:
    stack = deployed(**{"LedgerTable.Arn": "t", "DeadLetterQueue.Arn": "q", "BridgeKey.Arn": "k"})
    assert resources(stack, "secretsmanager:GetSecretValue") == [SECRET]
    assert resources(stack, "kms:Decrypt") == []


@pytest.mark.parametrize("keys", [[], [key(1)], [key(1), key(2)]])
def test_several_are_exactly_the_listed_secrets_under_their_keys(keys: list[str]) -> None:
    more = arns(2)
    stack = deployed(
        AdditionalContactCenterSecretArns=",".join(more),
        AdditionalContactCenterSecretKmsKeyArns=",".join(keys),
        **{"LedgerTable.Arn": "t", "DeadLetterQueue.Arn": "q", "BridgeKey.Arn": "k"},
    )
    assert resources(stack, "secretsmanager:GetSecretValue") == [SECRET, *more]
    assert resources(stack, "kms:Decrypt") == keys
    for statement in allowed(stack):
        if statement["Action"] == "kms:Decrypt":
            condition = statement["Condition"]["StringEquals"]
            assert condition["kms:EncryptionContext:SecretARN"] == more
            assert condition["kms:ViaService"].startswith("secretsmanager.")


def test_keys_without_secrets_give_no_right() -> None:
    stack = deployed(
        AdditionalContactCenterSecretKmsKeyArns=key(1),
        **{"LedgerTable.Arn": "t", "DeadLetterQueue.Arn": "q", "BridgeKey.Arn": "k"},
    )
    assert resources(stack, "kms:Decrypt") == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_functions_know_the_list(function: str) -> None:
    more = arns(2)
    stack = deployed(AdditionalContactCenterSecretArns=",".join(more))
    reader = EnvironmentReader(stack.functions[function].environment)
    settings = SalesforceSettings.read(reader)
    assert not reader.faults
    assert settings.contact_centers.default.secret == SECRET
    assert {center.secret for center in settings.contact_centers.known.values()} == {SECRET, *more}


def test_the_longest_list_fits_policy_and_environment(template: dict[str, Any]) -> None:
    """Given as many secrets as are allowed, with names as long as fit, all under customer keys."""
    room = template["Parameters"]["AdditionalContactCenterSecretArns"]["MaxLength"]
    plain = len(",".join(arns(MOST_OTHERS)))
    listed = ",".join(arns(MOST_OTHERS, "center" + "x" * ((room - plain) // MOST_OTHERS)))
    assert room - MOST_OTHERS < len(listed) <= room
    stack = deployed(
        AdditionalContactCenterSecretArns=listed,
        AdditionalContactCenterSecretKmsKeyArns=",".join(map(key, range(MOST_OTHERS))),
        ContactCenterSecretKmsKeyArn=key(1),
        PrivateKeyParameterName="center-scrt-jwt-auth-private-key",
        **{
            "LedgerTable.Arn": "arn:aws:dynamodb:us-west-2:111122223333:table/" + "t" * 40,
            "DeadLetterQueue.Arn": "arn:aws:sqs:us-west-2:111122223333:" + "q" * 80,
            "BridgeKey.Arn": key(2),
        },
    )
    policy = str(allowed(stack)).replace(" ", "")
    assert len(policy) < MOST_CHARACTERS
    for function in FUNCTIONS:
        environment = stack.functions[function].environment
        assert sum(len(name) + len(value) for name, value in environment.items()) < MOST_ENVIRONMENT
