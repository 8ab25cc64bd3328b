"""Prints how large the deployed package is: `make sizes`.

The limits are those of the house: a function of 40 lines and 5 parameters, a class of 200 lines, a
module of 400 lines, a package of 8,000 lines, and 12 frames between a handler and the request to
Salesforce. All figures but the frames are read from the source code.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.frames import frames

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "layers" / "voicecall_bridge" / "voicecall_bridge"
FUNCTIONS: Final = ROOT / "functions"
MOST_FRAMES: Final = 12

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Size:
    """One figure.

    Attributes:
        what: what was counted.
        value: the figure.
        limit: the most that is allowed; None: no limit is set.
        where: the place with the largest value, empty for sums.
    """

    what: str
    value: int
    limit: int | None = None
    where: str = ""

    @property
    def within(self) -> bool:
        """Whether the figure keeps to its limit."""
        return self.limit is None or self.value <= self.limit


def deployed() -> list[Path]:
    """Each deployed file of Python."""
    return sorted([*PACKAGE.rglob("*.py"), *FUNCTIONS.rglob("*.py")])


def sizes() -> list[Size]:
    """All figures, read from the source code."""
    nodes = [(path, node) for path in deployed() for node in _nodes(path)]
    functions = [(path, node) for path, node in nodes if isinstance(node, Function)]
    classes = [(path, node) for path, node in nodes if isinstance(node, ast.ClassDef)]
    package = sum(_lines(path) for path in PACKAGE.rglob("*.py"))
    return [
        Size("lines of the package", package, 8_000),
        Size("modules", len(deployed())),
        Size("classes", len(classes)),
        Size("functions", len(functions)),
        Size("imports inside functions", sum(_inner_imports(node) for _, node in functions)),
        _largest(
            "lines of a module", [(_lines(path), str(_name(path))) for path in deployed()], 400
        ),
        _largest("lines of a class", [(_length(it), _at(path, it)) for path, it in classes], 200),
        _largest(
            "lines of a function", [(_length(it), _at(path, it)) for path, it in functions], 40
        ),
        _largest(
            "parameters of a function",
            [(_parameters(it), _at(path, it)) for path, it in functions if it.name != "__init__"],
            5,
        ),
    ]


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _length(node: Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _parameters(node: Function) -> int:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([argument for argument in arguments if argument.arg not in ("self", "cls")])


def _inner_imports(function: Function) -> int:
    imports = ast.Import | ast.ImportFrom
    return sum(isinstance(node, imports) for line in function.body for node in ast.walk(line))


def _largest(what: str, found: list[tuple[int, str]], limit: int) -> Size:
    value, where = max(found)
    return Size(what, value, limit, where)


def _name(path: Path) -> Path:
    return path.relative_to(ROOT)


def _at(path: Path, node: Function | ast.ClassDef) -> str:
    return f"{_name(path)}:{node.lineno} {node.name}"


def frame_sizes() -> list[Size]:
    """The frames between a handler and its request, of each kind of input."""
    return [Size(f"frames, {what}", count, MOST_FRAMES) for what, count in frames().items()]


def main() -> int:
    """Prints the figures; 1 where one is over its limit."""
    found = sizes() + frame_sizes()
    for size in found:
        limit = "" if size.limit is None else f"at most {size.limit:,}"
        mark = "" if size.within else "  OVER"
        print(f"{size.what:26} {size.value:7,}  {limit:14} {size.where}{mark}".rstrip())
    return 0 if all(size.within for size in found) else 1


if __name__ == "__main__":
    sys.exit(main())
