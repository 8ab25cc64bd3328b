"""The observer of a function."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from voicecall_bridge.observability import Observer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voicecall_bridge.settings.shared import ItemFault


def new_observer() -> Observer:
    """An observer with the metrics namespace that the environment names."""
    # At DEBUG these write secrets, tokens and whole requests, and a function's log level can be
    # raised in the console.
    for name in ("botocore", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return Observer(os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "VoiceCallBridge")


def report_item_faults(observer: Observer, item_faults: Iterable[ItemFault]) -> None:
    """Reports wrong items of settings, once a start. Nothing else would show them: the function
    runs without them."""
    for it in item_faults:
        observer.setting_fault(it.setting, it.item, it.fault)
