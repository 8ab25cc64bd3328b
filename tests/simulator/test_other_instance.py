"""`python -m simulator replay` with material of another instance: the simulator is that instance.

Each command starts a simulator and ends it: pytest makes an error of every socket left open.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from simulator.__main__ import RIGHT, main
from tests.simulator.samples import queued_event, write_json

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OTHER = "arn:aws:connect:eu-central-1:444455556666:instance/aaaaaaaa-1111-4222-8333-444455556666"


def test_events_of_another_instance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a Lambda event of Kinesis with an event of another instance, then the simulator is that
    instance, says so, and knows the contact as the event describes it."""
    event = queued_event("c-1", instanceArn=OTHER)
    data = base64.b64encode(json.dumps(event).encode()).decode()
    path = write_json(tmp_path / "event.json", {"Records": [{"kinesis": {"data": data}}]})

    assert main(["replay", str(path)]) == RIGHT

    shown = capsys.readouterr().out
    assert "recognised: 1 contact event; in a list of records, a record of Kinesis" in shown
    assert "replayed as instance aaaaaaaa-1111-4222-8333-444455556666 in eu-central-1" in shown
    assert (
        "DescribeContact knows of c-1 what contact_events say, without the caller's number" in shown
    )
    assert "anonymous to +18005550123" in shown
    assert "1 in, 1 accounted for: the tally closes" in shown


def test_whole_call_of_another_instance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a call of another instance that says what DescribeContact knows, then it is replayed as
    that instance's."""
    lines = [
        {"connect": {"contacts": [{"Id": "c-1", "InitiationMethod": "INBOUND"}]}},
        {"source": "contact_event", "event": queued_event("c-1", instanceArn=OTHER)},
    ]
    path = tmp_path / "call.txt"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    assert main(["replay", str(path)]) == RIGHT

    assert "replayed as instance aaaaaaaa-1111" in capsys.readouterr().out
