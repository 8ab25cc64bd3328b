"""`bridge flow`: the output of a walk, and what the command refuses."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from simulator.__main__ import RIGHT, UNUSABLE, WRONG, main
from simulator.simulator import Simulator
from tests.flows.small_flows import bye, call, content, say, to_queue, to_target, written
from tools.flow_pictures import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def run(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command on a simulator that is there already; exit status and output."""
    monkeypatch.setattr("simulator.flows.command.Simulator", lambda: nullcontext(simulator))

    def run_it(path: Path, *arguments: str) -> tuple[int, str]:
        status = main(["flow", str(path), *arguments])
        return status, capsys.readouterr().out

    return run_it


def test_a_good_day_is_reported_block_by_block(run: Callable[..., tuple[int, str]]) -> None:
    status, output = run(FOLDER / "inbound.json")
    assert status == RIGHT
    lines = [line.split() for line in output.splitlines()]
    assert lines[0] == ["VoiceCall", "inbound", "(CONTACT_FLOW)"]
    assert "Create VoiceCall" in output
    assert "status created, voiceCallId 0LQ" in output
    assert "the caller waits in the queue ${QueueArn}" in output


def test_what_is_left_to_replace_is_reported(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    """Given a file with one placeholder left, then it is reported: Connect would not know it."""
    output = run(FOLDER / "inbound.json")[1]
    assert "to be replaced before the import: FunctionArn, QueueArn, HoursArn" in output
    flow = content(say("greet", "aim"), to_target("aim", "bye", QueueId="${QueueArn}"), bye())
    assert "before the import: QueueArn\n" in run(written(tmp_path, flow))[1]
    flow["Actions"][1] = to_target("aim", "bye", QueueId="q")
    assert "replaced" not in run(written(tmp_path, flow))[1]


@pytest.mark.parametrize(
    ("flow", "method", "arguments"),
    [
        ("outbound", "getDefaultOutboundPhoneNumber", ()),
        ("disconnect", "getVoicemailDrop", ("--attribute", "VoicemailDrop=Enable")),
    ],
)
def test_a_fault_of_salesforce_hits_what_is_not_about_the_callers_contact(
    run: Callable[..., tuple[int, str]], flow: str, method: str, arguments: tuple[str, ...]
) -> None:
    """Given a request about no call, or about the first contact; then it fails as all others do."""
    status, output = run(FOLDER / f"{flow}.json", "--salesforce", "status:403", *arguments)
    assert f"{method}: raises FlowFailed: failed: 403" in output
    assert (status, "NoMatchingError" in output) == (RIGHT, True)


def test_a_fault_of_salesforce_is_for_this_caller_alone(
    run: Callable[..., tuple[int, str]],
) -> None:
    status, output = run(FOLDER / "agent_transfer.json", "--salesforce", "status:400")
    assert (status, "the caller waits for the agent jdoe" in output) == (RIGHT, True)
    assert "status failed" in output
    status, output = run(FOLDER / "agent_transfer.json")
    assert "status created" in output


@pytest.mark.parametrize(
    ("flow", "arguments", "end"),
    [
        ("inbound", ("--closed",), "is told, and the line is hung up: We are closed now."),
        ("inbound", ("--full", "*"), "is told, and the line is hung up: All our lines are busy."),
        ("inbound", ("--unknown", "${QueueArn}"), "is told, and the line is hung up: We are sorry"),
        ("agent_transfer", ("--no-agent",), "waits in the queue ${QueueArn}"),
        ("callback", ("--withheld", "--press", "1"), "waits in the queue ${QueueArn}"),
        ("omni_routing", ("--function", "missing"), "waits in the queue ${QueueArn}"),
        ("queue_transfer", ("--function", "silent"), "waits in the queue arn:aws:connect:"),
        (
            "direct_to_rep",
            ("--with", str(FOLDER / "voicemail.json")),
            "is told, and the line is hung up: Thank you, your message has been recorded.",
        ),
        ("outbound", (), "stays on the line: the flow ends, and the call goes on"),
        ("disconnect", (), "is hung up on after the call"),
        (
            "disconnect",
            ("--attribute", "VoicemailDrop=Enable"),
            "is told, and the line is hung up: https://example.test/voicemail/drop.wav",
        ),
        ("voicemail", ("--created",), "is told, and the line is hung up: Thank you, your message"),
    ],
)
def test_what_can_be_asked_for(
    run: Callable[..., tuple[int, str]], flow: str, arguments: tuple[str, ...], end: str
) -> None:
    status, output = run(FOLDER / f"{flow}.json", *arguments)
    assert (status, f"the caller {end}" in output) == (RIGHT, True)


def test_silence_is_wrong(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """Given a flow that greets, calls the function and hangs up when it fails, as flows do."""
    flow = content(
        say("greet", "call"),
        call("call", "aim", "bye"),
        to_target("aim", "in", QueueId="q"),
        to_queue("in", "bye"),
        bye(),
    )
    status, output = run(written(tmp_path, flow), "--function", "missing")
    assert (status, "the caller is left in SILENCE: hung up without a word" in output) == (
        WRONG,
        True,
    )


def test_warnings_are_reported_and_the_flow_is_walked(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    """Given content without a type, as the API returns it, then an option names the type."""
    flow = content(to_queue("in", "sorry"), say("sorry", "bye"), bye())
    del flow["Metadata"]["type"]
    flow["Metadata"]["ActionMetadata"]["bye"] = flow["Metadata"]["ActionMetadata"]["sorry"]
    path = written(tmp_path, flow)
    status, output = run(path)
    assert (status, "  bye: drawn over sorry" in output) == (RIGHT, True)
    assert "the caller is told, and the line is hung up: Hello." in output
    assert "the caller waits in the queue arn:" in run(path, "--type", "queueTransfer")[1]


def test_what_connect_refuses_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given two faults, then both are reported, with the file, and nothing is started."""
    path = written(tmp_path, content(say("a", "nowhere", text=" "), bye()))
    assert main(["flow", str(path)]) == UNUSABLE
    output = capsys.readouterr().err.splitlines()
    assert f"{path}: a: Next leads to 'nowhere', which is not an action" in output
    assert f"{path}: a: Text says nothing" in output
    assert main(["flow", str(tmp_path / "none.json")]) == UNUSABLE


@pytest.mark.parametrize("fault", ["earthquake", "status", "status:none"])
def test_unknown_faults_are_refused(fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["flow", str(FOLDER / "inbound.json"), "--salesforce", fault])
    assert "argument --salesforce" in capsys.readouterr().err


def test_an_older_export_is_walked_and_says_how_to_convert_it(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    prompt = {"name": "Text", "value": "Hello."}
    goes_on = {"condition": "Success", "transition": "b"}
    modules = [
        {"id": "a", "type": "PlayPrompt", "parameters": [prompt], "branches": [goes_on]},
        {"id": "b", "type": "Disconnect"},
    ]
    status, output = run(written(tmp_path, {"modules": modules, "version": "1", "start": "a"}))
    assert status == RIGHT
    assert "older exports (modules[])" in output
    assert "the caller is told, and the line is hung up: Hello." in output


def test_a_mistake_in_the_flow_is_said_at_the_end_and_is_wrong(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    """Given an unknown method, then the caller still hears a message, and the flow is wrong."""
    flow = content(
        call("ask", "say", LambdaInvocationAttributes={"methodName": "createVoiceCal"}),
        say("say", "bye"),
        bye(),
    )
    status, output = run(written(tmp_path, flow))
    assert status == WRONG
    assert "the caller is told, and the line is hung up: Hello." in output
    after = output.partition("mistakes in the flow, which the function refused:\n")[2]
    assert after.startswith("  ask: the Lambda block's parameter methodName")


def test_a_subflow_that_is_given_goes_on(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    """Given a subflow that asks Salesforce to route, then the first flow's VoiceCall is there."""
    (tmp_path / "sub").mkdir()
    sub = content(
        call(
            "route",
            "aim",
            "bye",
            LambdaInvocationAttributes={
                "methodName": "executeOmniFlow",
                "flowDevName": "Route",
                "fallbackQueue": "q",
            },
        ),
        to_target("aim", "in", QueueId="$.External.queue"),
        to_queue("in", "bye"),
        bye(),
    )
    path = written(tmp_path / "sub", sub | {"Metadata": {"name": "Subflow"}})
    transfer = {
        "Identifier": "go",
        "Type": "TransferToFlow",
        "Parameters": {"ContactFlowId": "Subflow"},
        "Transitions": {"Errors": [{"ErrorType": "NoMatchingError", "NextAction": "bye"}]},
    }
    main_flow = written(tmp_path, content(call("create", "go"), transfer, bye()))
    status, output = run(main_flow, "--with", str(path))
    assert (status, "the caller waits in the queue q" in output) == (RIGHT, True)
    assert "[Subflow]" in output
    status, output = run(main_flow)
    assert (status, "goes on in another flow, which was not given" in output) == (RIGHT, True)
    assert run(path)[0] == WRONG
    assert run(path, "--created")[0] == RIGHT


def test_choices_of_whoever_walks(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """Given attributes, keys and branches on the command line, then the walk follows them."""
    metric: dict[str, Any] = {
        "Identifier": "5a60ab1a-2fae-4845-bae5-34207115fda3",
        "Type": "CheckMetricData",
        "Parameters": {"MetricType": "NumberOfAgentsStaffed"},
        "Transitions": {
            "Conditions": [
                {
                    "NextAction": "in",
                    "Condition": {"Operator": "NumberGreaterThan", "Operands": ["0"]},
                }
            ],
            "Errors": [
                {"ErrorType": "NoMatchingCondition", "NextAction": "say"},
                {"ErrorType": "NoMatchingError", "NextAction": "say"},
            ],
        },
    }
    aimed = to_target("aim", metric["Identifier"], QueueId="$.Attributes.queue")
    path = written(
        tmp_path, content(aimed, metric, to_queue("in", "bye"), say("say", "bye"), bye())
    )
    status, output = run(path, "--attribute", "queue=q7")
    assert (status, "the caller waits in the queue q7" in output) == (RIGHT, True)
    assert "NumberOfAgentsStaffed is taken as 1" in output
    none = run(path, "--attribute", "queue=q7", "--agents", "0")[1]
    assert "the line is hung up: Hello." in none
    status, output = run(path, "--attribute", "queue=q7", "--take", "5a60ab1a=default")
    assert (status, "the line is hung up: Hello." in output) == (RIGHT, True)
    assert "not run here" not in output.partition("the caller")[2]


def test_layout_comes_last(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    flow = content(*(say(f"s{n}", f"s{n + 1}") for n in range(8)), say("s8", "bye"), bye())
    flow["Metadata"]["ActionMetadata"] = {}
    lines = run(written(tmp_path, flow))[1].splitlines()
    assert lines[-7:-5] == ["layout:", "  s0: no position"]
    assert lines[-1] == "  ... and 5 more"


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("--take", "nobody=Next"), "there is no block 'nobody'"),
        (("--take", "To queue=Perhaps"), "To queue has no branch 'Perhaps'"),
        (("--answer", "To queue=1"), "--answer To queue"),
    ],
)
def test_choices_of_what_is_not_there_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], output: str
) -> None:
    assert main(["flow", str(FOLDER / "inbound.json"), *arguments]) == UNUSABLE
    assert output in capsys.readouterr().err
