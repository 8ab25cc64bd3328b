"""Writes the docs, the pictures and the release; none of it is deployed."""
