"""Invoked by an operator: puts dead letters back into their stream, or discards them."""

from dataclasses import fields
from typing import Any

from voicecall_bridge.composition.redrive import redrive
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.streams.redrive import Request

HAND_OVER_SECONDS = 10.0
"""Seconds of Lambda's time-out that are kept for showing the dead letters again that stay."""


def handler(event: object, context: Any) -> dict[str, Any]:
    """One request: see voicecall_bridge.streams.redrive for what it may ask, what is answered."""
    request = Request.read(event)
    seconds = context.get_remaining_time_in_millis() / 1000 - HAND_OVER_SECONDS
    tally = redrive().run(request, Deadline.after(seconds))
    # Not asdict: it copies a Counter by counting its items.
    counted = {field.name: getattr(tally, field.name) for field in fields(tally)}
    return {"dryRun": request.dry_run, **counted}
