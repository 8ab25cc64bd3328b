"""Clients of the Telephony Integration API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.telephony.client import TelephonyClient, new_session
from voicecall_bridge.telephony.clients import TelephonyClients
from voicecall_bridge.telephony.credentials import SecretStore

if TYPE_CHECKING:
    from voicecall_bridge.composition.aws import AwsClients
    from voicecall_bridge.contact_centers.registry import ContactCenter
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.settings.shared import SalesforceSettings
    from voicecall_bridge.telephony.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class TelephonyOptions:
    """The options in which the functions differ.

    Attributes:
        secret_seconds: seconds that Secrets Manager and Systems Manager may take for an answer.
        connections: kept to each contact center.
        retries: whether a failed attempt is followed by another; None: as the client has it.
    """

    secret_seconds: float
    connections: int = 1
    retries: RetryPolicy | None = None


def telephony_clients(
    settings: SalesforceSettings, aws: AwsClients, observer: Observer, options: TelephonyOptions
) -> TelephonyClients:
    """A client for each contact center, with a session, a secret and tokens of its own: a fault of
    one of them does not touch the others."""

    def made(contact_center: ContactCenter) -> TelephonyClient:
        secrets = SecretStore(
            contact_center.secret,
            aws.maker("secretsmanager", options.secret_seconds),
            aws.maker("ssm", options.secret_seconds),
            settings.private_key_parameter if contact_center.default else "",
            settings.jwt_audience,
            settings.on_loopback,
            settings.certificate_parameter,
        )
        client = TelephonyClient(
            new_session(options.connections, settings.proxy),
            secrets,
            settings.provider_name,
            on_retry=lambda: observer.count("Retry"),
            on_failure=observer.failed_attempt,
            calls=settings.calls,
        )
        if options.retries is not None:
            client.retries = options.retries
        return client

    return TelephonyClients(settings.contact_centers, made)
