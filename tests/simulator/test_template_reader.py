"""simulator.sam.template: what the simulator learns from a SAM template."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from simulator.sam.template import Template, TemplateError, load_template, resource_types

SHORT = """
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  Secret: {Type: String}
  Level: {Type: String, Default: INFO}
  Limit: {Type: Number, Default: 8}
  Zones: {Type: CommaDelimitedList, Default: "a, b,c"}
  Key: {Type: String, Default: ""}
Conditions:
  HasKey: !Not [!Equals [!Ref Key, ""]]
  Debug: !Equals [!Ref Level, DEBUG]
  Both: !And [!Condition HasKey, !Condition Debug]
  Either: !Or [!Condition HasKey, !Condition Debug]
Globals:
  Function:
    Runtime: python3.13
    MemorySize: 512
    Layers: [!Ref Layer]
    Environment:
      Variables:
        LEVEL: !Ref Level
        SHARED: "1"
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layer}
  Table: {Type: AWS::DynamoDB::Table}
  Flow:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: code
      Handler: app.handler
      Timeout: !Ref Limit
      Environment:
        Variables:
          SECRET: !Ref Secret
          TABLE: !Ref Table
          TABLE_ARN: !GetAtt Table.Arn
          SHARED: "2"
          LIMIT: !Ref Limit
          KEY: !If [HasKey, !Ref Key, !Ref "AWS::NoValue"]
          REGION: !Ref AWS::Region
          SUB: !Sub "${AWS::Partition}:${Table.Arn}:${Level}:${!Kept}"
          SUB_MAP: !Sub ["${X}-${Level}", {X: !Ref Table}]
          JOINED: !Join ["-", [a, !Ref Table]]
          SELECTED: !Select [1, !Ref Zones]
          SPLIT: !Select [2, !Split [":", "a:b:c"]]
          FLAG: true
  Extra:
    Type: AWS::Serverless::Function
    Condition: Debug
    Properties: {CodeUri: code, Handler: extra.handler}
"""
LONG = """
Resources:
  Table: {Type: "AWS::DynamoDB::Table"}
  Flow:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: code
      Handler: app.handler
      Runtime: python3.13
      Environment:
        Variables:
          TABLE: {Ref: Table}
          ARN: {"Fn::GetAtt": [Table, Arn]}
          SUB: {"Fn::Sub": "t/${Table}"}
          JOINED: {"Fn::Join": [",", {"Fn::Split": ["-", "a-b"]}]}
"""
VALUES = {"Secret": "the-secret", "Table": "ledger", "Table.Arn": "arn:ledger"}


def load(tmp_path: Path, template: str, **values: object) -> Template:
    for folder in ("code", "layer"):
        (tmp_path / folder).mkdir(exist_ok=True)
    path = tmp_path / "template.yaml"
    path.write_text(dedent(template), encoding="utf-8")
    return load_template(path, {**(VALUES if template is SHORT else {}), **values})


def with_variable(node: str) -> str:
    """A template with one function, which has `node` as its variable X."""
    return f"""
        Parameters: {{P: {{Type: String}}}}
        Conditions: {{Loop: !Not [!Condition Loop], Text: !Ref P}}
        Resources:
          Queue: {{Type: AWS::SQS::Queue}}
          Flow:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: code
              Handler: app.handler
              Runtime: python3.13
              Environment: {{Variables: {{X: {node}}}}}
        """


def test_function_is_read_with_globals_merged(tmp_path: Path) -> None:
    """Given Globals and a function, when read, then the function's own properties win."""
    function = load(tmp_path, SHORT).functions["Flow"]

    assert function.logical_id == "Flow"
    assert function.handler == "app.handler"
    assert function.runtime == "python3.13"
    assert (function.timeout, function.memory) == (8, 512)
    assert function.code_dir == tmp_path / "code"
    assert function.layers == (tmp_path / "layer",)


def test_environment_is_resolved_as_cloudformation_does(tmp_path: Path) -> None:
    """Given every intrinsic in its short form, when read, then all variables are texts."""
    assert load(tmp_path, SHORT).functions["Flow"].environment == {
        "LEVEL": "INFO",
        "SHARED": "2",
        "SECRET": "the-secret",
        "TABLE": "ledger",
        "TABLE_ARN": "arn:ledger",
        "LIMIT": "8",
        "REGION": "us-east-1",
        "SUB": "aws:arn:ledger:INFO:${Kept}",
        "SUB_MAP": "ledger-INFO",
        "JOINED": "a-ledger",
        "SELECTED": "b",
        "SPLIT": "c",
        "FLAG": "true",
    }


def test_long_forms_mean_the_same(tmp_path: Path) -> None:
    """Given the long forms, when read, then they resolve like the short ones."""
    template = load(tmp_path, LONG, **{"Table": "ledger", "Table.Arn": "arn:ledger"})

    assert template.functions["Flow"].environment == {
        "TABLE": "ledger",
        "ARN": "arn:ledger",
        "SUB": "t/ledger",
        "JOINED": "a,b",
    }
    assert template.functions["Flow"].timeout == 3, "Lambda's default"
    assert template.functions["Flow"].memory == 128, "Lambda's default"


def test_values_override_defaults_and_pseudo_parameters(tmp_path: Path) -> None:
    """Given values for parameters, when read, then they replace the defaults."""
    values = {"Key": "k", "Level": "DEBUG", "AWS::Region": "eu-central-1"}
    template = load(tmp_path, SHORT, **values)

    environment = template.functions["Flow"].environment
    assert (environment["KEY"], environment["LEVEL"]) == ("k", "DEBUG")
    assert environment["REGION"] == "eu-central-1"


@pytest.mark.parametrize(
    ("values", "both", "either", "extra"),
    [
        ({}, False, False, False),
        ({"Key": "k"}, False, True, False),
        ({"Level": "DEBUG"}, False, True, True),
        ({"Key": "k", "Level": "DEBUG"}, True, True, True),
    ],
)
def test_conditions_decide_what_exists(
    tmp_path: Path, values: dict[str, object], both: bool, either: bool, extra: bool
) -> None:
    """Given a condition on a resource, when it does not hold, then the resource is not there."""
    template = load(tmp_path, SHORT, **values)

    assert template.resolve({"Fn::If": ["Both", "yes", "no"]}) == ("yes" if both else "no")
    assert template.resolve({"Fn::If": ["Either", "yes", "no"]}) == ("yes" if either else "no")
    assert ("Extra" in template.resources) is extra
    assert ("Extra" in template.functions) is extra


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"Ref": "AWS::NoValue"}, None),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
        ({"Fn::If": ["Debug", {"Ref": "Nowhere"}, "fine"]}, "fine"),
        ({"Ref": "Zones"}, ["a", "b", "c"]),
        ({"Plain": {"Ref": "Table"}, "Other": 1}, {"Plain": "ledger", "Other": 1}),
        ("2010-09-09", "2010-09-09"),
    ],
)
def test_any_node_can_be_resolved(tmp_path: Path, node: Any, expected: Any) -> None:
    """Given a node of any resource, when resolved, then it is what CloudFormation would see."""
    assert load(tmp_path, SHORT).resolve(node) == expected


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        ("!Ref P", "Ref P cannot be resolved"),
        ("!Ref Queue", "Ref Queue cannot be resolved"),
        ("!GetAtt Queue.Arn", "GetAtt Queue.Arn cannot be resolved"),
        ("!GetAtt Queue", "a logical id and an attribute"),
        ('!Sub "${Queue.QueueName}"', "Sub ${Queue.QueueName} cannot be resolved"),
        ('!Sub ["${A}"]', "a text, or a text and a map"),
        ("!If [Missing, a, b]", "no condition Missing"),
        ("!If [Loop, a, b]", "Loop depends on itself"),
        ("!If [Loop, a]", "a condition and two values"),
        ("!Select [3, [a]]", "no item 3"),
        ("!Select [-1, [a]]", "an index and a list"),
        ('!Split ["", "a"]', "a delimiter and a text"),
        ("!Join [',', a]", "a delimiter and a list"),
        ("!ImportValue other", "Fn::ImportValue is not supported"),
        ("[a, b]", "a text is needed"),
        ("null", "a text is needed"),
    ],
)
def test_what_cannot_be_resolved_is_named(tmp_path: Path, node: str, reason: str) -> None:
    """Given a bad reference, when read, then the error names function, variable and reference."""
    with pytest.raises(TemplateError) as caught:
        load(tmp_path, with_variable(node))

    assert "Flow: environment variable X: " in str(caught.value)
    assert reason in str(caught.value)


def test_a_value_the_template_does_not_know_is_refused(tmp_path: Path) -> None:
    """Given a misspelt parameter, when read, then it is refused instead of ignored."""
    with pytest.raises(TemplateError, match="does not know Levle"):
        load(tmp_path, SHORT, Levle="DEBUG")


def test_values_of_resources_that_sam_adds_are_taken(tmp_path: Path) -> None:
    """Given a value for a function's generated role, when resolved, then it is used."""
    template = load(tmp_path, SHORT, **{"FlowRole.Arn": "arn:role"})

    assert template.resolve({"Fn::GetAtt": ["FlowRole", "Arn"]}) == "arn:role"


FUNCTION = "{Type: AWS::Serverless::Function, Properties: {%s}}"
GOOD = "CodeUri: code, Handler: app.handler, Runtime: python3.13"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("a: [", "not YAML"),
        ("- list", "not a template"),
        ("Resources: {}", "no Resources"),
        ("Resources: [1]", "Resources is not a map"),
        ("Resources: {A: {Properties: {}}}", "A: a resource needs a Type"),
        ("Resources: {A: {Type: T, Properties: 1}}", "A: Properties is not a map"),
        ("Resources: {A: {Type: T, Condition: C}}", "A: the template has no condition C"),
        (f"Resources: {{A: {FUNCTION % 'CodeUri: code'}}}", "A: Handler: a text is needed"),
        (f"Resources: {{A: {FUNCTION % (GOOD + ', Timeout: 0')}}}", "A: Timeout: a whole number"),
        (f"Resources: {{A: {FUNCTION % GOOD.replace('code', 'gone')}}}", "A: CodeUri: 'gone'"),
        (f"Resources: {{A: {FUNCTION % (GOOD + ', Layers: [arn:x]')}}}", "A: Layers: 'arn:x'"),
        (
            f"Resources: {{A: {FUNCTION % (GOOD + ', Environment: {Variables: {YES: a}}')}}}",
            "A: environment variable True: the name is not a text (quote it)",
        ),
        ("Resources: {A: {Type: T, Properties: {X: !Sub {a: b}}}}", "!Sub needs"),
    ],
)
def test_a_template_that_cannot_be_used_says_where(
    tmp_path: Path, template: str, reason: str
) -> None:
    """Given a broken template, when read, then the error names the place."""
    with pytest.raises(TemplateError) as caught:
        load(tmp_path, template)

    assert reason in str(caught.value)


def test_parameters_behind_environment_variables(tmp_path: Path) -> None:
    """Given variables of Globals, one a parameter's and one fixed, then the parameter is found."""
    template = load(tmp_path, SHORT, **VALUES)

    assert template.parameters_of({"LEVEL": "DEBUG", "SHARED": "2", "OTHER": "3"}) == {
        "Level": "DEBUG"
    }


def test_types_before_any_reference_has_a_value(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(SHORT, encoding="utf-8")

    assert resource_types(path)["Table"] == "AWS::DynamoDB::Table"
    assert resource_types(path)["Extra"] == "AWS::Serverless::Function"


def test_types_of_what_is_no_template(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Resources: {}", encoding="utf-8")

    with pytest.raises(TemplateError, match="it has no Resources"):
        resource_types(path)
