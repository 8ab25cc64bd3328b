"""The JSON values in a text: one value, JSON lines, values one behind the other, lines of a log."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["BrokenJson", "Found", "values_in"]

_BEGIN: Final = re.compile(r"[{\[]")
_BRACKETS: Final = re.compile(r"[\[\s]*")
_OBJECT: Final = re.compile(r'\{\s*("|$)')
_DECODER: Final = json.JSONDecoder()


class BrokenJson(ValueError):
    """An object begins and is not JSON; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A JSON value, and its place in the text."""

    value: Any
    start: int
    end: int


def values_in(text: str) -> tuple[list[Found], int]:
    """The objects and lists in a text, in order, and how many lines have other words.

    Raises:
        BrokenJson: an object is cut off, or is written otherwise.
    """
    found: list[Found] = []
    words: list[str] = []
    end = skipped = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < max(end, skipped):
            continue
        try:
            value, stop = _DECODER.raw_decode(text, begin.start())
        except RecursionError as error:
            raise BrokenJson(_place(text, begin.start(), error)) from error
        except ValueError as error:
            if _OBJECT.match(text, begin.start()):
                raise BrokenJson(_place(text, begin.start(), error)) from error
            # A log's [INFO]; of many brackets in a row none is tried again.
            brackets = _BRACKETS.match(text, begin.start())
            skipped = brackets.end() if brackets else begin.end()
            continue
        if not value or (isinstance(value, list) and not _holds_values(value)):
            continue  # a log's [1] or {}
        words.append(text[end : begin.start()])
        found.append(Found(value, begin.start(), stop))
        end = stop
    words.append(text[end:])
    others = [line for chunk in words for line in chunk.splitlines() if line.strip(" \t,;")]
    return found, len(others)


def _holds_values(value: list[Any]) -> bool:
    return any(isinstance(item, dict | list | str) for item in value)


def _place(text: str, start: int, error: Exception) -> str:
    line = text.count("\n", 0, start) + 1
    if isinstance(error, json.JSONDecodeError):
        where = f"line {error.lineno}, column {error.colno}"
        return f"the JSON that begins in line {line} is broken at {where}: {error.msg}"
    return f"the JSON that begins in line {line} is nested too deep"
