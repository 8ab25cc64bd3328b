"""Unknown words in answers and exceptions, for the authors of flows. Pure.

They are named as they came, with the nearest known one: a slip is found sooner than in a list.
Only what looks like a name is: a flow may pass anything where a name belongs, also what a caller
said, and Lambda logs the text of an exception.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,59}[0-9]?")


def unknown(word: str, known: Iterable[str]) -> str:
    """The word, and the known one that is nearest: ` ("creatVoiceCall"; nearest: createVoiceCall)`.
    Empty for what is no name."""
    if not _NAME.fullmatch(word):
        return ""
    # Here: each start would pay 1.2 ms for what only a mistake needs (docs/speed.md).
    from difflib import get_close_matches  # noqa: PLC0415

    spelled = {name.lower(): name for name in known}
    nearest = get_close_matches(word.lower(), spelled, n=1)
    return f' ("{word}"; nearest: {spelled[nearest[0]]})' if nearest else f' ("{word}")'
