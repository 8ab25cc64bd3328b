"""What is done once for a contact beside its creation: routing cleared, or begun anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voicecall_bridge.ledger.creations import LEASE_MARGIN_SECONDS, Busy, ContactKey, Ledger, Step
from voicecall_bridge.telephony.errors import TelephonyError
from voicecall_bridge.use_cases.outcomes import InProgress, Tidied

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.deadline import Deadline


def once(
    ledger: Ledger,
    key: ContactKey,
    step: Step,
    aim: Callable[[str | None], Callable[[], int]],
    deadline: Deadline,
) -> Tidied | None:
    """Does a contact's step unless it was done before; then None.

    Args:
        ledger, key, step, deadline: where, whose, what, and until when.
        aim: contact center that the ledger remembers (see contacts.Entry.center) -> what sends it
            there, and answers how many requests it took.

    Raises:
        InProgress: another worker is at it.
        TelephonyError, or what `aim` raises: it was not done; the next delivery tries again.
        LedgerUnavailable: the ledger does not answer.
    """
    turn = ledger.begin_step(key, step, deadline.remaining() + LEASE_MARGIN_SECONDS)
    if turn is None:
        return None
    if isinstance(turn, Busy):
        raise InProgress(f"another delivery of this contact is at {step.name}")
    try:
        send = aim(turn.center)
    except Exception:  # nothing was sent, whatever the reason
        ledger.finish_step(key, step, done=False)
        raise
    try:
        tidied = Tidied(send(), found=True)
    except TelephonyError as error:
        if error.status != 404:
            ledger.finish_step(key, step, done=False)
            raise
        tidied = Tidied(error.attempts, found=False)  # no VoiceCall, so no routing either
    ledger.finish_step(key, step, done=True)
    return tidied
