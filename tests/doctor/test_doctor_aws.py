"""`bridge doctor` looks at AWS: it names why something cannot be read, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError, NoRegionError, ProfileNotFound
from botocore.stub import Stubber

from doctor.aws import PARAMETER, QUEUE, READABLE, STACK, TABLE, Account, Unread
from doctor.examination import CERTIFICATES, Asked, Examination
from doctor.findings import Finding, Verdict
from doctor.settings import SETTINGS, check_lists
from tests.contract.servers import certificates_of, write_chain

if TYPE_CHECKING:
    from pathlib import Path

ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:contact-center-AbCdEf"
FUNCTION_ARN = "arn:aws:lambda:eu-central-1:111122223333:function:flow:live"
ENVIRONMENT = {
    "CONTACT_CENTER_SECRET": ARN,
    "LEDGER_TABLE": "ledger",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/letters",
}
# Not a secret, so the doctor stops after it.
NO_JSON = {"SecretString": "no JSON", "ARN": ARN}

ANSWERS: dict[str, Any] = {
    "describe_stacks": {
        "Stacks": [
            {
                "StackName": "bridge",
                "CreationTime": "2026-11-01T00:00:00Z",
                "StackStatus": "UPDATE_COMPLETE",
                "Outputs": [
                    {"OutputKey": "ContactFlowFunctionArn", "OutputValue": FUNCTION_ARN},
                ],
            }
        ]
    },
    "get_function_configuration": {"State": "Active", "Environment": {"Variables": ENVIRONMENT}},
    "get_secret_value": NO_JSON,
    "get_parameter": {"Parameter": {"Value": "no key"}},
    "describe_table": {"Table": {"TableStatus": "ACTIVE"}},
    "get_queue_attributes": {"Attributes": {"ApproximateNumberOfMessages": "0"}},
}
OPERATIONS = {
    "cloudformation": "describe_stacks",
    "lambda": "get_function_configuration",
    "secretsmanager": "get_secret_value",
    "ssm": "get_parameter",
    "dynamodb": "describe_table",
    "sqs": "get_queue_attributes",
}


class Session:
    """boto3's session with clients that answer what the test says, in AWS's own shapes.

    `answers` is by operation: an answer, (code, message) of an error, or an exception.
    """

    def __init__(self, signed_in: bool = True, **answers: Any) -> None:
        self.answers = {**ANSWERS, **answers}
        self.signed_in = signed_in
        self.regions: dict[str, str | None] = {}

    def get_credentials(self) -> Any:
        return object() if self.signed_in else None

    def client(self, service: str, region_name: str | None, config: Any) -> Any:
        operation = OPERATIONS[service]
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise answer
        self.regions[service] = region_name
        client = boto3.client(
            service,
            region_name=region_name or "us-west-2",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )
        stubber = Stubber(client)
        if isinstance(answer, tuple):
            code, message = answer
            stubber.add_client_error(operation, code, message)
        else:
            stubber.add_response(operation, answer)
        stubber.activate()
        return client


def account(**answers: Any) -> Account:
    return Account(session=lambda: Session(**answers))


def examine(asked: Asked, session: Session, **environment: str) -> dict[str, Finding]:
    found = Examination(asked, Account(session=lambda: session), environment).findings()
    return {it.check: it for it in found}


@pytest.mark.parametrize(
    ("answer", "said", "change"),
    [
        (("ResourceNotFoundException", ""), "no such secret", "region"),
        (
            ("AccessDeniedException", "User: arn:aws:iam::111122223333:user/jo is not authorized"),
            "may not read it",
            "secretsmanager:GetSecretValue",
        ),
        (("AccessDeniedException", "Access to KMS is not allowed"), "KMS key", "kms:Decrypt"),
        (("DecryptionFailure", ""), "KMS key", "kms:Decrypt"),
        (("InvalidRequestException", "deleted"), "marked for deletion", "restore-secret"),
        (("ExpiredTokenException", ""), "does not take these credentials", "sign in"),
        (("UnrecognizedClientException", ""), "does not take these credentials", "sign in"),
        (("InternalServiceError", ""), "(InternalServiceError)", "run it again"),
        (NoCredentialsError(), "no AWS credentials", "sign in"),
        (ProfileNotFound(profile="p"), "no AWS credentials", "AWS_PROFILE"),
        (NoRegionError(), "no region", "AWS_DEFAULT_REGION"),
        (ValueError("Invalid endpoint: x"), "not reached", "AWS_ENDPOINT_URL"),
    ],
)
def test_secret_that_cannot_be_read(answer: Any, said: str, change: str) -> None:
    """Given a refusal of AWS, then the finding names it; the caller's identity is not shown."""
    found = examine(Asked(secret="contact-center"), Session(get_secret_value=answer))

    assert found[READABLE].verdict is Verdict.FAULT
    assert said in found[READABLE].text
    assert change in found[READABLE].change
    assert "user/jo" not in str(found)
    assert found["secret"].verdict is Verdict.UNCHECKED


@pytest.mark.parametrize(
    ("answer", "said", "change"),
    [
        (("ParameterNotFound", ""), "no such parameter", "name"),
        (("AccessDeniedException", ""), "may not read it", "ssm:GetParameter"),
        (("AccessDeniedException", "not authorized to perform: kms:Decrypt"), "KMS", "kms:Decrypt"),
        (("InvalidKeyId", ""), "KMS key", "state"),
    ],
)
def test_parameter_that_cannot_be_read(answer: Any, said: str, change: str) -> None:
    asked = Asked(secret="contact-center", key_parameter="key")
    found = examine(asked, Session(get_parameter=answer))

    assert found[PARAMETER].verdict is Verdict.FAULT
    assert said in found[PARAMETER].text
    assert change in found[PARAMETER].change


def test_name_that_aws_could_not_have() -> None:
    """Given a name longer than AWS allows, then botocore's refusal is reported without its text."""
    with pytest.raises(Unread, match="no name"):
        account().secret("")


def test_region_of_an_arn() -> None:
    """Given an ARN, then its region is asked, whatever the credentials' own is."""
    session = Session()
    examine(Asked(secret=ARN), session)
    examine(Asked(secret="contact-center"), other := Session())

    assert session.regions["secretsmanager"] == "eu-central-1"
    assert other.regions["secretsmanager"] is None


def test_binary_secret() -> None:
    found = examine(Asked(secret=ARN), Session(get_secret_value={"ARN": ARN, "SecretBinary": b"x"}))

    assert found["secret"].verdict is Verdict.FAULT
    assert "SecretString" in found["secret"].change


def test_stack() -> None:
    """Given a stack, then its function names secret and resources, and all are looked at."""
    found = examine(Asked(stack="bridge"), session := Session())

    for check in (STACK, "function", READABLE, TABLE, QUEUE):
        assert found[check].verdict is Verdict.OK, found[check]
    assert session.regions["lambda"] == "eu-central-1"


@pytest.mark.parametrize(
    ("answers", "check", "verdict", "said"),
    [
        ({"describe_stacks": ("ValidationError", "")}, STACK, Verdict.FAULT, "no such stack"),
        ({"describe_stacks": ("AccessDenied", "")}, STACK, Verdict.UNCHECKED, "DescribeStacks"),
        (
            {"get_function_configuration": ("AccessDeniedException", "")},
            STACK,
            Verdict.UNCHECKED,
            "lambda:GetFunctionConfiguration",
        ),
        (
            {"get_function_configuration": {"State": "Failed"}},
            "function",
            Verdict.FAULT,
            "state is Failed",
        ),
        (
            {"get_function_configuration": {"Environment": {"Variables": {"LEDGER_TABLE": "t"}}}},
            "function",
            Verdict.FAULT,
            "CONTACT_CENTER_SECRET is missing",
        ),
        ({"describe_table": ("ResourceNotFoundException", "")}, TABLE, Verdict.FAULT, "no such"),
        ({"describe_table": {"Table": {"TableStatus": "DELETING"}}}, TABLE, Verdict.FAULT, "DELET"),
        ({"describe_table": ("AccessDeniedException", "")}, TABLE, Verdict.UNCHECKED, "dynamodb:"),
        (
            {"get_queue_attributes": ("AWS.SimpleQueueService.NonExistentQueue", "")},
            QUEUE,
            Verdict.FAULT,
            "no such queue",
        ),
    ],
)
def test_stack_with_a_fault(
    answers: dict[str, Any], check: str, verdict: Verdict, said: str
) -> None:
    """Given one fault in a stack, then it is reported. A resource that these credentials may not
    look at is not a fault of the stack."""
    found = examine(Asked(secret=ARN, stack="bridge"), Session(**answers))

    assert found[check].verdict is verdict
    assert said in found[check].text


def with_status(status: str) -> dict[str, Any]:
    (stack,) = ANSWERS["describe_stacks"]["Stacks"]
    return {"Stacks": [{**stack, "StackStatus": status, "Outputs": []}]}


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS"])
def test_stack_that_still_runs(status: str) -> None:
    """Given an update that was taken back or is under way, then what ran before runs on; without
    its function the secret's name is unknown."""
    session = Session(describe_stacks=with_status(status))
    findings = list(Examination(Asked(stack="s"), Account(session=lambda: session), {}).findings())

    assert (findings[0].text, findings[0].verdict) == (status, Verdict.WARNING)
    assert [it.verdict for it in findings if it.check == READABLE] == [Verdict.UNCHECKED]
    assert "secretsmanager" not in session.regions


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"])
def test_stack_that_was_not_deployed(status: str) -> None:
    session = Session(describe_stacks=with_status(status))
    findings = Examination(Asked(stack="s"), Account(session=lambda: session), {}).findings()

    said = [it.text for it in findings if it.check == STACK and it.verdict is Verdict.FAULT]
    assert said == [status, "no output ContactFlowFunctionArn"]


@pytest.mark.parametrize(
    ("used", "verdict"),
    [
        (ARN, Verdict.OK),
        (ARN.removesuffix("-AbCdEf"), Verdict.OK),
        ("contact-center", Verdict.OK),
        ("another", Verdict.FAULT),
    ],
)
def test_stack_of_another_secret(used: str, verdict: Verdict) -> None:
    """Given the stack's own secret or another one, then only the other one is a fault."""
    environment = {**ENVIRONMENT, "CONTACT_CENTER_SECRET": used}
    configuration = {"State": "Active", "Environment": {"Variables": environment}}
    session = Session(get_function_configuration=configuration)

    assert examine(Asked(secret=ARN, stack="bridge"), session)[READABLE].verdict is verdict


def test_environment_says_the_rest() -> None:
    """Given the environment of a function (`bridge simulator` prints it), then it is looked at."""
    found = examine(Asked(secret=ARN), Session(), **ENVIRONMENT, PRIVATE_KEY_PARAMETER="key")

    assert {found[check].verdict for check in (PARAMETER, TABLE, QUEUE)} == {Verdict.OK}


def test_key_of_another_secret() -> None:
    """Given an environment with a key apart, then it is that of its own secret only."""
    environment = {**ENVIRONMENT, "PRIVATE_KEY_PARAMETER": "key"}

    assert PARAMETER in examine(Asked(secret="contact-center"), Session(), **environment)
    assert PARAMETER not in examine(Asked(secret="another"), Session(), **environment)


def test_without_credentials() -> None:
    """Given no credentials, then the omitted checks are named; only the secret is a fault."""
    session = Session(signed_in=False, get_secret_value=NoCredentialsError())
    found = examine(Asked(secret=ARN, stack="bridge"), session)

    assert found[READABLE].verdict is Verdict.FAULT
    assert found[STACK].verdict is Verdict.UNCHECKED
    assert "ledger" in found["permissions"].text
    assert found["permissions"].verdict is Verdict.UNCHECKED


def test_aws_does_not_answer() -> None:
    """Given a sign-in that has expired when the session is made, then there are no credentials."""

    def session() -> Any:
        raise ProfileNotFound(profile="p")

    assert not Account(session=session).has_credentials()


def test_resources_without_a_name() -> None:
    """Given no stack, or one that is not there, then that is why no resource was looked at."""
    session = Session(describe_stacks=("ValidationError", ""))
    unread = examine(Asked(secret=ARN, stack="birdge"), session)["resources"]
    unsaid = examine(Asked(secret=ARN), Session())["resources"]

    assert unread.verdict is unsaid.verdict is Verdict.UNCHECKED
    assert unread.text == "ledger, dead letters: which, the stack did not say"
    assert unsaid.text == "ledger, dead letters: no --stack was given"


def with_parameters(**parameters: str) -> dict[str, Any]:
    (stack,) = ANSWERS["describe_stacks"]["Stacks"]
    listed = [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]
    return {"Stacks": [{**stack, "Parameters": listed}]}


def test_wrong_items_of_a_stacks_lists() -> None:
    """Given a misspelt item, an invalid path and a sound item, then the first two are reported."""
    fields = "Agent.Username=User__c,Agnet.Username=Other__c,Agent..X=X__c"
    answer = with_parameters(ContactRecordFields=fields, ContactRecordMethods="INBOUND,OUTBOND")
    account = Account(session=lambda: Session(describe_stacks=answer))
    findings = list(Examination(Asked(stack="bridge"), account, {}).findings())
    reported = [(it.verdict, it.text) for it in findings if it.check == SETTINGS]
    assert [verdict for verdict, _ in reported] == [Verdict.WARNING, Verdict.FAULT, Verdict.WARNING]
    assert "OUTBOND: used as it is, but OUTBOUND may be meant" in reported[0][1]
    assert "Agent..X=X__c: the path must be names" in reported[1][1]
    assert "Agnet.Username=Other__c" in reported[2][1]
    assert "Agent may be meant" in reported[2][1]


def test_sound_lists_and_lists_that_are_not_set() -> None:
    """Given the environment of the function itself, without a stack."""
    sound = {"CONTACT_RECORD_FIELDS": "Tags.Cost Center=Cost__c", "CONTACT_RECORD_METHODS": "NEW_1"}
    assert [it.verdict for it in check_lists(sound)] == [Verdict.OK]
    (wrong,) = check_lists({"CONTACT_CENTER_SECRETS": "HUSH"})
    assert (wrong.verdict, "HUSH" in wrong.text) == (Verdict.FAULT, False)
    assert list(check_lists(ENVIRONMENT)) == []


def test_certificates_of_a_stack(tmp_path: Path) -> None:
    """Given a parameter with certificates, one without, and one that may not be read."""
    chain = write_chain(tmp_path / "chain.pem", "localhost")
    variables = {**ENVIRONMENT, "SALESFORCE_CA_PARAMETER": "company-ca"}
    function = {"State": "Active", "Environment": {"Variables": variables}}
    good = {"Parameter": {"Value": certificates_of(chain)}}
    for answer, verdict, text in (
        (good, Verdict.OK, "1 besides the public ones"),
        ({"Parameter": {"Value": "hush"}}, Verdict.FAULT, "no certificates in PEM"),
        (
            ("ParameterNotFound", ""),
            Verdict.FAULT,
            "there is no such parameter in this account and region",
        ),
    ):
        session = Session(get_function_configuration=function, get_parameter=answer)
        finding = examine(Asked(stack="bridge"), session)[CERTIFICATES]
        assert (finding.verdict, finding.text) == (verdict, text)
