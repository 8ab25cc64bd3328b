"""The order of the checks: each part is looked at if what it needs is there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import certifi

from doctor import aws
from doctor.address import Way, check_network
from doctor.aws import Account, Unread, as_finding
from doctor.findings import Finding, Verdict, fault, ok, unchecked, warning
from doctor.org import CLOCK, TOKEN, Org
from doctor.private_key import check_key
from doctor.secret import API_NAME, BASE, KEY, ORG, SECRET, SecretReading, read_secret
from doctor.settings import check_lists, of_parameters
from voicecall_bridge.contact_centers.secret import ContactCenterSecret, is_on_loopback
from voicecall_bridge.settings.contact_flow import ContactFlowSettings
from voicecall_bridge.settings.shared import SettingsError
from voicecall_bridge.telephony.credentials import InvalidCertificates, readable_certificates

_ROLE: Final = "function's role"
_NO_CREDENTIALS: Final = "no AWS credentials at hand"
_FILE: Final = "file"
CERTIFICATES: Final = "certificates"


@dataclass(frozen=True, slots=True)
class Asked:
    """The operator's request; for empty members the bridge's environment counts.

    Attributes:
        secret: name or ARN of the secret.
        file: a file that holds the secret's text instead.
        key_parameter: name of the SecureString with the private key.
        stack: name of the stack; its function has the bridge's environment.
        audience: `aud` of the tokens.
        provider: value of the header Telephony-Provider-Name.
        seconds: for each answer.
        trusted: certificates (PEM file) to trust; empty: those that the bridge trusts.
    """

    secret: str = ""
    file: Path | None = None
    key_parameter: str = ""
    stack: str = ""
    audience: str = ""
    provider: str = ""
    seconds: float = 10.0
    trusted: str = ""

    def filled(self, environment: Mapping[str, str]) -> "Asked":
        """With the environment's word where nothing was said."""
        said = {name: value.strip() for name, value in environment.items()}
        default = said.get("CONTACT_CENTER_SECRET", "")
        secret = self.secret or default
        # The key apart belongs to that secret, and to no other one.
        belongs = self.file is None and _is_same(secret, default)
        return replace(
            self,
            secret=secret,
            key_parameter=self.key_parameter
            or (said.get("PRIVATE_KEY_PARAMETER", "") if belongs else ""),
            audience=self.audience or said.get("JWT_AUDIENCE", ""),
            provider=self.provider or said.get("TELEPHONY_PROVIDER_NAME") or "amazon-connect",
        )


class Examination:
    """All checks, once.

    Args:
        asked: what to examine.
        account: AWS.
        environment: this process's; a stack's function's takes its place.
    """

    def __init__(self, asked: Asked, account: Account, environment: Mapping[str, str]) -> None:
        self._account = account
        self._environment: Mapping[str, str] = {} if asked.stack else environment
        self._asked = asked
        self._signed_in = account.has_credentials()
        self._text: str | None = None
        self._arn = ""
        self._key: str | None = ""
        self._way = Way()

    def findings(self) -> Iterator[Finding]:
        """Each as soon as it is made."""
        if self._asked.stack:
            yield from self._read_stack()
        yield from check_lists(self._environment)
        self._asked = self._asked.filled(self._environment)
        yield self._read_file(self._asked.file) if self._asked.file else self._read_secret()
        if self._asked.key_parameter:
            yield self._read_parameter()
        with TemporaryDirectory() as folder:
            yield from self._find_way(Path(folder))
            yield from self._salesforce()
        yield from self._resources()

    def _salesforce(self) -> Iterator[Finding]:
        if self._text is None:
            yield unchecked(SECRET, "it was not read")
        else:
            # A stack's functions refuse an address that only the simulator may have.
            simulated = is_on_loopback(self._environment.get("AWS_ENDPOINT_URL", ""))
            on_loopback = simulated or not self._asked.stack
            reading = read_secret(self._text, self._key, on_loopback=on_loopback)
            yield from self._contact_center(reading)

    def _read_stack(self) -> Iterator[Finding]:
        if not self._signed_in:
            yield unchecked(aws.STACK, _NO_CREDENTIALS)
            return
        try:
            stack = self._account.stack(self._asked.stack)
            yield _stack_status(stack.status)
            arn = stack.outputs.get("ContactFlowFunctionArn", "")
            if not arn:
                change = "the name of the stack that template.yaml was deployed as"
                yield fault(aws.STACK, "no output ContactFlowFunctionArn", change)
                return
            state, environment = self._account.function(arn)
            self._environment = {**of_parameters(stack.parameters), **environment}
            yield _function(state, self._environment)
        except Unread as error:
            yield as_finding(aws.STACK, error)

    def _read_file(self, path: Path) -> Finding:
        try:
            self._text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return fault(_FILE, "not UTF-8", "save it as UTF-8")
        except OSError as error:
            return fault(_FILE, f"cannot be read ({type(error).__name__})", "its path, its rights")
        return ok(_FILE, "read")

    def _read_secret(self) -> Finding:
        if not self._asked.secret:
            return unchecked(aws.READABLE, "which one, the stack did not say")
        try:
            self._text, self._arn = self._account.secret(self._asked.secret)
        except Unread as error:
            return fault(aws.READABLE, error.text, error.change)
        used = [
            secret.strip()
            for name, value in self._environment.items()
            if name.startswith("CONTACT_CENTER_SECRET")
            for secret in value.split(",")
        ]
        if self._asked.stack and used and not any(_is_same(self._arn, it) for it in used):
            change = "ContactCenterSecretArn of the stack, or the SECRET that is examined here"
            return fault(aws.READABLE, "readable, but the stack uses another secret", change)
        return ok(aws.READABLE, "readable with these credentials")

    def _read_parameter(self) -> Finding:
        try:
            self._key = self._account.parameter(self._asked.key_parameter)
        except Unread as error:
            self._key = None
            return fault(aws.PARAMETER, error.text, error.change)
        return ok(aws.PARAMETER, "readable with these credentials")

    def _find_way(self, folder: Path) -> Iterator[Finding]:
        """Notes proxy and certificates; what is to be said of the certificates."""
        proxy = self._environment.get("SALESFORCE_PROXY", "").strip()
        self._way = Way(self._asked.trusted, proxy)
        name = self._environment.get("SALESFORCE_CA_PARAMETER", "").strip()
        if not name:
            return
        try:
            further = readable_certificates(self._account.parameter(name))
        except Unread as error:
            yield fault(CERTIFICATES, error.text, error.change)
            return
        except InvalidCertificates:
            text, change = "no certificates in PEM", "the value of the parameter that it names"
            yield fault(CERTIFICATES, text, f"SalesforceCaParameterName: {change}")
            return
        # The client of these checks reads a file: the public certificates and these.
        bundle = folder / "trusted.pem"
        public = Path(self._asked.trusted or certifi.where()).read_text(encoding="utf-8")
        bundle.write_text(f"{public}\n{further}\n", encoding="utf-8")
        self._way = Way(str(bundle), proxy)
        number = further.count("BEGIN CERTIFICATE")
        yield ok(CERTIFICATES, f"{number} besides the public ones")

    def _contact_center(self, reading: SecretReading) -> Iterator[Finding]:
        yield from reading.findings
        usable = not any(it.verdict is Verdict.FAULT for it in reading.findings)
        center = reading.center
        if reading.key:
            for found in check_key(reading.key):
                usable &= found.verdict is not Verdict.FAULT
                yield found
        if center is None or not reading.has(BASE):
            yield unchecked("network", "without an address")
            usable = False
        else:
            for found in check_network(center.base_url, self._asked.seconds, self._way):
                usable &= found.verdict is not Verdict.FAULT
                yield found
        if center is not None and usable and reading.has(ORG, API_NAME, BASE, KEY):
            yield from self._org(center).examine()
        else:
            yield unchecked(CLOCK, "only an answer of Salesforce shows it")
            yield unchecked(TOKEN, "after the faults above")

    def _org(self, center: ContactCenterSecret) -> Org:
        asked = self._asked
        return Org(center, asked.provider, asked.audience, asked.seconds, self._way)

    def _resources(self) -> Iterator[Finding]:
        if not self._signed_in:
            yield unchecked("permissions", f"secret, ledger, dead letters: {_NO_CREDENTIALS}")
            return
        found = list(self._account.resources(self._environment))
        why = "which, the stack did not say" if self._asked.stack else "no --stack was given"
        yield from found or [unchecked("resources", f"ledger, dead letters: {why}")]
        yield unchecked(_ROLE, "whether it may read the secret shows when it is invoked")


def _stack_status(status: str) -> Finding:
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return ok(aws.STACK, status)
    why = "the stack's events in the CloudFormation console say why"
    if status == "UPDATE_ROLLBACK_COMPLETE" or status.endswith("_IN_PROGRESS"):
        return warning(aws.STACK, status, why)  # what ran before runs on
    return fault(aws.STACK, status, why)


def _function(state: str, environment: Mapping[str, str]) -> Finding:
    if state not in ("Active", "Inactive"):  # Inactive: not invoked for long, it wakes up
        return fault(aws.FUNCTION, f"its state is {state}", "the function in the Lambda console")
    try:
        ContactFlowSettings.from_environment(environment)
    except SettingsError as error:
        return fault(aws.FUNCTION, str(error), "the stack's parameters of the same names")
    return ok(aws.FUNCTION, f"{state}, its settings are sound")


def _is_same(one: str, other: str) -> bool:
    """Whether two texts may name the same secret: by ARN, whole or without the six random
    characters that Secrets Manager appends, or by name."""
    return bool(_names(one) & _names(other))


def _names(secret: str) -> set[str]:
    bare = {secret, secret[:-7]} if secret.startswith("arn:") else {secret}
    return bare | {it.rpartition(":")[2] for it in bare}
