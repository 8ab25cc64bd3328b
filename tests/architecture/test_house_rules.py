"""Limits of size, and words that do not belong into a public repository."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source_code import FUNCTIONS, LAYER, ROOT, deployed_files, tree

LONGEST_FUNCTION = 40
LONGEST_MODULE = 400

# Written with brackets, so that the pattern does not match its own line.
MACHINE_PATH = re.compile(rb"(?<![\w.])/(?:[w]ork|[t]mp|[r]oot|[h]ome/\w+|[U]sers/\w+)/")
LEFT_BY_TOOLS = re.compile(r"^(\.(?!ci$|gitignore$).*|__pycache__|htmlcov)$")


def repository_files(folder: Path = ROOT) -> Iterator[Path]:
    """All files but those that tools leave behind: hidden folders, caches, builds."""
    for path in sorted(folder.iterdir()):
        if LEFT_BY_TOOLS.match(path.name):
            continue
        if path.is_dir():
            yield from repository_files(path)
        else:
            yield path


def python_files() -> list[Path]:
    return [path for path in repository_files() if path.suffix == ".py"]


def length(node: ast.stmt) -> int:
    """Lines from `def` to the end, docstring included."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def test_files_are_found() -> None:
    """Without any file the tests below would pass."""
    found = python_files()
    assert set(deployed_files()) <= set(found)
    assert LAYER / "build.py" in found
    assert Path(__file__).resolve() in found


def test_functions_are_short() -> None:
    too_long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": length(node)
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and length(node) > LONGEST_FUNCTION
    }
    assert not too_long


def test_modules_are_short() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files()
    }
    assert not {name: count for name, count in lines.items() if count > LONGEST_MODULE}


def test_handlers_are_thin() -> None:
    """A handler adapts the event, calls one use case and adapts the result; so does its module."""
    handlers = sorted(FUNCTIONS.glob("*/app.py"))
    assert handlers
    for path in handlers:
        code = [node for node in tree(path).body if not isinstance(node, ast.Expr)]
        assert sum(length(node) for node in code) <= LONGEST_FUNCTION, path


def test_no_file_names_a_place_on_a_developers_machine() -> None:
    found = {
        str(path.relative_to(ROOT)): match.group().decode()
        for path in repository_files()
        if (match := MACHINE_PATH.search(path.read_bytes()))
    }
    assert not found


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("README.md", "make run"),
        ("CHANGELOG.md", "Unreleased"),
        ("LICENSE", "Apache License"),
        (".gitignore", ".aws-sam/"),
    ],
)
def test_repository_introduces_itself(name: str, holds: str) -> None:
    assert holds in (ROOT / name).read_text(encoding="utf-8")
