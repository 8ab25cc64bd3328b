"""Small wheels and their lock file, so that a layer is built without a network."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path


def make_wheel(
    folder: Path, name: str, files: Mapping[str, str], tag: str = "py3-none-any"
) -> Path:
    """A wheel `name` 1.0 with `files` (path -> text) and the metadata that pip demands.

    Source: binary distribution format, Python Packaging User Guide.
    """
    information = f"{name}-1.0.dist-info"
    contents = {
        **files,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{information}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{information}/licenses/LICENSE": f"the licence of {name}\n",
        f"{information}/top_level.txt": f"{name}\n",
    }
    record = "".join(f"{path},,\n" for path in [*contents, f"{information}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**contents, f"{information}/RECORD": record}.items():
            archive.writestr(path, text)
    return wheel


def lock(*wheels: Path) -> str:
    """Lines of a lock file for `wheels`, each with its hash; wheels of one name share an entry."""
    hashes: dict[str, list[str]] = {}
    for wheel in wheels:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        hashes.setdefault(wheel.name.split("-")[0], []).append(f"--hash=sha256:{digest}")
    return "".join(f"{name}==1.0 {' '.join(sums)}\n" for name, sums in hashes.items())
