"""What is done once for a contact beside its creation: routing cleared, or begun anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld, Superseded
from voicecall_bridge.telephony.errors import TelephonyError
from voicecall_bridge.use_cases.outcomes import LeaseTimeout, Tidied

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.routing import RoutingLedger, RoutingStep


def once(
    ledger: RoutingLedger,
    key: ContactKey,
    step: RoutingStep,
    aim: Callable[[str | None], Callable[[], int]],
    deadline: Deadline,
) -> Tidied | None:
    """Does a contact's step unless it was done before; then None.

    Args:
        ledger, key, step, deadline: where, whose, what, and until when.
        aim: contact center that the ledger remembers (see contacts.Entry.center) -> what sends it
            there, and answers how many requests it took.

    Raises:
        LeaseTimeout: another worker is at it.
        TelephonyError, or what `aim` raises: it was not done; the next delivery tries again.
        LedgerUnavailable: the ledger does not answer.
    """
    lease = ledger.acquire(key, step, deadline.remaining() + LEASE_MARGIN_SECONDS)
    if isinstance(lease, Superseded):
        return None
    if isinstance(lease, LeaseHeld):
        raise LeaseTimeout(f"another delivery of this contact is at {step.name}")
    try:
        send = aim(lease.center)
    except Exception:  # nothing was sent, whatever the reason
        ledger.release(lease)
        raise
    try:
        tidied = Tidied(send(), found=True)
    except TelephonyError as error:
        if error.status != 404:
            ledger.release(lease)
            raise
        tidied = Tidied(error.attempts, found=False)  # no VoiceCall, so no routing either
    ledger.settle(lease)
    return tidied
