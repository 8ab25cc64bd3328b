"""`python -m simulator replay` with material as people have it: recognised, adopted, explained."""

from __future__ import annotations

import gzip
import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from simulator.__main__ import RIGHT, UNUSABLE, WRONG, main
from tests.simulator.samples import flow_event, queued_event

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("one_simulator")


def written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_flow_event_describes_the_contact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given JSON lines with a flow's event that fails and a contact event, in gzip, then the
    contact event creates the call with the number from the flow's event."""
    chat = flow_event("own-1", method="updateVoiceCall")
    path = tmp_path / "lines.bin"
    lines = f"{json.dumps(chat)}\n{json.dumps(queued_event('own-1'))}\n"
    path.write_bytes(gzip.compress(lines.encode()))

    assert main(["replay", str(path)]) == WRONG  # there is no call to update yet

    shown = capsys.readouterr().out
    assert "DescribeContact knows of own-1 what contact_events and contact_flow say\n" in shown
    assert "+12065550123 to +18005550123" in shown


def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = io.BytesIO(json.dumps(flow_event("own-2")).encode("utf-16"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))

    assert main(["replay", "-"]) == RIGHT

    assert "recognised: 1 event of a contact flow; in UTF-16" in capsys.readouterr().out


def test_event_that_no_rule_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given an event that no rule takes, then the field and both values are named, and the command
    fails unless that is allowed."""
    path = written(tmp_path / "event.json", queued_event("own-3", eventType="COMPLETED"))

    assert main(["replay", str(path)]) == WRONG
    shown = capsys.readouterr().out
    assert main(["replay", "--allow-unmatched", str(path)]) == RIGHT

    assert "FirstContactRule: detail.eventType is COMPLETED, and the rule takes QUEUED or" in shown


def test_events_of_which_more_is_to_be_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a call's first event, and a file of Contact Lens in the user's own bucket, then the
    output says what they need."""
    first = queued_event("own-4", eventType="INITIATED")
    key = "Analysis/Voice/2026/11/26/own-4_analysis_2026-11-26T10:09:00Z.json"
    stored = {"bucket": {"name": "own"}, "object": {"key": key}}
    file = {"source": "aws.s3", "detail-type": "Object Created", "detail": stored}
    whole = {**queued_event("own-4"), **file}

    assert main(["replay", str(written(tmp_path / "both.json", [first, whole]))]) == WRONG

    shown = capsys.readouterr().out
    assert "hint: a stack takes INITIATED only where its parameter CreateFromEvents is" in shown
    assert "hint: the bucket is empty here; put the file into it" in shown


def test_missing_property_is_named_as_the_flow_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a contact without our number, then flow and event name the same property."""
    flow = written(tmp_path / "flow.json", flow_event("own-5", SystemEndpoint=None))
    event = written(tmp_path / "event.json", queued_event("own-5-event", tags={}))

    assert main(["replay", str(flow)]) == WRONG
    shown_by_flow = capsys.readouterr().out
    assert main(["replay", str(event)]) == WRONG
    shown_by_event = capsys.readouterr().out

    missing = "'to' cannot be filled: SystemEndpoint.Address"
    assert missing in shown_by_flow
    assert missing in shown_by_event


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "an object with no members is not understood"),
        ("hello", "there is no JSON in it"),
        ('{"Details": ', "the JSON that begins in line 1 is broken"),
        ("", "there is nothing in it"),
    ],
)
def test_all_else_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    """Given anything else, then nothing starts, and the accepted forms are listed."""
    path = tmp_path / "own.txt"
    path.write_text(text, encoding="utf-8")

    assert main(["replay", str(path)]) == UNUSABLE

    output = capsys.readouterr()
    assert output.out == ""
    assert f"{path}: {why}" in output.err
    assert "understood are:" in output.err


def test_anonymize_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given material, then it is written anew without its texts, and its own file stays; anything
    else, and a slip in the names, is refused."""
    path = written(tmp_path / "event.json", flow_event("c-1", Name="Erika"))
    out = tmp_path / "anonymous.json"

    assert main(["anonymize", str(path), str(out)]) == RIGHT
    assert "1 event of a contact flow" in capsys.readouterr().out
    assert "Erika" not in out.read_text(encoding="utf-8")
    assert main(["anonymize", str(path), str(path)]) == UNUSABLE
    assert "is not overwritten" in capsys.readouterr().err
    assert "Erika" in path.read_text(encoding="utf-8")
    assert main(["anonymize", str(written(tmp_path / "x.json", {})), str(out)]) == UNUSABLE
    assert "understood are:" in capsys.readouterr().err
