"""The contract with contact flows: methods, and answers in time."""
