"""Values in undocumented forms: times, numbers, and flags."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from voicecall_bridge.sources.reading import moment, number, says_yes

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-20T10:00:00Z",
        "2026-11-20T10:00:00.000Z",
        " 2026-11-20T10:00:00 ",
        "2026-11-20T05:00:00-05:00",
        AT,
        AT.replace(tzinfo=None),
        AT.astimezone(timezone(timedelta(hours=9))),
        1_795_168_800,
        1_795_168_800.0,
        1_795_168_800_000,
        "1795168800",
        "1795168800.0",
        "1795168800000",
    ],
)
def test_times(value: object) -> None:
    assert moment(value) == AT


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        True,
        0,
        1,
        "0",
        "1970-01-01T00:00:00.001Z",
        -5,
        1e300,
        "20261120100000",
        "9999-12-31T23:59:59-23:59",
        "9" * 17,
        datetime(1970, 1, 1, tzinfo=UTC),
        [],
        {},
    ],
)
def test_no_times(value: object) -> None:
    assert moment(value) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [(12, 12.0), (12.5, 12.5), ("12", 12.0), (" 12.50 ", 12.5), ("0", 0.0)],
)
def test_numbers(value: object, found: float) -> None:
    assert number(value) == found


@pytest.mark.parametrize(
    "value", [None, True, "", "x", "1,5", "0x1", "+1", "1e3", -1, 10**17, float("nan"), [], {}]
)
def test_no_numbers(value: object) -> None:
    assert number(value) is None


@pytest.mark.parametrize("value", ["1", "true", "YES", " Yes ", "2", "left a message", True, 1])
def test_yes(value: object) -> None:
    assert says_yes(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "0",
        "false",
        "False",
        " FALSE ",
        "no",
        "No",
        "N",
        "off",
        "null",
        "none",
        False,
        0,
        "0.0",
    ],
)
def test_no(value: object) -> None:
    assert not says_yes(value)


@pytest.mark.parametrize("value", [None, [], {}, ["1"], {"a": 1}])
def test_what_is_no_flag_says_no(value: object) -> None:
    assert not says_yes(value)
