"""The bridge from Amazon Connect contacts to Salesforce VoiceCalls.

Imports point one way: functions -> composition -> flow_service -> bridge -> (telephony, ledger,
voice_call) -> contact.
"""
