"""What an exported flow calls of ServiceCloudVoiceLambdas, and its copy that calls the bridge."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from simulator.flows.files import method_of, read_flow
from simulator.flows.flow import Action, Flow
from simulator.samples.reading import EventError
from tools.scvl import Fate, function_named

_WRAPPERS: Final = ("ContactFlow", "ContactFlowModule", "Properties", "Content")
_DISPLAY: Final = ("parameters", "LambdaFunctionARN", "displayName")


class Call(StrEnum):
    """What becomes of a Lambda block.

    EXCHANGED: it gets the bridge's ARN. DONE: it has it. UNKNOWN_METHOD: the bridge has no such
    method, so it stays. DYNAMIC: its ARN is a path, which is set elsewhere. KEPT: it calls another
    function of the package. OTHER: it calls a function of somebody else.
    """

    EXCHANGED = "gets the bridge's ARN"
    DONE = "calls the bridge already"
    UNKNOWN_METHOD = "stays: the bridge has no such method"
    DYNAMIC = "its ARN is a path: exchange it where it is set"
    KEPT = "stays: that function is kept"
    OTHER = "stays: not a function of the package"


@dataclass(frozen=True, slots=True)
class LambdaBlock:
    """A Lambda block of a flow.

    Attributes:
        action: the block.
        call: what becomes of it.
        method: what it asks for; empty where it names none.
        function: what it calls, as its file says it.
        in_a_loop: its Error branch leads to a Loop block that tries again.
    """

    action: Action
    call: Call
    method: str
    function: str
    in_a_loop: bool

    @property
    def seconds(self) -> int | None:
        """Its time limit; None where it does not say it in a number."""
        given = str(self.action.parameters.get("InvocationTimeLimitSeconds", ""))
        return int(given) if given.isdecimal() else None


@dataclass(frozen=True, slots=True)
class MigratedFlow:
    """A flow's file, read.

    Attributes:
        flow: None where the file has none.
        why: why it has none.
    """

    path: Path
    flow: Flow | None
    blocks: tuple[LambdaBlock, ...] = ()
    why: str = ""

    @property
    def is_older_export(self) -> bool:
        """Whether it has to be converted before."""
        return self.flow is not None and self.flow.is_older_export


def read(path: Path, arn: str, methods: Collection[str]) -> MigratedFlow:
    """Read a file.

    Args:
        path: any file.
        arn: of the bridge's function.
        methods: that the bridge has.
    """
    try:
        flow = read_flow(path)
    except EventError as error:
        return MigratedFlow(path, None, why=str(error))
    blocks = tuple(
        _block(flow, action, arn, methods)
        for action in flow.actions.values()
        if action.type == "InvokeLambdaFunction"
    )
    return MigratedFlow(path, flow, blocks)


def _block(flow: Flow, action: Action, arn: str, methods: Collection[str]) -> LambdaBlock:
    called = str(action.parameters.get("LambdaFunctionARN", ""))
    method = method_of(action.parameters)
    retry = flow.actions.get(action.errors.get("NoMatchingError", ""))
    call = _fate_of(called, action.display_name, method, arn, methods)
    in_a_loop = retry is not None and retry.type == "Loop"
    return LambdaBlock(action, call, method, called, in_a_loop)


def _fate_of(
    called: str, display_name: str, method: str, arn: str, methods: Collection[str]
) -> Call:
    known = function_named(called) or function_named(display_name)
    if called == arn:
        return Call.DONE
    if known is not None and known.fate is not Fate.REPLACED:
        return Call.KEPT
    if known is None and method not in methods:
        return Call.OTHER
    if method not in methods:
        return Call.UNKNOWN_METHOD
    return Call.DYNAMIC if called.startswith("$.") else Call.EXCHANGED


def exchanged(text: str, blocks: Collection[str], arn: str) -> str:
    """A flow's file with the bridge's ARN in some of its blocks, its wrapper and layout kept.

    Args:
        text: the file.
        blocks: identifiers.
        arn: of the bridge's function.
    """
    return _dumped(_rewritten(json.loads(text), frozenset(blocks), arn), text)


def _rewritten(value: Any, blocks: frozenset[str], arn: str) -> Any:
    if isinstance(value, str):
        return _dumped(_rewritten(json.loads(value), blocks, arn), value)
    if "Actions" in value:
        for action in value["Actions"]:
            if action["Identifier"] in blocks:
                action["Parameters"]["LambdaFunctionARN"] = arn
                _rename(value.get("Metadata") or {}, action["Identifier"], arn)
        return value
    inner = next(name for name in _WRAPPERS if name in value)
    return {**value, inner: _rewritten(value[inner], blocks, arn)}


def _rename(metadata: dict[str, Any], identifier: str, arn: str) -> None:
    """The console shows the function's name from the block's metadata."""
    place: Any = metadata.get("ActionMetadata", {}).get(identifier)
    for name in _DISPLAY[:-1]:
        place = place.get(name) if isinstance(place, dict) else None
    if isinstance(place, dict) and _DISPLAY[-1] in place:
        place[_DISPLAY[-1]] = arn.partition(":function:")[2] or arn


def _dumped(value: Any, like: str) -> str:
    """JSON as the other text has it: its indent, or none."""
    indented = re.search(r"\n([ \t]+)\S", like)
    if indented is None:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = json.dumps(value, ensure_ascii=False, indent=indented.group(1))
    return text + "\n" if like.endswith("\n") else text
