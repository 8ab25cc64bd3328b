"""Relative times of samples."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from simulator.samples.moments import at_delivery, with_times

NOW = datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("{now}", "2026-11-20T10:00:00.123Z"),
        ("{now-5s}", "2026-11-20T09:59:55.123Z"),
        ("{now+2m}", "2026-11-20T10:02:00.123Z"),
        ("{now-1h}", "2026-11-20T09:00:00.123Z"),
    ],
)
def test_relative_times(text: str, moment: str) -> None:
    """Given a text that is a relative time, wherever it stands, then it is the time of delivery."""
    event = {"detail": {"initiationTimestamp": text, "steps": [{"at": [text]}]}}

    assert at_delivery(event, NOW) == {
        "detail": {"initiationTimestamp": moment, "steps": [{"at": [moment]}]}
    }


def test_envelope_has_whole_seconds() -> None:
    """EventBridge's `time` has no fraction (administrator guide, "Contact events")."""
    assert at_delivery({"time": "{now-1s}"}, NOW) == {"time": "2026-11-20T09:59:59Z"}


def test_any_zone_is_shown_in_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=-8)))

    assert at_delivery("{now}", local) == "2026-11-20T10:00:00.123Z"


@pytest.mark.parametrize("value", ["now", "{now", "{now-5}", "{now-5d}", "x {now}", "", 7, None])
def test_everything_else_stays(value: object) -> None:
    assert at_delivery({"a": value}, NOW) == {"a": value}


def test_contact_with_times() -> None:
    """DescribeContact's times are datetimes for botocore; other texts stay texts."""
    contact = {
        "Name": "2026-11-20T10:00:00Z",
        "InitiationTimestamp": "2026-11-20T10:00:00Z",
        "QueueInfo": {"Id": "q", "EnqueueTimestamp": "2026-11-20T10:00:01Z"},
        "Recordings": [{"StartTimestamp": "2026-11-20T10:00:02Z"}],
    }
    at = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

    assert with_times(contact) == {
        "Name": "2026-11-20T10:00:00Z",
        "InitiationTimestamp": at,
        "QueueInfo": {"Id": "q", "EnqueueTimestamp": at + timedelta(seconds=1)},
        "Recordings": [{"StartTimestamp": at + timedelta(seconds=2)}],
    }
