"""A call of the console is exported as a sample, and the sample ends as the call did."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import requests

from simulator.simulator import ROOT
from simulator.web.calls import Call, Entry
from simulator.web.sample_export import CONTACT_KNOWN, NO_RULE, as_sample
from tests.console.conftest import PATIENCE, Console

if TYPE_CHECKING:
    from pathlib import Path

LAST = {
    "transfer": "contact_records",
    "abandoned": "contact_records",
    "transcript": "post_call_analysis",
}
"""The source of each story's last input."""


def exported(console: Console, story: str, seed: int) -> str:
    """The last contact of a story, when all that was sent has ended."""
    address = f"{console.url}/api/calls/{console.trigger(story, seed=seed)[-1]}/export?form=sample"
    sample = ""

    def ended() -> bool:
        nonlocal sample
        sample = requests.get(address, timeout=PATIENCE).text
        steps = (
            [json.loads(line) for line in sample.splitlines()] if "expectCalls" in sample else []
        )
        inputs = [step for step in steps if "event" in step]
        sources = {step["source"] for step in inputs}
        return LAST[story] in sources and all("expect" in step for step in inputs)

    console.until(ended)
    return sample


def test_a_sample_ends_as_its_call_did(console: Console, tmp_path: Path) -> None:
    """Given calls that were triggered one after the other; when their samples are replayed in a
    simulator of its own; then each input ends as before, and the same VoiceCalls are there."""
    (folder := tmp_path / "calls").mkdir()
    for seed, story in enumerate(LAST, start=40):
        sample = exported(console, story, seed)
        (folder / f"{story}.jsonl").write_text(sample, encoding="utf-8")
        console.post("/api/reset")

    # It refuses samples that lack an expectation.
    replayed = subprocess.run(
        [sys.executable, "-m", "simulator", "run", "-v", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert f"{len(LAST)} of {len(LAST)} samples ended as their files say" in replayed.stdout


AT = 1_795_793_643.0


def entry(number: int, kind: str, title: str = "", **data: Any) -> Entry:
    return Entry(number, AT + number, kind, ("c-1",), title, data)


def delivered(number: int, source: str, disposition: str, input_id: str) -> Entry:
    line = {"message": "delivery", "source": source, "disposition": disposition, "reason": ""}
    return entry(number, "log", **line, inputId=input_id)


def steps(*entries: Entry) -> list[dict[str, Any]]:
    call = Call("c-1", AT, AT, voice_call_id="0LQ", entries=list(entries))
    return [json.loads(line) for line in as_sample([call]).splitlines()[1:-1]]


def test_inputs_stand_in_the_order_of_their_ends() -> None:
    """Given an event that was sent before a flow, and ended after it, then the flow comes first,
    behind the fault that it met; a contact that was known, and times relative to the delivery."""
    event = {"detail": {"initiationTimestamp": "2026-11-27T15:33:54.000Z", "other": "2026"}}
    found = steps(
        entry(0, "note", CONTACT_KNOWN, contact={"Id": "c-1"}),
        entry(1, "event", payload=event),
        entry(2, "flow", event={"Details": {}}, answer={"status": "created"}),
        entry(3, "exchange", method="POST", fault="status", status=503),
        delivered(4, "contact_flow", "delivered", "f"),
        delivered(5, "contact_events", "superseded", "e"),
        delivered(6, "contact_events", "superseded", "e"),
    )

    assert found == [
        {"connect": {"contacts": [{"Id": "c-1"}]}},
        {"salesforce": [{"kind": "status", "method": "POST", "status": 503}]},
        {
            "source": "contact_flow",
            "event": {"Details": {}},
            "expect": {
                "disposition": "delivered",
                "reason": "",
                "answer": {"status": "created"},
            },
        },
        {
            "source": "contact_events",
            "event": {"detail": {"initiationTimestamp": "{now-10s}", "other": "2026"}},
            "expect": {"disposition": "superseded", "reason": ""},
        },
    ]


def test_an_event_that_no_rule_takes_and_an_end_that_is_unclear() -> None:
    """Given an event that reached no function, then the sample expects that; given two records and
    one end, then the sample expects nothing of either."""
    found = steps(
        entry(1, "event", payload={"detail": {}}),
        entry(2, "note", NO_RULE),
        entry(3, "record", payload={"n": 1}),
        entry(4, "record", payload={"n": 2}),
        delivered(5, "contact_records", "delivered", "r"),
    )

    assert [step.get("expect") for step in found] == [{"matched": False}, None, None]
