"""Looks for ways through a flow that harm a caller: silence, dead ends, too long a wait."""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.flows.blocks import branches
from simulator.flows.flow import NEXT, Action, Flow

MOST_LAMBDA_SECONDS: Final = 20
"""Of a sequence of Lambda blocks without a prompt between (administrator guide, "Flow block: AWS
Lambda function")."""
_SPEAKS: Final = ("MessageParticipant", "MessageParticipantIteratively")
_MEANT_TO_GO_ROUND: Final = ("Loop", "Wait")


def of_the_ways(flow: Flow) -> list[str]:
    """The ways that harm a caller, one line each.

    The flow must have no `checks.faults`: ways are followed where every transition leads somewhere.
    """
    found = [f"{flow.actions[name].label}: no way leads here" for name in _islands(flow)]
    silence = _Silence(flow)
    for name in flow.actions:
        found += silence.after(name)
    return list(dict.fromkeys(found))


def _islands(flow: Flow) -> list[str]:
    reached = {flow.start}
    waiting = [flow.start]
    while waiting:
        for _, target in branches(flow.actions[waiting.pop()]):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return [name for name in flow.actions if name not in reached]


class _Silence:
    """The ways without a word, each block followed once: where every block has two branches, ways
    are too many to be listed one by one.

    A prompt that fails says nothing, so only its Next branch ends a way.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._way: list[str] = []
        self._longest: dict[str, tuple[int, tuple[str, ...]]] = {}
        """The way from a block that waits longest for Lambda: its seconds, its blocks."""

    def after(self, name: str) -> Iterator[str]:
        """The faults of the ways from a block; each loop once."""
        yield from self._follow(name)
        seconds = 0
        for number, block in enumerate(self._longest[name][1], 1):
            seconds += (own := lambda_seconds(self._flow.actions[block]))
            if own and seconds > MOST_LAMBDA_SECONDS:
                way = self._named(self._longest[name][1][:number])
                yield (
                    f"{self._flow.actions[block].label}: {seconds} s of Lambda without a prompt, "
                    f"{MOST_LAMBDA_SECONDS} are allowed: {way}"
                )
                return

    def _follow(self, name: str) -> Iterator[str]:
        if name in self._way:
            yield from self._of_a_round((*self._way[self._way.index(name) :], name))
            return
        if name in self._longest:
            return
        self._way.append(name)
        longest: tuple[int, tuple[str, ...]] = (0, ())
        action = self._flow.actions[name]
        for label, target in branches(action):
            if action.type not in _SPEAKS or label != NEXT:
                yield from self._follow(target)
                longest = max(longest, self._longest.get(target, longest), key=lambda way: way[0])
        self._way.pop()
        self._longest[name] = (longest[0] + lambda_seconds(action), (name, *longest[1]))

    def _of_a_round(self, way: tuple[str, ...]) -> Iterator[str]:
        actions = [self._flow.actions[name] for name in way[:-1]]
        label = actions[0].label
        if not any(action.type in _MEANT_TO_GO_ROUND for action in actions):
            yield f"{label}: a way leads round without a word: {self._named(way)}"
            return
        rounds = max((_rounds(action.parameters) for action in actions), default=1)
        seconds = rounds * sum(map(lambda_seconds, actions))
        if seconds > MOST_LAMBDA_SECONDS:
            yield (
                f"{label}: {seconds} s of Lambda without a prompt in {rounds} rounds, "
                f"{MOST_LAMBDA_SECONDS} are allowed: {self._named(way)}"
            )

    def _named(self, way: tuple[str, ...]) -> str:
        return " -> ".join(self._flow.actions[name].label for name in way)


def lambda_seconds(action: Action) -> int:
    """How long a block may wait for Lambda; 0 for all other blocks, and where it does not say."""
    given = str(action.parameters.get("InvocationTimeLimitSeconds", ""))
    waits = action.type == "InvokeLambdaFunction"
    waits &= action.parameters.get("InvocationType") != "ASYNCHRONOUS"
    return int(given) if waits and given.isdecimal() else 0


def _rounds(parameters: Mapping[str, object]) -> int:
    given = str(parameters.get("LoopCount", ""))
    return int(given) if given.isdecimal() else 1
