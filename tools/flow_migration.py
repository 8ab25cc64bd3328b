"""An exported flow's calls of ServiceCloudVoiceLambdas, and its copy that calls the bridge."""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final

from simulator.flows.files import method_of, read_flow
from simulator.flows.flow import Action, Flow
from simulator.samples.reading import EventError
from tools.scvl import Fate, function_named

_WRAPPERS: Final = ("ContactFlow", "ContactFlowModule", "Properties", "Content")
_DISPLAY: Final = ("parameters", "LambdaFunctionARN", "displayName")


class Call(StrEnum):
    """The fate of a Lambda block.

    EXCHANGED: it gets the bridge's ARN. DONE: it has it. UNKNOWN_METHOD: the bridge has no such
    method, so it stays. DYNAMIC: its ARN is a path, which is set elsewhere. KEPT: it calls another
    function of the package. OTHER: it calls any other function.
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
        """Whether it is in the format before the flow language, which only the console takes."""
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
        text: the file, in the flow language or as an older export (modules).
        blocks: identifiers.
        arn: of the bridge's function.
    """
    style = _style(text)
    return style(_rewritten(json.loads(text), frozenset(blocks), arn))


def _rewritten(value: Any, blocks: frozenset[str], arn: str) -> Any:
    if isinstance(value, str):
        return exchanged(value, blocks, arn)
    if "Actions" in value:
        for action in value["Actions"]:
            if action["Identifier"] in blocks:
                action["Parameters"]["LambdaFunctionARN"] = arn
                _rename(value.get("Metadata") or {}, action["Identifier"], arn)
        return value
    if "modules" in value:
        for module in value["modules"]:
            if module["id"] in blocks:
                _exchange_in_module(module, arn)
        return value
    inner = next(name for name in _WRAPPERS if name in value)
    return {**value, inner: _rewritten(value[inner], blocks, arn)}


def _exchange_in_module(module: dict[str, Any], arn: str) -> None:
    """A module's parameters are a list of names and values; one that names no function gets one."""
    named = [each for each in module["parameters"] if each.get("name") == "FunctionArn"]
    if not named:
        module["parameters"].append({"name": "FunctionArn", "value": arn, "namespace": None})
    for parameter in named:
        parameter["value"] = arn
        if "resourceName" in parameter:
            parameter["resourceName"] = _name_of(arn)


def _rename(metadata: dict[str, Any], identifier: str, arn: str) -> None:
    """The console shows the function's name from the block's metadata."""
    place: Any = metadata.get("ActionMetadata", {}).get(identifier)
    for name in _DISPLAY[:-1]:
        place = place.get(name) if isinstance(place, dict) else None
    if isinstance(place, dict) and _DISPLAY[-1] in place:
        place[_DISPLAY[-1]] = _name_of(arn)


def _name_of(arn: str) -> str:
    return arn.partition(":function:")[2] or arn


def _style(like: str) -> Callable[[Any], str]:
    """Writes JSON as this text has it: of the usual ways the one that gives this very text, else
    the one with its indent."""
    given = json.loads(like)
    indented = re.search(r"\n([ \t]+)\S", like)
    indent = indented.group(1) if indented else None
    line, end = "\r\n" if "\r\n" in like else "\n", like[len(like.rstrip()) :]

    def way(separators: tuple[str, str], *, ascii_only: bool) -> Callable[[Any], str]:
        dump = partial(json.dumps, indent=indent, separators=separators, ensure_ascii=ascii_only)
        return lambda value: dump(value).replace("\n", line) + end

    compact, spaced, lines = (",", ":"), (", ", ": "), (",", ": ")
    ways = [
        way(separators, ascii_only=ascii_only)
        for separators in ((lines, compact) if indented else (compact, spaced))
        for ascii_only in (False, True)
    ]
    return next((each for each in ways if each(given) == like), ways[0])
