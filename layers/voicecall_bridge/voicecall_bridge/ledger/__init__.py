"""What was sent for a contact and what became of it: the only DynamoDB."""
