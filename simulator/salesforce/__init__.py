"""A simulator for Salesforce's Telephony Integration API, for people and for tests.

A real HTTP server on loopback that checks what Salesforce checks, keeps its records in SQLite,
and fails in every way that `faults.KINDS` lists.
"""

from simulator.salesforce.faults import Fault
from simulator.salesforce.identity import ContactCenterIdentity, new_identity
from simulator.salesforce.simulator import SalesforceSimulator
from simulator.salesforce.store import ActionRecord, Exchange, VoiceCallRecord

__all__ = [
    "ActionRecord",
    "ContactCenterIdentity",
    "Exchange",
    "Fault",
    "SalesforceSimulator",
    "VoiceCallRecord",
    "new_identity",
]
