"""The simulator begins and ends: its settings, its state, and that nothing of it is left."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from simulator.__main__ import UNUSABLE, main
from simulator.functions.lambda_api import LambdaApi
from simulator.pollers.poller_thread import PollerThread
from simulator.salesforce import Fault
from simulator.sam.template import TemplateError
from simulator.simulator import ROOT, TEMPLATE, Simulator
from tests.simulator.processes import children_of, is_open, runs
from tests.simulator.samples import flow_event, queued_event

FLOW = "ContactFlowFunction"
PATIENCE = 60.0


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
    assert main(["simulator", "--set", "FLOW_FAILURE=error", "--set", "FLOW_FAILUER=x"]) == UNUSABLE

    output = capsys.readouterr().err
    assert "no function has the setting FLOW_FAILUER;" in output
    assert "FLOW_FAILURE" in output


def test_settings_that_the_bridge_cannot_use(capsys: pytest.CaptureFixture[str]) -> None:
    """Given values that no function could work with, then nothing starts, and the output has the
    bridge's own error for each of them."""
    slips = ("FLOW_FAILURE=perhaps", "CONTACT_RECORD_METHODS=A PIGEON", "FLOW_TIME_LIMIT_SECONDS=9")
    assert main(["simulator", *(part for slip in slips for part in ("--set", slip))]) == UNUSABLE

    output = capsys.readouterr()
    assert output.out == ""
    assert "FLOW_FAILURE must be one of continue, error" in output.err
    assert "FLOW_TIME_LIMIT_SECONDS must be a number from 1 to 8" in output.err
    assert "CONTACT_RECORD_METHODS: A PIGEON: not the name of a method" in output.err


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
    """Given a template with a function that needs a missing resource, then the simulator does not
    start, and what had been started is stopped: pytest makes an error of every socket left open."""
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


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serve_command_ends_cleanly(ending: signal.Signals, tmp_path: Path) -> None:
    """Given `bridge simulator` with a function that runs, started in the background as a script
    does, when it gets the signal, then it ends with status 0, and neither a process nor a port is
    left."""
    background = 'trap "" INT; exec "$0" -m simulator simulator --port 0 --exports "$1"'
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
        children = children_of(command.pid)

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


def test_a_closed_terminal_ends_a_command_as_kill_does(tmp_path: Path) -> None:
    """Given a command that waits for its material, when its terminal is closed, then it ends by the
    same exception as after SIGTERM, and with a shell's status for the signal."""
    material = tmp_path / "material"
    os.mkfifo(material)
    anonymize = [
        sys.executable,
        "-m",
        "simulator",
        "anonymize",
        str(material),
        str(tmp_path / "out"),
    ]
    with subprocess.Popen(anonymize, cwd=ROOT) as command:
        try:
            with material.open("wb"):  # waits until the command reads
                command.send_signal(signal.SIGHUP)
                assert command.wait(PATIENCE) == 128 + signal.SIGHUP
        finally:
            command.kill()


def test_event_published_by_curl(tmp_path: Path) -> None:
    """Given a simulator left running, when a contact is added and its event published by HTTP, then
    the call appears in Salesforce; anything that is not an event is refused."""
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
