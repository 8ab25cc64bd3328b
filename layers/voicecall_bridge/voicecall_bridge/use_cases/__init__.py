"""The use cases: the only place that knows in which order ledger and Salesforce are asked."""
