"""What a contact becomes in Salesforce's Telephony Integration API: the requests. Pure."""
