"""The differences to ServiceCloudVoiceLambdas, row by row, as docs/differences.md has them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "differences.md"
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_NAME: Final = re.compile(r"`(\w+)`")


@dataclass(frozen=True, slots=True)
class Difference:
    """One row.

    Attributes:
        case: when it shows.
        before: what ServiceCloudVoiceLambdas does.
        now: what the bridge does.
        methods: the methods that the case names; empty: it is about all of them, or about records.
    """

    case: str
    before: str
    now: str
    methods: frozenset[str]


def differences(methods: Iterable[str]) -> list[Difference]:
    """All rows; `methods` are the words that count as a method's name."""
    known = frozenset(methods)
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return [
        Difference(
            _plain(row[0]),
            _plain(row[1]),
            _plain(row[2]),
            known & set(_NAME.findall(row[0])),
        )
        for row in rows[1:]
        if len(row) > 2
    ]


def of_method(method: str, rows: Iterable[Difference]) -> list[Difference]:
    """The rows that name a method."""
    return [row for row in rows if method in row.methods]


def _plain(cell: str) -> str:
    """A cell without its links."""
    return _LINK.sub(r"\1", cell).strip()
