"""Builds the objects of `contact_flow`."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from voicecall_bridge.aws.dead_letters import DeadLetterSender, NoDeadLetterQueue
from voicecall_bridge.composition.aws import AwsClients
from voicecall_bridge.composition.ledger import ledger_table
from voicecall_bridge.composition.observer import new_observer, report_item_faults
from voicecall_bridge.composition.salesforce import TelephonyOptions, telephony_clients
from voicecall_bridge.flow.service import FlowService, UnconfiguredFlow
from voicecall_bridge.ledger.creations import CreationLedger
from voicecall_bridge.ledger.table import Table, text
from voicecall_bridge.settings.contact_flow import ContactFlowSettings, FlowSettingsError
from voicecall_bridge.telephony.client import read_certificates
from voicecall_bridge.telephony.errors import Unauthorized
from voicecall_bridge.tls import renew_random_numbers
from voicecall_bridge.use_cases.create import CreateVoiceCall

if TYPE_CHECKING:
    from voicecall_bridge.flow.service import FlowAnswers
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.telephony.clients import TelephonyClients
    from voicecall_bridge.use_cases.call_actions import CallActions

LEDGER_SHARE = 1 / 6
"""Share of the flow's budget that one answer of DynamoDB may take: a silent ledger is given up
early enough for the VoiceCall to be made without it."""
SECRET_SHARE = 1 / 4
"""Share of the flow's budget that Secrets Manager may take, once in the life of an environment."""
FLOW_ATTEMPTS = 1
"""The caller's time is short, and the next delivery repairs what a retry would."""


def prepare_flow() -> None:
    """Prepares the function before the first call, where Lambda gives time for it.

    Called at import. No caller waits before a snapshot (SnapStart) or while an environment is kept
    ready (provisioned concurrency). On demand a caller waits, so nothing is done.

    Preparing sends no request, reads no secret and looks up no credentials: a snapshot is old when
    it is used, and all its copies start with the same state.
    """
    start = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "")
    if start not in ("snap-start", "provisioned-concurrency"):
        return
    service = flow_service()
    if isinstance(service, FlowService):
        service.prepare()
    if start == "snap-start":
        # Only the managed runtime has this library, and only SnapStart needs it.
        from snapshot_restore_py import register_after_restore  # noqa: PLC0415

        register_after_restore(renew_flow, _settings())


def renew_flow(prepared: ContactFlowSettings | None = None) -> None:
    """Draws random state anew after a snapshot is restored.

    Args:
        prepared: the settings of the prepared service. The service is kept if the settings are the
            same and without item faults, which each environment reports. None: the next call makes
            everything anew.

    All copies of a snapshot share the state of `random`, which draws the jitter of retries, and
    that of OpenSSL, if a TLS context was made. The operating system draws `jti` (Lambda developer
    guide, "Handling uniqueness with Lambda SnapStart").
    """
    random.seed()
    renew_random_numbers()
    if prepared is None or prepared.item_faults or prepared != _settings():
        flow_service.cache_clear()


def _settings() -> ContactFlowSettings | None:
    try:
        return ContactFlowSettings.from_environment(os.environ)
    except FlowSettingsError:
        return None


def _prepare(aws: AwsClients, table: Table, clients: TelephonyClients) -> None:
    registry = clients.contact_centers
    prepared = [clients.of(each) for each in {registry.default, *registry.known.values()}]
    for client in prepared:
        read_certificates(client.session)
    aws.prepare()
    with aws.rehearsal():
        # As a create writes; a rehearsed request reaches no table and gets no secret.
        table.update("rehearsal", "SET a = :a", {":a": text("")}, condition="a <> :a")
        for client in prepared:
            with suppress(Unauthorized):
                client.secrets.current()


@lru_cache(maxsize=1)
def flow_service() -> FlowAnswers:
    """The service that answers a flow, also where the settings cannot be used."""
    observer = new_observer()
    aws = AwsClients(FLOW_ATTEMPTS)
    try:
        settings = ContactFlowSettings.from_environment(os.environ)
    except FlowSettingsError as error:
        return _unconfigured(error, aws, observer)
    report_item_faults(observer, settings.item_faults)
    budget = settings.budget_seconds
    ledger_seconds = budget * LEDGER_SHARE
    ledger = CreationLedger(ledger_table(aws, settings.ledger_table, ledger_seconds))
    telephony = telephony_clients(
        settings.salesforce, aws, observer, TelephonyOptions(budget * SECRET_SHARE)
    )
    return FlowService(
        observer=observer,
        create=CreateVoiceCall(ledger, telephony, observer),
        dead_letters=DeadLetterSender(
            aws.maker("sqs", ledger_seconds), settings.dead_letter_queue_url
        ),
        budget=budget,
        failure=settings.failure,
        on_overrun=flow_service.cache_clear,
        actions=partial(_call_actions, ledger, telephony, observer),
        prepare=partial(_prepare, aws, ledger.table, telephony),
        instance_arn=settings.instance_arn,
        sent_records=settings.sent_records,
    )


def _unconfigured(
    error: FlowSettingsError, aws: AwsClients, observer: Observer
) -> UnconfiguredFlow:
    url = error.dead_letter_queue_url
    sqs = aws.maker("sqs", error.budget * LEDGER_SHARE)
    return UnconfiguredFlow(
        observer=observer,
        dead_letters=DeadLetterSender(sqs, url) if url else NoDeadLetterQueue(),
        budget=error.budget,
        failure=error.failure,
        fault=str(error),
    )


def _call_actions(
    ledger: CreationLedger, clients: TelephonyClients, observer: Observer
) -> CallActions:
    """Made at the first request about an existing VoiceCall: creating does not need it."""
    from voicecall_bridge.ledger.records import RecordLedger  # noqa: PLC0415
    from voicecall_bridge.ledger.requests import RequestLedger  # noqa: PLC0415
    from voicecall_bridge.use_cases.call_actions import CallActions  # noqa: PLC0415

    requests, records = RequestLedger(ledger.table), RecordLedger(ledger.table)
    return CallActions(ledger, requests, records, clients, observer)
