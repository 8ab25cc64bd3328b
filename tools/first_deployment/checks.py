"""Checks that only AWS can answer, one function each. They need no call and no Salesforce org.

A check that AWS refuses, or that waits in vain, ends as "could not be determined", with AWS's code:
the report is worth sending all the same.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tools.first_deployment import rules
from tools.first_deployment.trial import BAD, OK, SKIPPED, UNKNOWN, Finding, NotThere, Trial

Check = Callable[[Trial], Finding]

NOT_A_RECORD: Final = {"first-deployment": "not a contact event"}
FLOW_EVENT: Final = {"Details": {"Parameters": {"methodName": "first-deployment"}}}
"""An invocation that reaches the code and nothing behind it: there is no such method."""


def run(trial: Trial, checks: Mapping[str, Check]) -> list[Finding]:
    """Every check, one after the other; one that breaks off does not stop the others."""
    found = []
    for name, check in checks.items():
        try:
            found.append(check(trial))
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            found.append(Finding(name, UNKNOWN, f"AWS answered {code} to {error.operation_name}."))
        except BotoCoreError as error:
            found.append(Finding(name, UNKNOWN, f"AWS did not answer: {type(error).__name__}."))
        except NotThere as missing:
            found.append(Finding(name, BAD, f"Waited in vain for {missing}."))
    return found


def alias_permission(trial: Trial) -> Finding:
    """Amazon Connect may invoke the alias, and only for this instance."""
    name = "alias permission for Amazon Connect"
    function = trial.output("ContactFlowFunctionArn")
    policy = json.loads(trial.clients("lambda").get_policy(FunctionName=function)["Policy"])
    allowed = [
        each
        for each in policy["Statement"]
        if each["Principal"] == {"Service": "connect.amazonaws.com"}
        and trial.instance_arn in json.dumps(each.get("Condition", {}))
    ]
    if len(allowed) != 1:
        return Finding(name, BAD, f"{len(allowed)} statements let the instance in.")
    if not trial.has_instance:
        return Finding(name, OK, "The alias lets the instance in; no instance was given to try it.")
    return _association(trial, name, function)


def _association(trial: Trial, name: str, function: str) -> Finding:
    """Associate the alias with the instance, look, and take it away again."""
    connect = trial.clients("connect")
    instance = trial.instance_arn.rpartition("/")[2]
    connect.associate_lambda_function(InstanceId=instance, FunctionArn=function)
    try:
        pages = connect.get_paginator("list_lambda_functions").paginate(InstanceId=instance)
        offered = any(function in page["LambdaFunctions"] for page in pages)
    finally:
        connect.disassociate_lambda_function(InstanceId=instance, FunctionArn=function)
    says = (
        "The flow editor offers the alias." if offered else "The instance does not list the alias."
    )
    return Finding(name, OK if offered else BAD, says)


def snapshot(trial: Trial) -> Finding:
    """The version that flows call starts from a snapshot, on arm64."""
    client = trial.clients("lambda")
    function = trial.output("ContactFlowFunctionArn")

    def ready() -> Any:
        found = client.get_function_configuration(FunctionName=function)
        return found if found["State"] != "Pending" else None

    configuration = trial.until(ready, "the version to become active")
    facts = {
        "architecture": configuration.get("Architectures", []),
        "state": configuration["State"],
        "snapStart": configuration.get("SnapStart", {}),
        "log": _last_lines(client, function),
    }
    on = facts["snapStart"].get("OptimizationStatus") == "On"
    good = on and facts["architecture"] == ["arm64"] and facts["state"] == "Active"
    says = "The version is active, with a snapshot, on arm64." if good else "See the facts."
    return Finding("SnapStart on arm64", OK if good else BAD, says, facts)


def _last_lines(client: Any, function: str) -> list[str]:
    """Lambda's own lines about a start: how long the restore took."""
    answer = client.invoke(
        FunctionName=function, LogType="Tail", Payload=json.dumps(FLOW_EVENT).encode()
    )
    text = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    # The function's own lines stay here: only Lambda's hold no data of a call.
    return [line for line in text.splitlines() if "platform." in line or "estore" in line]


def function_to_queue(trial: Trial) -> Finding:
    """A function's dead letter goes through the key of the stack."""
    queue = trial.output("DeadLetterQueueUrl")
    before = trial.letters(queue)
    trial.put(NOT_A_RECORD, "first-deployment")
    trial.until(lambda: trial.letters(queue) > before or None, "the dead letter of a function")
    return Finding("KMS: function to dead-letter queue", OK, "The letter is in the queue.")


def lambda_to_queue(trial: Trial) -> Finding:
    """Lambda's own failure destination goes through the key of the stack."""
    queue = trial.output("EventRuleDeadLetterQueueUrl")
    before = trial.letters(queue)
    trial.clients("lambda").invoke(
        FunctionName=trial.resource("RedriveFunction"),
        InvocationType="Event",
        Payload=json.dumps(NOT_A_RECORD).encode(),
    )
    trial.until(lambda: trial.letters(queue) > before or None, "the dead letter of Lambda")
    return Finding("KMS: Lambda to failure queue", OK, "The letter is in the queue.")


def lambda_to_bucket(trial: Trial) -> Finding:
    """A batch that Lambda gives up goes into the bucket, through the key of the stack.

    The function is made unusable for that, and the batch's age short. The stack is removed later.
    """
    client, s3 = trial.clients("lambda"), trial.clients("s3")
    bucket = trial.output("FailureBucketName")
    function = trial.resource("ContactEventsFunction")
    mapping = trial.resource("ContactEventsFunctionStream")
    environment = client.get_function_configuration(FunctionName=function)["Environment"]
    broken = {**environment["Variables"], "LEDGER_TABLE": ""}
    client.update_function_configuration(FunctionName=function, Environment={"Variables": broken})
    client.update_event_source_mapping(
        UUID=mapping, MaximumRecordAgeInSeconds=60, MaximumRetryAttempts=1
    )

    def given_up() -> int | None:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="aws/lambda/")
        if not listed.get("KeyCount"):
            trial.put(NOT_A_RECORD, "first-deployment")
        return listed.get("KeyCount") or None

    count = trial.until(given_up, "the batch in the bucket")
    return Finding(
        "KMS: Lambda to failure bucket", OK, "The batch is in the bucket.", {"objects": count}
    )


def events_to_queue(trial: Trial) -> Finding:
    """EventBridge's dead letter goes through the key of the stack."""
    queue = trial.output("EventRuleDeadLetterQueueUrl")
    before = trial.letters(queue)
    with rules.rule(trial, key_path="$.detail.key", broken=True) as put:
        put({"key": "first-deployment"})
        trial.until(lambda: trial.letters(queue) > before or None, "the dead letter of EventBridge")
    return Finding("KMS: EventBridge to its dead-letter queue", OK, "The letter is in the queue.")


def null_partition_key(trial: Trial) -> Finding:
    """EventBridge's way with an event that has null where a rule takes the partition key."""
    name = "a null partition key"
    queue, letters = trial.output("EventRuleDeadLetterQueueUrl"), trial.output("DeadLetterQueueUrl")
    before, handled = trial.letters(queue), trial.letters(letters)

    def outcome() -> str | None:
        if trial.letters(queue) > before:
            return "EventBridge refuses it: it is a dead letter of the rule."
        # The function does not know the event either: its dead letter says that it came.
        return "It reaches the stream." if trial.letters(letters) > handled else None

    with rules.rule(trial, key_path="$.detail.key") as put:
        put({"key": None})
        return Finding(name, OK, trial.until(outcome, "the event, as a record or as a letter"))


def second_deployment(trial: Trial) -> Finding:
    """CodeDeploy shifts the alias twice: the second time from what it left the first time."""
    name = "a second CodeDeploy deployment"
    seen = [_version(trial)]
    for failure in ("error", "continue"):
        trial.deployer.deploy({"FlowFailure": failure})
        seen.append(_version(trial))
    facts: dict[str, object] = {"versions": seen}
    if len(set(seen)) < len(seen):
        return Finding(name, BAD, "A changed parameter did not reach what flows call.", facts)
    codedeploy = trial.clients("codedeploy")
    application = trial.resource("ServerlessDeploymentApplication")
    group = trial.resource("ContactFlowFunctionDeploymentGroup")
    listed = codedeploy.list_deployments(applicationName=application, deploymentGroupName=group)
    statuses = [
        codedeploy.get_deployment(deploymentId=each)["deploymentInfo"]["status"]
        for each in listed["deployments"]
    ]
    facts["deployments"] = statuses
    good = statuses.count("Succeeded") >= 2
    return Finding(
        name, OK if good else BAD, "Both shifted the alias." if good else "See the facts.", facts
    )


def _version(trial: Trial) -> str:
    function = trial.output("ContactFlowFunctionArn")
    return str(trial.clients("lambda").get_function_configuration(FunctionName=function)["Version"])


def alarms(trial: Trial) -> Finding:
    """No alarm rings on metrics without data; signals may."""
    name = "alarms on empty series"
    pages = (
        trial.clients("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=trial.name, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    states: dict[str, str] = {}
    for page in pages:
        for each in (*page["MetricAlarms"], *page["CompositeAlarms"]):
            states[_short(str(each["AlarmName"]))] = str(each["StateValue"])
    if not any(each.endswith("Alarm") for each in states):
        return Finding(name, SKIPPED, "The stack has no alarms.")
    ringing = [each for each, state in states.items() if state == "ALARM" and "Signal" not in each]
    says = f"In alarm: {', '.join(sorted(ringing))}." if ringing else "None rings."
    return Finding(name, BAD if ringing else OK, says, states)


def _short(alarm: str) -> str:
    """The logical name in an alarm's name."""
    parts = [part for part in alarm.split("-") if part.endswith(("Alarm", "Signal"))]
    return parts[-1] if parts else "another"


# Alarms first: what the other checks break on purpose rings later.
CHECKS: Final[dict[str, Check]] = {
    "alarms on empty series": alarms,
    "alias permission for Amazon Connect": alias_permission,
    "SnapStart on arm64": snapshot,
    "a second CodeDeploy deployment": second_deployment,
    "KMS: function to dead-letter queue": function_to_queue,
    "KMS: Lambda to failure queue": lambda_to_queue,
    "KMS: EventBridge to its dead-letter queue": events_to_queue,
    "a null partition key": null_partition_key,
    "KMS: Lambda to failure bucket": lambda_to_bucket,
}
