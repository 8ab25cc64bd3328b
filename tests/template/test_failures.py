"""Every function that is invoked asynchronously has a failure destination, and an alarm on it."""

from typing import Any

import pytest

# A flow waits for the answer; the function itself keeps what cannot be delivered.
WAITED_FOR = {"ContactFlowFunction"}


def of_type(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def function_of(reference: Any) -> str:
    """The function that a mapping or a configuration belongs to."""
    return str(reference["Ref"])


def is_queue_mapping(properties: dict[str, Any]) -> bool:
    """Whether a mapping reads a queue, which moves what fails into its dead-letter queue."""
    return "Queue" in str(properties.get("EventSourceArn", ""))


def asynchronous(resources: dict[str, Any]) -> dict[str, list[Any]]:
    """Function -> its failure destinations, of streams and of asynchronous invocations."""
    found: dict[str, list[Any]] = {
        name: [] for name in of_type(resources, "AWS::Lambda::Function") if name not in WAITED_FOR
    }
    for kind in ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig"):
        for name, properties in of_type(resources, kind).items():
            function = function_of(properties["FunctionName"])
            if is_queue_mapping(properties):
                continue  # the queue itself keeps what fails
            destination = properties.get("DestinationConfig", {}).get("OnFailure", {})
            assert destination.get("Destination"), f"{name} has no failure destination"
            found.setdefault(function, []).append(destination["Destination"])
    return found


def test_every_asynchronous_function_has_a_failure_destination(expanded: dict[str, Any]) -> None:
    """Given a function that no flow waits for, then its stream or its invocations have one."""
    found = asynchronous(expanded["Resources"])
    assert len(found) >= 3
    assert all(found.values()), found


def test_every_failure_destination_has_an_alarm(expanded: dict[str, Any]) -> None:
    """A queue's own alarm rings at one dead letter; Lambda counts what goes into the bucket."""
    resources = expanded["Resources"]
    watched = str(
        [
            (each.get("Dimensions"), each.get("Metrics"))
            for each in of_type(resources, "AWS::CloudWatch::Alarm").values()
        ]
    )
    mappings = of_type(resources, "AWS::Lambda::EventSourceMapping")
    for name, properties in mappings.items():
        if is_queue_mapping(properties):
            queue = properties["EventSourceArn"]["Fn::GetAtt"][0]
            target = resources[queue]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]
            kept = {"Fn::GetAtt": [target["Fn::GetAtt"][0], "QueueName"]}
            assert str({"Name": "QueueName", "Value": kept}) in watched
            continue
        assert str({"Name": "EventSourceMappingUUID", "Value": {"Ref": name}}) in watched
    for function, destinations in asynchronous(resources).items():
        for destination in destinations:
            kept_in = destination["Fn::GetAtt"][0]
            if resources[kept_in]["Type"] == "AWS::SQS::Queue":
                queue = {"Name": "QueueName", "Value": {"Fn::GetAtt": [kept_in, "QueueName"]}}
                assert str(queue) in watched, (function, kept_in)


def test_every_target_of_a_rule_has_a_queue_for_what_it_could_not_get(
    expanded: dict[str, Any],
) -> None:
    rules = of_type(expanded["Resources"], "AWS::Events::Rule")
    assert rules
    for name, rule in rules.items():
        for target in rule["Targets"]:
            assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"], name


@pytest.mark.parametrize("stream", ["ContactEventStream", "ContactRecordStream"])
def test_a_stream_outlasts_a_weekend(template: dict[str, Any], stream: str) -> None:
    """Given an outage from Friday evening to Tuesday morning, then the first records are still
    there. Records that the functions gave up are in the bucket, for longer."""
    hours = template["Resources"][stream]["Properties"]["RetentionPeriodHours"]
    if hours == {"Ref": "ContactEventRetentionHours"}:
        hours = template["Parameters"]["ContactEventRetentionHours"]["Default"]
    assert hours >= 4 * 24


def test_what_holds_data_says_what_becomes_of_it(resources: dict[str, Any]) -> None:
    """Given what keeps payloads, then it outlives the stack; only live events go with it. Resources
    of a failed first deployment are empty, and charged: they go. Source: CloudFormation template
    reference, "DeletionPolicy attribute"."""
    keeping = {
        name: (each.get("DeletionPolicy"), each.get("UpdateReplacePolicy"))
        for name, each in resources.items()
        if each["Type"]
        in {
            "AWS::DynamoDB::Table",
            "AWS::KMS::Key",
            "AWS::Kinesis::Stream",
            "AWS::S3::Bucket",
            "AWS::SQS::Queue",
        }
    }
    gone = {name for name, policies in keeping.items() if policies == ("Delete", "Delete")}
    assert gone == {"ContactEventStream", "ContactLensStream", "WaitingQueue"}
    assert {keeping[name] for name in keeping.keys() - gone} == {("RetainExceptOnCreate", "Retain")}
