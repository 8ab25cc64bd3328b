"""The turn to create a contact's VoiceCall: one worker at a time, for one contact center."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.ledger.assignments import Elsewhere
from voicecall_bridge.ledger.lease import LEASE_MARGIN_SECONDS, LeaseHeld
from voicecall_bridge.ledger.table import LedgerUnavailable
from voicecall_bridge.use_cases.outcomes import LeaseTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.contact_centers.registry import Center
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.ledger.creations import Created, CreateLease, CreationLedger
    from voicecall_bridge.use_cases.center_choice import CenterChoice
    from voicecall_bridge.voice_call.create import CreateVoiceCall

LOOK_AGAIN_SECONDS = 0.1
"""Between two looks at a contact that another worker is creating."""
LEAST_RESERVE_SECONDS = 0.25
"""Kept of the time for remembering the outcome and answering; of little time, a quarter."""


def with_reserve(deadline: Deadline) -> Deadline:
    """The deadline less what remembering the outcome takes."""
    left = deadline.remaining()
    return deadline.less(max(left / 10, min(LEAST_RESERVE_SECONDS, left / 4)))


@dataclass(frozen=True, slots=True)
class Turns:
    """Who may create what, and where.

    Attributes:
        ledger: the memory.
        choice: reads contact centers from it.
        needs_ledger: whether a silent ledger is an error.
    """

    ledger: CreationLedger
    choice: CenterChoice
    needs_ledger: bool

    def take(
        self,
        contact: Contact,
        request: CreateVoiceCall,
        center: Center,
        deadline: Deadline,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> tuple[CreateLease | Created | None, Center]:
        """The right to send, or the VoiceCall another worker made; None: the ledger is silent. And
        to which contact center: `center`, unless the ledger knows better.

        Raises:
            LeaseTimeout: another worker is at it and did not finish in time.
            OtherContactCenter: the ledger knows it at a contact center that is not served.
            LedgerUnavailable: the ledger is silent, and needed.
        """
        body, patience = request.to_json(), with_reserve(deadline)
        try:
            while True:
                seconds = deadline.remaining() + LEASE_MARGIN_SECONDS
                turn = self.ledger.acquire(contact.key, body, seconds, center)
                if isinstance(turn, Elsewhere):
                    center = self.choice.kept(contact, turn)
                elif not isinstance(turn, LeaseHeld):
                    return turn, center
                elif not patience.allows(LOOK_AGAIN_SECONDS):
                    raise LeaseTimeout("another delivery of this contact is creating its VoiceCall")
                else:
                    sleep(LOOK_AGAIN_SECONDS)
        except LedgerUnavailable as fault:
            if self.needs_ledger:
                raise  # the record comes again, and is counted then
            self.choice.observer.ledger_fault("acquire", fault, contact.contact_id)
            return None, center
