"""The requests that were sent for a contact, and their outcomes: the only DynamoDB."""
