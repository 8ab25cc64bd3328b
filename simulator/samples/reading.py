"""Reading of JSON that people wrote: every fault names its place."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from reprlib import repr as short
from typing import Any


class EventError(ValueError):
    """A sample cannot be read; the text names the file, the line and what is wrong there."""


def read_text(path: Path) -> str:
    """The file's text, without a byte order mark. Raises EventError, as everything here."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise EventError(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise EventError(f"{path}: this is a folder; name one file in it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise EventError(f"{path}: cannot be read: {error}") from error


def parse(text: str, where: str) -> Any:
    """The JSON value of a text found at `where`; NaN and Infinity are none."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise EventError(f"{where}: not JSON: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def as_object(value: Any, where: str) -> Mapping[str, Any]:
    """The value, which must be an object."""
    if not isinstance(value, dict):
        raise EventError(f"{where}: an object is needed, not {short(value)}")
    return value


def as_list(value: Any, where: str) -> Sequence[Any]:
    """The value, which must be a list."""
    if not isinstance(value, list):
        raise EventError(f"{where}: a list is needed, not {short(value)}")
    return value


def text_of(members: Mapping[str, Any], name: str, where: str, *, empty: bool = False) -> str:
    """The member `name`, which must be a text and, unless `empty` is allowed, not an empty one."""
    value = members.get(name)
    if not isinstance(value, str) or not (value or empty):
        raise EventError(f"{where}: {name} must be a text, not {short(value)}")
    return value


def texts_of(members: Mapping[str, Any], name: str, where: str) -> list[str]:
    """The member `name`, a list of texts; an empty one where it is left out."""
    texts = as_list(members.get(name, []), f"{where}: {name}")
    if not all(isinstance(text, str) for text in texts):
        raise EventError(f"{where}: {name} must be a list of texts")
    return list(texts)


def as_text_map(value: Any, where: str) -> Mapping[str, str]:
    """The value, which must be an object with texts as members."""
    members = as_object(value, where)
    if not all(isinstance(item, str) for item in members.values()):
        raise EventError(f"{where}: every value must be a text")
    return members


def refuse_unknown(members: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse unknown members: a typing error would otherwise have no effect."""
    if unknown := sorted(members.keys() - set(known)):
        raise EventError(f"{where}: unknown: {', '.join(unknown)}")
