"""Each fault that Connect refuses at publishing, or a caller would notice, is reported by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.flows.blocks import BLOCKS
from simulator.flows.checks import doubts, faults
from simulator.flows.files import read_flow
from simulator.flows.layout import of_the_layout
from simulator.flows.ways import of_the_ways
from tests.flows.small_flows import block, bye, call, content, keep, say, to_queue, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from simulator.flows.flow import Flow

CERTAIN = {
    "Next leads to 'nowhere', which is not an action": say("a", "nowhere", "bye"),
    "NoMatchingError leads to 'nowhere'": say("a", "bye", "nowhere"),
    "one of Text, SSML, PromptId, Media": block(
        "a", "MessageParticipant", {}, "bye", {"NoMatchingError": "bye"}
    ),
    "Text says nothing": say("a", "bye", text=" "),
    'InvocationTimeLimitSeconds must be "1" to "8", or': call(
        "a", "bye", InvocationTimeLimitSeconds="61"
    ),
}
"""What Connect refuses: nothing is walked."""
DOUBTFUL = {
    "identifier of 51 characters": say("x" * 51, "bye"),
    "identifier has /": say("yes/no", "bye"),
    "identifier is reserved": say("toString", "bye"),
    "block SummonHelp is not known here: passed": block("a", "SummonHelp", {}, "bye"),
    "lacks Attributes": block(
        "a", "UpdateContactAttributes", {}, "bye", {"NoMatchingError": "bye"}
    ),
    "has no branch QueueAtCapacity": block(
        "a", "TransferContactToQueue", {}, "bye", {"NoMatchingError": "bye"}
    ),
    "has no branch NoMatchingError": block(
        "a", "UpdateContactAttributes", {"Attributes": {"x": "y"}}, "bye"
    ),
    "leads nowhere": block("a", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}),
    "has no branch False": block(
        "a", "CheckHoursOfOperation", {}, "bye", {"NoMatchingError": "bye"}, {"True": "bye"}
    ),
    "has no branch DoneLooping": block(
        "a", "Loop", {"LoopCount": "2"}, "bye", {}, {"ContinueLooping": "bye"}
    ),
    "compares with nothing": block(
        "a", "Compare", {"ComparisonValue": "$.External.x"}, "bye", {"NoMatchingCondition": "bye"}
    ),
    "operator NumberIsOdd is not known here": block(
        "a",
        "Compare",
        {"ComparisonValue": "$.External.x"},
        "bye",
        {"NoMatchingCondition": "bye"},
        {"1": "bye"},
        operator="NumberIsOdd",
    ),
    "ComparisonValue must be one JSONPath": block(
        "a",
        "Compare",
        {"ComparisonValue": "$.External.x $.External.y"},
        "bye",
        {"NoMatchingCondition": "bye"},
        {"1": "bye"},
    ),
    "has transitions, and the flow ends here": block("a", "DisconnectParticipant", {}, "bye"),
    'InvocationTimeLimitSeconds of a synchronous block must be "1" to "8"': call(
        "a", "bye", InvocationTimeLimitSeconds="9"
    ),
    "LambdaFunctionARN must be the ARN": call("a", "bye", LambdaFunctionARN="bridge-contact-flow"),
    "FlowLoggingBehavior must be": block(
        "a", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "On"}, "bye"
    ),
    "RecordedParticipants must be": block(
        "a",
        "UpdateContactRecordingBehavior",
        {"RecordingBehavior": {"RecordedParticipants": ["Agent", "Caller"]}},
        "bye",
    ),
    "list of Agent and Customer": block(
        "a", "UpdateContactRecordingBehavior", {"RecordingBehavior": "Agent"}, "bye"
    ),
    "Attributes must be texts, one at least": keep("a", "bye"),
    "names of attributes are letters": keep("a", "bye", **{"with space": "x"}),
    "either QueueId or AgentId": block(
        "a",
        "UpdateContactTargetQueue",
        {"QueueId": "q", "AgentId": "a"},
        "bye",
        {"NoMatchingError": "bye"},
    ),
}
"""What Connect may refuse, or is not known here: message, and walked."""
ALLOWED = {
    "a prompt without an error branch": block("a", "MessageParticipant", {"Text": "Hi."}, "bye"),
    "a transfer without parameters and without Next": {
        "Identifier": "a",
        "Type": "TransferContactToQueue",
        "Transitions": {
            "Errors": [
                {"ErrorType": "QueueAtCapacity", "NextAction": "bye"},
                {"ErrorType": "NoMatchingError", "NextAction": "bye"},
            ]
        },
    },
    "a media prompt": block(
        "a", "MessageParticipant", {"Media": {"Uri": "s3://b/k", "SourceType": "S3"}}, "bye"
    ),
    "a block with more branches than documented": block(
        "a", "UpdateContactEventHooks", {}, "bye", {"NoMatchingError": "bye", "New": "bye"}
    ),
    "a function that is not waited for": call(
        "a", "bye", InvocationType="ASYNCHRONOUS", InvocationTimeLimitSeconds="60"
    ),
    "an answer that is JSON": call("a", "bye", ResponseValidation={"ResponseType": "JSON"}),
    "another function": call("a", "bye", LambdaInvocationAttributes={"soql": "x", "n": {"m": 1}}),
    "a placeholder of one's own": call("a", "bye", LambdaFunctionARN="${Mine}"),
    "digits to store": block(
        "a",
        "GetParticipantInput",
        {"Text": "Number?", "InputTimeLimitSeconds": "$.Attributes.t", "StoreInput": "True"},
        "bye",
        {"NoMatchingError": "bye"},
    ),
}
MENU = {"Text": "Press 1.", "InputTimeLimitSeconds": "5", "StoreInput": "False"}
MENU_ERRORS = dict.fromkeys(
    ("InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError"), "bye"
)


@pytest.mark.parametrize("message", CERTAIN)
def test_what_connect_refuses_is_a_fault(tmp_path: Path, message: str) -> None:
    flow = read_flow(written(tmp_path, content(CERTAIN[message], bye())))
    [fault] = [fault for fault in faults(flow) if message in fault]
    assert fault.startswith(CERTAIN[message]["Identifier"])


@pytest.mark.parametrize("message", DOUBTFUL)
def test_what_connect_may_refuse_is_a_doubt(tmp_path: Path, message: str) -> None:
    flow = read_flow(written(tmp_path, content(DOUBTFUL[message], bye())))
    assert faults(flow) == []
    [doubt] = [doubt for doubt in doubts(flow) if message in doubt]
    assert doubt.startswith(DOUBTFUL[message]["Identifier"])


@pytest.mark.parametrize("kind", ALLOWED)
def test_what_exports_have_is_neither(tmp_path: Path, kind: str) -> None:
    flow = read_flow(written(tmp_path, content(ALLOWED[kind], bye())))
    assert faults(flow) == doubts(flow) == []


def test_every_documented_block_has_a_meaning() -> None:
    """Given the four chapters of the flow language's reference, then the table has their blocks."""
    documented = {
        *("CompleteOutboundCall", "CreateCase", "CreateTask", "CreateWisdomSession"),
        *("DequeueContactAndTransferToQueue", "EndFlowModuleExecution", "GetCase"),
        *("InvokeFlowModule", "ResumeContact", "StartOutboundChatContact", "TagContact"),
        *("TransferContactToAgent", "TransferContactToQueue", "UnTagContact", "UpdateCase"),
        *("UpdateContactAttributes", "UpdateContactCallbackNumber", "UpdateContactData"),
        *("UpdateContactEventHooks", "UpdateContactMediaProcessing"),
        *("UpdateContactMediaStreamingBehavior", "UpdateContactRecordingAndAnalyticsBehavior"),
        *("UpdateContactRecordingBehavior", "UpdateContactRoutingBehavior"),
        *("UpdateContactTargetQueue", "UpdateContactTextToSpeechVoice"),
        *("UpdatePreviousContactParticipantState", "CheckHoursOfOperation", "CheckMetricData"),
        *("CheckOutboundCallStatus", "CheckVoiceId", "Compare", "DistributeByPercentage"),
        *("EndFlowExecution", "GetMetricData", "Loop", "StartVoiceIdStream", "TransferToFlow"),
        *("UpdateFlowAttributes", "UpdateFlowLoggingBehavior", "UpdateRoutingCriteria", "Wait"),
        *("AssociateContactToCustomerProfile", "CreateCallbackContact", "CreateCustomerProfile"),
        *("InvokeLambdaFunction", "GetCustomerProfile", "GetCustomerProfileObject"),
        *("GetCalculatedAttributesForCustomerProfile", "UpdateCustomerProfile"),
        *("ConnectParticipantWithLexBot", "DisconnectParticipant", "GetParticipantInput"),
        *("MessageParticipant", "MessageParticipantIteratively", "ShowView"),
        *("TransferParticipantToThirdParty",),
    }
    assert documented <= set(BLOCKS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"InputTimeLimitSeconds": "0"}, 'InputTimeLimitSeconds must be "1" to "180"'),
        ({"InputTimeLimitSeconds": 5}, 'InputTimeLimitSeconds must be "1" to "180"'),
        ({"StoreInput": "Perhaps"}, 'StoreInput must be "True" or "False"'),
        ({"Text": ""}, "Text says nothing"),
    ],
)
def test_a_wrong_menu_is_reported(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    menu = block("a", "GetParticipantInput", MENU | changes, "bye", MENU_ERRORS, {"1": "bye"})
    flow = read_flow(written(tmp_path, content(menu, bye())))
    assert any(message in fault for fault in [*faults(flow), *doubts(flow)])


def warnings(flow: Flow) -> list[str]:
    """The warnings: faults that Connect does not refuse."""
    return [*of_the_layout(flow), *of_the_ways(flow)]


def change_type(flow: dict[str, Any]) -> None:
    flow["Metadata"]["type"] = "sideDoor"


def change_start(flow: dict[str, Any]) -> None:
    flow["StartAction"] = "nowhere"


def stack_blocks(flow: dict[str, Any]) -> None:
    flow["Metadata"]["ActionMetadata"]["bye"] = {"position": {"x": 200, "y": 100}}


def forget_a_place(flow: dict[str, Any]) -> None:
    del flow["Metadata"]["ActionMetadata"]["bye"]


def add_an_island(flow: dict[str, Any]) -> None:
    flow["Actions"].append(bye("island"))
    flow["Metadata"]["ActionMetadata"]["island"] = {"position": {"x": 0, "y": 900}}


def add_250(flow: dict[str, Any]) -> None:
    for number in range(250):
        flow["Actions"].append(bye(f"b{number}"))


def swell(flow: dict[str, Any]) -> None:
    flow["Metadata"]["description"] = "x" * 256_000


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change_start, "StartAction 'nowhere' is not an action"),
        (add_250, "252 actions, 250 are allowed"),
        (swell, "characters, 256000 are allowed"),
    ],
)
def test_a_wrong_whole_is_reported(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], message: str
) -> None:
    flow = content(say("a", "bye"), bye())
    assert faults(read_flow(written(tmp_path, flow))) == []
    spoil(flow)
    assert any(message in fault for fault in faults(read_flow(written(tmp_path, flow))))


def test_a_type_of_flow_that_came_later_is_a_doubt(tmp_path: Path) -> None:
    flow = content(say("a", "bye"), bye())
    change_type(flow)
    read = read_flow(written(tmp_path, flow))
    assert faults(read) == []
    assert doubts(read) == ["type 'sideDoor' is not known here: walked as an inbound flow"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (stack_blocks, "bye: drawn over a"),
        (forget_a_place, "bye: no position"),
        (add_an_island, "island: no way leads here"),
    ],
)
def test_what_connect_takes_is_reported_too(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], message: str
) -> None:
    flow = content(say("a", "bye"), bye())
    assert warnings(read_flow(written(tmp_path, flow))) == []
    spoil(flow)
    assert faults(read_flow(written(tmp_path, flow))) == []
    assert warnings(read_flow(written(tmp_path, flow))) == [message]


def test_a_branch_for_forms_sake_is_reported(tmp_path: Path) -> None:
    """Given a Next that is never taken and leads elsewhere, then the wrong picture is reported."""
    compared = block(
        "a",
        "Compare",
        {"ComparisonValue": "$.External.x"},
        "b",
        {"NoMatchingCondition": "bye"},
        {"1": "b"},
    )
    flow = content(compared, to_queue("b", "bye"), bye())
    message = "a: Next is never taken and should lead where NoMatchingCondition does"
    assert warnings(read_flow(written(tmp_path, flow))) == [message]
    flow["Actions"][1]["Transitions"]["NextAction"] = "b"
    second = "b: Next is never taken and should lead where NoMatchingError does"
    assert warnings(read_flow(written(tmp_path, flow))) == [message, second]


def test_more_than_20_s_of_lambda_without_a_prompt_is_reported(tmp_path: Path) -> None:
    """Given three blocks of 8 s in a row, then it is reported; with a prompt between it is not."""
    silent = content(call("a", "b"), call("b", "c"), call("c", "bye"), bye())
    assert any(
        "24 s of Lambda without a prompt, 20 are allowed: a -> b -> c" in fault
        for fault in warnings(read_flow(written(tmp_path, silent)))
    )
    spoken = content(
        call("a", "b"), call("b", "hold"), say("hold", "c", "bye"), call("c", "bye"), bye()
    )
    assert warnings(read_flow(written(tmp_path, spoken))) == []


def test_a_way_round_without_a_word_is_reported(tmp_path: Path) -> None:
    """Given a Lambda block with an error branch back to it, then endless silence is reported."""
    flow = content(call("a", "bye", "again"), keep("again", "a", x="y"), bye())
    assert "a: a way leads round without a word: a -> again -> a" in warnings(
        read_flow(written(tmp_path, flow))
    )


def test_many_ways_are_checked_as_soon_as_few(tmp_path: Path) -> None:
    """Given 200 blocks with two branches each, then the check ends, though there are 2^200 ways."""
    blocks = [keep(f"k{n}", f"k{n + 1}", x="y") for n in range(200)]
    flow = content(call("a", "b"), call("b", "k0"), *blocks, call("k200", "again"), bye("again"))
    [message] = warnings(read_flow(written(tmp_path, flow)))
    assert message.startswith(
        "k200: 24 s of Lambda without a prompt, 20 are allowed: a -> b -> k0 -> "
    )
    flow["Actions"][-2] = keep("k200", "b", x="y")
    [_, message] = warnings(read_flow(written(tmp_path, flow)))
    assert message.startswith("b: a way leads round without a word: b -> k0 -> ")


def test_a_prompt_that_fails_does_not_count(tmp_path: Path) -> None:
    """Given a prompt with an error branch to the third block, then 24 s may be silent."""
    flow = content(call("a", "b"), call("b", "hold"), say("hold", "c"), call("c", "bye"), bye())
    assert any("24 s" in fault for fault in warnings(read_flow(written(tmp_path, flow))))


def test_a_loop_with_words_is_no_fault(tmp_path: Path) -> None:
    """Given a full queue that is tried again after a message, then no fault is found."""
    flow = content(
        block(
            "aim", "UpdateContactTargetQueue", {"QueueId": "q"}, "in", {"NoMatchingError": "bye"}
        ),
        to_queue("in", "wait"),
        say("wait", "in", "bye"),
        bye(),
    )
    assert warnings(read_flow(written(tmp_path, flow))) == []
