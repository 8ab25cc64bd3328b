"""Reading of JSON with members that may be missing, null or of another type than documented."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_NAME = "secretName"  # noqa: S105 - the name of a member
"""The attribute, or parameter, that names the secret of a contact's contact center (SCVL)."""
_EMPTY: Mapping[str, object] = MappingProxyType({})
_ID_LIMIT = 256  # characters (Amazon Connect API reference, ContactId)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NUMBER = re.compile(r"[0-9]{1,17}(?:\.[0-9]{1,9})?")
_MOST = 10**17
"""More than any duration or time."""
_EPOCH = re.compile(r"[0-9]{9,17}(?:\.[0-9]{1,9})?")
"""Fewer digits are a date (20261120)."""
_MILLISECONDS = 1e11
"""From here on a number counts milliseconds: as seconds it would be the year 5138."""
_NOT_SET = datetime(1971, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""A number beyond it is not a time."""
_NO = frozenset({"", "false", "no", "n", "off", "none", "null"})
_YES = frozenset({"true", "yes", "y", "on"})


def text(value: object) -> str:
    """The string without surrounding blanks; empty for any other type."""
    return value.strip() if isinstance(value, str) else ""


def first_named(*values: object) -> str:
    """The first value that is not empty, as text. A value of another type counts: ignoring it would
    hide a mistake."""
    texts = (str(value).strip() for value in values if value not in (None, [], {}))
    return next(filter(None, texts), "")


def is_contact_id(value: str) -> bool:
    """Whether it can be the id of a contact: 1 to 256 printable characters, and not dots alone."""
    # In a path "." and ".." lead elsewhere, and HTTP clients decode them.
    return 0 < len(value) <= _ID_LIMIT and value.isprintable() and value.strip(".") != ""


def in_lower_case(contact_id: str) -> str:
    """A UUID in lower case, as Connect writes ids; any other id unchanged. The case of an id may
    change when it is copied."""
    return contact_id.lower() if _UUID.fullmatch(contact_id) else contact_id


def moment(value: object) -> datetime | None:
    """A time in UTC: ISO 8601, or seconds or milliseconds since 1970 as a number or its digits.

    None for everything else, and for 1970, which Connect writes for "not set".
    """
    try:
        at = value if isinstance(value, datetime) else _parsed_moment(value)
        if at is None:
            return None
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at > _NOT_SET else None


def _parsed_moment(value: object) -> datetime | None:
    if isinstance(value, str) and not _EPOCH.fullmatch(value.strip()):
        return datetime.fromisoformat(value.strip())
    since_1970 = number(value)
    if since_1970 is None:
        return None
    seconds = since_1970 / 1000 if since_1970 >= _MILLISECONDS else since_1970
    at = datetime.fromtimestamp(seconds, UTC)
    return at if at < _LATEST else None


def is_aware_moment(value: str) -> bool:
    """Whether a text is date and time in ISO 8601, its time zone included."""
    try:
        return "T" in value and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def number(value: object) -> float | None:
    """A number from 0, as JSON number (12, 12.0) or as text ("12"); None for anything else."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value := value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _MOST else None


def whole_number(value: object) -> int | None:
    """As `number`, rounded: Salesforce would count a property that is left out as 0."""
    found = number(value)
    return None if found is None else round(found)


def says_yes(value: object) -> bool:
    """Whether a flag is set, by its value in any case: flows preset flags to `0` or `false`, so its
    presence proves nothing."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO and number(value) != 0
    return bool(value) and isinstance(value, bool | int | float)


def yes_or_no(value: object) -> bool | None:
    """A value as yes or no, where a flow has to say one of the two; None: neither."""
    if isinstance(value, str) and value.strip().lower() in _YES:
        return True
    if number(value) == 1 or value is True:
        return True
    return None if says_yes(value) or isinstance(value, list | dict) else False


def members(value: object) -> Mapping[str, object]:
    """The object's members; empty for any other type."""
    return value if isinstance(value, dict) else _EMPTY


def string_map(value: object) -> dict[str, str]:
    """The members that are strings, as they are: attribute values may be blank on purpose."""
    return {key: item for key, item in members(value).items() if isinstance(item, str)}


def parsed(data: str | bytes) -> object:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, or is nested too deeply. NaN and Infinity, which Python reads,
            are not JSON (RFC 8259, "Numbers") and could not be sent on.
    """
    try:
        return json.loads(data, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parsed_object(value: object) -> dict[str, object] | None:
    """The object that a value is, or is the JSON text of; None for everything else."""
    if isinstance(value, str):
        try:
            value = parsed(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
