"""The commands that the pages name: held to the Makefile and to AWS's own models, and run.

    python -m tools.commands     runs those that need nothing but this machine

A command of ./bridge is read as its own parser reads it, and runs if it is in RUN; what stands for
something of the reader's own (a file, an ARN) is replaced by something of this repository. Others
would take minutes, an account or a live org: they are held to what they name.
"""

import argparse
import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import botocore.session

from doctor import __main__ as doctor
from simulator.__main__ import parser as simulator_parser
from tools import deploy, migrate
from tools.links import ROOT, pages

RUN: Final = ("anonymize", "flow", "migrate", "replay")
"""Commands of ./bridge that are run. `run` is run for the picture (tools.session)."""
OURS: Final = (
    ("<folder of exported flows>", "flows"),
    (".build/migrated/<flow>", "flows/inbound.json"),
    ("--function <output ContactFlowFunctionArn>", ""),
    ("my-flow.json", "flows/inbound.json"),
    ("my-event.json", "events/contact_flow/min.json"),
    ("my.json shown.json", "events/contact_flow/min.json .build/anonymous.json"),
    ("anonymize path out", "anonymize events/contact_flow/min.json .build/anonymous.json"),
    ("my-flows", "flows"),
    ("replay path", "replay events/contact_flow/min.json"),
    ("replay events/...", "replay events/contact_flow/min.json"),
)
"""A page's text -> the file that is there."""
PARSERS: Final[Mapping[str, Callable[[], argparse.ArgumentParser]]] = {
    "deploy": deploy.parser,
    "doctor": doctor.parser,
    "migrate": migrate.parser,
}
"""Commands of ./bridge that are not the simulator's."""
_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FENCED: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"`((?:make|\./bridge) [^`]+)`")
_PLACE: Final = re.compile(r"<[^>]*>|…")
"""A text in a page for which a reader puts in a value."""
_COMMENT: Final = re.compile(r"\s+#.*$|^#.*$", re.MULTILINE)
_VARIABLE: Final = re.compile(r"\b([A-Z_]+)=")
_AWS: Final = re.compile(r"(?:^|\s)aws ([a-z0-9]+) ([a-z-]+)((?: [^|`]*)?)")
_OPTION: Final = re.compile(r"--([a-z][a-z0-9-]*)")
_OF_THE_CLI: Final = frozenset(
    {"cli-binary-format", "no-enabled", "enabled", "output", "profile", "query", "region"}
)
_WITHOUT_A_MODEL: Final = ("s3", "cloudformation")
"""Commands of the AWS CLI itself: `s3 rb`, `cloudformation deploy`."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that a page names."""

    page: Path
    text: str

    @property
    def target(self) -> str:
        """Of make; empty for another command."""
        return self._after("make")

    @property
    def name(self) -> str:
        """Of a command of ./bridge; empty for another one."""
        return self._after("./bridge")

    def _after(self, program: str) -> str:
        words = self.text.split()
        return words[1] if len(words) > 1 and words[0] == program else ""


def commands() -> list[Command]:
    """All of them, each once a page."""
    return [Command(page, text) for page in pages() for text in dict.fromkeys(_of(page))]


def _of(page: Path) -> Iterator[str]:
    if page.name == "CHANGELOG.md":  # it names the commands of its time
        return
    text = page.read_text(encoding="utf-8")
    for block in _BLOCK.findall(text):
        whole = _COMMENT.sub("", block.replace("\\\n", " "))
        yield from (" ".join(line.split()) for line in whole.splitlines() if line.strip())
    yield from _INLINE.findall(_FENCED.sub("", text))


def faults(given: Iterable[Command] | None = None) -> Iterator[str]:
    """The names in a command that do not exist, one line each."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands() if given is None else given:
        name = command.page.name
        for variable in _VARIABLE.findall(_made(command)):
            if f"$({variable})" not in makefile and f"$({variable}," not in makefile:
                yield f"{name}: {command.text}: the Makefile reads no {variable}"
        if fault := _refusal(command):
            yield f"{name}: {command.text}: {fault}"
        for service, operation, rest in _AWS.findall(command.text):
            yield from (
                f"{name}: aws {service} {operation}: {it}" for it in _aws(service, operation, rest)
            )


def _refusal(command: Command) -> str:
    """The faults that a command's own parser finds; a name alone stands for the command."""
    words = shlex.split(_PLACE.sub("x", command.text.partition(" | ")[0]))
    if not command.name or len(words) == 2:
        return ""
    parser, arguments = PARSERS.get(command.name, simulator_parser), words[1:]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parser().parse_args(arguments[1:] if command.name in PARSERS else arguments)
    except SystemExit:
        return said.getvalue().strip().rpartition("error: ")[2]
    return ""


def _made(command: Command) -> str:
    """The variables that a make command sets itself, not those within a value."""
    return re.sub(r'"[^"]*"', "", command.text) if command.target else ""


def _aws(service: str, operation: str, rest: str) -> Iterator[str]:
    if service in _WITHOUT_A_MODEL:
        return
    model = botocore.session.Session().get_service_model(service)
    names = {_kebab(name): name for name in model.operation_names}
    if operation not in names:
        yield "there is no such operation"
        return
    shape = model.operation_model(names[operation]).input_shape
    members = {_kebab(name) for name in (shape.members if shape else ())}
    for option in sorted(set(_OPTION.findall(rest)) - members - _OF_THE_CLI):
        yield f"there is no option --{option}"


def _kebab(name: str) -> str:
    return str(botocore.xform_name(name, "-"))


def runnable() -> list[str]:
    """The commands that are run, with this repository's files in them, each once."""
    found: dict[str, None] = {}
    for command in commands():
        text = command.text
        for theirs, ours in OURS:
            text = text.replace(theirs, ours)
        if command.name in RUN and len(text.split()) > 2 and "<" not in text:
            found[text.strip()] = None
    return list(found)


def run(texts: Sequence[str]) -> list[str]:
    """Run commands; those that failed, with what they said."""
    failed = []
    for text in texts:
        print(f"  {text}", flush=True)
        ended = subprocess.run(  # noqa: S603 - the pages' own commands
            ["sh", "-c", text],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if ended.returncode:
            failed.append(f"{text}: status {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return failed


def main() -> int:
    """Hold the commands, then run them; 1 where one is wrong."""
    wrong = list(faults()) or run(runnable())
    for each in wrong:
        print(each, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
