"""From contacts to the requests of Salesforce's Telephony Integration API. Pure."""
