"""The screen of a terminal after a program has written to it, as far as the commands need it."""

import re
from typing import Final

_PART: Final = re.compile(
    r"\x1b\[(?P<numbers>[0-9;?]*)(?P<command>[A-Za-z])|(?P<control>[\r\n])|(?P<text>[^\x1b\r\n]+)|\x1b"
)


class Screen:
    """Lines with their colours (SGR); lines are erased, overwritten whole and gone back to.

    A program that writes into the middle of a line is not shown right.
    """

    def __init__(self) -> None:
        """Nothing was written yet."""
        self._lines = [""]
        self._row = 0
        self._at_start = True

    def write(self, output: str) -> None:
        """Take what the program wrote."""
        for part in _PART.finditer(output):
            if part["control"]:
                self._move(part["control"])
            elif part["command"]:
                self._command(part["command"], part["numbers"], part.group())
            elif part["text"]:
                self._put(part["text"])

    def lines(self) -> list[str]:
        """The lines, without empty ones at the end."""
        shown = "\n".join(line.rstrip() for line in self._lines).rstrip("\n")
        return shown.split("\n")

    def _move(self, control: str) -> None:
        self._at_start = True
        if control == "\n":
            self._row += 1
            if self._row == len(self._lines):
                self._lines.append("")

    def _command(self, command: str, numbers: str, whole: str) -> None:
        if command == "m":
            self._put(whole)
        elif command == "K":
            self._lines[self._row] = ""
        elif command == "A":
            self._row = max(0, self._row - int(numbers or 1))

    def _put(self, text: str) -> None:
        self._lines[self._row] = text if self._at_start else self._lines[self._row] + text
        self._at_start = False
