"""The observer of a function."""

from __future__ import annotations

import logging
import os

from voicecall_bridge.observability import Observer


def new_observer() -> Observer:
    """An observer whose metrics go where the environment says."""
    # These write secrets, tokens and whole requests at DEBUG, and anyone may raise a function's
    # log level in the console.
    for name in ("botocore", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return Observer(os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "VoiceCallBridge")
