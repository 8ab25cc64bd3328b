"""Reading of JSON whose members may be missing, null or of another type than documented."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_NAME = "secretName"  # noqa: S105 - the name of a member
"""The attribute, or parameter, that names the secret of a contact's contact center (SCVL)."""
_EMPTY: Mapping[str, object] = MappingProxyType({})
_ID_LIMIT = 256  # characters (Amazon Connect API reference, ContactId)


def text(value: object) -> str:
    """The string without surrounding blanks; empty for everything that is no string."""
    return value.strip() if isinstance(value, str) else ""


def first_named(*values: object) -> str:
    """The first of the values that says anything. What is no text says something, too: it must not
    pass for nothing."""
    texts = (str(value).strip() for value in values if value not in (None, [], {}))
    return next(filter(None, texts), "")


def is_contact_id(value: str) -> bool:
    """Whether it can be the id of a contact: 1 to 256 printable characters, and not dots alone."""
    # As a segment of a path "." and ".." lead elsewhere, and HTTP clients undo their encoding.
    return 0 < len(value) <= _ID_LIMIT and value.isprintable() and value.strip(".") != ""


def members(value: object) -> Mapping[str, object]:
    """The object's members; none for everything that is no object."""
    return value if isinstance(value, dict) else _EMPTY


def string_map(value: object) -> dict[str, str]:
    """The members that are strings, as they are: attribute values may be blank on purpose."""
    return {key: item for key, item in members(value).items() if isinstance(item, str)}


def parsed(data: str | bytes) -> object:
    """What a JSON text says.

    Raises:
        ValueError: it is none, or is nested beyond reason. NaN and Infinity, which Python reads,
            are none (RFC 8259, section 6): neither could be sent on.
    """
    try:
        return json.loads(data, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested beyond reason") from None


def parsed_object(value: object) -> dict[str, object] | None:
    """The object that a value is, or is the JSON text of; None for everything else."""
    if isinstance(value, str):
        try:
            value = parsed(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
