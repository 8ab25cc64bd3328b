"""Pages with a part that is made: the text between two marks is written, the rest is kept."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def with_made_part(text: str, begin: str, part: str, end: str, name: str) -> str:
    """The page `text` with `part` between its marks.

    Raises:
        ValueError: the page, called `name`, lacks a mark.
    """
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"{name} lacks {end if found_begin else begin}")
    return f"{before}{begin}\n{part}{end}{after}"


def write_or_check(page: Path, made: Callable[[str], str], arguments: Sequence[str]) -> int:
    """Make a page anew, or with `--check` only compare; exit status 1 when it is another one.

    Raises:
        ValueError: as `made` does.
    """
    text = page.read_text(encoding="utf-8")
    if arguments == ["--check"]:
        if made(text) != text:
            print(f"{page.name} is not what it is made from: make docs", file=sys.stderr)
        return int(made(text) != text)
    page.write_text(made(text), encoding="utf-8")
    return 0
