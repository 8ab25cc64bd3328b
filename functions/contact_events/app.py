"""Fed by the stream of contact events; answers which records Lambda is to deliver again."""

from typing import Any

from voicecall_bridge.composition.contact_events import contact_events


def handler(event: object, context: Any) -> dict[str, list[dict[str, str]]]:
    """One batch: see streams.processor and streams.contact_events in voicecall_bridge."""
    seconds_left = context.get_remaining_time_in_millis() / 1000
    return contact_events().answer(event, seconds_left)
