"""Draws a terminal session into docs/pictures/terminal.svg, from commands that are really run.

    python -m tools.session

Each command runs in a terminal of its own, of COLUMNS columns. Of a long output the first and the
last lines are drawn; a note says how many are left out.
"""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tools.screen import Screen

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURE: Final = ROOT / "docs" / "pictures" / "terminal.svg"
COLUMNS: Final = 100
_FORMAT: Final = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""As rich draws it, with fonts that are there: a picture that loads nothing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A command, and how much of its output is drawn; 0 and 0: all of it."""

    command: str
    first: int = 0
    last: int = 0


SESSION: Final = (
    Shown("make run", first=12, last=3),
    Shown("./bridge flow flows/inbound.json"),
)


class CommandFailed(Exception):
    """A command of the session ended with another status than 0."""


def output_of(command: str, columns: int = COLUMNS) -> list[str]:
    """The screen when a command has ended.

    Raises:
        CommandFailed: with what it showed.
    """
    ours, its = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": "50", "TERM": "xterm-256color"}
    # NO_COLOR of this shell, and what a make around this one says to a make of its own.
    for name in ("NO_COLOR", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    with subprocess.Popen(  # noqa: S602 - commands of this module, as a reader types them
        command, shell=True, cwd=ROOT, stdin=its, stdout=its, stderr=its, env=environment
    ) as process:
        os.close(its)
        screen = Screen()
        screen.write(_read(ours))
    if process.returncode:
        raise CommandFailed(f"{command}: status {process.returncode}\n" + "\n".join(screen.lines()))
    return screen.lines()


def _read(terminal: int) -> str:
    """All that comes until the terminal is closed."""
    output = b""
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # Linux reports the end so
            break
        if not read:
            break
        output += read
    os.close(terminal)
    return output.decode("utf-8", errors="replace")


def cut(lines: Sequence[str], shown: Shown) -> list[str]:
    """The first and last lines, with the number of those between."""
    left_out = len(lines) - shown.first - shown.last
    if not shown.first or left_out <= 1:
        return list(lines)
    between = f"\x1b[2m… {left_out} more lines\x1b[0m"
    return [*lines[: shown.first], between, *lines[-shown.last :]]


def drawn(sessions: Sequence[tuple[Shown, Sequence[str]]]) -> str:
    """The picture of commands and their lines."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), highlight=False, emoji=False)
    for number, (shown, lines) in enumerate(sessions):
        console.print(Text(""), end="" if number == 0 else "\n")
        console.print(Text.assemble(("$ ", "green"), (shown.command, "bold")))
        for line in cut(lines, shown):
            text = Text.from_ansi(line)
            text.truncate(COLUMNS, overflow="ellipsis")
            console.print(text)
    return console.export_svg(
        title="voicecall-bridge", theme=MONOKAI, code_format=_FORMAT, unique_id="terminal"
    )


def main() -> int:
    """Run the session and draw it; 1 where a command fails."""
    try:
        sessions = [(shown, output_of(shown.command)) for shown in SESSION]
    except CommandFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    PICTURE.write_text(drawn(sessions), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
