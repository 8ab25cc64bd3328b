"""A contact event as EventBridge delivers it.

Source: Amazon Connect administrator guide, "Contact events", sample events. All values are
invented.
"""

from collections.abc import Mapping
from typing import Any


def envelope(
    detail: Mapping[str, object], *, name: str, at: object, **members: object
) -> dict[str, Any]:
    """The whole event.

    Args:
        detail: what Amazon Connect says.
        name: the event's id.
        at: when EventBridge took it, ISO 8601.
        members: instead of the envelope's own.
    """
    return {
        "version": "0",
        "id": name,
        "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect",
        "account": "111122223333",
        "time": at,
        "region": "us-west-2",
        "resources": [],
        "detail": dict(detail),
        **members,
    }
