"""The state of a walk: the steps so far, and what a block may change."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from simulator.flows.caller import Caller
from simulator.flows.choices import Choices, Key, key_of
from simulator.flows.flow import (
    AGENT_HOLD,
    AGENT_WHISPER,
    CUSTOMER_HOLD,
    CUSTOMER_QUEUE,
    CUSTOMER_WHISPER,
    OUTBOUND_WHISPER,
    Action,
    Flow,
)
from simulator.flows.lambda_block import Answer, Invoke
from simulator.flows.surroundings import Surroundings

UNNOTICED: Final = (
    "Compare",
    "EndFlowModuleExecution",
    "InvokeFlowModule",
    "Loop",
    "TransferToFlow",
    "UpdateContactAttributes",
    "UpdateFlowAttributes",
)
"""Blocks after which the last words are still the last words, beside those without effect."""
_WITH_AN_AGENT: Final = (
    CUSTOMER_HOLD,
    CUSTOMER_WHISPER,
    AGENT_HOLD,
    AGENT_WHISPER,
    OUTBOUND_WHISPER,
)


class End(StrEnum):
    """The ends of a caller.

    QUEUE, AGENT: waits there. THIRD_PARTY: is connected with an outside number. MESSAGE: heard
    words before the line was hung up. SILENCE: is hung up on without a word, sent round without a
    word, or left where the flow has no branch. HUNG_UP: the line is hung up after a call that was
    answered. GONE: gives up. DONE: the flow ends and the call goes on. ELSEWHERE: goes on in a flow
    that was not given.
    """

    QUEUE = "queue"
    AGENT = "agent"
    THIRD_PARTY = "third party"
    MESSAGE = "message"
    SILENCE = "silence"
    HUNG_UP = "hung up"
    GONE = "gone"
    DONE = "done"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Step:
    """One block on the way.

    Attributes:
        action: its identifier.
        branch: the label of the branch taken; empty where the way ends.
        what: what happened, in a few words.
        answer: of a Lambda block.
        end, detail: where the way ends with it.
        label: what people call the block.
        flow: the name of the block's flow.
    """

    action: str
    branch: str
    what: str = ""
    answer: Answer | None = None
    end: End | None = None
    detail: str = ""
    label: str = ""
    flow: str = ""


@dataclass(slots=True)
class WalkState:
    """A caller on the way.

    Attributes:
        root: the flow that is walked.
        flow: the flow or module that the caller is in.
        callers: flows with the block that invoked a module, the innermost last.
        entered: the caller has just come into another flow.
        back_at: the block to which a module has just returned.
        steps: so far.
        since_words: blocks since the caller last heard something, with their types.
        last_words: what was said, as long as nothing but bookkeeping came after it.
        waited, longest_wait: seconds of Lambda without a prompt between.
        loops: Loop block -> how often it went round.
        visits: block -> how often the caller came to it.
        taken: block -> how often a chosen branch was taken.
        menus: how many menus the caller has met.
        passed: warnings of blocks with a result that is unknown here, by block.
        callback_number: set by Set callback number.
    """

    root: Flow
    caller: Caller
    surroundings: Surroundings
    invoke: Invoke
    choices: Choices
    flow: Flow = field(init=False)
    callers: list[tuple[Flow, Action]] = field(default_factory=list)
    entered: bool = False
    back_at: Action | None = None
    steps: list[Step] = field(default_factory=list)
    since_words: dict[Key, str] = field(default_factory=dict)
    last_words: str = ""
    waited: float = 0.0
    longest_wait: float = 0.0
    loops: dict[Key, int] = field(default_factory=dict)
    visits: dict[Key, int] = field(default_factory=dict)
    taken: dict[Key, int] = field(default_factory=dict)
    menus: int = 0
    passed: dict[Key, str] = field(default_factory=dict)
    callback_number: str = ""

    def __post_init__(self) -> None:
        """The caller begins in the flow that is walked."""
        self.flow = self.root

    @property
    def was_answered(self) -> bool:
        """Whether an agent has spoken with the caller, or does now."""
        after = self.caller.contact["InitiationMethod"] == "DISCONNECT"
        return after or self.root.type in _WITH_AN_AGENT

    def still_waits(self) -> tuple[End, str]:
        """The end of a caller for whom the flow goes on playing."""
        in_queue = self.root.type == CUSTOMER_QUEUE
        return (End.QUEUE, self.caller.target) if in_queue else (End.DONE, "")

    def enter(self, flow: Flow) -> None:
        """Go on at the beginning of another flow."""
        self.flow, self.entered = flow, True

    def said(self, text: str) -> None:
        """The caller has heard something."""
        self.last_words = text
        self.since_words.clear()
        self.waited = 0.0

    def waited_for(self, answer: Answer) -> None:
        """The caller has waited for a function."""
        self.waited += answer.seconds
        self.longest_wait = max(self.longest_wait, self.waited)

    def pass_block(self, action: Action, why: str) -> None:
        """Warn that a block was passed, once."""
        self.passed.setdefault(key_of(self.flow, action), f"{action.label}: {why}")
