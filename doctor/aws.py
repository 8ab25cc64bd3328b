"""Reads from AWS: the secret, the SecureString, the stack. Nothing is changed there.

AWS's own messages name accounts, users and keys, so only their codes are read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from doctor.findings import Finding, fault, ok, unchecked

READABLE: Final = "secret in AWS"
PARAMETER: Final = "SecureString"
STACK: Final = "stack"
TABLE: Final = "ledger"
QUEUE: Final = "dead letters"
FUNCTION: Final = "function"

_CREDENTIALS: Final = "sign in (aws sts get-caller-identity is to work), AWS_PROFILE"
# Error code -> what is wrong, what to change. Sources: API references of Secrets Manager and
# Systems Manager, each operation's errors, and "Common errors".
_MISSING: Final = ("there is no such {what} in this account and region", "name, account, region")
_REFUSED: Final = ("these credentials may not read it", "allow {action} on it")
_KEY_REFUSED: Final = (
    "these credentials may not use the KMS key that it is encrypted with",
    "allow kms:Decrypt on that key, in its key policy as well if it lies in another account",
)
_SIGNED_OUT: Final = ("AWS does not take these credentials", _CREDENTIALS)
_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "ResourceNotFoundException": _MISSING,
    "ParameterNotFound": _MISSING,
    "AWS.SimpleQueueService.NonExistentQueue": _MISSING,
    "QueueDoesNotExist": _MISSING,
    "ValidationError": _MISSING,  # CloudFormation's word for a stack that is not there
    "AccessDeniedException": _REFUSED,
    "AccessDenied": _REFUSED,
    "DecryptionFailure": _KEY_REFUSED,
    "InvalidKeyId": ("the KMS key that it is encrypted with is not there", "that key's state"),
    "InvalidRequestException": (
        "it is marked for deletion",
        "aws secretsmanager restore-secret, if that was not meant",
    ),
    "UnrecognizedClientException": _SIGNED_OUT,
    "InvalidClientTokenId": _SIGNED_OUT,
    "InvalidSignatureException": _SIGNED_OUT,
    "ExpiredTokenException": _SIGNED_OUT,
    "ExpiredToken": _SIGNED_OUT,
}
_DENIED: Final = ("AccessDeniedException", "AccessDenied")


class Unread(Exception):
    """Something in AWS could not be read.

    Attributes:
        text: what is wrong.
        change: what to change.
        is_denied: these credentials may not read it; it may be correct nevertheless.
    """

    def __init__(self, text: str, change: str, *, is_denied: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.change = change
        self.is_denied = is_denied


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as CloudFormation describes it."""

    status: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Account:
    """AWS as these credentials see it.

    Attributes:
        region: where to look; empty: the session's own.
        seconds: for each answer.
        session: boto3's, made when it is asked for first.
    """

    region: str = ""
    seconds: float = 10.0
    session: Callable[[], Any] = field(
        default_factory=lambda: lru_cache(maxsize=1)(boto3.session.Session)
    )

    def has_credentials(self) -> bool:
        """Whether there are any at hand; whether AWS takes them is another question."""
        try:
            return self.session().get_credentials() is not None
        except BotoCoreError:
            return False  # a profile that is not there, a sign-in that has run out

    def secret(self, secret_id: str) -> tuple[str, str]:
        """Text and ARN of a secret; the text is empty when it is binary.

        Raises:
            Unread: why.
        """
        region = _region_of(secret_id)
        answer = self._ask(
            ("secretsmanager", "get_secret_value", "secret"), region, SecretId=secret_id
        )
        return str(answer.get("SecretString") or ""), str(answer["ARN"])

    def parameter(self, name: str) -> str:
        """The value of a SecureString.

        Raises:
            Unread: why.
        """
        answer = self._ask(
            ("ssm", "get_parameter", "parameter"), _region_of(name), Name=name, WithDecryption=True
        )
        return str(answer["Parameter"]["Value"])

    def stack(self, name: str) -> Stack:
        """A stack.

        Raises:
            Unread: why.
        """
        kind = ("cloudformation", "describe_stacks", "stack")
        (stack,) = self._ask(kind, _region_of(name), StackName=name)["Stacks"]
        outputs = {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}
        parameters = {
            it["ParameterKey"]: it["ParameterValue"] for it in stack.get("Parameters", [])
        }
        return Stack(str(stack["StackStatus"]), outputs, parameters)

    def function(self, arn: str) -> tuple[str, dict[str, str]]:
        """State and environment of a function.

        Raises:
            Unread: why.
        """
        kind = ("lambda", "get_function_configuration", "function")
        answer = self._ask(kind, _region_of(arn), FunctionName=arn)
        environment = answer.get("Environment", {}).get("Variables", {})
        return str(answer.get("State", "Active")), dict(environment)

    def resources(self, environment: Mapping[str, str]) -> Iterator[Finding]:
        """The table and the queue that the bridge's environment names."""
        if table := environment.get("LEDGER_TABLE"):
            yield self._looked_at(TABLE, lambda: self._table(table))
        if queue := environment.get("DEAD_LETTER_QUEUE_URL"):
            yield self._looked_at(QUEUE, lambda: self._queue(queue))

    def _table(self, name: str) -> Finding:
        kind = ("dynamodb", "describe_table", "table")
        status = self._ask(kind, "", TableName=name)["Table"]["TableStatus"]
        if status in ("ACTIVE", "UPDATING"):
            return ok(TABLE, f"the table is there ({status})")
        return fault(TABLE, f"the table is {status}", "wait, or look at the table in the console")

    def _queue(self, url: str) -> Finding:
        kind = ("sqs", "get_queue_attributes", "queue")
        wanted = ["ApproximateNumberOfMessages"]
        answer = self._ask(kind, "", QueueUrl=url, AttributeNames=wanted)
        number = answer["Attributes"][wanted[0]]
        return ok(QUEUE, f"the queue is there, about {number} in it")

    def _looked_at(self, check: str, look: Callable[[], Finding]) -> Finding:
        try:
            return look()
        except Unread as error:
            return as_finding(check, error)

    def _ask(self, kind: tuple[str, str, str], region: str, **arguments: Any) -> Any:
        service, operation, what = kind
        config = Config(
            connect_timeout=self.seconds,
            read_timeout=self.seconds,
            retries={"total_max_attempts": 1},
        )
        try:
            client = self.session().client(
                service, region_name=region or self.region or None, config=config
            )
            try:
                return getattr(client, operation)(**arguments)
            finally:
                client.close()
        except ClientError as error:
            raise _explained(error, service, operation, what) from None
        except (BotoCoreError, ValueError) as error:  # ValueError: the endpoint is not an address
            raise Unread(*_unasked(error)) from None


def as_finding(check: str, error: Unread) -> Finding:
    """A part that is not essential: a refusal to these credentials says nothing about it."""
    if error.is_denied:
        return unchecked(check, f"{error.text} ({error.change})")
    return fault(check, error.text, error.change)


def _region_of(name: str) -> str:
    """The region in an ARN: the credentials' own may be another one."""
    parts = name.split(":")
    return parts[3] if len(parts) > 5 and parts[0] == "arn" else ""


def _explained(error: ClientError, service: str, operation: str, what: str) -> Unread:
    answer: Mapping[str, Any] = error.response.get("Error", {})
    code = str(answer.get("Code", ""))
    # Secrets Manager and Systems Manager name a refused KMS key in the text only.
    if code in _DENIED and "kms" in str(answer.get("Message", "")).lower():
        return Unread(*_KEY_REFUSED)
    text, change = _CODES.get(code, (f"AWS refuses it ({code})", "AWS health; run it again"))
    camel = "".join(word.title() for word in operation.split("_"))
    action = f"{service}:{camel}"
    return Unread(text.format(what=what), change.format(action=action), is_denied=code in _DENIED)


def _unasked(error: Exception) -> tuple[str, str]:
    kind = type(error).__name__
    if kind == "NoRegionError":
        return "no region is set", "AWS_DEFAULT_REGION, the profile's region, or --region"
    if "Credentials" in kind or "Token" in kind or "Profile" in kind or "SSO" in kind:
        return f"no AWS credentials ({kind})", _CREDENTIALS
    if kind == "ParamValidationError":
        return "no name that AWS could have", "the name as the console shows it, or the ARN"
    return f"AWS is not reached ({kind})", "this machine's network, region, AWS_ENDPOINT_URL"
