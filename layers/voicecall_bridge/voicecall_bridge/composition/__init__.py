"""Builds what each function runs on, once per execution environment; nothing else does."""
