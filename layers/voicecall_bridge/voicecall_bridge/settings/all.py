"""The settings of the functions, read from the environment as template.yaml names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.contact_centers.registry import ContactCenters
from voicecall_bridge.telephony.operations import CALLS, UnknownVariant, calls_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voicecall_bridge.telephony.operations import Call, Operation

ENVIRONMENT_NAMES = (
    "CONTACT_CENTER_SECRET",
    "CONTACT_CENTER_SECRETS",
    "PRIVATE_KEY_PARAMETER",
    "JWT_AUDIENCE",
    "TELEPHONY_PROVIDER_NAME",
    "TELEPHONY_VARIANTS",
    "LEDGER_TABLE",
    "DEAD_LETTER_QUEUE_URL",
    "FLOW_TIME_LIMIT_SECONDS",
    "FLOW_FAILURE",
    "CREATE_FROM_EVENTS",
    "CONNECT_INSTANCE_ARN",
    "FAILURE_BUCKET",
)
"""Every variable the package reads; Powertools and the AWS SDK read theirs by themselves."""

_RESERVE_SECONDS = 1.5
_LEAST_SHARE = 0.6


class FlowFailure(StrEnum):
    """What a flow gets when it does not get what it asked for: an answer that says so, or its
    Error branch.
    """

    CONTINUE = "continue"
    ERROR = "error"


class CreateFromEvents(StrEnum):
    """Which contact events may create a VoiceCall that the flow did not.

    SAFETY_NET: QUEUED and CONNECTED_TO_AGENT, when the flow has had its turn. ALWAYS: INITIATED as
    well, no flow is involved. NEVER: none.
    """

    SAFETY_NET = "safety-net"
    ALWAYS = "always"
    NEVER = "never"


class SettingsError(ValueError):
    """Settings that cannot be used. The text names all faulty ones at once, never a value.

    Attributes:
        budget: seconds for a flow's answer, by the limit if that is sound, else by the shortest.
        failure: what the flow gets, as far as it can be read.
    """

    def __init__(
        self,
        text: str,
        budget: float = _LEAST_SHARE,
        failure: FlowFailure = FlowFailure.CONTINUE,
    ) -> None:
        super().__init__(text)
        self.budget = budget
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings.

    Attributes:
        centers: the contact centers, of CONTACT_CENTER_SECRET (name or ARN of the default one's
            secret) and CONTACT_CENTER_SECRETS (ARNs of the others', with commas between).
        private_key_parameter: SSM SecureString with the private key of the default contact center;
            empty: the secret has it.
        jwt_audience: `aud` of the tokens; empty: none.
        telephony_provider_name: header Telephony-Provider-Name.
        ledger_table: name of the DynamoDB table.
        dead_letter_queue_url: SQS queue of the dead letters.
        flow_time_limit_seconds: the limit set in the flow's Lambda block, 1 to 8.
        flow_failure: see FlowFailure.
        create_from_events: see CreateFromEvents.
        failure_bucket: S3 bucket of payloads too large for the queue; empty: flows need none.
        connect_instance_arn: the instance of contacts that do not say theirs; empty: not known.
        telephony_calls: method and path of each call to Salesforce, as the variants have it.
    """

    centers: ContactCenters
    ledger_table: str
    dead_letter_queue_url: str
    private_key_parameter: str = ""
    jwt_audience: str = ""
    telephony_provider_name: str = "amazon-connect"
    flow_time_limit_seconds: float = 8.0
    flow_failure: FlowFailure = FlowFailure.CONTINUE
    create_from_events: CreateFromEvents = CreateFromEvents.SAFETY_NET
    failure_bucket: str = ""
    connect_instance_arn: str = ""
    telephony_calls: Mapping[Operation, Call] = field(default_factory=lambda: CALLS)

    @property
    def flow_budget_seconds(self) -> float:
        """Seconds for an answer: the block's limit less what start-up and the way back take."""
        return _budget(self.flow_time_limit_seconds)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        values = {name: environment.get(name, "").strip() for name in ENVIRONMENT_NAMES}
        faults = [
            f"{name} is missing"
            for name in ("CONTACT_CENTER_SECRET", "LEDGER_TABLE", "DEAD_LETTER_QUEUE_URL")
            if not values[name]
        ]
        centers = _centers(values, faults)
        limit = _seconds(values["FLOW_TIME_LIMIT_SECONDS"] or "8", faults)
        failure = values["FLOW_FAILURE"] or FlowFailure.CONTINUE
        if failure not in list(FlowFailure):
            faults.append("FLOW_FAILURE is neither continue nor error")
        create_from = values["CREATE_FROM_EVENTS"] or CreateFromEvents.SAFETY_NET
        if create_from not in list(CreateFromEvents):
            faults.append("CREATE_FROM_EVENTS is none of safety-net, always and never")
        if not values["TELEPHONY_PROVIDER_NAME"].isprintable():
            faults.append("TELEPHONY_PROVIDER_NAME is no text of one line")
        calls = _calls(values["TELEPHONY_VARIANTS"], faults)
        if faults or limit is None or centers is None:
            wanted = FlowFailure.ERROR if failure == FlowFailure.ERROR else FlowFailure.CONTINUE
            raise SettingsError("; ".join(faults), _budget(limit or 1.0), wanted)
        return cls(
            centers=centers,
            private_key_parameter=values["PRIVATE_KEY_PARAMETER"],
            jwt_audience=values["JWT_AUDIENCE"],
            telephony_provider_name=values["TELEPHONY_PROVIDER_NAME"] or "amazon-connect",
            ledger_table=values["LEDGER_TABLE"],
            dead_letter_queue_url=values["DEAD_LETTER_QUEUE_URL"],
            flow_time_limit_seconds=limit,
            flow_failure=FlowFailure(failure),
            create_from_events=CreateFromEvents(create_from),
            failure_bucket=values["FAILURE_BUCKET"],
            connect_instance_arn=values["CONNECT_INSTANCE_ARN"],
            telephony_calls=calls,
        )


def _calls(variants: str, faults: list[str]) -> Mapping[Operation, Call]:
    try:
        return calls_with(variants)
    except UnknownVariant as error:
        faults.append(f"TELEPHONY_VARIANTS {error}")
        return CALLS


def _centers(values: Mapping[str, str], faults: list[str]) -> ContactCenters | None:
    listed = values["CONTACT_CENTER_SECRETS"]
    others = [arn.strip() for arn in listed.split(",")] if listed else []
    try:
        return ContactCenters.of(values["CONTACT_CENTER_SECRET"], others)
    except ValueError as error:
        faults.append(f"CONTACT_CENTER_SECRETS: {error}")
    return None


def _budget(limit: float) -> float:
    return max(limit - _RESERVE_SECONDS, limit * _LEAST_SHARE)


def _seconds(text: str, faults: list[str]) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 1.0 <= seconds <= 8.0:
        return seconds
    faults.append("FLOW_TIME_LIMIT_SECONDS is not a number from 1 to 8")
    return None
