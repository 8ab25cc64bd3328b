"""The blocks that the sample flows use: what each may have, and which of its branches it can take.

Source: Amazon Connect API reference, "Flow language" (one page an action), and the administrator
guide's page of each block. A block that is not in BLOCKS is refused: nobody here knows it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from simulator.contact_flow.flow import DEFAULT_TYPE, NEXT, Action

INBOUND: Final = DEFAULT_TYPE
AGENT_TRANSFER: Final = "agentTransfer"
QUEUE_TRANSFER: Final = "queueTransfer"
FLOW_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        INBOUND: "CONTACT_FLOW",
        AGENT_TRANSFER: "AGENT_TRANSFER",
        QUEUE_TRANSFER: "QUEUE_TRANSFER",
    }
)
"""The console's word for a flow's type -> the API's. All blocks below may stand in all three."""

NO_MATCHING_ERROR: Final = "NoMatchingError"
NO_MATCHING_CONDITION: Final = "NoMatchingCondition"
INPUT_TIME_LIMIT_EXCEEDED: Final = "InputTimeLimitExceeded"
QUEUE_AT_CAPACITY: Final = "QueueAtCapacity"

SPOKEN: Final = ("Text", "SSML", "PromptId")
"""What is played: one of them."""

OPERATORS: Final = ("Equals", "TextStartsWith")


@dataclass(frozen=True, slots=True)
class Block:
    """What an action of one type may have.

    Attributes:
        required, optional: its parameters.
        errors: the error branches it has, all of them required.
        next_taken: whether its Next branch is ever taken. Where a condition or an error always
            decides, or the contact leaves the flow, the file has a Next for form's sake.
        compares: whether it has conditions of the flow's choice.
        operands: the conditions it has by itself, all of them required.
        ends: whether the flow ends with it: no transitions at all.
    """

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    errors: tuple[str, ...] = (NO_MATCHING_ERROR,)
    next_taken: bool = True
    compares: bool = False
    operands: tuple[str, ...] = ()
    ends: bool = False


BLOCKS: Final[Mapping[str, Block]] = MappingProxyType(
    {
        "UpdateFlowLoggingBehavior": Block(frozenset({"FlowLoggingBehavior"}), errors=()),
        "UpdateContactRecordingBehavior": Block(
            frozenset({"RecordingBehavior"}), frozenset({"AnalyticsBehavior"}), errors=()
        ),
        "MessageParticipant": Block(optional=frozenset(SPOKEN)),
        "InvokeLambdaFunction": Block(
            frozenset(
                {
                    "LambdaFunctionARN",
                    "InvocationTimeLimitSeconds",
                    "LambdaInvocationAttributes",
                }
            ),
            # Exports of flows in the field leave them out.
            frozenset({"InvocationType", "ResponseValidation"}),
        ),
        "UpdateContactAttributes": Block(frozenset({"Attributes"}), frozenset({"TargetContact"})),
        "Compare": Block(
            frozenset({"ComparisonValue"}),
            errors=(NO_MATCHING_CONDITION,),
            next_taken=False,
            compares=True,
        ),
        "GetParticipantInput": Block(
            frozenset({"InputTimeLimitSeconds", "StoreInput"}),
            frozenset(SPOKEN),
            errors=(INPUT_TIME_LIMIT_EXCEEDED, NO_MATCHING_CONDITION, NO_MATCHING_ERROR),
            next_taken=False,
            compares=True,
        ),
        "UpdateContactTargetQueue": Block(optional=frozenset({"QueueId", "AgentId"})),
        "CheckHoursOfOperation": Block(
            optional=frozenset({"HoursOfOperationId"}), next_taken=False, operands=("True", "False")
        ),
        "TransferContactToQueue": Block(
            errors=(QUEUE_AT_CAPACITY, NO_MATCHING_ERROR), next_taken=False
        ),
        "DisconnectParticipant": Block(errors=(), ends=True),
    }
)


def branches(action: Action) -> Iterator[tuple[str, str]]:
    """(label, action) of every branch that can be taken.

    Raises:
        KeyError: nobody here knows the block.
    """
    block = BLOCKS[action.type]
    for label, target in action.transitions:
        if label != NEXT or block.next_taken:
            yield label, target
