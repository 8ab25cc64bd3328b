"""Imports point one way: functions -> flow, streams -> bridge -> (telephony, ledger, voice_call) ->
contact.

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
    "voice_call": "",
    "ledger": "",
    "aws": "",
    "bridge": "",
    "flow": "",
    "streams": "",
    # The domain: pure.
    "contact": "",
    "sources.reading": "",
    "sources.flow_parameters": "sources.reading",
    "sources.flow": "contact sources.flow_parameters sources.reading",
    "sources.contact_event": "contact sources.reading",
    "sources.described_contact": "contact sources.reading",
    "sources.contact_record": "contact sources.contact_event sources.reading",
    "sources.kinesis": "contact sources.reading",
    "voice_call.create": "contact",
    "voice_call.update": "contact sources.contact_record voice_call.create",
    "voice_call.actions": "sources.reading",
    "contact_centers": "voice_call.create",
    # The table of calls to Salesforce, of which one setting chooses.
    "telephony.calls": "",
    # Tools that know nothing of calls.
    "deadline": "",
    "settings": "contact_centers telephony.calls",
    "streams.record_rules": "contact settings sources.contact_record voice_call.update",
    "contact_center": "",
    # Salesforce.
    "telephony.errors": "",
    "telephony.auth": "",
    "aws.secret_store": "contact_center telephony.auth telephony.errors",
    "telephony.retry": "deadline telephony.errors",
    "telephony.answers": "deadline telephony.errors",
    "telephony.client": "aws.secret_store contact_center deadline telephony.answers telephony.auth"
    " telephony.calls telephony.errors telephony.retry voice_call.create voice_call.update",
    # AWS.
    "ledger.table": "",
    "ledger.grouped_table": "ledger.table",
    "ledger.contacts": "contact contact_centers deadline ledger.table voice_call.create",
    "ledger.records": "contact_centers ledger.contacts ledger.table",
    "ledger.callbacks": "ledger.contacts ledger.table",
    "aws.dead_letters": "contact deadline",
    "aws.contact_directory": "deadline sources.described_contact",
    # What is told of it.
    "observability": "settings telephony.errors",
    # The use cases, and what flows and streams see of them.
    "bridge.outcomes": "telephony.errors",
    "bridge.once": "bridge.outcomes deadline ledger.contacts telephony.errors",
    "bridge.center_choice": "bridge.outcomes contact contact_centers ledger.contacts ledger.table"
    " observability telephony.errors",
    "bridge.turns": "bridge.center_choice bridge.outcomes contact contact_centers deadline"
    " ledger.contacts ledger.table voice_call.create",
    "bridge.live_calls": "aws.contact_directory bridge.center_choice bridge.once bridge.outcomes"
    " bridge.turns contact contact_centers deadline ledger.contacts ledger.table observability"
    " sources.described_contact telephony.client telephony.errors voice_call.create",
    "bridge.call_actions": "bridge.center_choice bridge.outcomes bridge.turns contact"
    " contact_centers deadline ledger.callbacks ledger.contacts ledger.table observability"
    " telephony.calls telephony.client telephony.errors voice_call.actions",
    "flow.endings": "bridge.outcomes observability telephony.errors voice_call.create",
    "flow.methods": "bridge.call_actions bridge.live_calls bridge.outcomes deadline flow.endings"
    " settings sources.flow voice_call.create",
    "flow.call_methods": "bridge.call_actions bridge.outcomes deadline flow.methods sources.flow"
    " sources.flow_parameters voice_call.actions voice_call.create",
    "flow.service": "aws.dead_letters bridge.call_actions bridge.live_calls bridge.outcomes"
    " contact deadline flow.call_methods flow.endings flow.methods observability settings"
    " sources.flow sources.flow_parameters",
    "streams.suspects": "",
    "streams.processor": "aws.dead_letters contact deadline observability sources.kinesis"
    " streams.suspects",
    "streams.contact_events": "aws.contact_directory bridge.live_calls bridge.outcomes contact"
    " contact_centers deadline ledger.table observability settings sources.contact_event"
    " streams.processor telephony.errors voice_call.create",
    "bridge.record_updates": "bridge.center_choice contact_centers deadline ledger.contacts"
    " ledger.records ledger.table observability sources.contact_record telephony.client"
    " telephony.errors voice_call.update",
    "streams.contact_records": "bridge.record_updates contact contact_centers deadline"
    " ledger.records ledger.table observability sources.contact_record streams.processor"
    " streams.record_rules telephony.errors voice_call.update",
    # What operators do.
    "streams.redrive": "aws.dead_letters deadline sources.kinesis sources.reading",
    # The one place that builds everything.
    "composition": "aws.contact_directory aws.dead_letters aws.secret_store bridge.call_actions"
    " bridge.live_calls bridge.record_updates contact_center contact_centers deadline flow.service"
    " ledger.callbacks ledger.contacts ledger.grouped_table ledger.records ledger.table"
    " observability settings streams.contact_events streams.contact_records streams.processor"
    " streams.record_rules streams.redrive telephony.auth telephony.client telephony.retry",
}

FUNCTIONS_MAY_IMPORT = {
    "composition",
    "deadline",
    "flow.service",
    "observability",
    "streams.redrive",
    "sources.flow",
}

# Library -> the modules that may use it. What stands nowhere here is not deployed.
LIBRARIES = {
    "requests": {"telephony.client", "telephony.answers"},
    "urllib3": {"telephony.client", "telephony.answers"},
    "jwt": {"telephony.auth"},
    "cryptography": {"telephony.auth"},
    "botocore": {
        "ledger.table",
        "aws.dead_letters",
        "aws.contact_directory",
        "streams.redrive",
        "aws.secret_store",
        "composition",
    },
    "aws_lambda_powertools": {"observability"},
    "snapshot_restore_py": {"composition"},
}

# The standard library's own ways to the network and to other programs.
NOT_DEPLOYED = {"http.client", "http.server", "socket", "subprocess", "urllib.request"}

# AWS service -> the one module that calls it.
SERVICES = {
    "dynamodb": "ledger.table",
    "sqs": "aws.dead_letters",
    "s3": "aws.dead_letters",
    "connect": "aws.contact_directory",
    "kinesis": "streams.redrive",
    "secretsmanager": "aws.secret_store",
    "ssm": "aws.secret_store",
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
