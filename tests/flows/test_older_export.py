"""The console's older exports are read as content of the flow language, and said to be older."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.flows.checks import doubts, faults
from simulator.flows.files import read_flow
from simulator.flows.flow import CUSTOMER_QUEUE, INBOUND, Condition
from simulator.samples.reading import EventError
from tests.flows.small_flows import written

if TYPE_CHECKING:
    from pathlib import Path

BYE = {"id": "bye", "type": "Disconnect", "branches": [], "parameters": []}


def older(*modules: dict[str, Any], kind: str = INBOUND) -> dict[str, Any]:
    return {
        "modules": [*modules, BYE],
        "version": "1",
        "type": kind,
        "start": modules[0].get("id", "a"),
        "metadata": {"name": "Old", "description": None, "type": kind},
    }


def module(kind: str, *branches: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    given = [{"name": name, **value} for name, value in parameters.items()]
    return {"id": "a", "type": kind, "branches": list(branches), "parameters": given}


def leads(condition: str, **compared: str) -> dict[str, Any]:
    return {"condition": condition, "transition": "bye", **compared}


def test_an_older_export_is_walked_and_its_conversion_explained(tmp_path: Path) -> None:
    flow = read_flow(written(tmp_path, older(module("Resume"))))
    assert (flow.name, flow.description, flow.type, flow.is_older_export) == (
        "Old",
        "",
        INBOUND,
        True,
    )
    [doubt] = [each for each in doubts(flow) if "older exports (modules[])" in each]
    assert "Import flow" in doubt
    assert "describe-contact-flow" in doubt


@pytest.mark.parametrize(
    ("namespace", "value", "path"),
    [
        (None, "words", "words"),
        ("User Defined", "language", "$.Attributes.language"),
        ("User Defined", "first name", "$.Attributes['first name']"),
        ("External", "voiceCallId", "$.External.voiceCallId"),
        ("System", "Customer Number", "$.CustomerEndpoint.Address"),
        ("System", "Stored customer input", "$.StoredCustomerInput"),
        ("System", "Queue.ARN", "$.Queue.ARN"),
        ("Lex", "intentName", "$.Lex.intentName"),
    ],
)
def test_a_namespace_becomes_a_path(
    tmp_path: Path, namespace: str | None, value: str, path: str
) -> None:
    given = {"value": value, "namespace": namespace, "key": "k"}
    flow = read_flow(
        written(tmp_path, older(module("SetAttributes", leads("Success"), Attribute=given)))
    )
    assert flow.actions["a"].parameters == {"Attributes": {"k": path}}


@pytest.mark.parametrize(
    ("kind", "branch", "condition"),
    [
        (
            "CheckAttribute",
            leads("Evaluate", conditionType="GreaterThan", conditionValue="5"),
            Condition("NumberGreaterThan", ("5",), "bye"),
        ),
        (
            "CheckAttribute",
            leads("Evaluate", conditionType="Resembles", conditionValue="5"),
            Condition("Resembles", ("5",), "bye"),
        ),
        ("CheckStaffing", leads("True"), Condition("NumberGreaterThan", ("0",), "bye")),
        ("CheckHoursOfOperation", leads("True"), Condition("Equals", ("True",), "bye")),
        ("Wait", leads("Timeout"), Condition("Equals", ("WaitCompleted",), "bye")),
        ("SomethingNew", leads("Maybe"), Condition("Equals", ("Maybe",), "bye")),
    ],
)
def test_a_branch_becomes_a_condition(
    tmp_path: Path, kind: str, branch: dict[str, Any], condition: Condition
) -> None:
    flow = read_flow(written(tmp_path, older(module(kind, branch))))
    assert flow.actions["a"].conditions == (condition,)


@pytest.mark.parametrize(
    ("kind", "branch", "error"),
    [
        ("CheckStaffing", "False", "NoMatchingCondition"),
        ("GetUserInput", "Timeout", "InputTimeLimitExceeded"),
        ("SetCallBackNumber", "NonDialableNumber", "CallbackNumberNotDialable"),
        ("Transfer", "AtCapacity", "QueueAtCapacity"),
        ("SomethingNew", "Error", "NoMatchingError"),
    ],
)
def test_a_branch_becomes_an_error(tmp_path: Path, kind: str, branch: str, error: str) -> None:
    flow = read_flow(written(tmp_path, older(module(kind, leads(branch), leads(branch)))))
    assert dict(flow.actions["a"].errors) == {error: "bye"}


@pytest.mark.parametrize(
    ("changes", "kind", "becomes"),
    [
        ({"type": "Transfer", "target": "Queue"}, INBOUND, "TransferContactToQueue"),
        (
            {"type": "Transfer", "target": "Queue"},
            CUSTOMER_QUEUE,
            "DequeueContactAndTransferToQueue",
        ),
        ({"type": "Transfer", "target": "Satellite"}, INBOUND, "Transfer"),
        ({"type": "GetUserInput", "target": "Lex"}, INBOUND, "ConnectParticipantWithLexBot"),
        ({"type": "SomethingNew"}, INBOUND, "SomethingNew"),
    ],
)
def test_a_type_may_depend_on_its_target(
    tmp_path: Path, changes: dict[str, str], kind: str, becomes: str
) -> None:
    flow = read_flow(written(tmp_path, older(module("x", leads("Success")) | changes, kind=kind)))
    assert flow.actions["a"].type == becomes
    assert faults(flow) == []


def test_what_is_not_known_is_named(tmp_path: Path) -> None:
    flow = read_flow(written(tmp_path, older(module("SomethingNew", leads("Success")))))
    assert "a: block SomethingNew is not known here: passed" in doubts(flow)


def test_a_resource_without_an_id_goes_by_its_name(tmp_path: Path) -> None:
    """Given an export without its ids, then the block's resource is shown by its name."""
    queue = {"value": "", "namespace": None, "resourceName": "BasicQueue"}
    flow = read_flow(written(tmp_path, older(module("SetQueue", leads("Success"), Queue=queue))))
    assert flow.actions["a"].parameters == {"QueueId": "BasicQueue"}
    assert flow.actions["a"].display_name == "BasicQueue"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"modules": {}}, "modules: a list is needed"),
        ({"modules": ["x"]}, "module 1: an object is needed"),
        ({"modules": [{"type": "Resume"}]}, "module 1: id must be a text"),
        ({"modules": [{"id": "a"}]}, "module 1: type must be a text"),
        ({"modules": [module("Resume", {"condition": "Success"})]}, "transition must be a text"),
        ({"start": None}, "start must be a text"),
        ({"metadata": []}, ""),
    ],
)
def test_a_broken_export_is_refused_with_its_place(
    tmp_path: Path, spoil: dict[str, Any], message: str
) -> None:
    path = written(tmp_path, older(module("Resume")) | spoil)
    if not message:
        assert read_flow(path).name == "flow"
        return
    with pytest.raises(EventError) as refused:
        read_flow(path)
    assert message in str(refused.value)
