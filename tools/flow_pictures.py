"""Writes the pictures of the sample flows into flows/README.md.

    python -m tools.flow_pictures           writes them
    python -m tools.flow_pictures --check   only says whether they show the files

One mermaid picture a flow, made from its file: only branches that can be taken are drawn.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from simulator.flows.blocks import (
    INPUT_TIME_LIMIT_EXCEEDED,
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    QUEUE_AT_CAPACITY,
    branches,
)
from simulator.flows.checks import to_replace
from simulator.flows.files import read_flow
from simulator.flows.flow import FLOW_TYPES, NEXT, Action, Flow
from tools.pages import with_made_part, write_or_check

FOLDER: Final = Path(__file__).resolve().parents[1] / "flows"
PAGE: Final = FOLDER / "README.md"
BEGIN: Final = "<!-- made by `make docs` from the flows' files: begin -->"
END: Final = "<!-- end -->"

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        NEXT: "",
        NO_MATCHING_ERROR: "error",
        NO_MATCHING_CONDITION: "else",
        QUEUE_AT_CAPACITY: "full",
        INPUT_TIME_LIMIT_EXCEEDED: "no key",
        "Equals True": "open",
        "Equals False": "closed",
    }
)
_SHAPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "InvokeLambdaFunction": ("[[", "]]"),
        "Compare": ("{", "}"),
        "CheckHoursOfOperation": ("{", "}"),
        "GetParticipantInput": ("{", "}"),
        "MessageParticipant": (">", "]"),
        "DisconnectParticipant": ("((", "))"),
    }
)
_PLAIN: Final = ("[", "]")


def flow_files() -> list[Path]:
    """The sample flows."""
    return sorted(FOLDER.glob("*.json"))


def section() -> str:
    """The part between the marks."""
    return "\n".join(line for path in flow_files() for line in _chapter(path)) + "\n"


def picture(flow: Flow) -> str:
    """The flow as a mermaid flowchart."""
    numbers = {name: f"b{number}" for number, name in enumerate(flow.actions)}
    lines = ["flowchart LR", f"    start((caller)) --> {numbers[flow.start]}"]
    for name, action in flow.actions.items():
        opening, closing = _SHAPES.get(action.type, _PLAIN)
        lines.append(f'    {numbers[name]}{opening}"{_text(action)}"{closing}')
        if action.type == "TransferContactToQueue":
            lines.append(f"    {numbers[name]} --> {numbers[name]}q([waits for an agent])")
        for target, words in _arrows(action).items():
            lines.append(f"    {numbers[name]} {_arrow(words)} {numbers[target]}")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with the pictures in their place.

    Raises:
        ValueError: the page lacks a mark.
    """
    return with_made_part(text, BEGIN, section(), END, PAGE.name)


def main(arguments: Sequence[str]) -> int:
    """Write or check; exit status 1 when the page does not show the files."""
    return write_or_check(PAGE, page, arguments)


def _chapter(path: Path) -> Iterator[str]:
    flow = read_flow(path)
    named = ", ".join(f"`{name}`" for name in to_replace(flow))
    yield f"### {path.name}"
    yield flow.description
    yield f"Flow type `{FLOW_TYPES[flow.type]}`, {len(flow.actions)} blocks. Replace: {named}."
    yield ""
    yield "```mermaid"
    yield picture(flow)
    yield "```"
    yield ""


def _arrows(action: Action) -> dict[str, list[str]]:
    """Target of branches -> their words: one arrow for all that lead to the same block."""
    arrows: dict[str, list[str]] = {}
    for label, target in branches(action):
        word = _WORDS.get(label, label.partition(" ")[2])
        arrows.setdefault(target, []).append(word)
    return arrows


def _arrow(words: Sequence[str]) -> str:
    if "" in words:  # goes on in any case
        return '-- "also on error" -->' if "error" in words else "-->"
    said = ", ".join(words)
    return f'-. "{said}" .->' if set(words) == {"error"} else f'-- "{said}" -->'


def _text(action: Action) -> str:
    name = action.identifier
    said = action.parameters.get("Text")
    passed = action.parameters.get("LambdaInvocationAttributes")
    more = f"“{said}”" if said else passed["methodName"] if passed else ""
    return f"{name}<br>{more}" if more else name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
