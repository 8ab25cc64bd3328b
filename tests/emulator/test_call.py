"""A call's way through the deployed stack: IAM is enforced, nothing is patched.

tests/emulator/stack.py names what the emulator lacks.
"""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from botocore.exceptions import ClientError

from simulator.aws.cloud import CONNECT_INSTANCE_ARN
from simulator.salesforce.faults import Fault
from simulator.salesforce.store import VoiceCallRecord
from tests.emulator.conftest import Deployed
from tests.emulator.ministack import ROOT

WAIT_SECONDS = 60.0
"""More than a stream's function needs, cold, on a busy machine."""
FLOW, EVENT, RECORD = (
    f"c000e00{number}-aaaa-4bbb-8ccc-00000000e00{number}" for number in (1, 2, 3)
)


Found = TypeVar("Found")


def until(look: Callable[[], Found | None]) -> Found:
    """The first result of `look` that is not empty; fails when there is none in time."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not come")


def invoke(deployed: Deployed, function: str, event: object) -> dict[str, Any]:
    client = deployed.aws.client("lambda")
    # As in AWS, a version with a snapshot is pending at first.
    client.get_waiter("function_active_v2").wait(
        FunctionName=function, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
    payload = answer["Payload"].read().decode()
    client.close()
    assert "FunctionError" not in answer, payload
    answered = json.loads(payload)
    assert isinstance(answered, dict)
    return answered


def put(deployed: Deployed, stream: str, record: object, key: str) -> None:
    client = deployed.aws.client("kinesis")
    client.put_record(
        StreamName=deployed.stack.physical_id(stream),
        Data=json.dumps(record).encode(),
        PartitionKey=key,
    )
    client.close()


def contact_record(contact: str, updated: str, **members: object) -> dict[str, object]:
    return {
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "Channel": "VOICE",
        "ContactId": contact,
        "InitiationMethod": "INBOUND",
        "InstanceARN": CONNECT_INSTANCE_ARN,
        "LastUpdateTimestamp": updated,
        **members,
    }


def ended(deployed: Deployed, contact: str) -> VoiceCallRecord | None:
    """The contact's VoiceCall, once its contact record has been through."""
    call = deployed.salesforce.voice_call(contact)
    patched = [
        each
        for each in deployed.salesforce.journal()
        if each.method == "PATCH" and contact in each.path and (each.status or 500) < 300
    ]
    return call if call and patched else None


def dead_letters(deployed: Deployed) -> int:
    client = deployed.aws.client("sqs")
    found = client.get_queue_attributes(
        QueueUrl=deployed.stack.output("DeadLetterQueueUrl"),
        AttributeNames=["ApproximateNumberOfMessages"],
    )["Attributes"]["ApproximateNumberOfMessages"]
    client.close()
    return int(found)


def test_who_has_no_right_is_refused(deployed: Deployed) -> None:
    """Otherwise the next tests would show nothing about the roles' policies."""
    iam = deployed.aws.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    iam.close()
    table = deployed.stack.output("LedgerTableName")
    dynamodb = deployed.aws.client(
        "dynamodb",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.describe_table(TableName=table)
    dynamodb.close()


def test_a_flow_makes_its_voice_call(deployed: Deployed) -> None:
    text = (ROOT / "events" / "contact_flow" / "min.json").read_text(encoding="utf-8")
    event = json.loads(text.replace("c0000003-aaaa-4bbb-8ccc-000000000003", FLOW))
    function = deployed.stack.output("ContactFlowFunctionArn")
    assert function.endswith(":live")
    first, second = (invoke(deployed, function, event) for _ in range(2))
    assert (first["status"], second["status"]) == ("created", "existing")
    call = deployed.salesforce.voice_call(FLOW)
    assert call is not None
    assert first["voiceCallId"] == second["voiceCallId"] == call.voice_call_id


def test_an_event_makes_the_voice_call_that_no_flow_made(deployed: Deployed) -> None:
    instance = CONNECT_INSTANCE_ARN.partition("/")[2]
    deployed.connect.add_contact(
        instance,
        EVENT,
        Channel="VOICE",
        InitiationMethod="INBOUND",
        CustomerEndpoint={"Type": "TELEPHONE_NUMBER", "Address": "+12065550100"},
        SystemEndpoint={"Type": "TELEPHONE_NUMBER", "Address": "+18005550199"},
    )
    event = {
        "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect",
        "detail": {
            "eventType": "QUEUED",
            "contactId": EVENT,
            "channel": "VOICE",
            "instanceArn": CONNECT_INSTANCE_ARN,
            "initiationMethod": "INBOUND",
            "initiationTimestamp": "2026-11-20T10:00:00.000Z",
        },
    }
    put(deployed, "ContactEventStream", event, EVENT)
    until(lambda: deployed.salesforce.voice_call(EVENT))


def test_a_record_finishes_the_voice_call(deployed: Deployed) -> None:
    deployed.salesforce.add_voice_call(RECORD)
    record = contact_record(RECORD, "2026-11-20T10:06:35Z")
    put(deployed, "ContactRecordStream", record, RECORD)
    until(lambda: ended(deployed, RECORD))


def test_a_dead_letter_goes_back_into_its_stream(deployed: Deployed) -> None:
    """Given a record that Salesforce refuses, then it is a dead letter; when it is put back, and
    Salesforce takes it, then the queue is empty."""
    refused = RECORD.replace("e003", "e004")
    deployed.salesforce.add_voice_call(refused)
    fault = Fault("status", times=1, method="PATCH", path_contains=refused, status=400)
    deployed.salesforce.inject(fault)
    record = contact_record(refused, "2026-11-20T10:06:35Z")
    put(deployed, "ContactRecordStream", record, refused)
    until(lambda: dead_letters(deployed))

    redrive = deployed.stack.physical_id("RedriveFunction")
    counted = invoke(deployed, redrive, {})
    assert counted["dryRun"] is True
    assert dead_letters(deployed) == 1
    invoke(deployed, redrive, {"dryRun": False})
    until(lambda: ended(deployed, refused))
    assert dead_letters(deployed) == 0
