"""`bridge migrate`: what it says of exported flows, and the copies that it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.flows.checks import faults
from simulator.flows.files import read_flow
from tests.flows.notation import OURS, Shape, rendered, shapes
from tests.flows.small_flows import LAMBDA, bye, call, content, say, to_queue, to_target
from tests.flows.walking import loop
from tools import scvl
from tools.differences import of_method
from tools.flow_migration import Call, exchanged, read
from tools.migrate import LEFT_TO_DECIDE, MOVED, UNUSABLE, main, plan
from tools.scvl import FUNCTIONS, Fate, function_named
from voicecall_bridge.flow.methods import METHODS

BRIDGE = "arn:aws:lambda:us-west-2:111122223333:function:bridge-contact-flow:live"
PREFIX = "arn:aws:lambda:us-west-2:111122223333:function:support-"
TELEPHONY = f"{PREFIX}InvokeTelephonyIntegrationApiFunction:active"
REST = f"{PREFIX}InvokeSalesforceRestApiFunction:active"


def asks(name: str, arn: str, method: str | None, goes_on: str = "bye") -> dict[str, Any]:
    passed = {"methodName": method} if method else {"number": "$.CustomerEndpoint.Address"}
    return call(name, goes_on, LambdaFunctionARN=arn, LambdaInvocationAttributes=passed)


def flow_of(*actions: dict[str, Any]) -> dict[str, Any]:
    return content(*actions, bye())


def older(arn: str, method: str) -> dict[str, Any]:
    """A flow of one call, as the console once exported it."""
    called = {"name": "FunctionArn", "value": arn, "namespace": None}
    asked = {"name": "Parameter", "key": "methodName", "value": method, "namespace": None}
    ways = [{"condition": each, "transition": "b"} for each in ("Success", "Error")]
    call = {"id": "a", "type": "InvokeExternalResource", "target": "Lambda"}
    return {
        "modules": [
            {**call, "branches": ways, "parameters": [called, asked]},
            {"id": "b", "type": "Disconnect"},
        ],
        "version": "1",
        "start": "a",
    }


def put(folder: Path, name: str, value: Any, *, indent: int | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arn", "method", "fate"),
    [
        (TELEPHONY, "createVoiceCall", Call.EXCHANGED),
        (TELEPHONY, "noSuchMethod", Call.UNKNOWN_METHOD),
        (TELEPHONY, None, Call.UNKNOWN_METHOD),
        (BRIDGE, "createVoiceCall", Call.DONE),
        (REST, "queryRecord", Call.KEPT),
        ("%%INVOKE_SALESFORCE_REST_API_FUNCTION_ARN%%", "queryRecord", Call.KEPT),
        (f"{PREFIX}kvsConsumerTrigger:active", None, Call.KEPT),
        ("%%INVOKE_TELEPHONY_FUNCTION_ARN%%", "createVoiceCall", Call.EXCHANGED),
        ("$.Attributes.function", "createVoiceCall", Call.DYNAMIC),
        ("arn:aws:lambda:us-west-2:111122223333:function:weather", None, Call.OTHER),
        ("arn:aws:lambda:us-west-2:111122223333:function:weather", "tomorrow", Call.OTHER),
    ],
)
def test_each_lambda_block_has_its_fate(
    tmp_path: Path, arn: str, method: str | None, fate: Call
) -> None:
    path = put(tmp_path, "flow.json", flow_of(asks("a", arn, method)))
    [block] = read(path, BRIDGE, METHODS).blocks
    assert (block.call, block.method) == (fate, method or "")


def test_only_the_blocks_that_move_get_the_arn(tmp_path: Path) -> None:
    """Given two blocks of one function, of which the bridge has one method, then one is
    exchanged."""
    flow = flow_of(asks("a", TELEPHONY, "createVoiceCall", "b"), asks("b", TELEPHONY, "nothing"))
    put(tmp_path / "in", "flow.json", flow)
    status = main([str(tmp_path / "in"), "--function", BRIDGE, "--out", str(tmp_path / "out")])
    assert status == LEFT_TO_DECIDE
    copy = json.loads((tmp_path / "out" / "flow.json").read_text(encoding="utf-8"))
    arns = [each["Parameters"].get("LambdaFunctionARN") for each in copy["Actions"]]
    assert arns == [BRIDGE, TELEPHONY, None]


@pytest.mark.parametrize("indent", [None, 2, 4])
@pytest.mark.parametrize("wrapped", ["bare", "text", "object", "resource"])
def test_copies_keep_wrapper_and_layout(tmp_path: Path, wrapped: str, indent: int | None) -> None:
    flow = flow_of(asks("a", TELEPHONY, "createVoiceCall"))
    flow["Metadata"]["ActionMetadata"]["a"]["parameters"] = {
        "LambdaFunctionARN": {"displayName": "support-InvokeTelephonyIntegrationApiFunction:active"}
    }
    value = {
        "bare": flow,
        "text": {"ContactFlow": {"Name": "x", "Content": json.dumps(flow)}},
        "object": {"ContactFlow": {"Name": "x", "Content": flow}, "ResponseMetadata": {}},
        "resource": {"Type": "AWS::Connect::ContactFlow", "Properties": {"Content": flow}},
    }[wrapped]
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    text = text if indent else json.dumps(value, separators=(",", ":"))
    made = exchanged(text, {"a"}, BRIDGE)
    back = made.replace(
        "bridge-contact-flow:live", "support-InvokeTelephonyIntegrationApiFunction:active"
    )
    assert json.loads(back).keys() == value.keys()
    if wrapped != "text":
        assert back == text
    copy = read_flow(put(tmp_path, "copy.json", json.loads(made)))
    assert copy.actions["a"].parameters == {**LAMBDA, "LambdaFunctionARN": BRIDGE}
    assert copy.actions["a"].display_name == "bridge-contact-flow:live"
    assert faults(copy) == []


def test_the_report_names_blocks_differences_functions_and_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "flows"
    moved = flow_of(
        loop("create", "say"),
        asks("create", TELEPHONY, "createVoiceCall", "sms"),
        asks("sms", TELEPHONY, "sendMessage", "case"),
        asks("case", REST, "queryRecord", "aim"),
        to_target("aim", "in", QueueId="q"),
        to_queue("in", "say"),
        say("say", "bye"),
    )
    moved["Actions"][1]["Transitions"]["Errors"][0]["NextAction"] = "loop"
    moved["Actions"][1]["Parameters"]["InvocationTimeLimitSeconds"] = "3"
    put(folder, "deeper/Inbound", moved)
    put(folder, "notes.json", {"a": 1})
    out = tmp_path / "out"
    assert main([str(folder), "--function", BRIDGE, "--out", str(out)]) == MOVED
    output = capsys.readouterr().out
    assert "  deeper/Inbound: A small flow (CONTACT_FLOW), copied\n" in output
    line = "    create: createVoiceCall of InvokeTelephonyIntegrationApiFunction: "
    assert f"{line}gets the bridge's ARN\n" in output
    kept = (
        "    case: queryRecord of InvokeSalesforceRestApiFunction: stays: that function is kept\n"
    )
    assert kept in output
    assert "  notes.json: not a flow\n" in output
    assert f"1 copy in {out}, 2 blocks with the bridge's ARN\n" in output
    assert "set them to 8 s, or the stack's FlowTimeLimitSeconds to 3\n" in output
    assert "  1 block in a Loop block's round" in output
    assert "  sendMessage (1 block)\n    `sendMessage` in a transfer's flow: " in output
    assert "  switched off: CTRDataSyncFunction\n" in output
    assert "  kept: InvokeSalesforceRestApiFunction (1 block of these flows)\n" in output
    assert "  1. Take stock\n" in output
    assert (out / "deeper" / "Inbound").exists()
    assert not (out / "notes.json").exists()


def test_without_an_arn_the_copies_have_the_placeholder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "in", "flow.json", flow_of(asks("a", TELEPHONY, "createVoiceCall")))
    assert main([str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == MOVED
    assert "${FunctionArn}" in (tmp_path / "out" / "flow.json").read_text(encoding="utf-8")
    assert "give --function " in capsys.readouterr().out


OLDER = [
    shape
    for path in sorted(Path(__file__).with_name("public_flows").glob("*.txt"))
    for shape in shapes(path)
    if shape.form == "older"
]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("shape", OLDER, ids=lambda shape: shape.name)
def test_an_older_export_is_copied_as_it_is_but_for_the_arn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shape: Shape, indent: int | None
) -> None:
    """Given the shapes of public exports, then a copy is the file itself with another ARN, and
    reads as the original does."""
    text = json.dumps(json.loads(rendered(shape)), indent=indent).replace("Words", "W\\u00f6rter")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "old.json").write_text(text, encoding="utf-8")
    status = main([str(tmp_path / "in"), "--function", BRIDGE, "--out", str(tmp_path / "out")])
    copy, output = tmp_path / "out" / "old.json", capsys.readouterr().out
    blocks = read(tmp_path / "in" / "old.json", BRIDGE, METHODS).blocks
    assert status == (LEFT_TO_DECIDE if any(it.call is Call.DYNAMIC for it in blocks) else MOVED)
    moved = [it.action.label for it in blocks if it.call is Call.EXCHANGED]
    assert output.count(": gets the bridge's ARN\n") == len(moved)
    assert copy.exists() == bool(moved)
    if moved:
        assert copy.read_text(encoding="utf-8") == text.replace(f'"{OURS}"', f'"{BRIDGE}"')
        after = read(copy, BRIDGE, METHODS).blocks
        assert [it.action.label for it in after if it.call is Call.DONE] == moved
        assert "1 copy in the format of older exports (modules[])" in output


def test_some_older_exports_have_calls_that_move() -> None:
    """Without such exports the test above would show nothing."""
    assert sum(f'"{OURS}"' in rendered(shape) for shape in OLDER) > 3


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        (
            {"value": "", "resourceName": "support-InvokeTelephonyIntegrationApiFunction"},
            {"value": BRIDGE, "resourceName": "bridge-contact-flow:live"},
        ),
        (None, {"value": BRIDGE, "namespace": None}),
    ],
)
def test_an_older_export_without_its_ids_gets_the_arn(
    tmp_path: Path, given: dict[str, Any] | None, becomes: dict[str, Any]
) -> None:
    """Given a block that names its function, or none, and asks for a method of the bridge."""
    flow = older(TELEPHONY, "createVoiceCall")
    asked = flow["modules"][0]["parameters"][1:]
    named = [{"name": "FunctionArn", **given}] if given else []
    flow["modules"][0]["parameters"] = [*named, *asked]
    put(tmp_path / "in", "old.json", flow)
    main([str(tmp_path / "in"), "--function", BRIDGE, "--out", str(tmp_path / "out")])
    copy = json.loads((tmp_path / "out" / "old.json").read_text(encoding="utf-8"))
    after = {"name": "FunctionArn", **becomes}
    assert copy["modules"][0]["parameters"] == ([after, *asked] if given else [*asked, after])


@pytest.mark.parametrize(("line", "end"), [("\n", ""), ("\n", "\n"), ("\r\n", "\n")])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("form", [{"separators": (",", ":")}, {}, {"indent": "\t"}])
def test_a_copy_is_the_file_byte_for_byte(
    tmp_path: Path, form: dict[str, Any], ascii_only: bool, line: str, end: str
) -> None:
    """Given any usual way of writing JSON, then only the ARN is changed."""
    flow = flow_of(asks("a", TELEPHONY, "createVoiceCall", "say"), say("say", "bye"))
    flow["Actions"][1]["Parameters"]["Text"] = "Grüße"
    text = json.dumps(flow, ensure_ascii=ascii_only, **form) + end
    before = text.replace("\n", line)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "flow").write_bytes(before.encode())
    main([str(tmp_path / "in"), "--function", BRIDGE, "--out", str(tmp_path / "out")])
    copy = (tmp_path / "out" / "flow").read_bytes().decode()
    assert copy == before.replace(TELEPHONY, BRIDGE)


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("nowhere",), "there is no such folder"),
        ((".", "--function", "bridge"), "not the ARN of a function"),
        ((".", "--function", f"{BRIDGE}{'x' * 100}"), "takes ARNs of 140 characters"),
        (("empty",), "no contact flow in 0 files"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    output: str,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(list(arguments)) == UNUSABLE
    assert output in capsys.readouterr().err


def test_names_of_the_package_are_reported_apart() -> None:
    for function in FUNCTIONS:
        for text in (f"{PREFIX}{function.name}:active", f"support-{function.name}"):
            assert function_named(text) is function
    assert function_named(BRIDGE) is None
    fates = {function.name: function.fate for function in FUNCTIONS}
    assert [name for name, fate in fates.items() if fate is Fate.OFF] == [
        "CTRDataSyncFunction",
        "HandleContactEventsFunction",
    ]


def test_page_has_the_functions_and_the_plan() -> None:
    """Given the page, then its table is made from the data, and its steps are the printed ones."""
    text = scvl.PAGE.read_text(encoding="utf-8")
    assert scvl.page(text) == text
    titles = [line for line in plan() if line.lstrip()[0].isdigit()]
    assert [int(title.split(".")[0]) for title in titles] == list(range(1, len(titles) + 1))
    for word in ("inventory", "pilot", "check", "way back"):
        assert word in text.casefold().replace("take stock", "inventory")


def test_the_table_of_differences_is_read() -> None:
    assert any("isActiveCall" in row.case for row in of_method("updateVoiceCall", METHODS))
