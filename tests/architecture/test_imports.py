"""Imports point one way: functions -> bridge -> (telephony, ledger, voice_call) -> contact.

The rules are the tables below. A new module fails until it is given its place in the first.
"""

import ast
import sys

import build
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

# Module -> what it may import of the package, from the ground up: only names further up.
MAY_IMPORT = {
    # The package itself and the folders: empty.
    "": "",
    "sources": "",
    "telephony": "",
    # The domain: pure.
    "contact": "",
    "sources.reading": "",
    "sources.flow_parameters": "sources.reading",
    "sources.flow": "contact sources.flow_parameters sources.reading",
    "sources.contact_event": "contact sources.reading",
    "sources.described_contact": "contact sources.reading",
    "sources.contact_record": "contact sources.contact_event sources.reading",
    "sources.kinesis": "contact sources.reading",
    "voice_call": "contact",
    "voice_call_update": "contact sources.contact_record voice_call",
    "voice_call_actions": "sources.reading",
    "contact_centers": "voice_call",
    # The table of calls to Salesforce, of which one setting chooses.
    "telephony.calls": "",
    # Tools that know nothing of calls.
    "deadline": "",
    "settings": "contact_centers telephony.calls",
    "record_rules": "contact settings sources.contact_record voice_call_update",
    "contact_center": "",
    # Salesforce.
    "telephony.errors": "",
    "telephony.auth": "",
    "secret_store": "contact_center telephony.auth telephony.errors",
    "telephony.retry": "deadline telephony.errors",
    "telephony.answers": "deadline telephony.errors",
    "telephony.client": "contact_center deadline secret_store telephony.answers telephony.auth"
    " telephony.calls telephony.errors telephony.retry voice_call voice_call_update",
    # AWS.
    "dynamodb_table": "",
    "grouped_table": "dynamodb_table",
    "ledger": "contact contact_centers deadline dynamodb_table voice_call",
    "record_ledger": "contact_centers dynamodb_table ledger",
    "callback_ledger": "dynamodb_table ledger",
    "dead_letters": "contact deadline",
    "contact_directory": "deadline sources.described_contact",
    # What is told of it.
    "observability": "settings telephony.errors",
    # The use cases, and what flows and streams see of them.
    "outcomes": "telephony.errors",
    "once": "deadline ledger outcomes telephony.errors",
    "center_choice": "contact contact_centers dynamodb_table ledger observability outcomes"
    " telephony.errors",
    "turns": "center_choice contact contact_centers deadline dynamodb_table ledger outcomes"
    " voice_call",
    "bridge": "center_choice contact contact_centers contact_directory deadline dynamodb_table"
    " ledger observability once outcomes sources.described_contact telephony.client"
    " telephony.errors turns voice_call",
    "call_actions": "callback_ledger center_choice contact contact_centers deadline"
    " dynamodb_table ledger observability outcomes telephony.calls telephony.client"
    " telephony.errors turns voice_call_actions",
    "flow_endings": "observability outcomes telephony.errors voice_call",
    "flow_methods": "bridge call_actions deadline flow_endings outcomes settings sources.flow"
    " voice_call",
    "flow_call_methods": "call_actions deadline flow_methods outcomes sources.flow"
    " sources.flow_parameters voice_call voice_call_actions",
    "flow_service": "bridge call_actions contact dead_letters deadline flow_call_methods"
    " flow_endings flow_methods observability outcomes settings sources.flow"
    " sources.flow_parameters",
    "suspects": "",
    "streams": "contact dead_letters deadline observability sources.kinesis suspects",
    "contact_events": "bridge contact contact_centers contact_directory deadline"
    " dynamodb_table observability outcomes settings sources.contact_event streams"
    " telephony.errors voice_call",
    "record_updates": "center_choice contact_centers deadline dynamodb_table ledger observability"
    " record_ledger sources.contact_record telephony.client telephony.errors voice_call_update",
    "contact_records": "contact contact_centers deadline dynamodb_table observability"
    " record_ledger record_rules record_updates sources.contact_record streams telephony.errors"
    " voice_call_update",
    # What operators do.
    "redrive": "dead_letters deadline sources.kinesis sources.reading",
    # The one place that builds everything.
    "composition": "bridge call_actions callback_ledger contact_center contact_centers"
    " contact_directory contact_events contact_records dead_letters deadline dynamodb_table"
    " flow_service grouped_table ledger observability record_ledger record_rules record_updates"
    " redrive secret_store settings streams telephony.auth telephony.client telephony.retry",
}

FUNCTIONS_MAY_IMPORT = {
    "composition",
    "deadline",
    "flow_service",
    "observability",
    "redrive",
    "sources.flow",
}

# Library -> the modules that may use it. What stands nowhere here is not deployed.
LIBRARIES = {
    "requests": {"telephony.client", "telephony.answers"},
    "urllib3": {"telephony.client", "telephony.answers"},
    "jwt": {"telephony.auth"},
    "cryptography": {"telephony.auth"},
    "botocore": {
        "dynamodb_table",
        "dead_letters",
        "contact_directory",
        "redrive",
        "secret_store",
        "composition",
    },
    "aws_lambda_powertools": {"observability"},
    "snapshot_restore_py": {"composition"},
}

# The standard library's own ways to the network and to other programs.
NOT_DEPLOYED = {"http.client", "http.server", "socket", "subprocess", "urllib.request"}

# AWS service -> the one module that calls it.
SERVICES = {
    "dynamodb": "dynamodb_table",
    "sqs": "dead_letters",
    "s3": "dead_letters",
    "connect": "contact_directory",
    "kinesis": "redrive",
    "secretsmanager": "secret_store",
    "ssm": "secret_store",
}

READ_THE_ENVIRONMENT = {"composition"}
MADE_ONCE_BUT_NOT_AT_IMPORT = {"Logger", "Metrics", "EphemeralMetrics", "Session", "get_session"}


def test_every_module_has_its_place() -> None:
    assert set(package_modules()) == set(MAY_IMPORT)


def test_table_points_one_way() -> None:
    """Given the order of the table, then no module may import one that stands below it."""
    above: set[str] = set()
    for module, allowed in MAY_IMPORT.items():
        assert set(allowed.split()) <= above, module
        above.add(module)


@pytest.mark.parametrize("module", package_modules())
def test_module_imports_only_what_it_may(module: str) -> None:
    assert of_the_package(package_modules()[module]) <= set(MAY_IMPORT[module].split())


def test_functions_import_only_what_is_made_for_them() -> None:
    functions = sorted(FUNCTIONS.rglob("*.py"))
    assert functions
    for path in functions:
        assert of_the_package(path) <= FUNCTIONS_MAY_IMPORT, path


def libraries(names: set[str]) -> set[str]:
    """Top-level names that are neither the standard library's nor the package's."""
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"voicecall_bridge"}


@pytest.mark.parametrize("module", package_modules())
def test_module_uses_only_its_libraries(module: str) -> None:
    """Domain modules stand in no line of the table: neither AWS nor HTTP."""
    allowed = {library for library, users in LIBRARIES.items() if module in users}
    assert libraries(imported(package_modules()[module])) <= allowed


def test_every_library_has_a_user() -> None:
    """A library that nobody imports any more has no business in the layer."""
    used = {library for path in package_modules().values() for library in libraries(imported(path))}
    assert used == set(LIBRARIES)


def test_functions_use_no_library() -> None:
    for path in sorted(FUNCTIONS.rglob("*.py")):
        assert not libraries(imported(path)), path


def test_nothing_deployed_imports_what_is_local() -> None:
    for path in deployed_files():
        tops = {name.split(".")[0] for name in imported(path)}
        assert not tops & {"local", "tests", "build"}, path


def test_network_is_reached_through_the_libraries_only() -> None:
    for path in deployed_files():
        names = imported(path)
        assert not {name for name in names if name in NOT_DEPLOYED}, path


@pytest.mark.parametrize(("service", "owner"), SERVICES.items())
def test_one_module_calls_a_service(service: str, owner: str) -> None:
    """Given the operations of a service, then their names stand in one module."""
    operations = {
        xform_name(name) for name in get_session().get_service_model(service).operation_names
    }
    callers = {module for module, path in package_modules().items() if called(path) & operations}
    assert callers == {owner}


def test_layer_carries_the_models_of_the_services_that_are_called() -> None:
    assert set(SERVICES) == build.AWS_SERVICES


def names_environment(node: ast.AST) -> bool:
    """os.environ, os.getenv, or either imported by name."""
    if isinstance(node, ast.Attribute):
        return node.attr in {"environ", "getenv"}
    return isinstance(node, ast.Name) and node.id in {"environ", "getenv"}


def test_one_place_reads_the_environment() -> None:
    found = {
        module
        for module, path in package_modules().items()
        if any(names_environment(node) for node in ast.walk(tree(path)))
    }
    assert found <= READ_THE_ENVIRONMENT
    for path in sorted(FUNCTIONS.rglob("*.py")):
        assert not any(names_environment(node) for node in ast.walk(tree(path))), path


def test_nothing_reads_the_environment_at_import() -> None:
    """Neither itself nor by making what reads it (Powertools' logger, botocore's session)."""
    for path in deployed_files():
        for node in run_at_import(path):
            assert not names_environment(node), path
            if isinstance(node, ast.Call):
                made = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
                assert made not in MADE_ONCE_BUT_NOT_AT_IMPORT, (path, node.lineno)
