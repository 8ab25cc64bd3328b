"""The bridge from Amazon Connect contacts to Salesforce VoiceCalls.

Imports point one way: functions -> composition -> flow, streams -> use_cases -> (telephony, ledger,
contact_centers, aws) -> voice_call -> sources -> contact.
"""

__version__ = "0.1.0"
"""Of the whole stack, by Semantic Versioning: the one place (docs/release.md)."""
