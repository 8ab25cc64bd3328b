"""Checks what usually goes wrong before the first call is made: `./bridge doctor`.

An operator's tool, not deployed. It reads what the bridge reads, with the bridge's own reader,
signer and client, and asks Salesforce for one thing that can create nothing. It shows names and
shapes; never a secret's value, a key, a token or a host's name.
"""
