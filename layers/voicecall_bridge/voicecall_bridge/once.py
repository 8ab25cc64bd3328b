"""What is done once for a contact beside its creation: routing cleared, or begun anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voicecall_bridge.ledger import LEASE_MARGIN_SECONDS, Busy, ContactKey, Ledger, Step
from voicecall_bridge.outcomes import InProgress, Tidied
from voicecall_bridge.telephony.errors import TelephonyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.deadline import Deadline


def once(
    ledger: Ledger,
    key: ContactKey,
    step: Step,
    send: Callable[[str, Deadline], int],
    deadline: Deadline,
) -> Tidied | None:
    """Does a step unless it was done before; then None.

    Raises:
        InProgress: another worker is at it.
        TelephonyError: Salesforce did not do it; the next delivery tries again.
        LedgerUnavailable: the ledger does not answer.
    """
    turn = ledger.begin_step(key, step, deadline.remaining() + LEASE_MARGIN_SECONDS)
    if isinstance(turn, Busy):
        raise InProgress(f"another delivery of this contact is at {step.name}")
    if not turn:
        return None
    try:
        tidied = Tidied(send(key.contact_id, deadline), found=True)
    except TelephonyError as error:
        if error.status != 404:
            ledger.finish_step(key, step, done=False)
            raise
        tidied = Tidied(error.attempts, found=False)  # no VoiceCall, so no routing either
    ledger.finish_step(key, step, done=True)
    return tidied
