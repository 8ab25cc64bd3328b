"""Names unknown words in answers and exceptions, for the authors of flows. Pure.

A word is shown with the nearest known one, so that a typing error is found at once. Only words that
look like a name are shown: a flow may pass any text, even what a caller said, and Lambda logs the
text of an exception.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,59}[0-9]?")


def unknown(word: str, known: Iterable[str]) -> str:
    """The word, and the known one that is nearest: ` ("creatVoiceCall"; nearest: createVoiceCall)`.
    Empty if the word does not look like a name."""
    if not _NAME.fullmatch(word):
        return ""
    # Imported here: it takes 1.2 ms of a start, and only a mistake needs it (docs/speed.md).
    from difflib import get_close_matches  # noqa: PLC0415

    spelled = {name.lower(): name for name in known}
    nearest = get_close_matches(word.lower(), spelled, n=1)
    return f' ("{word}"; nearest: {spelled[nearest[0]]})' if nearest else f' ("{word}")'
