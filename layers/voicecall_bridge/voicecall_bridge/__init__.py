"""The bridge from Amazon Connect contacts to Salesforce VoiceCalls.

Imports point one way: functions -> composition -> flow_service -> bridge -> (telephony, ledger,
voice_call) -> contact.
"""

__version__ = "0.1.0"
"""Of the whole stack, by Semantic Versioning: the one place (docs/release.md)."""
