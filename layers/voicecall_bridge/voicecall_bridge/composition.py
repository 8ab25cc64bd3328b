"""Builds everything from the settings, once per execution environment; nothing else does.

botocore directly, not boto3: the clients are the same, and boto3's resource layer costs start-up
time for nothing the bridge uses.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config

from voicecall_bridge.bridge import Bridge
from voicecall_bridge.dead_letters import DeadLetterQueue
from voicecall_bridge.flow_methods import FlowService
from voicecall_bridge.ledger import Ledger
from voicecall_bridge.observability import Observer
from voicecall_bridge.secret_store import SecretStore
from voicecall_bridge.settings import Settings, SettingsError
from voicecall_bridge.telephony.client import TelephonyClient, new_session

if TYPE_CHECKING:
    from collections.abc import Callable

LEDGER_SHARE = 1 / 6
"""Share of the flow's budget that one answer of DynamoDB may take: a silent ledger is given up
early enough for the VoiceCall to be made without it."""
SECRET_SHARE = 1 / 4
"""Share of the flow's budget that Secrets Manager may take, once in the life of an environment."""
LEAST_SECONDS = 0.1


@lru_cache(maxsize=1)
def flow_service() -> FlowService:
    """What `contact_flow` runs on."""
    observer = Observer(os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "VoiceCallBridge")
    client = partial(_aws_client, botocore.session.get_session())
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        return FlowService(observer, dead_letters=_queue_alone(client), fault=str(error))
    budget = settings.flow_budget_seconds
    ledger_seconds = max(budget * LEDGER_SHARE, LEAST_SECONDS)
    secret_seconds = max(budget * SECRET_SHARE, LEAST_SECONDS)
    secrets = SecretStore(
        settings.contact_center_secret,
        partial(client, "secretsmanager", secret_seconds),
        partial(client, "ssm", secret_seconds),
        settings.private_key_parameter,
        settings.jwt_audience,
    )
    telephony = TelephonyClient(
        new_session(),
        secrets,
        settings.telephony_provider_name,
        on_failure=observer.failed_attempt,
    )
    ledger = Ledger(partial(client, "dynamodb", ledger_seconds), settings.ledger_table)
    return FlowService(
        observer,
        Bridge(ledger, telephony, observer),
        DeadLetterQueue(partial(client, "sqs", ledger_seconds), settings.dead_letter_queue_url),
        budget,
        settings.flow_failure,
        on_overrun=flow_service.cache_clear,
    )


def _queue_alone(client: Callable[[str, float], Any]) -> DeadLetterQueue | None:
    """The queue where the other settings cannot be used: what comes meanwhile is kept."""
    url = os.environ.get("DEAD_LETTER_QUEUE_URL", "").strip()
    return DeadLetterQueue(partial(client, "sqs", 1.0), url) if url else None


def _aws_client(session: botocore.session.Session, service: str, seconds: float) -> Any:
    return session.create_client(
        service,
        config=Config(
            connect_timeout=seconds,
            read_timeout=seconds,
            # The caller's time is short: what a retry could mend, the next delivery mends.
            retries={"total_max_attempts": 1},
            # The requests are the bridge's own; checking each against the model takes 0.9 ms.
            parameter_validation=False,
            tcp_keepalive=True,
            # A fixed text: botocore would put its own together twice a call, 0.1 ms each.
            user_agent="voicecall-bridge",
        ),
    )
