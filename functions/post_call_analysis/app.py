"""Invoked asynchronously for each file that Contact Lens writes about a call."""

from typing import Any

from voicecall_bridge.composition.post_call_analysis import post_call_analysis


def handler(event: object, context: Any) -> dict[str, str]:
    """One file: see streams.post_call_analysis in voicecall_bridge."""
    seconds_left = context.get_remaining_time_in_millis() / 1000
    return post_call_analysis().handle(event, seconds_left)
