"""The sources that a sample names, and the source of an event by its shape.

A source is named by the folder of its function: functions/contact_events is fed by contact_events.
A sample may say it in the singular.
"""

from pathlib import Path
from typing import Any, Final

__all__ = ["ANSWERED", "source_named", "source_of", "sources"]

FUNCTIONS: Final = Path(__file__).resolve().parents[2] / "functions"

ANSWERED: Final = ("contact_flow", "redrive")
"""Sources with a caller that waits for an answer; all others are asynchronous."""

_CONTACT_EVENT: Final = "Amazon Connect Contact Event"
_RECORD_FORMAT: Final = "AWSContactTraceRecordFormatVersion"
_RECORD_MEMBERS: Final = frozenset(("ContactId", "LastUpdateTimestamp"))
_SEGMENT_MEMBERS: Final = frozenset(("ContactId", "InstanceId", "EventType"))
_WARM_UP: Final = "Scheduled Event"
"""The event that keeps the functions of Salesforce's own package warm."""
_FILE_CREATED: Final = "Object Created"


def sources() -> list[str]:
    """The names of all sources."""
    return sorted(app.parent.name for app in FUNCTIONS.glob("*/app.py"))


def source_named(name: str) -> str:
    """The source that a sample means by this name; empty where there is none."""
    return next((found for found in sources() if name and found in (name, f"{name}s")), "")


def source_of(event: Any) -> str:
    """The source of an event, by its shape; empty if the shape is not known."""
    members = event if isinstance(event, dict) else {}
    looks = {
        "contact_flow": isinstance(members.get("Details"), dict)
        or members.get("detail-type") == _WARM_UP,
        "contact_events": members.get("detail-type") == _CONTACT_EVENT,
        "post_call_analysis": members.get("detail-type") == _FILE_CREATED,
        "contact_lens": members.keys() >= _SEGMENT_MEMBERS,
        "contact_records": _RECORD_FORMAT in members or members.keys() >= _RECORD_MEMBERS,
    }
    return next((source for source, matches in looks.items() if matches), "")
