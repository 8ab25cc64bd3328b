"""Fed by the stream of contact records; answers which records Lambda is to deliver again."""

from typing import Any

from voicecall_bridge.composition.contact_records import contact_records


def handler(event: object, context: Any) -> dict[str, list[dict[str, str]]]:
    """One batch: see streams.processor and streams.contact_records in voicecall_bridge."""
    seconds_left = context.get_remaining_time_in_millis() / 1000
    return contact_records().answer(event, seconds_left)
