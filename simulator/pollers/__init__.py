"""Pollers: what reads a stream or a queue for Lambda and invokes the function with batches."""
