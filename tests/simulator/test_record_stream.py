"""Contact records in functions' processes, against moto and the Salesforce simulator: two
environments racing, one that is killed, and records of any size."""

import json
import os
import random
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from simulator.functions.lambda_process import Invocation
from simulator.replay.tally import delivery_lines
from simulator.salesforce import Fault
from simulator.simulator import Simulator
from tests.samples.contact_records import contact_record as record
from tests.unit.records import batch, version

FUNCTION = "ContactRecordsFunction"
CONTACTS = [f"c{number}" for number in range(8)]
VERSIONS = range(5)


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.salesforce.reset()


def failed(invocation: Invocation) -> list[str]:
    """The records that are to be delivered again."""
    assert invocation.error is None, invocation.logs
    return [item["itemIdentifier"] for item in invocation.payload["batchItemFailures"]]


def arrived(simulator: Simulator, contact_id: str) -> list[int]:
    """Versions of a contact in the order in which Salesforce received them."""
    return [
        int(json.loads(exchange.body["callAttributes"])["Version__c"])
        for exchange in simulator.salesforce.journal()
        if exchange.path.endswith(f"/voiceCalls/{contact_id}")
    ]


def ends(invocation: Invocation) -> list[tuple[str, str]]:
    lines = delivery_lines(invocation.logs)
    return [(line.disposition, line.reason) for line in lines]


def deliver(simulator: Simulator, records: list[Any], first: int = 1) -> list[Invocation]:
    """Deliver as Lambda does: again from the lowest failure on, until all have ended."""
    invocations = []
    while records:
        invocations.append(simulator.invoke(FUNCTION, batch(records, first)))
        again = failed(invocations[-1])
        done = min(map(int, again)) - first if again else len(records)
        records, first = records[done:], first + done
        assert len(invocations) < 30
    return invocations


def test_two_processes_race_with_different_versions(simulator: Simulator) -> None:
    """Given two environments with all versions of the same contacts, each in an order of its own,
    while Salesforce is slow, then Salesforce gets no version twice, and none after a newer one."""
    simulator.salesforce.inject(Fault("slow", times=None, method="PATCH", seconds=0.02))
    draw = random.Random(7)
    orders = []
    for _ in range(2):
        records = [version(n, ContactId=c) for c in CONTACTS for n in VERSIONS]
        draw.shuffle(records)
        orders.append(records)

    def work(records: list[Any]) -> None:
        for start in range(0, len(records), 5):
            deliver(simulator, records[start : start + 5], start + 1)

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(work, orders))

    assert len(simulator.process_ids) == 2, "two environments"
    for contact_id in CONTACTS:
        versions = arrived(simulator, contact_id)
        assert versions == sorted(set(versions))
        assert versions[-1] == VERSIONS[-1]


def test_a_killed_environment_sends_the_same_version_once_more(simulator: Simulator) -> None:
    """Given a process that is killed while Salesforce has its PATCH, when an older version and then
    the same batch come, then this version is sent once more, and nothing else."""
    simulator.salesforce.inject(
        Fault("hang_after_storing", method="PATCH", vendor_call_key="killed")
    )
    newer, older = version(2, ContactId="killed"), version(1, ContactId="killed")
    with ThreadPoolExecutor(1) as worker:
        dying = worker.submit(simulator.invoke, FUNCTION, batch([newer]))
        looking = threading.Event()
        while not arrived(simulator, "killed"):
            assert not looking.wait(0.01)
        for process_id in simulator.process_ids:
            os.kill(process_id, signal.SIGKILL)
        assert dying.result(30).error is not None

    assert ends(simulator.invoke(FUNCTION, batch([older], 9))) == [
        ("superseded", "NEWER_UNDER_WAY")
    ]
    (again,) = deliver(simulator, [newer])
    assert ends(again) == [("delivered", "")]
    assert arrived(simulator, "killed") == [2, 2]
    assert ends(simulator.invoke(FUNCTION, batch([newer]))) == [("superseded", "ALREADY_DELIVERED")]


def test_a_record_of_a_mebibyte_is_delivered(simulator: Simulator) -> None:
    """Given the largest record of a stream, with most of its size in members that are not sent."""
    large = record(ContactId="large", ContactDetails={"note": "x" * 2**20})
    assert ends(simulator.invoke(FUNCTION, batch([large]))) == [("delivered", "")]
    call = simulator.salesforce.voice_call("large")
    assert call is not None
    assert call.fields["agent"] == "agent.one"


def test_a_mebibyte_that_is_refused_is_kept_whole(simulator: Simulator) -> None:
    """Given a field so large that Salesforce refuses the request, then the bucket has the record:
    it is too large for the queue."""
    large = record(ContactId="too-large", Attributes={"sfdc-Note__c": "x" * 2**20})
    event = batch([large])
    assert ends(simulator.invoke(FUNCTION, event)) == [("dead_lettered", "413")]
    bucket = simulator.environment(FUNCTION)["FAILURE_BUCKET"]
    (stored,) = [kept for _, kept in simulator.aws.objects(bucket, "dead-letters/")]
    assert stored == event["Records"][0]
    assert [letter.reason for letter in simulator.dead_letters()] == ["413"]


def test_settings_with_faults_are_reported_by_name(simulator: Simulator) -> None:
    settings = {"CONTACT_RECORD_FIELDS": "Agnt.Username=A__c", "CONTACT_CENTER_SECRET": ""}
    invocation = simulator.invoke(FUNCTION, batch([record()]), settings)
    assert invocation.error is not None
    assert invocation.error["errorType"] == "SettingsError"
    assert "CONTACT_CENTER_SECRET is missing" in invocation.error["errorMessage"]
    # A wrong item of the list costs that item alone: it does not stop the function.
    assert "Agnt" not in invocation.error["errorMessage"]
