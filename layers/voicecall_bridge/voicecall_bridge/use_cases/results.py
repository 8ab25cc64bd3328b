"""How a use case can end, besides telephony.answers.SalesforceResult."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicecall_bridge.telephony.answers import SalesforceResult
    from voicecall_bridge.telephony.errors import TelephonyError


@dataclass(eq=False, repr=False, slots=True)
class Progress:
    """How far the work has come, for a caller that stops waiting before it ends.

    Attributes:
        request_kept: the ledger holds the request.
        made: Salesforce's answer, as soon as it is there; only storing it is left.
    """

    request_kept: bool = False
    made: SalesforceResult | None = None


class LeaseTimeout(Exception):
    """Another worker held the lease until the time to wait was over.

    Attributes:
        request_kept: the ledger holds the request, in case that worker dies.
    """

    def __init__(self, text: str, *, request_kept: bool = False) -> None:
        super().__init__(text)
        self.request_kept = request_kept


class NotCreated(Exception):
    """Salesforce made no VoiceCall, as far as is known.

    Attributes:
        cause: why; its `effect` says whether the record may exist.
        request_kept: the ledger holds the request for the next try.
    """

    def __init__(self, cause: TelephonyError, *, request_kept: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.request_kept = request_kept


class CallOver(Exception):
    """The call has ended; its contact record makes the VoiceCall."""


class ParentMissing(Exception):
    """A transfer's parent has no VoiceCall, and gets none during the call: it has ended, or
    Salesforce refuses it."""


class NoVoiceCall(Exception):
    """Salesforce does not know the call.

    Attributes:
        attempts: requests that were sent.
    """

    def __init__(self, attempts: int) -> None:
        super().__init__("Salesforce does not know the call")
        self.attempts = attempts


class NotRouted(Exception):
    """Salesforce answered, and does not route the call to anyone.

    Attributes:
        remarks: its own words; they may hold data of the call.
        attempts: requests that were sent.
    """

    def __init__(self, remarks: tuple[str, ...], attempts: int) -> None:
        super().__init__(
            "Salesforce does not route the call: check the Omni flow, its fallback queue, and "
            "that they are mapped to this contact center"
        )
        self.remarks = remarks
        self.attempts = attempts
