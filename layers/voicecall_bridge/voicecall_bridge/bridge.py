"""The use cases: the only place that knows in which order ledger and Salesforce are asked."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voicecall_bridge.ledger import Busy, ContactKey, Created, Lease, Ledger, LedgerUnavailable
from voicecall_bridge.telephony.errors import Effect, Rejected, TelephonyError
from voicecall_bridge.voice_call import CallInitiation, CreateVoiceCall, create_voice_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.telephony.client import CreatedVoiceCall, TelephonyClient

LEASE_MARGIN_SECONDS = 1.0
"""A lease outlives its holder's deadline by this much: clocks of two hosts may differ a little."""
LOOK_AGAIN_SECONDS = 0.1
"""Between two looks at a contact that another worker is creating."""
LEAST_RESERVE_SECONDS = 0.25
"""Kept of the time for remembering the outcome and answering; of little time, a quarter."""


@dataclass(frozen=True, slots=True)
class Creation:
    """A VoiceCall that exists.

    Attributes:
        voice_call_id: the record's id.
        existing: an earlier delivery had made it; nothing was sent.
        remarks: Salesforce's remarks on the create.
        attempts: requests that were sent.
    """

    voice_call_id: str
    existing: bool
    remarks: tuple[str, ...] = ()
    attempts: int = 0


class InProgress(Exception):
    """Another worker is creating the VoiceCall, and the time to wait for it has run out."""


class NotCreated(Exception):
    """Salesforce made no VoiceCall, as far as is known.

    Attributes:
        cause: why; its `effect` says whether the record may exist all the same.
        request_kept: the ledger holds the request, for whoever tries next.
    """

    def __init__(self, cause: TelephonyError, *, request_kept: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.request_kept = request_kept


def _may_mean_parent(error: Rejected) -> bool:
    # Which status an unknown parent has is documented nowhere; a conflict or a redirect it is not.
    return error.status in (400, 404, 422) and error.effect is Effect.NONE


def _with_reserve(deadline: Deadline) -> Deadline:
    left = deadline.remaining()
    return deadline.less(max(left / 10, min(LEAST_RESERVE_SECONDS, left / 4)))


@dataclass(slots=True)
class Bridge:
    """Contacts of Connect to VoiceCalls of Salesforce.

    Attributes:
        ledger: the memory; the bridge goes on without it when it does not answer.
        client: Salesforce.
        observer: logs and counters.
        now: epoch seconds.
        sleep: waits for seconds.
    """

    ledger: Ledger
    client: TelephonyClient
    observer: Observer
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def create(self, contact: Contact, asked: CallInitiation, deadline: Deadline) -> Creation:
        """Makes the contact's VoiceCall, once, whoever else is asked for the same.

        Raises:
            CannotCreate: this contact has no VoiceCall of its own.
            InProgress: another worker is at it and did not finish in time.
            NotCreated: Salesforce did not make it.
        """
        request = create_voice_call(contact, asked, datetime.fromtimestamp(self.now(), UTC))
        key = ContactKey(contact.instance_id, contact.contact_id)
        turn = self._turn(key, request, deadline)
        if isinstance(turn, Created):
            return Creation(turn.voice_call_id, existing=True)
        if turn is not None:
            request = request.started_as(turn.earlier_request)
        if turn is not None and turn.after_unknown:
            self.observer.count("RetriedUnknown")
        try:
            made = self._send(request, asked, _with_reserve(deadline))
        except TelephonyError as error:
            raise NotCreated(error, request_kept=self._remember_failure(turn, error)) from error
        if made.unknown_attempts:
            self.observer.count("MendedUnknown")
        if made.remarks:
            self.observer.count("CreatedWithRemarks")
            self.observer.trouble("created with remarks of Salesforce", contact.contact_id)
        voice_call_id = self._remember(turn, made.voice_call_id)
        return Creation(voice_call_id, False, made.remarks, made.attempts)

    def _turn(
        self, key: ContactKey, request: CreateVoiceCall, deadline: Deadline
    ) -> Lease | Created | None:
        """The right to send, or the VoiceCall another worker made; None: the ledger is silent."""
        try:
            while True:
                turn = self.ledger.begin(
                    key, request.to_json(), deadline.remaining() + LEASE_MARGIN_SECONDS
                )
                if not isinstance(turn, Busy):
                    return turn
                if made := self._wait(key, deadline):
                    return made
        except LedgerUnavailable as fault:
            self._ledger_fault("begin", fault, key.contact_id)
            return None

    def _wait(self, key: ContactKey, deadline: Deadline) -> Created | None:
        """Waits for another worker's answer; None: it gave up, so the contact is free again."""
        patience = _with_reserve(deadline)
        while patience.allows(LOOK_AGAIN_SECONDS):
            self.sleep(LOOK_AGAIN_SECONDS)
            standing = self.ledger.standing(key)
            if not isinstance(standing, Busy):
                return standing
        raise InProgress("another delivery of this contact is creating its VoiceCall")

    def _send(
        self, request: CreateVoiceCall, asked: CallInitiation, deadline: Deadline
    ) -> CreatedVoiceCall:
        try:
            return self.client.create_voice_call(request, deadline)
        except Rejected as error:
            # The flow asked for an initial call and would have got one from SCVL; the parent was
            # the bridge's idea. An agent without the link beats an agent without the call.
            if asked is request.initiation_method or not _may_mean_parent(error):
                raise
            refused = error
        self.observer.count("ParentRefused")
        try:
            made = self.client.create_voice_call(request.without_parent(), deadline)
        except TelephonyError as error:
            error.attempts += refused.attempts
            raise
        return replace(made, attempts=made.attempts + refused.attempts)

    def _remember(self, lease: Lease | None, voice_call_id: str) -> str:
        if lease is None:
            return voice_call_id
        try:
            standing = self.ledger.created(lease, voice_call_id)
        except LedgerUnavailable as fault:
            self._ledger_fault("created", fault, lease.key.contact_id)
            return voice_call_id
        if standing != voice_call_id:
            self.observer.count("SecondVoiceCall")
            self.observer.trouble(
                "two VoiceCalls for one contact", lease.key.contact_id, voiceCallId=voice_call_id
            )
        return standing

    def _remember_failure(self, lease: Lease | None, error: TelephonyError) -> bool:
        unknown = error.effect is Effect.UNKNOWN
        if unknown:
            self.observer.count("UnknownOutcome")
        if lease is None:
            return False
        try:
            self.ledger.not_created(lease, error.code, unknown=unknown)
        except LedgerUnavailable as fault:
            # The request is there since `begin`; the lease will run out and count as unknown.
            self._ledger_fault("not created", fault, lease.key.contact_id)
        return True

    def _ledger_fault(self, step: str, fault: LedgerUnavailable, contact_id: str) -> None:
        self.observer.count("LedgerFault")
        self.observer.trouble("ledger fault", contact_id, step=step, error=str(fault))
