"""What contact flows call: methods, and answers in time."""
