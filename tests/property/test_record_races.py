"""Two environments with different versions of the same contacts at the same time, in threads: one
PATCH at a time a contact, the newest last. Processes do the same in tests/simulator."""

import random
import threading
from collections import defaultdict

import pytest

from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.record_function import Function, OneAtATime
from tests.unit.records import PatchedCalls, version
from voicecall_bridge.telephony.errors import Unavailable
from voicecall_bridge.voice_call.update import UpdateRequest

CONTACTS = [f"c{number}" for number in range(12)]
VERSIONS = range(5)


class BusySalesforce(PatchedCalls):
    """Takes time for a PATCH, fails one in ten, and notices two at a time for one contact."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(self.begin, self.end)
        self.draw, self.pause = draw, threading.Event()
        self.under_way: dict[str, int] = defaultdict(int)
        self.together = 0
        self.lock = threading.Lock()

    def begin(self, request: UpdateRequest) -> None:
        with self.lock:
            self.under_way[request.vendor_call_key] += 1
            self.together += self.under_way[request.vendor_call_key] > 1
            seconds, fails = self.draw.uniform(0, 0.01), self.draw.random() < 0.1
        self.pause.wait(seconds)
        if fails:
            self.end(request)
            raise Unavailable("x", status=503)

    def end(self, request: UpdateRequest) -> None:
        with self.lock:
            self.under_way[request.vendor_call_key] -= 1


def work(function: Function, records: list[dict[str, object]], failures: list[str]) -> None:
    """Deliver all records, in batches of ten, until each has ended."""
    for start in range(0, len(records), 10):
        first, part = start + 1, records[start : start + 10]
        for _ in range(50):
            failed = function(*part, first=first)
            if not failed:
                break
            done = min(map(int, failed)) - first
            part, first = part[done:], first + done
        else:
            failures.append(f"records from {first} on never ended")


@pytest.mark.parametrize("seed", [1, 2])
def test_two_workers_race_with_different_versions(seed: int) -> None:
    draw = random.Random(seed)
    salesforce = BusySalesforce(draw)
    failures: list[str] = []
    shared = OneAtATime(MemoryDynamoDB())
    workers = [
        Function(shared, salesforce=salesforce, workers=8, sleep=threading.Event().wait)
        for _ in range(2)
    ]
    threads = []
    for worker in workers:
        records = [version(n, ContactId=c) for c in CONTACTS for n in VERSIONS] * 2
        draw.shuffle(records)
        threads.append(threading.Thread(target=work, args=(worker, records, failures)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert salesforce.together == 0
    for contact in CONTACTS:
        sent = salesforce.versions(contact)
        assert sent == sorted(set(sent)), "no version twice, none behind a newer one"
        assert sent[-1] == VERSIONS[-1]
    for worker in workers:
        lines = worker.logged.deliveries()
        assert len({line["inputId"] for line in lines}) == len(CONTACTS) * len(VERSIONS) * 2
        assert {line["disposition"] for line in lines} == {"delivered", "superseded"}
