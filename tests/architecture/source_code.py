"""The deployed source code as syntax trees: what is imported, and what happens at import."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "voicecall_bridge"
PACKAGE = LAYER / "voicecall_bridge"
FUNCTIONS = ROOT / "functions"


@functools.lru_cache(maxsize=200)
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@functools.cache
def package_modules() -> dict[str, Path]:
    """Name within the package -> file, e.g. "telephony.client"; "" is the package itself."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


def deployed_files() -> list[Path]:
    return [*package_modules().values(), *sorted(FUNCTIONS.rglob("*.py"))]


@functools.cache
def imported(path: Path) -> set[str]:
    """Each module that `path` imports anywhere, for type checking or lazily too.

    `from a import b` counts as a.b if that is a module of the package, else as a. Relative
    imports are not used in this repository; one would show here as a name with leading dots.
    """
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names.update(_module_of(module, alias.name) for alias in node.names)
    return names


def _module_of(module: str, name: str) -> str:
    inside = f"{module}.{name}".removeprefix("voicecall_bridge.")
    is_module = module.startswith("voicecall_bridge") and inside in package_modules()
    return f"{module}.{name}" if is_module else module


def of_the_package(path: Path) -> set[str]:
    """The package's modules that `path` imports, named within the package."""
    prefix = "voicecall_bridge."
    return {
        name.removeprefix(prefix) if name.startswith(prefix) else ""
        for name in imported(path)
        if name.split(".")[0] == "voicecall_bridge"
    }


@functools.cache
def called(path: Path) -> set[str]:
    """Names that `path` may call: `x.name(`, or "name" given as text to what makes the call."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names.add(node.func.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    return names


def run_at_import(path: Path) -> Iterator[ast.AST]:
    """Each node that is evaluated when `path` is imported: all but the bodies of functions."""
    waiting: list[ast.AST] = [tree(path)]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults]
            waiting += [default for default in node.args.kw_defaults if default is not None]
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
