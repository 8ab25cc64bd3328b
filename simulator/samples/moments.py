"""Times in samples that are relative to their delivery: "{now}", "{now-5s}", "{now+2m}".

A contact event that is older than half a minute counts as late, so a sample with a fixed time would
end otherwise from day to day. Milliseconds, as in `detail.*Timestamp`; whole seconds for the
envelope's `time` (Amazon Connect Administrator Guide, "Contact events").
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_MOMENT: Final = re.compile(r"\{now(?:(?P<sign>[+-])(?P<count>[0-9]{1,9})(?P<unit>[smh]))?\}")
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_WHOLE_SECONDS: Final = "time"


def at_delivery(value: Any, now: datetime, name: str = "") -> Any:
    """The JSON value with every text that is a relative time replaced by ISO 8601, UTC."""
    if isinstance(value, dict):
        return {key: at_delivery(item, now, key) for key, item in value.items()}
    if isinstance(value, list):
        return [at_delivery(item, now) for item in value]
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    seconds = int(match["count"] or 0) * _SECONDS.get(match["unit"] or "s", 0)
    moment = now.astimezone(UTC) + timedelta(seconds=-seconds if match["sign"] == "-" else seconds)
    precision = "seconds" if name == _WHOLE_SECONDS else "milliseconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def relative_to(value: Any, moment: datetime) -> Any:
    """The JSON value with every text that is a time of ISO 8601 made relative to a moment."""
    if isinstance(value, dict):
        return {key: relative_to(item, moment) for key, item in value.items()}
    if isinstance(value, list):
        return [relative_to(item, moment) for item in value]
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return value
    seconds = round((datetime.fromisoformat(value) - moment).total_seconds())
    return f"{{now{seconds:+}s}}" if seconds else "{now}"


def is_relative(text: str) -> bool:
    """Whether a text is such a time."""
    return _MOMENT.fullmatch(text) is not None


def with_times(members: Any) -> Any:
    """A contact of DescribeContact as botocore takes it: datetimes for every ...Timestamp."""
    if isinstance(members, list):
        return [with_times(item) for item in members]
    if not isinstance(members, dict):
        return members
    return {
        key: datetime.fromisoformat(item)
        if key.endswith("Timestamp") and isinstance(item, str)
        else with_times(item)
        for key, item in members.items()
    }
