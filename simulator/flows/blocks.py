"""The blocks of the flow language: what each may have, and what it means to a walk.

Source: Amazon Connect API reference, "Flow language" (one page an action), and the administrator
guide's page of each block. The table is open: a block that is not in it is passed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from simulator.flows.flow import NEXT, Action

NO_MATCHING_ERROR: Final = "NoMatchingError"
NO_MATCHING_CONDITION: Final = "NoMatchingCondition"
INPUT_TIME_LIMIT_EXCEEDED: Final = "InputTimeLimitExceeded"
QUEUE_AT_CAPACITY: Final = "QueueAtCapacity"
INVALID_CALLBACK_NUMBER: Final = "InvalidCallbackNumber"

SPOKEN: Final = ("Text", "SSML", "PromptId", "Media")
"""The parameters with a prompt: one of them is played."""

OPERATORS: Final = (
    "Equals",
    "TextStartsWith",
    "TextEndsWith",
    "TextContains",
    "NumberGreaterThan",
    "NumberGreaterOrEqualTo",
    "NumberLessThan",
    "NumberLessOrEqualTo",
)


class Meaning(StrEnum):
    """The kinds of blocks for a walk.

    WALKED: it does what Connect does. NO_EFFECT: nothing that a later block could see, so it goes
    on. PASSED: its result is unknown here, so its success branch is taken, with a warning.
    """

    WALKED = "walked"
    NO_EFFECT = "no effect"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Block:
    """The parameters and branches that an action of one type may have.

    Attributes:
        meaning: what a walk makes of it.
        required: parameters without which it does nothing.
        errors: its documented error branches.
        next_taken: whether its Next branch is ever taken. Where a condition or an error always
            decides, or the contact leaves the flow, the file has a Next for form's sake.
        compares: whether it has conditions of the flow's choice.
        operands: the conditions it has by itself.
        success: operands of a passed block that stand for success, the best first.
        ends: whether the flow ends with it: no transitions at all.
    """

    meaning: Meaning = Meaning.WALKED
    required: frozenset[str] = frozenset()
    errors: tuple[str, ...] = (NO_MATCHING_ERROR,)
    next_taken: bool = True
    compares: bool = False
    operands: tuple[str, ...] = ()
    success: tuple[str, ...] = ()
    ends: bool = False


_MENU_ERRORS: Final = (INPUT_TIME_LIMIT_EXCEEDED, NO_MATCHING_CONDITION, NO_MATCHING_ERROR)
_NO_EFFECT: Final = Block(Meaning.NO_EFFECT)
_NEVER_FAILS: Final = Block(Meaning.NO_EFFECT, errors=())
_PASSED: Final = Block(Meaning.PASSED)
OPEN: Final = Block(Meaning.PASSED, errors=(), compares=True)
"""A block that the table does not have."""


def _decides(*errors: str, success: tuple[str, ...] = ()) -> Block:
    """A passed block that branches on a result which only Connect has."""
    return Block(Meaning.PASSED, errors=errors, next_taken=False, compares=True, success=success)


_CONTACT: Final[Mapping[str, Block]] = {
    "CompleteOutboundCall": Block(errors=()),
    "CreateCase": _PASSED,
    "CreatePersistentContactAssociation": _PASSED,
    "CreateTask": _PASSED,
    "CreateWisdomSession": _NO_EFFECT,
    "DequeueContactAndTransferToQueue": Block(
        errors=(QUEUE_AT_CAPACITY, NO_MATCHING_ERROR), next_taken=False
    ),
    "EndFlowModuleExecution": Block(errors=(), ends=True),
    "GetCase": _PASSED,
    "InvokeFlowModule": Block(),
    "LoadContactContent": _PASSED,
    "ResumeContact": _NO_EFFECT,
    "SendMessage": _PASSED,
    "StartOutboundChatContact": _PASSED,
    "StartOutboundEmailContact": _PASSED,
    "TagContact": _NO_EFFECT,
    "TransferContactToAgent": Block(errors=(), next_taken=False),
    "TransferContactToQueue": Block(
        errors=(QUEUE_AT_CAPACITY, NO_MATCHING_ERROR), next_taken=False
    ),
    "TransferParticipantToThirdParty": Block(
        errors=("CallFailed", "ConnectionTimeLimitExceeded", NO_MATCHING_ERROR)
    ),
    "UnTagContact": _NO_EFFECT,
    "UpdateCase": _PASSED,
    "UpdateContactAttributes": Block(required=frozenset({"Attributes"})),
    "UpdateContactCallbackNumber": Block(
        required=frozenset({"CallbackNumber"}), errors=(INVALID_CALLBACK_NUMBER,)
    ),
    "UpdateContactData": _NO_EFFECT,
    "UpdateContactEventHooks": _NO_EFFECT,
    "UpdateContactMediaProcessing": _NO_EFFECT,
    "UpdateContactMediaStreamingBehavior": _NO_EFFECT,
    "UpdateContactRecordingAndAnalyticsBehavior": _NEVER_FAILS,
    "UpdateContactRecordingBehavior": Block(
        Meaning.NO_EFFECT, frozenset({"RecordingBehavior"}), errors=()
    ),
    "UpdateContactRoutingBehavior": _NEVER_FAILS,
    "UpdateContactRoutingCriteria": _NO_EFFECT,
    "UpdateContactTargetQueue": Block(),
    "UpdateContactTextToSpeechVoice": _NEVER_FAILS,
    "UpdatePreviousContactParticipantState": _NO_EFFECT,
}
_FLOW_CONTROL: Final[Mapping[str, Block]] = {
    "CheckHoursOfOperation": Block(next_taken=False, operands=("True", "False")),
    "CheckMetricData": Block(
        required=frozenset({"MetricType"}),
        errors=(NO_MATCHING_CONDITION, NO_MATCHING_ERROR),
        next_taken=False,
        compares=True,
    ),
    "CheckOutboundCallStatus": _decides(
        NO_MATCHING_CONDITION, NO_MATCHING_ERROR, success=("CallAnswered",)
    ),
    "CheckVoiceId": _decides(
        NO_MATCHING_CONDITION, NO_MATCHING_ERROR, success=("Authenticated", "Enrolled", "LowRisk")
    ),
    "Compare": Block(
        required=frozenset({"ComparisonValue"}),
        errors=(NO_MATCHING_CONDITION,),
        next_taken=False,
        compares=True,
    ),
    "DistributeByPercentage": _decides(NO_MATCHING_CONDITION),
    "EndFlowExecution": Block(errors=(), ends=True),
    "GetMetricData": _PASSED,
    "Loop": Block(
        required=frozenset({"LoopCount"}),
        errors=(),
        next_taken=False,
        operands=("ContinueLooping", "DoneLooping"),
    ),
    "StartVoiceIdStream": _NO_EFFECT,
    "TransferToFlow": Block(required=frozenset({"ContactFlowId"}), next_taken=False),
    "UpdateFlowAttributes": Block(required=frozenset({"FlowAttributes"})),
    "UpdateFlowLoggingBehavior": Block(
        Meaning.NO_EFFECT, frozenset({"FlowLoggingBehavior"}), errors=()
    ),
    "UpdateRoutingCriteria": _NO_EFFECT,
    "Wait": Block(
        Meaning.PASSED,
        next_taken=False,
        compares=True,
        success=("WaitCompleted",),
    ),
}
_INTERACTIONS: Final[Mapping[str, Block]] = {
    "AssociateContactToCustomerProfile": _PASSED,
    "CreateCallbackContact": Block(),
    "CreateCustomerProfile": _PASSED,
    "GetCalculatedAttributesForCustomerProfile": _PASSED,
    "GetCustomerProfile": _PASSED,
    "GetCustomerProfileObject": _PASSED,
    "InvokeLambdaFunction": Block(
        required=frozenset({"LambdaFunctionARN", "InvocationTimeLimitSeconds"})
    ),
    "UpdateCustomerProfile": _PASSED,
}
_PARTICIPANT: Final[Mapping[str, Block]] = {
    "AuthenticateParticipant": _PASSED,
    "ConnectParticipantWithLexBot": _decides(*_MENU_ERRORS),
    "DisconnectParticipant": Block(errors=(), ends=True),
    "GetParticipantInput": Block(
        required=frozenset({"InputTimeLimitSeconds", "StoreInput"}),
        errors=_MENU_ERRORS,
        next_taken=False,
        compares=True,
    ),
    "MessageParticipant": Block(),
    "MessageParticipantIteratively": Block(required=frozenset({"Messages"}), compares=True),
    "ShowView": _decides("TimeLimitExceeded", NO_MATCHING_CONDITION, NO_MATCHING_ERROR),
}
BLOCKS: Final[Mapping[str, Block]] = MappingProxyType(
    {**_CONTACT, **_FLOW_CONTROL, **_INTERACTIONS, **_PARTICIPANT}
)
"""In the order of the reference's four chapters."""


def block_of(action: Action) -> Block:
    """The rules of an action's type."""
    return BLOCKS.get(action.type, OPEN)


def stores_input(action: Action) -> bool:
    """Whether a GetParticipantInput stores what is pressed, and branches on nothing."""
    return action.type == "GetParticipantInput" and action.parameters.get("StoreInput") == "True"


def takes_next(action: Action) -> bool:
    """Whether the action's Next branch can be taken."""
    return block_of(action).next_taken or stores_input(action)


def branches(action: Action) -> Iterator[tuple[str, str]]:
    """(label, action) of every branch that can be taken."""
    for label, target in action.transitions:
        if label != NEXT or takes_next(action):
            yield label, target
