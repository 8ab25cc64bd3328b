"""A stand-in for Salesforce's Telephony Integration API, for a laptop and for tests.

A real HTTP server on loopback that checks what Salesforce checks, keeps its records in SQLite,
and fails in every way it is told to (`faults.KINDS`).
"""

from local.salesforce.faults import Fault
from local.salesforce.identity import ContactCenterIdentity, new_identity
from local.salesforce.stand_in import SalesforceStandIn
from local.salesforce.store import ActionRecord, Exchange, VoiceCallRecord

__all__ = [
    "ActionRecord",
    "ContactCenterIdentity",
    "Exchange",
    "Fault",
    "SalesforceStandIn",
    "VoiceCallRecord",
    "new_identity",
]
