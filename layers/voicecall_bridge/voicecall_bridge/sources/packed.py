"""Explains why a stream record's data is not one JSON object: what packed it. Pure.

Amazon Connect writes one JSON object a record, plain (administrator guide, "Data streaming"). If
something between Connect and the stream packs the records, the text names it, and the cure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from voicecall_bridge.contact import NotAContact

if TYPE_CHECKING:
    from collections.abc import Mapping

_KPL = bytes.fromhex("f3899ac2")
"""How the Kinesis Producer Library begins an aggregate (its repository, aggregation-format.md)."""
_CURE = "let the function read the stream that Amazon Connect itself writes into, or "
_COMPRESSED: Mapping[bytes, str] = {
    bytes.fromhex("1f8b"): "gzip",
    bytes.fromhex("28b52ffd"): "Zstandard",
}
"""How compressed data begins -> by what."""


def why_not_json(data: bytes) -> NotAContact:
    """The error for data that is not JSON. It never quotes the data."""
    if data.startswith(_KPL):
        return NotAContact(
            "several records that the Kinesis Producer Library aggregated: "
            + _CURE
            + "switch aggregation off in the producer (AggregationEnabled=false)",
            "KPL_AGGREGATE",
        )
    for begin, by in _COMPRESSED.items():
        if data.startswith(begin):
            return NotAContact(
                f"compressed by {by}: {_CURE}decompress the data before it is put there",
                "COMPRESSED",
            )
    if _holds_several(data):
        return several_objects()
    return NotAContact("the record's data is not JSON")


def several_objects() -> NotAContact:
    """The error for a record that holds more than one object."""
    return NotAContact(
        f"several JSON objects in one record: {_CURE}put each object into a record of its own",
        "SEVERAL_OBJECTS",
    )


def _holds_several(data: bytes) -> bool:
    decoder = json.JSONDecoder()
    try:
        text = data.decode().strip()
        first, end = decoder.raw_decode(text)
        # Two whole objects are needed: one and a part may be a record that was cut off.
        second, _ = decoder.raw_decode(text[end:].lstrip(" \t\r\n,"))
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and isinstance(second, dict)
