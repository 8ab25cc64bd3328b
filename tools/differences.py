"""The differences to ServiceCloudVoiceLambdas, as data, and docs/differences.md, made of them.

    python -m tools.differences           writes the table
    python -m tools.differences --check   only says whether the page has it

Each row names a sample that shows what the bridge does, and a text of what the sample expects.
The statements about ServiceCloudVoiceLambdas are read off its newest public source (contact center
22, August 2026); nothing of it was run against an org.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.difference_rows import (
    CREATING,
    OTHER_METHODS,
    STREAMS,
    TRANSCRIPTS,
    Difference,
)
from tools.pages import with_made_part, write_or_check

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "differences.md"
BEGIN: Final = "<!-- made by `make docs` from tools/differences.py: begin -->"
END: Final = "<!-- end -->"
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def all_rows() -> tuple[Difference, ...]:
    """Every row, in the page's order."""
    return (*CREATING, *OTHER_METHODS, *STREAMS, *TRANSCRIPTS)


def of_method(method: str, known: Iterable[str]) -> list[Difference]:
    """The rows that name a method, their links left out."""
    names = frozenset(known)
    return [row for row in all_rows() if method in row.methods(names)]


def plain(cell: str) -> str:
    """A cell without its links."""
    return _LINK.sub(r"\1", cell)


def table() -> str:
    """The rows as tables in Markdown."""
    lines: list[str] = []
    parts = (
        ("Creating, and all methods", CREATING),
        ("Further methods", OTHER_METHODS),
        ("Contact events and contact records", STREAMS),
        ("Transcripts", TRANSCRIPTS),
    )
    for title, rows in parts:
        lines += [
            f"## {title}",
            "| | ServiceCloudVoiceLambdas | the bridge | because | sample |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {row.case} | {row.before} | {row.now} | {row.because} | "
            f"[{Path(row.sample).stem}](../events/{row.sample}) |"
            for row in rows
        ]
        lines.append("")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with the tables in their place."""
    return with_made_part(text, BEGIN, table(), END, PAGE.name)


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, page, sys.argv[1:]))
