"""`python -m simulator run` and `replay`, whole: real processes and HTTP, few events.

The commands begin with a simulator that runs and is empty.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.__main__ import RIGHT, UNUSABLE, WRONG, main
from tests.simulator.samples import (
    created,
    flow_event,
    transfer_event,
    write_call,
    write_json,
    write_sample,
)

HEADER = {"comment": "a call", "source": "invented"}


def down(contact_id: str, *, given: list[str] | None = None) -> dict[str, Any]:
    """The expected file of an event that Salesforce refuses for a permanent reason."""
    answer = {"status": "failed", "voiceCallId": "", "vendorCallKey": contact_id, "errors": ""}
    return {
        "source": "invented",
        "given": given or [],
        "salesforce": [{"kind": "status", "status": 409}],
        "answer": {**answer, "errorCode": "409", "errorMessage": "*"},
        "voiceCall": None,
        "disposition": "dead_lettered",
        "reason": "409",
    }


pytestmark = pytest.mark.usefixtures("one_simulator")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A call, a refused one, a mistake of the flow's author, and a transfer."""
    write_sample(tmp_path, "inbound", flow_event("in-1"), created("in-1"))
    write_sample(tmp_path, "down", flow_event("down-1"), down("down-1", given=["inbound.json"]))
    mistake = {
        "source": "invented",
        "error": "FlowMistake",
        "voiceCall": None,
        "disposition": "dead_lettered",
        "reason": "FLOW_MISTAKE",
    }
    write_sample(tmp_path, "mistake", flow_event("slip-1", method="createVoicecall"), mistake)
    write_call(
        tmp_path,
        "transfer",
        HEADER,
        {
            "source": "contact_flow",
            "event": flow_event("call-1"),
            "expect": {"answer": {"status": "created"}},
        },
        {
            "source": "contact_flow",
            "event": transfer_event("call-2", "call-1"),
            "expect": {"disposition": "delivered", "reason": ""},
        },
        {
            "expectCalls": [
                {"vendorCallKey": "call-1", "parent": None},
                {"vendorCallKey": "call-2", "parent": "call-1"},
            ]
        },
    )
    return tmp_path


def test_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given samples that end as their files say, when they are run, then the exit status is 0 and
    deliveries, calls and tally are shown."""
    assert main(["run", "-v", str(folder)]) == RIGHT

    shown = capsys.readouterr().out
    assert sum(line.startswith("ok ") for line in shown.splitlines()) == 5
    assert "WRONG" not in shown
    assert "Calls in Salesforce: 3" in shown
    assert "\n└── call-2  0LQ" in shown
    assert "payloads of dead letters: 1 in the ledger, 1 in the queue" in shown
    assert "5 in, 5 accounted for: the tally closes" in shown
    assert "4 of 4 samples ended as their files say" in shown


def test_run_with_a_falsified_expectation(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given files with wrong expectations, when they are run, then the exit status is 1 and each
    difference is shown below its delivery."""
    falsified = created("in-1", reason="NOT_VOICE")
    falsified["voiceCall"]["to"] = "+18005550199"
    write_sample(folder, "inbound", flow_event("in-1"), falsified)
    path = folder / "calls" / "transfer.jsonl"
    path.write_text(path.read_text().replace('"parent": null', '"parent": "in-1"'))

    assert main(["run", "-v", str(folder)]) == WRONG

    shown = capsys.readouterr().out
    assert "reason: expected 'NOT_VOICE', found ''" in shown
    assert "voiceCall.to: expected '+18005550199', found '+18005550123'" in shown
    assert "call call-1.parent: expected 'in-1', found nothing" in shown
    assert "2 of 4 samples ended as their files say" in shown
    assert "the tally closes" in shown


def test_methods_of_a_call_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given requests about a call, when they are replayed, then they are compared with the expected
    file, in both forms of a path."""
    route = {"methodName": "routeVoiceCall", "routingTarget": "005"}
    event = flow_event("c-1")
    event["Details"]["Parameters"] = route
    request = {"operation": "routeVoiceCall", "vendorCallKey": "c-1", "routingTarget": "005"}
    step = {"source": "contact_flow", "event": event, "expect": {"requests": [request]}}
    wrong = {**step, "expect": {"requests": [{**request, "routingTarget": "006"}]}}
    counts = {"expectRequests": {"create": 1, "routeVoiceCall": 2}}
    header = {"source": "invented", "settings": {"TELEPHONY_VARIANTS": "routeVoiceCall=guide"}}
    create = {"source": "contact_flow", "event": flow_event("c-1"), "expect": {"reason": ""}}
    calls = {"expectCalls": [{"vendorCallKey": "c-1", "parent": None}]}
    write_call(tmp_path, "a_package", {"source": "invented"}, create, step, step, counts, calls)
    write_call(tmp_path, "b_guide", header, step, wrong, {"expectRequests": {}}, calls)

    assert main(["run", "-v", str(tmp_path)]) == WRONG

    shown = capsys.readouterr().out
    assert "routeVoiceCall.routingTarget: expected '006', found '005'" in shown
    assert "requests routeVoiceCall: expected 0, found 2" in shown
    assert "1 of 2 samples ended as their files say" in shown


def test_run_with_an_unusable_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "-v", str(tmp_path)]) == UNUSABLE

    assert "no sample" in capsys.readouterr().err


def test_faults_end_with_their_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a fault for every request of one sample, when the next one is replayed, then it meets
    none. The file with the fault comes first by name."""
    expected = down("a-1")
    expected["salesforce"][0]["times"] = None
    write_sample(folder, "a", flow_event("a-1"), expected)

    assert main(["run", "-v", str(folder)]) == RIGHT


def test_replay_of_a_sample_brings_what_it_needs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a sample with a parent from another sample, when replayed, then both are."""
    transfer = transfer_event("out-1", "in-1")
    path = write_sample(folder, "transfer", transfer, created("out-1", given=["inbound.json"]))

    assert main(["replay", str(path)]) == RIGHT

    assert "└── out-1" in capsys.readouterr().out


def test_replay_of_an_own_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given an event without expected file, when it is replayed, then the flow's answer is shown
    and the exit status is 0."""
    path = write_json(tmp_path / "mine.json", flow_event("mine-1"))

    assert main(["replay", str(path)]) == RIGHT

    shown = capsys.readouterr().out
    assert "      status: created\n" in shown
    assert "      vendorCallKey: mine-1\n" in shown
    assert "1 in, 1 accounted for: the tally closes" in shown


def test_replay_of_several_own_events_names_the_event_of_each_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [flow_event("mine-3"), flow_event("mine-3", method="none of them"), {}]
    steps = [{"source": "contact_flow", "event": event} for event in events]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, steps)), encoding="utf-8")

    assert main(["replay", str(path)]) == WRONG

    shown = capsys.readouterr().out
    assert "   1. contact_flow  createVoiceCall  mine-3\n      status: created\n" in shown
    assert "   2. contact_flow  mine-3\n      errorType: FlowMistake\n" in shown
    assert "   3. contact_flow\n      errorType: FlowMistake\n" in shown


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (flow_event("chat-1", Channel="CHAT"), RIGHT),
        ({"detail-type": "Scheduled Event"}, RIGHT),
        (flow_event("none-1", SystemEndpoint=None), WRONG),
        (flow_event("slip-1", method="createVoicecall"), WRONG),
        (7, UNUSABLE),
    ],
    ids=["skipped", "warm-up", "refused", "mistake", "no event"],
)
def test_exit_status_of_an_own_event(tmp_path: Path, event: Any, status: int) -> None:
    assert main(["replay", str(write_json(tmp_path / "mine.json", event))]) == status


def test_own_transfer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a transfer with a parent that the fresh simulator does not know, when it is replayed,
    then Salesforce's refusal and the cure are shown; with the cure it is created."""
    path = write_json(tmp_path / "mine.json", transfer_event("mine-2", "mine-1"))

    assert main(["replay", str(path)]) == WRONG
    refused = capsys.readouterr().out
    assert main(["replay", str(path), "--parent", "mine-1", "--parent", "mine-0"]) == RIGHT
    cured = capsys.readouterr().out

    assert "parentVoiceCallId is not a known voice call" in refused
    assert "--parent mine-1" in refused
    assert "hint" not in cured
    assert "Calls in Salesforce: 3" in cured
    assert "└── mine-2" in cured


def test_method_for_a_call_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a method that is about a call, alone in a file, then Salesforce's 404 is shown with two
    cures, and each of them works; the 404 of a fault is shown without."""
    method = flow_event("mine-1", method="rerouteFlowExecution")
    step = {"source": "contact_flow", "event": method}
    create = {"source": "contact_flow", "event": flow_event("mine-1")}
    refusal = {"salesforce": [{"kind": "status", "status": 404, "method": None, "times": None}]}
    path = write_json(tmp_path / "mine.json", method)

    def replayed(*arguments: str) -> tuple[int, str]:
        status = main(["replay", *arguments])
        return status, capsys.readouterr().out

    status, shown = replayed(str(path))
    assert status == WRONG
    assert "hint: Salesforce has no VoiceCall of this contact here" in shown
    assert "--parent mine-1" in shown
    for cured in (
        replayed(str(path), "--parent", "mine-1"),
        replayed(str(write_call(tmp_path, "whole", create, step))),
    ):
        assert cured[0] == RIGHT
        assert "hint" not in cured[1]
    status, shown = replayed(str(write_call(tmp_path, "refused", refusal, create, step)))
    assert status == WRONG
    assert "  2 404\n" in shown
    assert "hint" not in shown


@pytest.mark.parametrize(
    ("event", "hinted"),
    [
        (flow_event("in-2", PreviousContactId="in-1", SystemEndpoint=None), False),
        (flow_event("in-2", PreviousContactId="in-1", Channel="CHAT"), False),
        (transfer_event("tr-2", "tr-1"), True),
        (flow_event("tr-2", PreviousContactId="tr-1", InitiationMethod="TRANSFER"), True),
    ],
    ids=["no number", "chat", "transfer", "created without its parent"],
)
def test_hint_at_a_parent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], event: Any, hinted: bool
) -> None:
    """Given an event with a previous contact, then the hint at a parent is shown only where
    Salesforce got a parent and refused it."""
    main(["replay", str(write_json(tmp_path / "mine.json", event))])

    assert ("hint: Salesforce does not know the parent" in capsys.readouterr().out) is hinted


def test_own_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a call that says nothing of how it ends, when the same event comes twice in it, then
    the second delivery finds the first one's record."""
    step = {"source": "contact_flow", "event": flow_event("mine-1")}
    path = write_call(tmp_path, "mine", step, step)

    assert main(["replay", str(path)]) == RIGHT

    shown = capsys.readouterr().out
    assert "superseded (ALREADY_CREATED)" in shown
    assert "Calls in Salesforce: 1" in shown


def test_unusable_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a path without a file, a folder, and a file that is not JSON, when it is replayed, then
    the first line says so and the exit status is 2."""
    bad = tmp_path / "bad.json"
    bad.write_text("{", encoding="utf-8")
    for path, fault in (
        (tmp_path / "missing.json", "there is no such file"),
        (tmp_path, "this is a folder; name one file in it"),
        (bad, "the JSON that begins in line 1 is broken"),
    ):
        assert main(["replay", str(path)]) == UNUSABLE
        output = capsys.readouterr()
        assert output.out == ""
        assert fault in output.err


def test_event_larger_than_lambda_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_json(tmp_path / "big.json", flow_event("big-1", Description="x" * 7_000_000))

    assert main(["replay", str(path)]) == UNUSABLE

    assert "Lambda takes events of" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["unknown"], ["replay"], ["replay", "a", "--parent", ""]),
        *(["simulator", "--set", "FLOW_FAILURE"], ["simulator", "--set", "=error"]),
        *(["simulator", "--port", "65532"], ["trigger", "inbound", "--port", "-1"]),
    ],
)
def test_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == UNUSABLE
