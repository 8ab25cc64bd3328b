"""Pages of which a part is made: what stands between two marks is written, the rest is kept."""


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
