"""The picture of a terminal session is drawn from the real output of commands."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tools.screen import Screen
from tools.session import PICTURE, SESSION, CommandFailed, Shown, cut, drawn, output_of


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("half\rwhole\r\n", ["whole"]),
        ("gone\r\x1b[2K", [""]),
        ("a\r\nmoving\x1b[1A\r\x1b[2Kb\r\n\x1b[2Kc\r\n", ["b", "c"]),
        ("\x1b[?25l\x1b[1;32mok\x1b[0m\r\n", ["\x1b[1;32mok\x1b[0m"]),
    ],
)
def test_a_screen_shows_what_is_left(written: str, lines: list[str]) -> None:
    screen = Screen()
    screen.write(written)
    assert screen.lines() == lines


def test_a_command_runs_in_a_terminal() -> None:
    shown = output_of("test -t 1 && echo to a terminal of $COLUMNS columns", columns=80)
    assert shown == ["to a terminal of 80 columns"]
    with pytest.raises(CommandFailed, match="status 3\nwhy"):
        output_of("echo why; exit 3")


def test_a_make_around_it_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given `make docs`, then a make of the session does not name the folder that it enters."""
    monkeypatch.setenv("MAKELEVEL", "1")
    monkeypatch.setenv("MAKEFLAGS", "w")
    assert output_of("make help")[0].startswith("  make help ")


def test_a_long_output_is_cut_and_says_so() -> None:
    lines = [str(number) for number in range(10)]
    assert cut(lines, Shown("x")) == lines
    assert cut(lines, Shown("x", 2, 1)) == ["0", "1", "\x1b[2m… 7 more lines\x1b[0m", "9"]


def test_the_picture_loads_nothing_and_is_the_sessions() -> None:
    """Given the picture of the pages, then it is an SVG of this session's commands."""
    text = PICTURE.read_text(encoding="utf-8")
    words = "".join(ET.fromstring(text).itertext()).replace("\xa0", " ")
    assert all(f"$ {shown.command}" in words for shown in SESSION)
    assert "samples ended as their files say" in words
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    made = drawn([(Shown("echo <x>"), ["\x1b[32m<x>\x1b[0m"])])
    assert "<x>" in "".join(ET.fromstring(made).itertext())
