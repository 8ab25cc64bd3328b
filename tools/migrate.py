"""Moves exported flows from ServiceCloudVoiceLambdas to the bridge, and prints the plan.

    ./bridge migrate <folder of exported flows> --function <ARN> --out <folder>

Writes copies of the flows with the bridge's ARN and changes nothing else: the plan's steps are for
people. Exit status 1 where something is left to decide, 2 where the folder cannot be used.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from simulator.flows.flow import FLOW_TYPES
from simulator.terminal import Terminal
from tools.difference_rows import CREATING, Difference
from tools.differences import of_method, plain
from tools.flow_migration import Call, LambdaBlock, MigratedFlow, exchanged, read
from tools.scvl import FUNCTIONS, NOTHING, PAGE, Fate, function_named
from voicecall_bridge.flow.methods import METHODS

PLACEHOLDER: Final = "${FunctionArn}"
OUT: Final = Path(".build/migrated")
MOVED: Final = 0
LEFT_TO_DECIDE: Final = 1
UNUSABLE: Final = 2
_ARN: Final = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")
_ALIASED: Final = re.compile(r":function:[\w-]+:[\w-]+$")
_LONGEST_ARN: Final = 140
"""Characters that AssociateLambdaFunction takes."""
_IN_THE_OLDER_FORMAT: Final = (
    "in the format of older exports (modules[]), as the original: Connect's API refuses it, so "
    "import it in the console (Routing, Flows, Create flow, the arrow beside Save, Import flow)"
)
_LEFT: Final = (Call.UNKNOWN_METHOD, Call.DYNAMIC)
_STEP: Final = re.compile(r"^### (\d+)\. (.+)$", re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, write the copies, report; the exit status."""
    parsed = parser().parse_args(arguments)
    if fault := _fault_of(parsed.folder, parsed.function):
        print(fault, file=sys.stderr)
        return UNUSABLE
    files = sorted(path for path in parsed.folder.rglob("*") if path.is_file())
    flows = [read(path, parsed.function, METHODS) for path in files]
    if not any(each.flow for each in flows):
        print(f"{parsed.folder}: no contact flow in {len(files)} files", file=sys.stderr)
        return UNUSABLE
    written = _write(flows, parsed.folder, parsed.out, parsed.function)
    terminal = Terminal()
    for line in _report(flows, written, parsed):
        terminal.say(line)
    return LEFT_TO_DECIDE if any(_left(each) for each in flows) else MOVED


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="./bridge migrate", description=__doc__)
    parser.add_argument("folder", type=Path, help="exported flows, in whatever wrapper")
    parser.add_argument(
        "--function",
        default=PLACEHOLDER,
        help=f"the stack's output ContactFlowFunctionArn; without it the copies have {PLACEHOLDER}",
    )
    parser.add_argument("--out", type=Path, default=OUT, help=f"for the copies: {OUT}")
    return parser


def _fault_of(folder: Path, function: str) -> str:
    if not folder.is_dir():
        return f"{folder}: there is no such folder"
    if function != PLACEHOLDER and not _ARN.fullmatch(function):
        return f"{function}: not the ARN of a function: take the output ContactFlowFunctionArn"
    if len(function) > _LONGEST_ARN:
        return f"{function}: Amazon Connect takes ARNs of {_LONGEST_ARN} characters"
    return ""


def _write(
    flows: Sequence[MigratedFlow], folder: Path, out: Path, function: str
) -> dict[Path, Path]:
    """Write the copies; original -> copy."""
    written: dict[Path, Path] = {}
    for each in flows:
        blocks = {b.action.identifier for b in each.blocks if b.call is Call.EXCHANGED}
        if blocks:
            copy = out / each.path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            # In bytes, so that ends of lines stay.
            text = each.path.read_bytes().decode("utf-8-sig")
            copy.write_bytes(exchanged(text, blocks, function).encode())
            written[each.path] = copy
    return written


def _left(each: MigratedFlow) -> bool:
    return any(block.call in _LEFT for block in each.blocks)


def _report(
    flows: Sequence[MigratedFlow], written: dict[Path, Path], parsed: argparse.Namespace
) -> Iterator[str]:
    yield "Flows"
    for each in flows:
        yield from _of_a_flow(each, written, parsed.folder)
    blocks = [block for each in flows for block in each.blocks]
    moved = [block for block in blocks if block.call is Call.EXCHANGED]
    yield ""
    copies = _counted(len(written), "copy", "copies")
    yield f"{copies} in {parsed.out}, {_counted(len(moved), 'block')} with the bridge's ARN"
    older = sum(each.is_older_export and each.path in written for each in flows)
    if older:
        yield f"  {_counted(older, 'copy', 'copies')} {_IN_THE_OLDER_FORMAT}"
    yield from _to_look_at(moved, parsed.function)
    yield ""
    yield "What becomes different"
    yield from _of_the_methods(moved)
    yield ""
    yield "Functions of ServiceCloudVoiceLambdas"
    yield from _of_the_functions(blocks)
    yield ""
    yield "Plan"
    yield from plan()


def _of_a_flow(each: MigratedFlow, written: dict[Path, Path], folder: Path) -> Iterator[str]:
    name = each.path.relative_to(folder)
    if each.flow is None:
        yield f"  {name}: not a flow"
        return
    kind = FLOW_TYPES.get(each.flow.type, each.flow.type)
    older = ", older export" if each.is_older_export else ""
    copy = ", copied" if each.path in written else ""
    yield f"  {name}: {each.flow.name} ({kind}{older}){copy}"
    if not each.blocks:
        yield "    calls no function"
    for block in each.blocks:
        known = function_named(block.function) or function_named(block.action.display_name)
        called = known.name if known else block.function
        yield f"    {block.action.label}: {block.method or '-'} of {called}: {block.call}"


def _to_look_at(moved: Sequence[LambdaBlock], function: str) -> Iterator[str]:
    """The work that the copies leave to people."""
    limits = sorted({block.seconds for block in moved if block.seconds is not None})
    if function == PLACEHOLDER and moved:
        yield f"  the copies have {PLACEHOLDER}: give --function <output ContactFlowFunctionArn>"
    elif moved and not _ALIASED.search(function):
        yield "  the ARN names no alias: take the output as it is, :live included"
    if limits and limits != [8]:
        said = ", ".join(f"{limit} s" for limit in limits)
        yield (
            f"  blocks wait {said}: set them to 8 s, or the stack's FlowTimeLimitSeconds to "
            f"{limits[0]}"
        )
    looping = [block.action.label for block in moved if block.in_a_loop]
    if looping:
        yield (
            f"  {_counted(len(looping), 'block')} in a Loop block's round: the bridge tries again "
            "by itself within the block's time, so the second round is dead air "
            f"({', '.join(looping)})"
        )
    strangers = {b.function for b in moved if not function_named(b.function)}
    for name in sorted(strangers):
        yield f"  known by its method alone, so look at it: {name}"


def _of_the_methods(moved: Sequence[LambdaBlock]) -> Iterator[str]:
    """The rows of the table of differences that the flows' methods meet."""
    if not moved:
        yield "  nothing: no block gets another ARN"
    counted = Counter(block.method for block in moved)
    for method, count in sorted(counted.items()):
        yield f"  {method} ({_counted(count, 'block')})"
        for row in of_method(method, METHODS):
            yield f"    {_shown(row)}"
        if not of_method(method, METHODS):
            yield "    no row of its own in the table of differences"
    if moved:
        yield "  all methods"
        yield f"    {_shown(CREATING[0])}"
        yield "    all differences: docs/differences.md"


def _shown(row: Difference) -> str:
    return f"{plain(row.case)}: {plain(row.now)} (before: {plain(row.before)})"


def _of_the_functions(blocks: Sequence[LambdaBlock]) -> Iterator[str]:
    called = Counter(
        known.name
        for block in blocks
        if (known := function_named(block.function) or function_named(block.action.display_name))
    )
    for fate in Fate:
        for each in FUNCTIONS:
            if each.fate is fate:
                count = called[each.name]
                here = f" ({_counted(count, 'block')} of these flows)" if count else ""
                yield f"  {fate}: {each.name}{here}"
                yield f"    {each.how}"
                if each.both != NOTHING:
                    yield f"    while both run: {each.both}"


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def plan() -> Iterator[str]:
    """The numbered plan of docs/migrating.md, without its links."""
    text = PAGE.read_text(encoding="utf-8")
    steps = list(_STEP.finditer(text))
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        yield f"{step.group(1):>3}. {step.group(2)}"
        body = text[step.end() : following.start() if following else len(text)]
        for line in body.split("\n## ")[0].strip().splitlines():
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line)
            if plain and not plain.startswith("```"):
                yield f"     {plain}"


if __name__ == "__main__":
    sys.exit(main())
