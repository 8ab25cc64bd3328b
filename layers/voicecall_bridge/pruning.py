"""Takes modules out of the layer: a start pays for loaded ones, a deployment for the rest.

Modules that a library imports and no function uses are replaced by those of `replacements`, which
hold the few names that are asked for; smaller edits are library_sources.py's. botocore keeps the
models of the operations that are called.
If a library has changed so that one of these steps finds nothing, the build stops.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

from library_sources import SourceChangedError, edit_sources

REPLACEMENTS = Path(__file__).resolve().parent / "replacements"

AWS_OPERATIONS = {
    "connect": {"DescribeContact"},
    "dynamodb": {"GetItem", "UpdateItem"},
    "kinesis": {"PutRecord"},
    "lambda": {"Invoke"},
    # HeadBucket: botocore asks it where a bucket lies in another region.
    "s3": {"DeleteObject", "GetObject", "HeadBucket", "ListObjectsV2", "PutObject"},
    "secretsmanager": {"GetSecretValue"},
    "sqs": {
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
    },
    "ssm": {"GetParameter"},
}
"""Service -> the operations that the bridge calls. botocore forgets every other one."""

ONE_ADDRESS = ("dynamodb", "secretsmanager")
"""Services of a create with one address a region. Without its rules for addresses, which a client
reads when it is made, botocore takes that address from endpoints.json."""
UNUSED = (
    # Each is imported by the library's own modules only for what the bridge does not use.
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/middleware_factory",
    "botocore/data/*/*/examples-1.json",
    "botocore/data/*/*/waiters-2.json",
    "botocore/docs/*",
    "cffi",  # cryptography loads its machine code alone, _cffi_backend
    "charset_normalizer/*",
    "dateutil/zoneinfo",
    "pycparser",
    "pycparser-*.dist-info",
    "urllib3/http2/connection.py",
)
"""The files that go, as patterns below the layer's folder."""
KEPT = {"botocore/docs/utils.py"}
"""The files of UNUSED that stay: botocore makes its table of handlers with them."""
POWERTOOLS_UTILITIES = {"__init__.py", "jmespath_utils"}
"""Of aws_lambda_powertools/utilities: what its logger imports."""


class PruningError(Exception):
    """A library has changed; the text says where."""


def prune_libraries(site: Path) -> None:
    """Take out of `site` what no function uses of the libraries that are there.

    Raises PruningError.
    """
    kept = KEPT | _replace(site)
    for pattern in UNUSED:
        found = [path for path in site.glob(pattern) if str(path.relative_to(site)) not in kept]
        if not found and (site / pattern.split("/")[0]).is_dir():
            raise PruningError(f"nothing matches {pattern}: see UNUSED in pruning.py")
        for unused in found:
            _remove(unused)
    utilities = site / "aws_lambda_powertools" / "utilities"
    if utilities.is_dir():
        for path in utilities.iterdir():
            if path.name not in POWERTOOLS_UTILITIES:
                _remove(path)
    if (site / "botocore" / "data").is_dir():
        prune_botocore(site / "botocore" / "data")
    try:
        edit_sources(site, AWS_OPERATIONS)
    except SourceChangedError as error:
        raise PruningError(str(error)) from None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _replace(site: Path) -> set[str]:
    """Put the replacements in place; returns where they are."""
    if not REPLACEMENTS.is_dir():
        raise PruningError(f"{REPLACEMENTS} is missing: it must lie beside pruning.py")
    replaced: set[str] = set()
    for source in sorted(REPLACEMENTS.rglob("*.py")):
        place = source.relative_to(REPLACEMENTS)
        if not (site / place.parts[0]).is_dir():
            continue
        if not (site / place).is_file():
            raise PruningError(f"{place} is no longer there to be replaced: see replacements")
        shutil.copyfile(source, site / place)
        replaced.add(str(place))
    return replaced


def prune_botocore(data: Path) -> None:
    """Leave the models and endpoints of AWS_OPERATIONS in botocore's data folder.

    Raises PruningError if botocore has no model of one of them.
    """
    unknown = sorted(name for name in AWS_OPERATIONS if not (data / name).is_dir())
    if unknown:
        raise PruningError(f"botocore knows no service {', '.join(unknown)}: see AWS_OPERATIONS")
    for service in data.iterdir():
        if service.is_dir() and service.name not in AWS_OPERATIONS:
            shutil.rmtree(service)
    for name, operations in AWS_OPERATIONS.items():
        _prune_service(data / name, operations)
    file = data / "endpoints.json"
    endpoints: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for partition in endpoints["partitions"]:
        services = partition["services"]
        # For these, the endpoint prefix, which is the key here, equals the service's name.
        partition["services"] = {
            name: services[name] for name in services if name in AWS_OPERATIONS
        }
    _write(file, endpoints)


def _prune_service(folder: Path, operations: set[str]) -> None:
    """Leave the newest version of a service's model, with these operations alone."""
    versions = sorted(version for version in folder.iterdir() if version.is_dir())
    for old in versions[:-1]:
        shutil.rmtree(old)
    for file in versions[-1].iterdir():
        kind = file.name.partition("-")[0]
        if kind == "endpoint" and folder.name in ONE_ADDRESS:
            file.unlink()
            continue
        document = _read(file)
        if kind == "service" and "operations" in document:
            document = pruned_model(document, operations, folder.name)
        elif kind == "paginators" and "pagination" in document:
            pagination = document["pagination"]
            document["pagination"] = {
                name: pagination[name] for name in pagination if name in operations
            }
        file.unlink()
        # Unpacked: a start reads it, and it is small now.
        _write(file.with_name(file.name.removesuffix(".gz")), document)


def pruned_model(model: dict[str, Any], operations: set[str], service: str) -> dict[str, Any]:
    """A service's model with these operations, the shapes that they need, and without its manual.

    Raises PruningError if there is no such operation.
    """
    if unknown := sorted(operations - model["operations"].keys()):
        raise PruningError(f"{service} has no {', '.join(unknown)}: see AWS_OPERATIONS")
    kept = {name: _plain(body) for name, body in model["operations"].items() if name in operations}
    shapes: dict[str, Any] = {}
    wanted = [name for operation in kept.values() for name in _shapes_of(operation)]
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = _plain(model["shapes"][name])
            wanted += _shapes_of(shapes[name])
    in_order = {name: shapes[name] for name in model["shapes"] if name in shapes}
    return {**_plain(model), "operations": kept, "shapes": in_order}


def _shapes_of(node: Any) -> list[str]:
    """The names of the shapes that a part of a model refers to."""
    if isinstance(node, list):
        return [name for each in node for name in _shapes_of(each)]
    if not isinstance(node, dict):
        return []
    own = [node["shape"]] if isinstance(node.get("shape"), str) else []
    return [*own, *(name for each in node.values() for name in _shapes_of(each))]


def _plain(node: Any) -> Any:
    """A part of a model without the texts of the manual."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _plain(value)
        for key, value in node.items()
        # A member may have that name; then it is a map.
        if not (key == "documentation" and isinstance(value, str))
    }


def _read(file: Path) -> dict[str, Any]:
    octets = file.read_bytes()
    document: dict[str, Any] = json.loads(
        gzip.decompress(octets) if file.suffix == ".gz" else octets
    )
    return document


def _write(file: Path, document: dict[str, Any]) -> None:
    file.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
