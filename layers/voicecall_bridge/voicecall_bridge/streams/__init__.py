"""Batches of the Kinesis streams, and the handling of each of their records."""
