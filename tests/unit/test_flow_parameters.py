"""Parameters of a Lambda block: texts, or a JSON document with anything in it."""

import json

import pytest

from voicecall_bridge.sources.flow_parameters import FlowParameters, ParameterFault


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (" a ", "a"), ("", ""), (None, ""), (12065550100, "12065550100"), (7.0, "7")],
)
def test_a_parameter_is_a_text(value: object, text: str) -> None:
    assert FlowParameters({"x": value}).optional("x") == text


@pytest.mark.parametrize("value", [True, [], ["HUSH"], {}, {"HUSH": 1}, 1.5, 10**30], ids=repr)
def test_what_is_no_text_is_named_and_not_quoted(value: object) -> None:
    with pytest.raises(ParameterFault, match="parameter x must be a text") as caught:
        FlowParameters({"x": value}).optional("x")
    assert "HUSH" not in str(caught.value)


@pytest.mark.parametrize("given", [{}, {"x": None}, {"x": ""}, {"x": "  "}])
def test_what_is_missing_is_named_with_the_cure(given: dict[str, object]) -> None:
    with pytest.raises(ParameterFault, match="parameter x is missing or empty: add it, with a y"):
        FlowParameters(given).required("x", "a y")


def test_inputs_of_the_flow_lose_their_prefix() -> None:
    """Source: SCVL, `flowInput-*`."""
    given = {"flowInput-a": "1", "flowInput-b-c": {"d": 2}, "flowInput-": "x", "flowInput-n": None}
    assert FlowParameters({**given, "other": "x"}).flow_inputs() == {"a": "1", "b-c": {"d": 2}}


VALUES = {"a": "1", "b": {"c": None}}


@pytest.mark.parametrize("value", [VALUES, json.dumps(VALUES), f" {json.dumps(VALUES)} "], ids=repr)
def test_field_values_are_an_object_or_its_text(value: object) -> None:
    assert FlowParameters({"fieldValues": value}).field_values(()) == VALUES


@pytest.mark.parametrize("given", [{}, {"fieldValues": None}, {"fieldValues": ""}])
def test_field_values_may_be_missing(given: dict[str, object]) -> None:
    assert FlowParameters(given).field_values(("a",)) == {}


def test_known_members_may_be_parameters_of_their_own() -> None:
    """Then fieldValues wins, and nothing else of the parameters is taken."""
    given = {"a": "flat", "b": "flat", "c": "", "d": None, "methodName": "m"}
    parameters = FlowParameters({**given, "fieldValues": {"a": "inside"}})
    assert parameters.field_values(("a", "b", "c", "d")) == {"a": "inside", "b": "flat"}


def test_what_chooses_the_contact_center_is_not_sent() -> None:
    values = {"secretName": "s", "accessSecretName": "t", "a": "1"}
    assert FlowParameters({"fieldValues": values}).field_values(()) == {"a": "1"}


@pytest.mark.parametrize(
    "value",
    [
        *("HUSH", '{"a": "HU"SH"}', '["HUSH"]', "7", "null", "NaN", '{"a": NaN}', "[" * 100_000),
        *(7, True, ["HUSH"], 1.5),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_field_values_of_another_kind_are_reported_and_not_quoted(value: object) -> None:
    with pytest.raises(ParameterFault, match="parameter fieldValues is neither") as caught:
        FlowParameters({"fieldValues": value}).field_values(())
    assert "HUSH" not in str(caught.value)


def test_parameters_do_not_show_what_they_hold() -> None:
    assert "HUSH" not in repr(FlowParameters({"x": "HUSH"}))
