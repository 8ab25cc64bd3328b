"""Builds everything from the settings, once per execution environment; nothing else does.

botocore directly, not boto3: the clients are the same, and boto3's resource layer costs start-up
time for nothing the bridge uses.
"""

from __future__ import annotations

import logging
import os
import random
import threading
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import botocore.loaders
import botocore.session
from botocore.config import Config

from voicecall_bridge.aws.dead_letters import DeadLetterQueue
from voicecall_bridge.contact_centers.registry import Center, PerCenter
from voicecall_bridge.ledger.creations import Ledger
from voicecall_bridge.observability import Observer
from voicecall_bridge.settings.all import Settings, SettingsError
from voicecall_bridge.telephony.client import TelephonyClient, new_session
from voicecall_bridge.telephony.credentials import SecretStore
from voicecall_bridge.use_cases.create import Bridge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.flow.service import FlowService
    from voicecall_bridge.streams.contact_events import ContactEvents
    from voicecall_bridge.streams.contact_records import ContactRecords
    from voicecall_bridge.streams.processor import StreamProcessor
    from voicecall_bridge.streams.redrive import Redrive
    from voicecall_bridge.use_cases.call_actions import CallActions

    ClientMaker = Callable[[str, float], Any]

One = TypeVar("One")
Other = TypeVar("Other")

LEDGER_SHARE = 1 / 6
"""Share of the flow's budget that one answer of DynamoDB may take: a silent ledger is given up
early enough for the VoiceCall to be made without it."""
SECRET_SHARE = 1 / 4
"""Share of the flow's budget that Secrets Manager may take, once in the life of an environment."""
STREAM_SECONDS = 3.0
"""What AWS may take for an answer where no caller waits."""
CHAINS_AT_ONCE = 8
"""Contact chains that one environment handles at the same time."""
RECORDS_AT_ONCE = 100
"""Chains of contact records that one environment handles at the same time: a whole batch. Each only
waits, for the ledger, for Salesforce and for the ledger again."""
FLOW_SERVICES = ("dynamodb", "secretsmanager", "ssm", "sqs")
"""The AWS services that a flow's call may need."""
_MAKING = threading.Lock()


def prepare_flow() -> None:
    """Do before the first call what can be done then, where Lambda gives time for it.

    Called at import. Nobody waits before a snapshot (SnapStart) or in an environment that is kept
    ready (provisioned concurrency). On demand the caller waits all the same, so nothing is done.

    What is done talks to nobody, reads no secret, asks for no credentials and draws no random
    number, since a snapshot is old when it is used, and every copy of it starts the same.
    """
    start = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "")
    if start not in ("snap-start", "provisioned-concurrency"):
        return
    flow_service()
    session = _session()
    for service in FLOW_SERVICES:
        # Only to have read its model; a client asks for credentials unless it is given some.
        session.create_client(service, aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
    if start == "snap-start":
        # The managed runtime brings it along; nothing else has it or needs it.
        from snapshot_restore_py import register_after_restore  # noqa: PLC0415

        register_after_restore(renew_flow)


def renew_flow() -> None:
    """After a snapshot is restored: nothing of before is used again but code and AWS's models.

    Secret, tokens, connections, clients, credentials and settings are made anew by the next call.
    The jitter of retries is drawn by `random`, whose state all copies of a snapshot share; what is
    drawn by the operating system (`jti`, TLS) differs by itself (Lambda developer guide, "Handling
    uniqueness with Lambda SnapStart").
    """
    random.seed()
    flow_service.cache_clear()


@lru_cache(maxsize=1)
def flow_service() -> FlowService:
    """What `contact_flow` runs on."""
    # Here, so that no function loads what only another one runs on.
    from voicecall_bridge.flow.service import FlowService  # noqa: PLC0415

    observer = _observer()
    # The caller's time is short: what a retry could mend, the next delivery mends.
    client = _client_maker(attempts=1)
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        queue = _queue_alone(client, error.budget)
        return FlowService(observer, None, queue, error.budget, error.failure, str(error))
    budget = settings.flow_budget_seconds
    ledger_seconds = budget * LEDGER_SHARE
    ledger = Ledger(partial(client, "dynamodb", ledger_seconds), settings.ledger_table)
    telephony = _telephony(settings, client, budget * SECRET_SHARE, observer)
    return FlowService(
        observer,
        Bridge(ledger, telephony, observer),
        DeadLetterQueue(partial(client, "sqs", ledger_seconds), settings.dead_letter_queue_url),
        budget,
        settings.flow_failure,
        on_overrun=flow_service.cache_clear,
        actions=partial(_call_actions, ledger, telephony, observer),
        instance_arn=settings.connect_instance_arn,
    )


def _call_actions(
    ledger: Ledger, clients: PerCenter[TelephonyClient], observer: Observer
) -> CallActions:
    """Made when a flow first asks about a VoiceCall that is there: creating needs none of it."""
    from voicecall_bridge.ledger.callbacks import CallbackLedger  # noqa: PLC0415
    from voicecall_bridge.ledger.table import Table  # noqa: PLC0415
    from voicecall_bridge.use_cases.call_actions import CallActions  # noqa: PLC0415

    callbacks = CallbackLedger(Table(ledger.client, ledger.table))
    return CallActions(ledger, callbacks, clients, observer)


@lru_cache(maxsize=1)
def contact_events() -> StreamProcessor[Any]:
    """What `contact_events` runs on.

    Raises:
        SettingsError: naming every variable that is missing or faulty; the batch comes again.
    """
    from voicecall_bridge.aws.contact_directory import ContactDirectory  # noqa: PLC0415
    from voicecall_bridge.streams.contact_events import ContactEvents  # noqa: PLC0415
    from voicecall_bridge.streams.processor import StreamProcessor  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    observer = _observer()
    client = _client_maker(attempts=3)
    bridge = Bridge(
        Ledger(partial(client, "dynamodb", STREAM_SECONDS), settings.ledger_table),
        _telephony(settings, client, STREAM_SECONDS, observer, CHAINS_AT_ONCE),
        observer,
        ContactDirectory(partial(client, "connect", STREAM_SECONDS)),
        needs_ledger=True,
    )
    source: ContactEvents = ContactEvents(bridge, settings.create_from_events)
    return StreamProcessor(
        source,
        _dead_letters(settings, client),
        observer,
        CHAINS_AT_ONCE,
        on_overrun=contact_events.cache_clear,
    )


@lru_cache(maxsize=1)
def contact_records() -> StreamProcessor[Any]:
    """What `contact_records` runs on.

    Raises:
        SettingsError: naming every variable that is missing or faulty; the batch comes again.
    """
    from voicecall_bridge.ledger.grouped_table import GroupedTable  # noqa: PLC0415
    from voicecall_bridge.ledger.records import RecordLedger  # noqa: PLC0415
    from voicecall_bridge.settings.contact_records import RecordRules  # noqa: PLC0415
    from voicecall_bridge.streams.contact_records import ContactRecords  # noqa: PLC0415
    from voicecall_bridge.streams.processor import StreamProcessor  # noqa: PLC0415
    from voicecall_bridge.use_cases.record_updates import RecordUpdates  # noqa: PLC0415

    settings, rules = _both(Settings.from_environment, RecordRules.from_environment)
    observer = _observer()
    client = partial(_aws_client, _session(), 3)
    # The same PATCH twice is the same record: a token may serve many.
    telephony = _telephony(
        settings, client, STREAM_SECONDS, observer, RECORDS_AT_ONCE, shares_tokens=True
    )
    updates = RecordUpdates(
        RecordLedger(
            GroupedTable(partial(client, "dynamodb", STREAM_SECONDS), settings.ledger_table)
        ),
        telephony,
        observer,
    )
    source: ContactRecords = ContactRecords(updates, rules)
    return StreamProcessor(
        source,
        _dead_letters(settings, client),
        observer,
        RECORDS_AT_ONCE,
        on_overrun=contact_records.cache_clear,
    )


def _both(
    one: Callable[[Mapping[str, str]], One], other: Callable[[Mapping[str, str]], Other]
) -> tuple[One, Other]:
    """Two readers of the environment; the faults of both are told at once."""
    faults: list[str] = []
    read: list[Any] = []
    for reader in (one, other):
        try:
            read.append(reader(os.environ))
        except SettingsError as error:
            faults.append(str(error))
    if faults:
        raise SettingsError("; ".join(faults))
    return read[0], read[1]


@lru_cache(maxsize=1)
def redrive() -> Redrive:
    """What `redrive` runs on.

    Raises:
        SettingsError: naming every variable that is missing or faulty.
    """
    from voicecall_bridge.streams.redrive import Redrive  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    client = _client_maker(attempts=3)
    return Redrive(_dead_letters(settings, client), partial(client, "kinesis", STREAM_SECONDS))


def _observer() -> Observer:
    # These write secrets, tokens and whole requests at DEBUG, and the function's log level is
    # anybody's to raise in the console.
    for name in ("botocore", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return Observer(os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "VoiceCallBridge")


def _telephony(
    settings: Settings,
    client: ClientMaker,
    secret_seconds: float,
    observer: Observer,
    connections: int = 1,
    *,
    shares_tokens: bool = False,
) -> PerCenter[TelephonyClient]:
    """A client for each contact center, with a session, a secret and tokens of its own: what is
    wrong with one of them is none of the others' business."""

    def made(center: Center) -> TelephonyClient:
        secrets = SecretStore(
            center.secret,
            partial(client, "secretsmanager", secret_seconds),
            partial(client, "ssm", secret_seconds),
            settings.private_key_parameter if center.default else "",
            settings.jwt_audience,
        )
        return TelephonyClient(
            new_session(connections),
            secrets,
            settings.telephony_provider_name,
            on_retry=lambda: observer.count("Retry"),
            on_failure=observer.failed_attempt,
            shares_tokens=shares_tokens,
            calls=settings.telephony_calls,
        )

    return PerCenter(settings.centers, made)


def _dead_letters(settings: Settings, client: ClientMaker) -> DeadLetterQueue:
    return DeadLetterQueue(
        partial(client, "sqs", STREAM_SECONDS),
        settings.dead_letter_queue_url,
        partial(client, "s3", STREAM_SECONDS),
        settings.failure_bucket,
    )


def _queue_alone(client: ClientMaker, budget: float) -> DeadLetterQueue | None:
    """The queue where the other settings cannot be used: what comes meanwhile is kept."""
    url = os.environ.get("DEAD_LETTER_QUEUE_URL", "").strip()
    return DeadLetterQueue(partial(client, "sqs", budget * LEDGER_SHARE), url) if url else None


def _client_maker(attempts: int) -> ClientMaker:
    """Makes each client once, one at a time: botocore's session is not made for several threads,
    and the chains of an environment's first batch all want the same clients at once."""
    session = _session()
    lock = threading.Lock()
    made: dict[tuple[str, float], Any] = {}

    def client(service: str, seconds: float) -> Any:
        with lock:
            if (service, seconds) not in made:
                made[service, seconds] = _aws_client(session, attempts, service, seconds)
            return made[service, seconds]

    return client


def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _models())
    return session


@lru_cache(maxsize=1)
def _models() -> botocore.loaders.Loader:
    """The models of AWS's services, read from the disk once in the life of a process."""
    return botocore.loaders.create_loader()


def _aws_client(
    session: botocore.session.Session, attempts: int, service: str, seconds: float
) -> Any:
    config = Config(
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"total_max_attempts": attempts},
        # The requests are the bridge's own; checking each against the model takes 0.9 ms.
        parameter_validation=False,
        tcp_keepalive=True,
        max_pool_connections=CHAINS_AT_ONCE,
        # A fixed text: botocore would put its own together twice a call, 0.1 ms each.
        user_agent="voicecall-bridge",
    )
    with _MAKING:  # a session is not made for threads; the clients it makes are
        return session.create_client(service, config=config)
