"""Imports point one way: functions -> composition -> flow, streams -> use_cases -> telephony,
ledger, contact_centers -> voice_call -> contact.

The rules are the tables below. A room is a folder of the package, or a module beside the folders.
"""

import ast
import sys

import pruning
import pytest
from botocore import xform_name
from botocore.session import get_session

from tests.architecture.source_code import (
    FUNCTIONS,
    called,
    deployed_files,
    imported,
    of_the_package,
    package_modules,
    run_at_import,
    tree,
)

ROOMS = {
    "contact": "",
    "deadline": "",
    "tls": "",
    "sources": "contact",
    "aws": "contact deadline sources",
    "voice_call": "contact sources",
    "contact_centers": "contact voice_call",
    "ledger": "contact contact_centers sources",
    "telephony": "contact_centers deadline tls",
    "observability": "telephony",
    "settings": "contact contact_centers sources telephony voice_call",
    "use_cases": "aws contact contact_centers deadline ledger observability sources telephony"
    " voice_call",
    "flow": "aws contact deadline observability settings sources telephony use_cases voice_call",
    "streams": "aws contact contact_centers deadline ledger observability settings sources"
    " telephony use_cases voice_call",
    "composition": "aws contact_centers flow ledger observability settings sources streams"
    " telephony tls use_cases",
}
"""Room of the package -> the rooms that it imports, from the ground up. Held as an equality: an
edge that no module uses is as wrong as a forbidden one."""

FUNCTIONS_IMPORT = {"composition", "deadline", "streams.redrive"}
"""What functions may import beside the module of their own name in `composition`."""

# Library -> the modules that may use it. A library that is missing here is not deployed.
LIBRARIES = {
    "requests": {"telephony.client", "telephony.answers"},
    "urllib3": {"telephony.client", "telephony.answers"},
    "cryptography": {"telephony.auth"},
    "certifi": {"tls"},
    "botocore": {
        "aws.announcements",
        "ledger.dynamodb",
        "ledger.table",
        "aws.dead_letters",
        "aws.contact_directory",
        "aws.deferred_records",
        "aws.transcript_files",
        "streams.redrive",
        "telephony.credentials",
        "composition.aws",
    },
    "aws_lambda_powertools": {"observability"},
    "snapshot_restore_py": {"composition.contact_flow"},
}

# The standard library's own ways to the network and to other programs.
NOT_DEPLOYED = {"http.client", "http.server", "socket", "subprocess", "urllib.request"}

# AWS service -> the modules that call it.
SERVICES = {
    "dynamodb": "ledger.table",
    "sqs": "aws.dead_letters aws.deferred_records",
    "s3": "aws.dead_letters aws.given_up_batches aws.transcript_files",
    "connect": "aws.contact_directory",
    "lambda": "aws.announcements",
    "kinesis": "streams.redrive",
    "secretsmanager": "telephony.credentials",
    "ssm": "telephony.credentials",
}

READS_THE_ENVIRONMENT = "composition"
"""The one module that reads the environment."""
MADE_ONCE_BUT_NOT_AT_IMPORT = {"Logger", "Metrics", "EphemeralMetrics", "Session", "get_session"}


def room_of(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def imported_rooms() -> dict[str, set[str]]:
    """Each room and the other rooms that its modules import."""
    found: dict[str, set[str]] = {}
    for module, path in package_modules().items():
        if module:
            rooms = {room_of(name) for name in of_the_package(path) if name}
            found.setdefault(room_of(module), set()).update(rooms - {room_of(module)})
    return found


def test_rooms_import_what_the_table_says() -> None:
    assert imported_rooms() == {room: set(edges.split()) for room, edges in ROOMS.items()}


def test_table_points_one_way() -> None:
    """Given the order of the table, then no room imports a room below it."""
    above: set[str] = set()
    for room, edges in ROOMS.items():
        assert set(edges.split()) <= above, room
        above.add(room)


def test_functions_import_only_what_is_made_for_them() -> None:
    functions = sorted(FUNCTIONS.rglob("*.py"))
    assert functions
    for path in functions:
        own = f"composition.{path.parent.name}"
        assert own in of_the_package(path), path
        assert of_the_package(path) <= FUNCTIONS_IMPORT | {own}, path


def libraries(names: set[str]) -> set[str]:
    """Top-level names that are neither the standard library's nor the package's."""
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"voicecall_bridge"}


@pytest.mark.parametrize("module", package_modules())
def test_module_uses_only_its_libraries(module: str) -> None:
    """Domain modules are missing in the table: they use neither AWS nor HTTP."""
    allowed = {library for library, users in LIBRARIES.items() if module in users}
    assert libraries(imported(package_modules()[module])) <= allowed


def test_every_library_has_a_user() -> None:
    """A library that no module imports any more does not belong in the layer."""
    used = {library for path in package_modules().values() for library in libraries(imported(path))}
    assert used == set(LIBRARIES)


def test_functions_use_no_library() -> None:
    for path in sorted(FUNCTIONS.rglob("*.py")):
        assert not libraries(imported(path)), path


def test_nothing_deployed_imports_what_is_local() -> None:
    for path in deployed_files():
        tops = {name.split(".")[0] for name in imported(path)}
        assert not tops & {"simulator", "doctor", "tools", "tests", "build"}, path


def test_network_is_reached_through_the_libraries_only() -> None:
    for path in deployed_files():
        names = imported(path)
        assert not {name for name in names if name in NOT_DEPLOYED}, path


@pytest.mark.parametrize(("service", "owners"), SERVICES.items())
def test_few_modules_call_a_service(service: str, owners: str) -> None:
    """Given the operations of a service, then only these modules contain their names."""
    operations = {
        xform_name(name) for name in get_session().get_service_model(service).operation_names
    }
    callers = {module for module, path in package_modules().items() if called(path) & operations}
    assert callers == set(owners.split())


def test_layer_carries_the_models_of_the_services_that_are_called() -> None:
    assert set(SERVICES) == pruning.AWS_OPERATIONS.keys()


def names_environment(node: ast.AST) -> bool:
    """os.environ, os.getenv, or either imported by name."""
    if isinstance(node, ast.Attribute):
        return node.attr in {"environ", "getenv"}
    return isinstance(node, ast.Name) and node.id in {"environ", "getenv"}


def test_one_room_reads_the_environment() -> None:
    found = {
        room_of(module)
        for module, path in package_modules().items()
        if any(names_environment(node) for node in ast.walk(tree(path)))
    }
    assert found == {READS_THE_ENVIRONMENT}
    for path in sorted(FUNCTIONS.rglob("*.py")):
        assert not any(names_environment(node) for node in ast.walk(tree(path))), path


def test_nothing_reads_the_environment_at_import() -> None:
    """No module reads the environment at import, nor makes an object that reads it (Powertools'
    logger, botocore's session)."""
    for path in deployed_files():
        for node in run_at_import(path):
            assert not names_environment(node), path
            if isinstance(node, ast.Call):
                made = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
                assert made not in MADE_ONCE_BUT_NOT_AT_IMPORT, (path, node.lineno)
