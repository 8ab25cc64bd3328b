"""Checks the pages: links and pictures lead somewhere, and the commands that they name exist."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_MAKE: Final = re.compile(r"(?:^|`)make ([a-z]+)", re.MULTILINE)
_BRIDGE: Final = re.compile(r"(?:^|`)\./bridge ([a-z]+)", re.MULTILINE)
_MODULE: Final = re.compile(r"python -m ([a-z_.]+)")


def pages() -> list[Path]:
    """Every page that people read."""
    folders = (ROOT, ROOT / "docs", ROOT / "events", ROOT / "flows")
    return sorted(page for folder in folders for page in folder.glob("*.md"))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return found


def targets() -> set[str]:
    """The targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = re.findall(r"^([a-z][a-z -]*):(?!=)", text, re.MULTILINE)
    return {name for line in lines for name in line.split()}


def bridge_commands() -> set[str]:
    """The commands that ./bridge lists."""
    text = (ROOT / "bridge").read_text(encoding="utf-8")
    return set(re.findall(r"^  ([a-z]+) {2,}", text, re.MULTILINE))


def faults() -> Iterator[str]:
    """The faults of the pages, one line each."""
    known = targets()
    for page in pages():
        text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT)
        for link in _LINK.findall(_CODE.sub("", text)):
            if not re.match(r"[a-z]+:", link) and (fault := _fault(page, link)):
                yield f"{name}: {link}: {fault}"
        if page.name == "CHANGELOG.md":
            continue  # it names the commands of its time
        for target in sorted(set(_MAKE.findall(text)) - known):
            yield f"{name}: make {target}: the Makefile has no such target"
        for unknown in sorted(set(_BRIDGE.findall(text)) - bridge_commands()):
            yield f"{name}: ./bridge {unknown}: there is no such command"
        for module in sorted(set(_MODULE.findall(text))):
            if not _exists(module):
                yield f"{name}: python -m {module}: there is no such module"


def _fault(page: Path, link: str) -> str:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return "there is no such file"
    if anchor and anchor not in anchors(target):
        return f"the page has no heading for #{anchor}"
    return ""


def _exists(module: str) -> bool:
    place = ROOT / module.replace(".", "/")
    ours = (ROOT / module.split(".", maxsplit=1)[0]).is_dir()
    return not ours or place.with_suffix(".py").exists() or (place / "__main__.py").exists()


def main() -> int:
    """Prints the faults; 1 where there is one."""
    found = list(faults())
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
