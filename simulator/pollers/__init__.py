"""Pollers: they read a stream or a queue for Lambda and invoke the function with batches."""
