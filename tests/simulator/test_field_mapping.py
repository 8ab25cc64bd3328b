"""docs/field-mapping.md says what the code does."""

import pytest

from tools.field_mapping import BEGIN, END, PAGE, main, page, section
from voicecall_bridge.voice_call.update import PROPERTIES


def test_page_is_what_the_code_does() -> None:
    """Given a change of the tables, then the page is made anew: make docs."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text
    assert main(["--check"]) == 0


def test_every_property_has_its_line() -> None:
    rows = [line for line in section().splitlines() if line.startswith("| `")]
    for row in PROPERTIES:
        assert sum(line.startswith(f"| `{row.name}` |") for line in rows) == 1, row.name
    assert all(line.count("|") == 4 for line in rows)


def test_what_stands_around_is_kept() -> None:
    made = page(f"# Title\n{BEGIN}\nstale text\n{END}\nrest")
    assert made.startswith(f"# Title\n{BEGIN}\n| API property")
    assert made.endswith(f"{END}\nrest")
    assert "stale text" not in made


@pytest.mark.parametrize("text", ["nothing", f"{BEGIN} only", f"{END} only"])
def test_a_page_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="lacks"):
        page(text)
