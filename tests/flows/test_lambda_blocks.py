"""What Lambda blocks do: the bridge's function, other functions, loops around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.flows.caller import new_caller
from simulator.flows.flow import INBOUND
from simulator.flows.lambda_block import NotInvoked
from simulator.flows.state import End
from tests.flows.small_flows import bye, call, keep, say
from tests.flows.walking import Function, invocation, loop, walked

if TYPE_CHECKING:
    from pathlib import Path


def test_a_loop_around_lambda_ends_after_its_rounds(tmp_path: Path) -> None:
    """Given a function that fails, then the silent loop ends after two tries, with a message."""
    actions = (loop("fn", "say"), call("fn", "say", "loop"), say("say", "bye"), bye())
    walk_ = walked(tmp_path, *actions, function=Function(NotInvoked("it is missing")))
    assert [step.action for step in walk_.steps] == [
        "loop",
        "fn",
        "loop",
        "fn",
        "loop",
        "say",
        "bye",
    ]
    assert walk_.end is End.MESSAGE


def test_another_function_is_not_called_and_can_be_given_an_answer(tmp_path: Path) -> None:
    """Given a Lambda block without methodName, then the bridge's function is not called."""
    other = call(
        "look up", "keep", LambdaInvocationAttributes={"number": "$.SystemEndpoint.Address"}
    )
    actions = (other, keep("keep", "bye", name="$.External.customer.name"), bye())
    function = Function()
    walk_ = walked(tmp_path, *actions, function=function)
    assert function.events == []
    assert "look up: ${FunctionArn} is another function" in walk_.passed[0]
    given = walked(tmp_path, *actions, answers=['look up={"customer": {"name": "Jo"}}'])
    assert given.caller.attributes["name"] == "Jo"
    assert given.passed == ()


def test_scvls_rest_function_is_another_one_though_it_has_methods(tmp_path: Path) -> None:
    function = Function()
    for arn in (
        "arn:aws:lambda:us-west-2:111122223333:function:cc-InvokeSalesforceRestApiFunction:active",
        "%%INVOKE_SALESFORCE_REST_API_FUNCTION_ARN%%",
    ):
        parameters = {"methodName": "queryRecord", "soql": "SELECT Id FROM Case"}
        asks = call("a", "bye", LambdaFunctionARN=arn, LambdaInvocationAttributes=parameters)
        assert walked(tmp_path, asks, bye(), function=function).passed
    assert function.events == []


def test_parameters_and_answers_may_be_json(tmp_path: Path) -> None:
    asks = call(
        "a",
        "b",
        LambdaInvocationAttributes={"methodName": "x", "deep": {"n": ["$.ContactId", 1]}},
        ResponseValidation={"ResponseType": "JSON"},
    )
    function = Function(invocation({"agent": {"n": 7, "free": True}}))
    caller = new_caller(INBOUND)
    kept = keep("b", "bye", n="$.External.agent.n", free="$.External.agent.free")
    walk_ = walked(tmp_path, asks, kept, bye(), function=function, caller=caller)
    parameters = function.events[0]["Details"]["Parameters"]
    assert parameters["deep"] == {"n": [caller.contact["ContactId"], 1]}
    assert walk_.caller.attributes == {"n": "7", "free": "true"}


def test_a_function_that_is_not_waited_for_leaves_the_last_answer(tmp_path: Path) -> None:
    later = call("b", "c", InvocationType="ASYNCHRONOUS")
    function = Function(invocation({"x": "1"}), invocation({"x": "2"}))
    actions = (call("a", "b"), later, keep("c", "bye", x="$.External.x"), bye())
    assert walked(tmp_path, *actions, function=function).caller.attributes == {"x": "1"}


def test_a_mistake_in_the_flow_is_known_as_one(tmp_path: Path) -> None:
    function = Function(invocation(error="FlowMistake"))
    walk_ = walked(tmp_path, call("a", "say"), say("say", "bye"), bye(), function=function)
    assert (walk_.end, walk_.mistakes) == (End.MESSAGE, ("a: it failed",))
    failed = Function(invocation(error="FlowFailed"))
    assert walked(tmp_path, call("a", "bye"), bye(), function=failed).mistakes == ()
