"""The bridge from Amazon Connect contacts to Salesforce VoiceCalls.

Imports point one way: functions -> composition -> flow_methods -> bridge -> (telephony, ledger,
voice_call) -> contact.
"""
