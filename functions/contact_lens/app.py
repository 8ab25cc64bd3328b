"""Fed by the stream of Contact Lens segments; answers which records Lambda is to deliver again."""

from typing import Any

from voicecall_bridge.composition.contact_lens import contact_lens


def handler(event: object, context: Any) -> dict[str, list[dict[str, str]]]:
    """One batch: see streams.contact_lens in voicecall_bridge."""
    seconds_left = context.get_remaining_time_in_millis() / 1000
    return contact_lens().answer(event, seconds_left)
