"""Puts the files of a release into one folder: `python -m tools.package`, after `sam build`.

    <logical id>-<beginning of its SHA-256>.zip    each function and the layer
    template.yaml, monitoring/template.yaml        the templates, their code being these files
    application.yaml                               both in one, for the Serverless Application
                                                   Repository, which takes no nested stack
    LICENSE, README.md                             what that repository shows
    SHA256SUMS                                     of all of them, for `sha256sum --check`

On one Python the same sources give the same files: times and rights are fixed. Nothing is sent
anywhere. `sam package` and `sam deploy` take the folder's templates and upload the archives as they
are, so what was tested is what runs.

PackageError: the build is not whole, or the versions differ; says what to do.
"""

import hashlib
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from simulator.sam.template import resource_types
from tools.flat_template import flat_template

ROOT: Final = Path(__file__).resolve().parent.parent
BUILT: Final = ROOT / ".aws-sam" / "build"
PACKAGE: Final = ROOT / ".build" / "package"

_CODE: Final = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}
_MONITORING: Final = Path("monitoring", "template.yaml")
_SHOWN: Final = (Path("LICENSE"), Path("README.md"))
_DIGITS: Final = 16
_OLDEST: Final = (1980, 1, 1, 0, 0, 0)  # of times in a ZIP file
_FILE_RIGHTS: Final = 0o100644 << 16
_VERSION: Final = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_SEMANTIC_VERSION: Final = re.compile(r"^ +SemanticVersion: (\S+)", re.MULTILINE)


class PackageError(Exception):
    """There is nothing that can be packaged."""


def package(root: Path = ROOT, built: Path = BUILT, target: Path = PACKAGE) -> list[str]:
    """Fill `target` anew; answers the lines of SHA256SUMS.

    Raises PackageError, and OSError when a file cannot be read or written.
    """
    template = root / "template.yaml"
    text = template.read_text(encoding="utf-8")
    _require_version(root, text)
    codes = {name: _CODE[kind] for name, kind in resource_types(template).items() if kind in _CODE}
    missing = sorted(name for name in codes if not (built / name).is_dir())
    if missing:
        raise PackageError(f"{', '.join(missing)} not built: `make build` first")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name, code in codes.items():
        text = _with_code(text, name, code, _archive(built / name, target, name))
    (target / "template.yaml").write_text(text, encoding="utf-8")
    for copied in (_MONITORING, *_SHOWN):
        (target / copied).parent.mkdir(exist_ok=True)
        shutil.copyfile(root / copied, target / copied)
    application = yaml.safe_dump(flat_template(target / "template.yaml"), sort_keys=False)
    (target / "application.yaml").write_text(application, encoding="utf-8")
    sums = [f"{_digest(path)}  {path.relative_to(target).as_posix()}" for path in _files(target)]
    (target / "SHA256SUMS").write_text("".join(f"{line}\n" for line in sums), encoding="ascii")
    return sums


def version(root: Path = ROOT) -> str:
    """The version, from the one place that says it. Raises PackageError."""
    source = root / "layers" / "voicecall_bridge" / "voicecall_bridge" / "__init__.py"
    found = _VERSION.search(source.read_text(encoding="utf-8"))
    if found is None:
        raise PackageError(f"no __version__ in {source.name}")
    return found[1]


def _require_version(root: Path, template: str) -> None:
    wanted = version(root)
    found = _SEMANTIC_VERSION.findall(template)
    if found != [wanted]:
        raise PackageError(
            f"the template's SemanticVersion is {', '.join(found) or 'missing'}, "
            f"voicecall_bridge.__version__ is {wanted}"
        )


def _archive(folder: Path, target: Path, name: str) -> str:
    """Put a folder's files into an archive in `target`; answers its file name."""
    draft = target / f"{name}.zip"
    with zipfile.ZipFile(draft, "w") as archive:
        for path in _files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _OLDEST)
            entry.external_attr = _FILE_RIGHTS
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    final = f"{name}-{_digest(draft)[:_DIGITS]}.zip"
    draft.rename(target / final)
    return final


def _files(folder: Path) -> Iterator[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    if not found:
        raise PackageError(f"{folder.name} is empty: `make build` again")
    return iter(sorted(found, key=lambda path: path.relative_to(folder).as_posix()))


def _with_code(template: str, name: str, code: str, file: str) -> str:
    """The text with one resource's code exchanged; comments and everything else stay."""
    # A resource begins at two spaces and ends where the next one does.
    pattern = re.compile(
        rf"(^  {re.escape(name)}:\n(?:(?!^  \S).*\n)*?^ +{code}: )\S+$", re.MULTILINE
    )
    changed, times = pattern.subn(lambda found: f"{found[1]}{file}", template)
    if times != 1:
        raise PackageError(f"{name}: no {code} to exchange")
    return changed


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Command line; exit status 1 and the reason when nothing can be packaged."""
    try:
        sums = package()
    except PackageError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    print(f"version {version()}, in {PACKAGE.relative_to(ROOT)}")
    for line in sums:
        digest, name = line.split("  ")
        print(f"  {digest[:12]}…  {(PACKAGE / name).stat().st_size:>10,}  {name}")
    print("Nothing was uploaded: that needs an account, see docs/release.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
