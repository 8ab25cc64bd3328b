"""`./bridge doctor`: what usually goes wrong before the first call is made."""

import argparse
import math
import os
import shutil
import sys
import textwrap
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from doctor.aws import Account
from doctor.examination import Asked, Examination
from doctor.findings import Finding, Verdict

SOUND: Final = 0
FAULTY: Final = 1
UNUSABLE: Final = 2
_INTERRUPTED: Final = 130
_PIPE_CLOSED: Final = 141
"""A shell's status of a program that SIGPIPE ended: the reader has seen enough."""
_FILE_SUFFIX: Final = ".json"


def main(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> int:
    """Examine and show; answers the exit status, one of the constants above.

    Raises:
        SystemExit: 2, the command line cannot be used.
    """
    taken = parser()
    parsed = taken.parse_args(arguments)
    file = _file(parsed.secret)
    if file is None and parsed.secret.endswith(_FILE_SUFFIX):
        taken.error("there is no such file")
    if file is not None and file.is_dir():
        taken.error("this is a folder; name the file in it")
    if not parsed.secret and not parsed.stack:
        taken.error("name a secret, a file that holds one, or a stack")
    asked = Asked(
        secret="" if file else parsed.secret,
        file=file,
        key_parameter=parsed.key_parameter,
        stack=parsed.stack,
        audience=parsed.audience,
        provider=parsed.provider,
        seconds=parsed.seconds,
    )
    counted: Counter[Verdict] = Counter()
    for finding in Examination(
        asked, Account(parsed.region, parsed.seconds), environment
    ).findings():
        counted[finding.verdict] += 1
        _show(finding)
    print(f"\n{_sum(counted)}")
    return FAULTY if counted[Verdict.FAULT] else SOUND


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="./bridge doctor", description=__doc__)
    parser.add_argument(
        "secret", nargs="?", default="", help="name or ARN of the secret, or a file that holds it"
    )
    parser.add_argument("--key-parameter", default="", help="SecureString with the private key")
    parser.add_argument("--stack", default="", help="the stack with the settings to look at")
    parser.add_argument("--region", default="", help="region of secret and stack, if no ARN says")
    parser.add_argument("--audience", default="", help="aud of the tokens (older guides)")
    parser.add_argument("--provider", default="", help="telephony provider's name")
    parser.add_argument("--seconds", default=10.0, type=_seconds, help="for each answer")
    return parser


def _file(name: str) -> Path | None:
    """The file of that name; None: it names a secret."""
    path = Path(name)
    try:
        return path if name and path.exists() else None
    except OSError:  # longer than a file's name can be
        return None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and 0.5 <= seconds <= 60):
        raise argparse.ArgumentTypeError("from 0.5 to 60")
    return seconds


def _show(finding: Finding) -> None:
    margin = " " * len(f"{finding.verdict:<11}  {finding.check:<20}  ")
    print(
        _fitted(f"{finding.verdict:<11}  {finding.check:<20}  {finding.text}", margin), flush=True
    )
    if finding.change:
        print(_fitted(f"{margin}to change: {finding.change}", margin), flush=True)


def _fitted(line: str, margin: str) -> str:
    """A line as it is, on a terminal broken between words: its columns stay."""
    width = shutil.get_terminal_size().columns
    if not sys.stdout.isatty() or len(line) <= width:
        return line
    return textwrap.fill(
        line,
        width,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sum(counted: Mapping[Verdict, int]) -> str:
    words = ((Verdict.FAULT, "fault"), (Verdict.WARNING, "warning"))
    parts = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for verdict, word in words
        if (number := counted.get(verdict, 0))
    ]
    return ", ".join(parts or ["nothing is wrong"]) + (
        f"; {counted[Verdict.UNCHECKED]} not checked" if counted.get(Verdict.UNCHECKED) else ""
    )


def command(arguments: Sequence[str] | None = None) -> int:
    """`main`, without a traceback: an unforeseen error's text may quote the secret."""
    try:
        return main(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Any output that is still buffered would fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        print(f"a defect of the doctor's own: {type(error).__name__}, {where}", file=sys.stderr)
        return FAULTY


if __name__ == "__main__":
    sys.exit(command())
