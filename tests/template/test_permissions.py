"""Who may call the functions, and what the functions may do."""

import fnmatch
from collections.abc import Iterator
from typing import Any

import pruning
import pytest
from botocore import xform_name
from botocore.session import get_session

from tests.architecture.source_code import called, package_modules
from tests.template.policies import by_sid as sids_of
from tests.template.policies import listed, statements_in
from voicecall_bridge.aws import dead_letters, given_up_batches

ROLES = {
    "ContactFlowFunction": "ContactFlowRole",
    "ContactEventsFunction": "ContactEventsRole",
    "ContactRecordsFunction": "ContactRecordsRole",
    "ContactLensFunction": "ContactLensRole",
    "PostCallAnalysisFunction": "PostCallAnalysisRole",
    "RedriveFunction": "RedriveRole",
}
TRACES = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AWSXRayDaemonWriteAccess"}
# Lambda's own rights, for functions in a VPC.
NETWORK = {"Fn::If": ["InVpc", {"Ref": "NetworkPolicy"}, {"Ref": "AWS::NoValue"}]}
BEYOND_THE_CLIENTS = {"kms", "logs"}  # used for the functions by the services, not by a client
ENCRYPTED = {"dynamodb", "kinesis", "s3", "sqs"}  # data under the bridge's key

VOICE_CALLS = {
    "dynamodb:GetItem",
    "dynamodb:UpdateItem",
    "secretsmanager:GetSecretValue",
    "sqs:SendMessage",
    "ssm:GetParameter",
}
# Lambda's own calls with the function's role (Lambda developer guide, "Process Amazon Kinesis Data
# Streams records with Lambda" and "Retain discarded batch records ..."); it puts objects as well.
READ_STREAM = {
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
}
# The same for a queue (Lambda developer guide, "Using Lambda with Amazon SQS").
READ_QUEUE = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}
MAY_DO = {
    "ContactFlowRole": VOICE_CALLS,
    "ContactEventsRole": VOICE_CALLS
    | READ_STREAM
    | READ_QUEUE
    | {"connect:DescribeContact", "s3:GetObject", "s3:ListBucket", "s3:PutObject"},
    "ContactRecordsRole": VOICE_CALLS
    | READ_STREAM
    | READ_QUEUE
    | {"s3:GetObject", "s3:ListBucket", "s3:PutObject"},
    "ContactLensRole": VOICE_CALLS
    | READ_STREAM
    | READ_QUEUE
    | {"connect:DescribeContact", "s3:ListBucket", "s3:PutObject"},
    "PostCallAnalysisRole": VOICE_CALLS
    | {"connect:DescribeContact", "s3:GetObject", "s3:PutObject"},
    "RedriveRole": {
        "kinesis:PutRecord",
        "lambda:InvokeFunction",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",  # its own failure destination
    },
}
# Where the two differ in name.
ACTION_OF_OPERATION = {
    # SQS developer guide, "Amazon SQS API permissions": a batch needs the right of its operation.
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:ListObjectsV2": "s3:ListBucket",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}

# What DescribeAlarms is checked against, whichever alarm is asked for (the text of its refusals, as
# in amazon-cloudwatch-auto-alarms, issue 1).
EVERY_ALARM = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"


def documents(resources: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """A role's own policies and those of the template that are attached to it."""
    properties = resources[role]["Properties"]
    attached = [each["Ref"] for each in properties.get("ManagedPolicyArns", []) if "Ref" in each]
    return [
        *(policy["PolicyDocument"] for policy in properties["Policies"]),
        *(resources[name]["Properties"]["PolicyDocument"] for name in attached),
    ]


def statements(resources: dict[str, Any], role: str) -> Iterator[dict[str, Any]]:
    """Each statement of a role's policies, optional ones too."""
    for document in documents(resources, role):
        yield from statements_in(document)


def by_sid(resources: dict[str, Any], role: str) -> dict[str, dict[str, Any]]:
    found = list(statements(resources, role))
    sids = {each["Sid"]: each for each in found}
    assert len(sids) == len(found), f"{role}: one Sid, two statements"
    return sids


def granted(resources: dict[str, Any], role: str) -> set[str]:
    """The actions of the services that the function's clients, or Lambda for it, call."""
    actions = {action for each in statements(resources, role) for action in listed(each["Action"])}
    return {action for action in actions if action.split(":")[0] not in BEYOND_THE_CLIENTS}


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


def test_only_the_named_instance_may_call_the_flow_function(resources: dict[str, Any]) -> None:
    permissions = [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::Permission"
        and resource["Properties"]["Principal"] == "connect.amazonaws.com"
    ]
    assert permissions == [
        {
            "FunctionName": {"Ref": "ContactFlowFunction.Alias"},
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


def test_the_only_policy_of_aws_is_that_of_traces(resources: dict[str, Any]) -> None:
    """X-Ray has no resources to name; all else is written out in the template."""
    for name in ROLES.values():
        traces, network, *attached = resources[name]["Properties"]["ManagedPolicyArns"]
        assert traces == TRACES, name
        assert network == NETWORK, name
        assert all(resources[each["Ref"]] for each in attached), name


def used_actions() -> set[str]:
    """IAM actions of the AWS calls in the deployed package: get_item is dynamodb:GetItem.

    The name alone identifies the service: services share only the names for tags and resource
    policies.
    """
    actions = {}
    for service in pruning.AWS_OPERATIONS:
        for operation in get_session().get_service_model(service).operation_names:
            action = f"{service}:{operation}"
            actions[xform_name(operation)] = ACTION_OF_OPERATION.get(action, action)
    names = {name for path in package_modules().values() for name in called(path)}
    return {actions[name] for name in names & actions.keys()}


@pytest.mark.parametrize("role", MAY_DO)
def test_a_role_may_do_what_its_function_does_and_no_more(
    resources: dict[str, Any], role: str
) -> None:
    assert granted(resources, role) == MAY_DO[role]


def test_the_roles_together_may_do_what_the_package_does(resources: dict[str, Any]) -> None:
    """Given a new call of AWS in the package, then no role has the right until it is written."""
    together = {action for role in ROLES.values() for action in granted(resources, role)}
    assert together - READ_STREAM - {"sqs:GetQueueAttributes"} == used_actions()


def attribute(name: str, attribute: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


RECORD_STREAM = {
    "Fn::If": [
        "MakesContactRecordStream",
        attribute("ContactRecordStream"),
        {"Ref": "ContactRecordStreamArn"},
    ]
}
LENS_STREAM = {
    "Fn::If": [
        "MakesContactLensStream",
        attribute("ContactLensStream"),
        {"Ref": "ContactLensStreamArn"},
    ]
}
FURTHER_SECRETS = {"Fn::Split": [",", {"Ref": "AdditionalContactCenterSecretArns"}]}
FURTHER_KEYS = {"Fn::Split": [",", {"Ref": "AdditionalContactCenterSecretKmsKeyArns"}]}
BELOW_BUCKET = [
    {"Fn::Sub": f"${{FailureBucket.Arn}}/{prefix}*"}
    for prefix in (given_up_batches.BATCH_PREFIX, dead_letters.OVERFLOW_PREFIX)
]


@pytest.mark.parametrize(
    ("role", "sid", "resource"),
    [
        ("ContactFlowRole", "ReadContactCenterSecret", {"Ref": "ContactCenterSecretArn"}),
        ("ContactFlowRole", "DecryptContactCenterSecret", {"Ref": "ContactCenterSecretKmsKeyArn"}),
        ("ContactFlowRole", "ReadFurtherContactCenterSecrets", FURTHER_SECRETS),
        ("ContactFlowRole", "DecryptFurtherContactCenterSecrets", FURTHER_KEYS),
        ("ContactFlowRole", "KeepLedger", attribute("LedgerTable")),
        ("ContactFlowRole", "SendDeadLetter", attribute("DeadLetterQueue")),
        ("ContactFlowRole", "UseBridgeKey", attribute("BridgeKey")),
        ("ContactFlowRole", "WriteLogs", attribute("ContactFlowLogGroup")),
        ("ContactEventsRole", "KeepLedger", attribute("LedgerTable")),
        ("ContactEventsRole", "SendDeadLetter", attribute("DeadLetterQueue")),
        ("ContactEventsRole", "ReadEvents", attribute("ContactEventStream")),
        ("ContactEventsRole", "DescribeContacts", {"Fn::Sub": "${ConnectInstanceArn}/contact/*"}),
        ("ContactEventsRole", "KeepFailures", BELOW_BUCKET),
        ("ContactEventsRole", "FindFailureBucket", attribute("FailureBucket")),
        ("ContactEventsRole", "UseBridgeKeyForEvents", attribute("BridgeKey")),
        ("ContactEventsRole", "WriteLogs", attribute("ContactEventsLogGroup")),
        ("RedriveRole", "TakeDeadLetters", attribute("DeadLetterQueue")),
        ("RedriveRole", "SendFailedRedrive", attribute("EventRuleDeadLetterQueue")),
        ("RedriveRole", "FindFailures", attribute("FailureBucket")),
        ("RedriveRole", "TakeFailures", BELOW_BUCKET),
        (
            "RedriveRole",
            "LeaveFailures",
            [BELOW_BUCKET[0], {"Fn::Sub": "${FailureBucket.Arn}/dead-letters/set-aside/*"}],
        ),
        (
            "RedriveRole",
            "PutBack",
            [attribute("ContactEventStream"), RECORD_STREAM],
        ),
        ("RedriveRole", "InvokePostCallAnalysis", attribute("PostCallAnalysisFunction")),
        ("ContactLensRole", "ReadSegments", LENS_STREAM),
        ("ContactLensRole", "KeepWaiting", attribute("WaitingQueue")),
        ("ContactLensRole", "DecryptSegments", {"Ref": "ContactLensStreamKmsKeyArn"}),
        ("PostCallAnalysisRole", "DecryptAnalyses", {"Ref": "ContactLensBucketKmsKeyArn"}),
        ("RedriveRole", "EncryptRecords", {"Ref": "ContactRecordStreamKmsKeyArn"}),
        ("ContactRecordsRole", "KeepLedger", attribute("LedgerTable")),
        ("ContactRecordsRole", "ReadRecords", RECORD_STREAM),
        ("ContactRecordsRole", "DecryptRecords", {"Ref": "ContactRecordStreamKmsKeyArn"}),
        ("ContactRecordsRole", "KeepFailures", BELOW_BUCKET),
        ("ContactRecordsRole", "FindFailureBucket", attribute("FailureBucket")),
        ("ContactRecordsRole", "UseBridgeKeyForFailures", attribute("BridgeKey")),
        ("ContactRecordsRole", "WriteLogs", attribute("ContactRecordsLogGroup")),
        ("RedriveRole", "UseBridgeKey", attribute("BridgeKey")),
        ("RedriveRole", "WriteLogs", attribute("RedriveLogGroup")),
    ],
)
def test_each_statement_names_its_resource(
    resources: dict[str, Any], role: str, sid: str, resource: object
) -> None:
    assert by_sid(resources, role)[sid]["Resource"] == resource


@pytest.mark.parametrize(
    "name", ["center-scrt-jwt-auth-private-key", "/salesforce/center-scrt-jwt-auth-private-key"]
)
def test_private_key_arn_has_one_slash_before_the_name(
    resources: dict[str, Any], name: str
) -> None:
    """Systems Manager writes parameter/name and parameter/path/name: never two slashes."""
    # Given !Join [/, !Split [//, !Sub …/${PrivateKeyParameterName}]]
    private_key = by_sid(resources, "ContactFlowRole")["ReadPrivateKey"]
    glue, pieces = private_key["Resource"]["Fn::Join"]
    separator, substituted = pieces["Fn::Split"]
    # When CloudFormation puts it together
    whole = substituted["Fn::Sub"].replace("${PrivateKeyParameterName}", name)
    arn = glue.join(whole.split(separator))
    # Then
    assert arn.endswith(f":parameter/{name.lstrip('/')}")


@pytest.mark.parametrize(
    ("role", "sid", "condition"),
    [
        ("ContactFlowRole", "DecryptContactCenterSecret", "SecretHasCustomerKey"),
        ("ContactFlowRole", "ReadFurtherContactCenterSecrets", "HasFurtherContactCenters"),
        ("ContactFlowRole", "DecryptFurtherContactCenterSecrets", "FurtherSecretsHaveCustomerKeys"),
        ("ContactFlowRole", "ReadPrivateKey", "PrivateKeyInParameterStore"),
        ("ContactRecordsRole", "DecryptRecords", "RecordStreamHasCustomerKey"),
        ("RedriveRole", "EncryptRecords", "RecordStreamHasCustomerKey"),
    ],
)
def test_optional_rights_are_absent_when_unused(
    resources: dict[str, Any], template: dict[str, Any], role: str, sid: str, condition: str
) -> None:
    optional = [
        each["Fn::If"]
        for document in documents(resources, role)
        for each in document["Statement"]
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
            # What a service that comes as itself is bound to: see test_policies.py.
            service = "Service" in statement.get("Principal", {})
            if not service and any(
                fnmatch.fnmatch(each, known) for each in actions for known in cryptographic
            ):
                assert statement["Condition"]["StringEquals"]["kms:ViaService"], statement
                bound += 1
    assert bound == 14


def via(statement: dict[str, Any]) -> set[str]:
    """The services of a statement's kms:ViaService."""
    services = listed(statement["Condition"]["StringEquals"]["kms:ViaService"])
    return {each["Fn::Sub"].removesuffix(".${AWS::Region}.amazonaws.com") for each in services}


@pytest.mark.parametrize("role", ROLES.values())
def test_a_role_uses_the_key_for_what_it_reads_and_writes(
    resources: dict[str, Any], role: str
) -> None:
    """Given encrypted data that a function may touch, then also its key, and no other data's."""
    keyed = {
        service
        for each in statements(resources, role)
        if each["Resource"] == attribute("BridgeKey")
        for service in via(each)
    }
    touched = {action.split(":")[0] for action in granted(resources, role)} & ENCRYPTED
    if role in ("ContactRecordsRole", "ContactLensRole"):
        touched -= {"kinesis"}  # their streams lie under AWS's key, or its owner's
    assert keyed == touched


def test_the_key_lets_itself_be_used_through_those_services(resources: dict[str, Any]) -> None:
    policy = sids_of(resources["BridgeKey"]["Properties"]["KeyPolicy"])
    assert via(policy["UseThroughServices"]) == ENCRYPTED
