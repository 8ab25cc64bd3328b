"""Edits to the libraries' sources in the layer: what a start would load or register for nothing.

Each edit names the text that it replaces. If a library has changed so that the text is not there,
the build stops.
"""

from __future__ import annotations

import ast
import json
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class SourceChangedError(Exception):
    """A library has changed; the text says where."""


_LATE_SUBPROCESS = '''
class subprocess:
    """Loaded when a process is started, which no function does: see library_sources.py."""

    PIPE = -1

    @staticmethod
    def Popen(*args, **kwargs):
        from importlib import import_module

        return import_module("subprocess").Popen(*args, **kwargs)


'''

EDITS: Mapping[str, tuple[tuple[str, str], ...]] = {
    # Credentials come from the environment or from Lambda, never from a process.
    "botocore/credentials.py": (
        ("import subprocess\n", ""),
        ("\nlogger = ", f"{_LATE_SUBPROCESS}logger = "),
    ),
    # There are no files of settings in a function.
    "botocore/configloader.py": (
        ("import configparser\n", ""),
        (
            "        cp = configparser.RawConfigParser()\n",
            "        import configparser\n\n        cp = configparser.RawConfigParser()\n",
        ),
    ),
    # Names of parameters of EC2, CloudWatch Logs and CloudSearch.
    "botocore/handlers.py": (("\n_add_parameter_aliases(BUILTIN_HANDLERS)\n", "\n"),),
    # Only for certificates in a ZIP file. A layer lies unpacked.
    "requests/utils.py": (
        ("import zipfile\n", ""),
        (
            "    if not zipfile.is_zipfile(archive):\n",
            "    import zipfile\n\n    if not zipfile.is_zipfile(archive):\n",
        ),
    ),
    # Nothing uses this one of the patterns for addresses, and each takes 1 ms to compile.
    "urllib3/util/url.py": (('_IPV6_RE = re.compile("^" + _IPV6_PAT + "$")\n', ""),),
}
"""File -> texts that are there once, and what takes their place."""


def edit_sources(site: Path, operations: Mapping[str, set[str]]) -> None:
    """Edit what is there of the libraries in `site`.

    Args:
        site: the layer's folder.
        operations: service -> the operations that are called, by botocore's names.

    Raises:
        SourceChangedError: a text is not there.
    """
    for place, edits in EDITS.items():
        if (site / place).parent.is_dir():
            for old, new in edits:
                _edit(site / place, partial(_replaced, old, new))
    if (site / "botocore").is_dir():
        called = {_service_id(site, name): called for name, called in operations.items()}
        _edit(site / "botocore/handlers.py", lambda text: pruned_handlers(text, called))
        _edit(site / "botocore/utils.py", lambda text: pruned_aliases(text, set(called)))


def _edit(file: Path, change: Callable[[str], str]) -> None:
    try:
        file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    except (OSError, SourceChangedError) as error:
        raise SourceChangedError(f"{file.name}: {error}: see library_sources.py") from None


def _replaced(old: str, new: str, text: str) -> str:
    if text.count(old) != 1:
        raise SourceChangedError(f"{old.strip()!r} is there {text.count(old)} times")
    return text.replace(old, new)


def _service_id(site: Path, service: str) -> str:
    """The name of a service in the names of botocore's events."""
    (model,) = (site / "botocore" / "data" / service).glob("*/service-2.json")
    metadata = json.loads(model.read_text(encoding="utf-8"))["metadata"]
    return str(metadata["serviceId"]).replace(" ", "-").lower()


def pruned_handlers(text: str, called: Mapping[str, set[str]]) -> str:
    """botocore's handlers.py with the handlers of events that can happen.

    Args:
        text: the module.
        called: service id -> operations that are called.

    Raises:
        SourceChangedError: there is no such list.
    """
    listed = _assigned(text, "BUILTIN_HANDLERS")
    if not isinstance(listed, ast.List) or not listed.elts:
        raise SourceChangedError("BUILTIN_HANDLERS is not a list")
    unused: list[tuple[ast.expr, ast.expr]] = []
    for entry in listed.elts:
        name = entry.elts[0] if isinstance(entry, ast.Tuple) else None
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            raise SourceChangedError("an entry of BUILTIN_HANDLERS does not begin with a text")
        if not _happens(name.value, called):
            unused.append((entry, entry))
    return _without(text, unused)


def _happens(event: str, called: Mapping[str, set[str]]) -> bool:
    """Whether an event can happen: kind, kind.service or kind.service.operation."""
    kind, *rest = event.split(".")
    if kind == "docs":
        return False
    if not rest:
        return True
    if rest[0] not in called:
        return False
    return len(rest) == 1 or rest[1] == "*" or rest[1] in called[rest[0]]


def pruned_aliases(text: str, services: set[str]) -> str:
    """botocore's utils.py with those older names of services that mean one that is called.

    Raises:
        SourceChangedError: there is no such table.
    """
    table = _assigned(text, "EVENT_ALIASES")
    if not isinstance(table, ast.Dict) or not table.keys:
        raise SourceChangedError("EVENT_ALIASES is not a table")
    unused = [
        (key, value)
        for key, value in zip(table.keys, table.values, strict=True)
        if key is not None and isinstance(value, ast.Constant) and value.value not in services
    ]
    return _without(text, unused)


def _assigned(text: str, name: str) -> ast.expr | None:
    """The value that a module gives a name."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] == [name]:
            return node.value
    return None


def _without(text: str, parts: Sequence[tuple[ast.expr, ast.expr]]) -> str:
    """A module without the lines from each first expression to its last one."""
    lines = text.splitlines(keepends=True)
    for first, last in reversed(parts):
        del lines[first.lineno - 1 : last.end_lineno]
    return "".join(lines)
