"""What template.yaml says of the functions, their logs and their environment."""

import re
from pathlib import Path
from typing import Any

import build

from tests.settings import FUNCTIONS, names_read

ROOT = Path(__file__).resolve().parents[2]

# Read by Powertools itself, not by the package (Powertools for AWS Lambda, environment variables).
POWERTOOLS_NAMES = {
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
}
LONGEST_SYNCHRONOUS_BLOCK_SECONDS = 8  # Amazon Connect, AWS Lambda function block: 8 s at most
LONGEST_ARN = 140  # Amazon Connect API, AssociateLambdaFunction: FunctionArn


def test_every_function_runs_on_the_deployed_python_and_processor(
    functions: dict[str, Any],
) -> None:
    for name, function in functions.items():
        properties = function["Properties"]
        assert properties["Runtime"] == "python3.13", name
        assert properties["Architectures"] == ["arm64"], name
        assert properties["Tracing"] == "Active", name
        assert properties["Layers"] == [{"Ref": "BridgeLayer"}], name


def test_layer_is_built_for_what_the_functions_run_on(
    resources: dict[str, Any], functions: dict[str, Any]
) -> None:
    layer = resources["BridgeLayer"]
    for function in functions.values():
        assert [layer["Metadata"]["BuildArchitecture"]] == function["Properties"]["Architectures"]
        assert function["Properties"]["Runtime"] in layer["Properties"]["CompatibleRuntimes"]


def test_layer_build_compiles_for_the_runtime(functions: dict[str, Any]) -> None:
    runtime = "python{}.{}".format(*build.DEPLOYED_PYTHON)
    assert {each["Properties"]["Runtime"] for each in functions.values()} == {runtime}


def test_build_recipes_are_there(resources: dict[str, Any]) -> None:
    """Given a resource built by make, then its folder has the target that SAM calls."""
    built = {
        name: resource
        for name, resource in resources.items()
        if resource.get("Metadata", {}).get("BuildMethod") == "makefile"
    }
    assert built
    for name, resource in built.items():
        properties = resource["Properties"]
        folder = ROOT / (properties.get("CodeUri") or properties["ContentUri"])
        recipe = (folder / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^build-{name}:", recipe, flags=re.MULTILINE), name


SDK_NAMES = {"AWS_ENDPOINT_URL"}
"""Set where AWS is a simulator, and never by the template."""
NOT_READ = {"SETTINGS_NUMBER"}
"""Changes with any parameter, so that Lambda publishes a version; no code reads it."""


def test_handlers_exist(functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        module, _, attribute = function["Properties"]["Handler"].rpartition(".")
        source = ROOT / function["Properties"]["CodeUri"] / Path(f"{module}.py")
        pattern = rf"^(def {attribute}\(|{attribute}\b.*=)"
        assert re.search(pattern, source.read_text(encoding="utf-8"), re.MULTILINE), name


def test_flow_function_never_outlives_the_longest_block(functions: dict[str, Any]) -> None:
    timeout = functions["ContactFlowFunction"]["Properties"]["Timeout"]
    assert timeout == LONGEST_SYNCHRONOUS_BLOCK_SECONDS


def test_every_function_logs_json_into_a_group_with_retention(
    functions: dict[str, Any], resources: dict[str, Any]
) -> None:
    for name, function in functions.items():
        logging = function["Properties"]["LoggingConfig"]
        assert logging["LogFormat"] == "JSON", name
        group = resources[logging["LogGroup"]["Ref"]]
        assert group["Type"] == "AWS::Logs::LogGroup", name
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


def function_name(function: dict[str, Any]) -> str:
    """The name of a function's folder."""
    return Path(function["Properties"]["CodeUri"]).name


def test_every_function_is_deployed(functions: dict[str, Any]) -> None:
    assert sorted(function_name(each) for each in functions.values()) == FUNCTIONS


def test_environment_has_what_a_function_reads(functions: dict[str, Any]) -> None:
    """A name that is missing here cannot be set."""
    for name, function in functions.items():
        expected = (names_read(function_name(function)) - SDK_NAMES) | POWERTOOLS_NAMES
        variables = function["Properties"]["Environment"]["Variables"]
        assert expected <= set(variables), name


def test_environment_has_nothing_that_is_read_nowhere(
    template: dict[str, Any], functions: dict[str, Any]
) -> None:
    """Each variable of a function is read by it; each variable of all functions by one at least."""
    shared = set(template["Globals"]["Function"]["Environment"]["Variables"])
    assert shared <= POWERTOOLS_NAMES.union(*map(names_read, FUNCTIONS))
    for name, function in functions.items():
        own = set(function["Properties"]["Environment"]["Variables"]) - shared
        assert own <= names_read(function_name(function)) | NOT_READ, name


def test_environment_values_come_from_the_stack(
    template: dict[str, Any], functions: dict[str, Any]
) -> None:
    """Given a reference in the environment, then it names a parameter or a resource."""
    known = {*template["Parameters"], *template["Resources"], "AWS::StackName"}
    for function in functions.values():
        for name, value in function["Properties"]["Environment"]["Variables"].items():
            if isinstance(value, dict):
                target = value.get("Ref") or value["Fn::Sub"].strip("${}")
                assert target.split(".")[0] in known or target in known, name


def test_log_level_is_no_parameter(template: dict[str, Any]) -> None:
    """Each delivery ends in one INFO line; above that level Lambda would drop it, and below it
    libraries write secrets and whole requests."""
    assert "LogLevel" not in template["Parameters"]
    shared = template["Globals"]["Function"]
    assert shared["LoggingConfig"]["ApplicationLogLevel"] == "INFO"
    assert shared["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "INFO"


def test_alias_arn_fits_into_a_flow(functions: dict[str, Any]) -> None:
    """Given the longest partition and region, and a stack's name of any length, then the ARN that a
    flow gets is one that Connect associates.

    CloudFormation cuts the names it makes to Lambda's 64 characters.
    """
    prefix = "arn:aws-us-gov:lambda:ap-northeast-1:123456789012:function:"
    properties = functions["ContactFlowFunction"]["Properties"]
    assert "FunctionName" not in properties
    assert len(f"{prefix}{'n' * 64}:{properties['AutoPublishAlias']}") <= LONGEST_ARN


def test_flow_time_limit_is_what_a_block_can_have(template: dict[str, Any]) -> None:
    limit = template["Parameters"]["FlowTimeLimitSeconds"]
    assert limit["AllowedValues"] == list(range(1, LONGEST_SYNCHRONOUS_BLOCK_SECONDS + 1))
    assert limit["Default"] == LONGEST_SYNCHRONOUS_BLOCK_SECONDS
