"""Contact records through stream, poller and function: nothing is lost, and the tally closes."""

from pathlib import Path
from typing import Any

import pytest

from simulator import simulator
from simulator.__main__ import RIGHT, main
from tests.samples.contact_records import contact_record as record
from tests.simulator.samples import write_call
from tests.unit.records import version

HEADER = {"comment": "records", "source": "invented"}


@pytest.fixture(autouse=True)
def two_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough to work side by side: each takes half a second of CPU to start."""
    monkeypatch.setattr(simulator, "CONCURRENCY", 2)


def test_forty_records_of_which_one_is_not_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through stream, poller and function: the tally closes, and the poison is kept."""
    items: list[Any] = [{"event": record(ContactId=f"h{number}")} for number in range(39)]
    items.insert(17, {"record": "{ not JSON", "partitionKey": "key"})
    calls = [{"vendorCallKey": f"h{number}", "parent": None} for number in range(39)]
    write_call(
        tmp_path,
        "forty",
        HEADER,
        {
            "source": "contact_record",
            "batch": items,
            "expect": {"delivered": 39, "dead_lettered": 1},
        },
        {"expectRequests": {"update": 39}},
        {"expectDeadLetters": ["NOT_A_CONTACT"]},
        {"expectCalls": calls, "anyOrder": True},
    )
    assert main(["run", "-v", str(tmp_path)]) == RIGHT
    assert "40 in, 40 accounted for: the tally closes" in capsys.readouterr().out


def test_an_outage_and_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given 24 versions of 8 contacts while Salesforce refuses by 429, then by 503, then loses
    its answers, then each contact ends in its newest version and the tally closes."""
    faults = [
        {"kind": "status", "status": status, "method": "PATCH", "times": 12, "headers": headers}
        for status, headers in ((429, {"Retry-After": "0"}), (503, {"Retry-After": "0"}))
    ]
    lost = {"kind": "reset_after", "method": "PATCH", "times": 4}
    records = [version(n, ContactId=f"o{c}") for n in (2, 1, 3) for c in range(8)]
    calls = [
        {"vendorCallKey": f"o{c}", "parent": None, "callAttributes": '{"Version__c": "3"}'}
        for c in range(8)
    ]
    write_call(
        tmp_path,
        "outage",
        HEADER,
        {"salesforce": [*faults, lost]},
        {
            "source": "contact_record",
            "batch": [
                {"event": each, "partitionKey": f"{n}", "expect": {}}
                for n, each in enumerate(records)
            ],
            "shuffle": 3,
        },
        {"expectDeadLetters": []},
        {"expectCalls": calls, "anyOrder": True},
    )
    assert main(["run", "-v", str(tmp_path)]) == RIGHT
    assert "24 in, 24 accounted for: the tally closes" in capsys.readouterr().out
