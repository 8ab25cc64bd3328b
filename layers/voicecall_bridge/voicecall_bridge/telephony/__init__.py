"""Salesforce's Telephony Integration API over HTTPS: the only HTTP of the bridge."""
