"""The simulator brings up what the template says, and answers requests about it."""

import json
from collections.abc import Iterator

import pytest
import requests

from simulator.aws.event_rules import read_rules
from simulator.functions.lambda_api import LambdaApi
from simulator.pollers.kinesis_poller import Outcome
from simulator.salesforce import Fault
from simulator.simulator import Simulator
from tests.samples.members import INSTANCE_ID
from tests.simulator.processes import is_open
from tests.simulator.samples import NO_RETRY_QUEUE, flow_event, queued_event

FLOW = "ContactFlowFunction"
PATIENCE = 60.0


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    running.reset()
    yield running
    running.sources.poll()


def test_aws_is_what_the_template_says(simulator: Simulator) -> None:
    """Given the template, then table, queue and secret are there under the names the function's
    environment has, with the template's key, time to live and retention."""
    environment = simulator.environment(FLOW)
    client = simulator.aws.client("dynamodb")
    table = client.describe_table(TableName=environment["LEDGER_TABLE"])["Table"]
    expiry = client.describe_time_to_live(TableName=environment["LEDGER_TABLE"])
    client.close()
    client = simulator.aws.client("sqs")
    queue = client.get_queue_attributes(
        QueueUrl=environment["DEAD_LETTER_QUEUE_URL"], AttributeNames=["MessageRetentionPeriod"]
    )
    client.close()
    client = simulator.aws.client("secretsmanager")
    secret = client.get_secret_value(SecretId=environment["CONTACT_CENTER_SECRET"])
    further = client.get_secret_value(SecretId=environment["CONTACT_CENTER_SECRETS"])
    client.close()

    assert table["KeySchema"] == [{"AttributeName": "ledger_key", "KeyType": "HASH"}]
    assert expiry["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    assert queue["Attributes"]["MessageRetentionPeriod"] == "1209600"
    assert json.loads(secret["SecretString"])["SCRT_ENDPOINT_BASE"] == simulator.salesforce.base_url
    orgs = [json.loads(each["SecretString"])["SALESFORCE_ORG_ID"] for each in (secret, further)]
    assert simulator.orgs == {secret["Name"]: orgs[0], further["Name"]: orgs[1]}
    assert orgs[0] != orgs[1]


def test_stream_and_bucket_are_what_the_template_says(simulator: Simulator) -> None:
    """Given the template, then its stream, its bucket and the queue of its rules are there, under
    the names that the function's environment, the mapping and the rules have."""
    properties = simulator.template.resources["ContactEventStream"]["Properties"]
    kinesis, s3, sqs = (simulator.aws.client(service) for service in ("kinesis", "s3", "sqs"))
    stream = str(simulator.template.resolve({"Ref": "ContactEventStream"}))
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    (rule_queue,) = {
        target.dead_letter for rule in read_rules(simulator.template) for target in rule.targets
    }
    url = sqs.get_queue_url(QueueName=rule_queue.rpartition(":")[2])["QueueUrl"]
    for client in (kinesis, s3, sqs):
        client.close()

    assert summary["StreamARN"] == simulator.template.resolve(
        {"Fn::GetAtt": "ContactEventStream.Arn"}
    )
    hours = int(simulator.template.resolve(properties["RetentionPeriodHours"]))
    assert summary["RetentionPeriodHours"] == hours
    assert summary["StreamModeDetails"]["StreamMode"] == "ON_DEMAND"
    assert simulator.environment("ContactEventsFunction")["FAILURE_BUCKET"] in buckets
    assert simulator.aws.messages(url) == []


def test_contact_event_goes_all_the_way(simulator: Simulator) -> None:
    """Given a contact that Connect knows, when its event is published, then rule, stream, mapping
    and function make its VoiceCall; DescribeContact is asked once."""
    simulator.connect.add_contact(INSTANCE_ID, "c-1", Channel="VOICE", InitiationMethod="INBOUND")
    asked_before = len(simulator.connect.journal)
    (delivery,) = simulator.sources.publish(queued_event("c-1"))
    (result,) = simulator.sources.poll()

    assert delivery.partition_key == "c-1"
    assert result.outcome is Outcome.SUCCEEDED
    (record,) = simulator.salesforce.voice_calls()
    assert (record.vendor_call_key, record.fields["to"]) == ("c-1", "+18005550123")
    asked = simulator.connect.journal[asked_before:]
    assert [(it.contact_id, it.status) for it in asked] == [("c-1", 200)]


def test_rules_follow_the_settings(simulator: Simulator) -> None:
    """Given the template's default, then no rule takes INITIATED; with CREATE_FROM_EVENTS always,
    as a stack with this parameter, one does."""
    event = queued_event("c-1")
    event["detail"]["eventType"] = "INITIATED"

    assert simulator.sources.publish(event) == []
    assert len(simulator.sources.publish(event, {"CREATE_FROM_EVENTS": "always"})) == 1


def test_pauses_are_jumped_over(simulator: Simulator) -> None:
    """Given a record that fails for as long as the template lets it live, and a retry queue that is
    not there, when it is polled, then it is given up into the bucket at once, and the next record
    has not aged meanwhile."""
    simulator.salesforce.inject(Fault("status", times=None, status=401))
    simulator.connect.add_contact(INSTANCE_ID, "c-9", Channel="VOICE", InitiationMethod="INBOUND")
    simulator.sources.publish(queued_event("c-9"))
    results = simulator.sources.poll(NO_RETRY_QUEUE)
    simulator.salesforce.clear_faults()
    (delivery,) = simulator.sources.publish(queued_event("c-9"))
    (good,) = simulator.sources.poll()

    assert results[-1].outcome is Outcome.DISCARDED
    assert results[-1].destination.startswith("s3://")
    assert len(results) > 10
    (kept,) = simulator.records_given_up()
    assert kept.input_id != delivery.input_id
    assert good.outcome is Outcome.SUCCEEDED


def test_call_goes_all_the_way(simulator: Simulator) -> None:
    """When an event is delivered twice, then there is one record and one item."""
    first = simulator.invoke(FLOW, flow_event("c-1"))
    second = simulator.invoke(FLOW, flow_event("c-1"))

    (record,) = simulator.salesforce.voice_calls()
    assert first.payload["voiceCallId"] == second.payload["voiceCallId"] == record.voice_call_id
    assert (first.payload["status"], second.payload["status"]) == ("created", "existing")
    (item,) = simulator.ledger()
    assert (item.contact_id, item.create_status, item.has_request) == ("c-1", "CREATED", True)


def test_other_settings_are_another_process(simulator: Simulator) -> None:
    """Given a function that runs, when it is invoked with other settings, then both run side by
    side on the same ledger."""
    simulator.restart_functions()
    simulator.invoke(FLOW, flow_event("c-1"))
    faulty = simulator.invoke(FLOW, flow_event("c-2"), {"FLOW_TIME_LIMIT_SECONDS": "9"})
    again = simulator.invoke(FLOW, flow_event("c-1"))

    assert faulty.payload["errorCode"] == "SETTINGS"
    assert again.payload["status"] == "existing"
    assert not again.cold
    assert len(simulator.process_ids) == 2


def test_looking_at_dead_letters_leaves_them(simulator: Simulator) -> None:
    """Given more dead letters than SQS hands out at a time, when they are read twice, then all are
    there both times."""
    for _ in range(11):
        simulator.invoke(FLOW, {})

    assert [letter.reason for letter in simulator.dead_letters()] == ["FLOW_MISTAKE"] * 11
    assert len(simulator.dead_letters()) == 11


def test_invoke_over_http(simulator: Simulator) -> None:
    """Lambda's Invoke: an answer, an error with its header, and what it refuses."""
    with LambdaApi(simulator) as api, requests.Session() as session:
        url = f"{api.url}/2015-03-31/functions/{FLOW}/invocations"
        made = session.post(url, json=flow_event("c-1"), timeout=PATIENCE)
        raised = session.post(url, data=b"", timeout=PATIENCE)
        unknown = session.post(url.replace(FLOW, "Nobody"), json={}, timeout=PATIENCE)
        not_json = session.post(url, data="{", timeout=PATIENCE)

    assert made.json()["status"] == "created"
    assert "X-Amz-Function-Error" not in made.headers
    assert (raised.status_code, raised.headers["X-Amz-Function-Error"]) == (200, "Unhandled")
    assert raised.json()["errorType"] == "FlowMistake"
    assert (unknown.status_code, not_json.status_code) == (404, 400)
    assert not is_open(api.url)
