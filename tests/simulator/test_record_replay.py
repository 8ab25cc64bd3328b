"""Contact records through stream, poller and function: nothing is lost, and the tally closes."""

from pathlib import Path
from typing import Any

import pytest

from simulator.__main__ import RIGHT, main
from tests.samples.contact_records import contact_record as record
from tests.simulator.samples import write_call
from tests.unit.records import version

HEADER = {"comment": "records", "source": "invented"}


def test_a_hundred_records_of_which_one_is_not_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through stream, poller and function: the tally closes, and the poison is kept."""
    items: list[Any] = [{"event": record(ContactId=f"h{number}")} for number in range(99)]
    items.insert(42, {"record": "{ not JSON", "partitionKey": "key"})
    calls = [{"vendorCallKey": f"h{number}", "parent": None} for number in range(99)]
    write_call(
        tmp_path,
        "hundred",
        HEADER,
        {
            "source": "contact_record",
            "batch": items,
            "expect": {"delivered": 99, "dead_lettered": 1},
        },
        {"expectRequests": {"update": 99}},
        {"expectDeadLetters": ["NOT_A_CONTACT"]},
        {"expectCalls": calls, "anyOrder": True},
    )
    assert main(["run", "-v", str(tmp_path)]) == RIGHT
    assert "100 in, 100 accounted for: the tally closes" in capsys.readouterr().out


def test_an_outage_and_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given 60 versions of 20 contacts while Salesforce refuses by 429, then by 503, then loses
    its answers, then each contact ends in its newest version and the tally closes."""
    faults = [
        {"kind": "status", "status": status, "method": "PATCH", "times": 30, "headers": headers}
        for status, headers in ((429, {"Retry-After": "0"}), (503, {"Retry-After": "0"}))
    ]
    lost = {"kind": "reset_after", "method": "PATCH", "times": 10}
    records = [version(n, ContactId=f"o{c}") for n in (2, 1, 3) for c in range(20)]
    calls = [
        {"vendorCallKey": f"o{c}", "parent": None, "callAttributes": '{"Version__c": "3"}'}
        for c in range(20)
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
    assert "60 in, 60 accounted for: the tally closes" in capsys.readouterr().out
