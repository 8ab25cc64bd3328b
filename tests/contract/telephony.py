"""A TelephonyClient under test: its secret, its pauses, and requests to send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from voicecall_bridge.deadline import Deadline
from voicecall_bridge.telephony.client import TelephonyClient, new_session
from voicecall_bridge.telephony.credentials import SecretStore
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.telephony.retry import RetryPolicy
from voicecall_bridge.voice_call.create import CallInitiation, CreateRequest, Participant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voicecall_bridge.telephony.answers import SalesforceResult
    from voicecall_bridge.telephony.errors import TelephonyError

# Fictional numbers.
CUSTOMER = "+12065550101"
SYSTEM = "+18005550100"
AMPLE_SECONDS = 60.0
"""Seconds: more than any test here takes, so that the deadline plays no part."""


class Vault:
    """Secrets Manager, as far as SecretStore uses it: it answers one secret after the other, then
    the last one for good. `reads` counts."""

    def __init__(self, *secrets: Mapping[str, str]) -> None:
        self.secrets = secrets
        self.reads = 0

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        """The secret of this read."""
        assert SecretId == "contact-center"
        secret = self.secrets[min(self.reads, len(self.secrets) - 1)]
        self.reads += 1
        return {"SecretString": json.dumps(secret)}


class Parameters:
    """Systems Manager's parameters, as far as SecretStore uses them."""

    def __init__(self, certificates: str) -> None:
        self.certificates = certificates

    def get_parameter(self, Name: str, WithDecryption: bool) -> dict[str, dict[str, str]]:  # noqa: N803
        """The certificates."""
        assert (Name, WithDecryption) == ("company-ca", True)
        return {"Parameter": {"Value": self.certificates}}


class Caller:
    """A client and what it does between two attempts.

    Attributes:
        pauses: seconds it asked to sleep, in order; no time passes.
        failures: the arguments of `on_failure`: (contact id, error).
    """

    def __init__(
        self,
        vault: Vault,
        *,
        audience: str = "",
        provider: str = "amazon-connect",
        proxy: str = "",
        certificates: str | None = None,
    ) -> None:
        self.vault = vault
        self.pauses: list[float] = []
        self.failures: list[tuple[str, TelephonyError]] = []
        self.client = TelephonyClient(
            new_session(proxy=proxy),
            SecretStore(
                "contact-center",
                lambda: vault,
                lambda: Parameters(certificates or ""),
                audience=audience,
                on_loopback=True,
                certificate_parameter="" if certificates is None else "company-ca",
            ),
            provider,
            # The longest pause that the jitter may draw.
            RetryPolicy(draw=lambda _, most: most),
            self.pauses.append,
            lambda contact_id, error: self.failures.append((contact_id, error)),
        )

    def __enter__(self) -> Caller:
        """Open nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the kept connections."""
        self.client.session.close()

    def create(self, seconds: float = AMPLE_SECONDS, **changes: Any) -> SalesforceResult:
        """Create a voice call within that many seconds."""
        request = voice_call(**changes)
        return self.client.perform(
            Operation.CREATE, request.vendor_call_key, Deadline.after(seconds), request.to_json()
        )


def voice_call(**changes: Any) -> CreateRequest:
    """An inbound call, or what `changes` make of it."""
    values: dict[str, Any] = {
        "vendor_call_key": "contact-1",
        "to": SYSTEM,
        "from_": CUSTOMER,
        "initiation_method": CallInitiation.INBOUND,
        "start_time": "2026-10-20T10:00:00Z",
        "participants": (Participant(CUSTOMER),),
        "call_subtype": "PSTN",
    }
    return CreateRequest(**(values | changes))
