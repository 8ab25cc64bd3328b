"""Lambda's way from a Kinesis stream to a function."""
