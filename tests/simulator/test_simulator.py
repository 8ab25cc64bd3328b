"""The simulator: what it brings up is what the template says, and nothing of it outlives it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from simulator.__main__ import UNUSABLE, main
from simulator.aws.event_rules import read_rules
from simulator.functions.lambda_api import LambdaApi
from simulator.pollers.kinesis_poller import Outcome
from simulator.pollers.poller_thread import PollerThread
from simulator.salesforce import Fault
from simulator.sam.template import TemplateError
from simulator.simulator import ROOT, TEMPLATE, Simulator
from tests.simulator.samples import INSTANCE_ID, flow_event, queued_event

FLOW = "ContactFlowFunction"
PATIENCE = 60.0


def is_open(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def runs(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


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
    (delivery,) = simulator.sources.publish(queued_event("c-1"))
    (result,) = simulator.sources.poll()

    assert delivery.partition_key == "c-1"
    assert result.outcome is Outcome.SUCCEEDED
    (record,) = simulator.salesforce.voice_calls()
    assert (record.vendor_call_key, record.fields["to"]) == ("c-1", "+18005550123")
    assert [(it.contact_id, it.status) for it in simulator.connect.journal] == [("c-1", 200)]


def test_rules_follow_the_settings(simulator: Simulator) -> None:
    """Given the template's default, then no rule takes INITIATED; with CREATE_FROM_EVENTS always,
    as a stack with this parameter, one does."""
    event = queued_event("c-1")
    event["detail"]["eventType"] = "INITIATED"

    assert simulator.sources.publish(event) == []
    assert len(simulator.sources.publish(event, {"CREATE_FROM_EVENTS": "always"})) == 1


def test_settings_of_the_whole_simulator() -> None:
    """Given settings for the simulator, then rules and functions are those of a stack with them; a
    sample's own come before them."""
    event = queued_event("c-1")
    event["detail"]["eventType"] = "INITIATED"
    settings = {"CREATE_FROM_EVENTS": "always", "FLOW_FAILURE": "error"}
    with Simulator(settings=settings) as simulator:
        assert len(simulator.sources.publish(event)) == 1
        assert simulator.sources.publish(event, {"CREATE_FROM_EVENTS": "never"}) == []
        assert simulator.environment(FLOW)["FLOW_FAILURE"] == "error"
        simulator.salesforce.inject(Fault("status", times=None, status=409))
        raised = simulator.invoke(FLOW, flow_event("c-2"))
        answered = simulator.invoke(FLOW, flow_event("c-3"), {"FLOW_FAILURE": "continue"})

    assert raised.error is not None
    assert answered.payload["errorCode"] == "409"


def test_setting_that_no_function_has(capsys: pytest.CaptureFixture[str]) -> None:
    """Given a slip in a setting's name, then nothing starts, and the names are shown."""
    assert main(["serve", "--set", "FLOW_FAILURE=error", "--set", "FLOW_FAILUER=x"]) == UNUSABLE

    told = capsys.readouterr().err
    assert "no function has the setting FLOW_FAILUER;" in told
    assert "FLOW_FAILURE" in told


def test_settings_that_the_bridge_cannot_use(capsys: pytest.CaptureFixture[str]) -> None:
    """Given values that no function could work with, then nothing starts, and all of them are told
    in the bridge's own words."""
    slips = ("FLOW_FAILURE=perhaps", "CONTACT_RECORD_METHODS=A PIGEON", "FLOW_TIME_LIMIT_SECONDS=9")
    assert main(["serve", *(part for slip in slips for part in ("--set", slip))]) == UNUSABLE

    told = capsys.readouterr()
    assert told.out == ""
    assert "FLOW_FAILURE must be one of continue, error" in told.err
    assert "FLOW_TIME_LIMIT_SECONDS must be a number from 1 to 8" in told.err
    assert "CONTACT_RECORD_METHODS: A PIGEON: not the name of a method" in told.err


def test_pauses_are_jumped_over(simulator: Simulator) -> None:
    """Given a record that fails for as long as the template lets it live, when it is polled, then
    it is given up into the bucket at once, and the next record is none the older for it."""
    simulator.salesforce.inject(Fault("status", times=None, status=401))
    simulator.connect.add_contact(INSTANCE_ID, "c-1", Channel="VOICE", InitiationMethod="INBOUND")
    simulator.sources.publish(queued_event("c-1"))
    results = simulator.sources.poll()
    simulator.salesforce.clear_faults()
    (delivery,) = simulator.sources.publish(queued_event("c-1"))
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
    simulator.invoke(FLOW, flow_event("c-1"))
    faulty = simulator.invoke(FLOW, flow_event("c-2"), {"FLOW_TIME_LIMIT_SECONDS": "9"})
    again = simulator.invoke(FLOW, flow_event("c-1"))

    assert faulty.payload["errorCode"] == "SETTINGS"
    assert again.payload["status"] == "existing"
    assert not again.cold
    assert len(simulator.process_ids) == 2


def test_looking_at_dead_letters_leaves_them(simulator: Simulator) -> None:
    """Given more letters than SQS hands out at a time, when they are read twice, then all are
    there both times."""
    for _ in range(11):
        simulator.invoke(FLOW, {})

    assert [letter.reason for letter in simulator.dead_letters()] == ["FLOW_MISTAKE"] * 11
    assert len(simulator.dead_letters()) == 11


def test_nothing_outlives_the_simulator() -> None:
    """Given a simulator in which something went wrong, then its processes and ports are gone."""
    processes: list[int] = []
    urls: list[str] = []

    def go_wrong() -> None:
        with Simulator() as simulator:
            simulator.salesforce.inject(Fault("hang"))
            simulator.invoke(FLOW, flow_event("c-1"), {"FLOW_TIME_LIMIT_SECONDS": "1"})
            processes.extend(simulator.process_ids)
            urls.extend((simulator.aws.endpoint, simulator.salesforce.base_url))
            assert all(map(is_open, urls))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go_wrong()

    assert processes
    assert not any(map(runs, processes))
    assert not any(map(is_open, urls))


def test_unusable_template_leaves_nothing_running(tmp_path: Path) -> None:
    """Given a template whose function wants what is not there, then the simulator does not start,
    and what had been started is stopped: pytest makes an error of every socket left open."""
    template = tmp_path / "template.yaml"
    text = TEMPLATE.read_text(encoding="utf-8").replace("!Ref LedgerTable", "!Ref NoSuchTable")
    template.write_text(re.sub("(C[a-z]+Uri: )", rf"\1{ROOT}/", text), encoding="utf-8")

    with pytest.raises(TemplateError, match="NoSuchTable"), Simulator(template):
        pytest.fail("the simulator has started")


def test_state_outlives_the_simulator(tmp_path: Path) -> None:
    """Given a folder for the state, when a second simulator takes it, then it knows the records."""
    with Simulator(state=tmp_path / "state") as simulator:
        simulator.invoke(FLOW, flow_event("c-1"))

    with Simulator(state=tmp_path / "state") as simulator:
        assert [call.vendor_call_key for call in simulator.salesforce.voice_calls()] == ["c-1"]


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


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_serve_command_ends_cleanly(ending: signal.Signals, tmp_path: Path) -> None:
    """Given `python -m simulator serve` with a function that runs, started in the background as a
    script does, when it is told to end, then it ends with status 0, and neither a process nor a
    port is left."""
    background = 'trap "" INT; exec "$0" -m simulator serve --port 0 --exports "$1"'
    command = subprocess.Popen(
        ["sh", "-c", background, sys.executable, str(tmp_path / "exports.sh")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert command.stdout is not None
        last = f"End it with Ctrl-C or kill {command.pid}\n"
        lines = [line.strip() for line in iter(command.stdout.readline, last)]
        invoke = next(line.split()[-1] for line in lines if "FlowFunction/invocations" in line)
        urls = [word for line in lines[:11] for word in line.split() if word.startswith("http://")]
        answer = requests.post(invoke, json=flow_event("c-1"), timeout=PATIENCE)
        children = _children(command.pid)

        command.send_signal(ending)

        assert command.wait(PATIENCE) == 0
        assert answer.json()["status"] == "created"
        assert children
        assert not any(map(runs, children))
        assert len(urls) == 6
        assert not any(map(is_open, urls))
    finally:
        command.kill()
        command.communicate()


def test_event_published_by_curl(tmp_path: Path) -> None:
    """Given a simulator left running, when a contact is told and its event published by HTTP, then
    the call appears in Salesforce without further ado; what is no event is refused."""
    with (
        Simulator(compressed=False, state=tmp_path) as simulator,
        PollerThread(simulator.sources),
        LambdaApi(simulator) as api,
    ):
        contact = {"Id": "c-1", "Channel": "VOICE", "InitiationMethod": "INBOUND"}
        known = requests.post(f"{api.url}/contacts", json=contact, timeout=PATIENCE)
        put = requests.post(f"{api.url}/events", json=queued_event("c-1"), timeout=PATIENCE)
        refused = requests.post(f"{api.url}/events", json={"id": "1"}, timeout=PATIENCE)
        wrong = requests.post(f"{api.url}/contacts", json={"Id": "c", "Size": 1}, timeout=PATIENCE)
        until = time.monotonic() + PATIENCE
        while not simulator.salesforce.voice_calls() and time.monotonic() < until:
            time.sleep(0.05)
        (record,) = simulator.salesforce.voice_calls()

    assert known.json() == "known"
    assert put.json()[0]["outcome"] == "delivered"
    assert (refused.status_code, wrong.status_code) == (400, 400)
    assert record.vendor_call_key == "c-1"


def _children(process_id: int) -> list[int]:
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True)
    rows = [line.split() for line in table.stdout.decode().splitlines()]
    return [int(child) for child, parent in rows if int(parent) == process_id]
