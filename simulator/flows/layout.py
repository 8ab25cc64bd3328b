"""Faults of layout: blocks without a place, over one another, with arrows that lie."""

from collections.abc import Iterator
from typing import Final

from simulator.flows.blocks import NO_MATCHING_CONDITION, NO_MATCHING_ERROR, takes_next
from simulator.flows.flow import NEXT, Action, Flow

BLOCK_WIDTH: Final = 220
BLOCK_HEIGHT: Final = 180
"""Points; blocks that are nearer to each other are drawn over one another."""


def of_the_layout(flow: Flow) -> list[str]:
    """One line each; the flow works nevertheless."""
    return [*_of_the_places(flow), *_of_the_forms(flow)]


def _of_the_places(flow: Flow) -> Iterator[str]:
    placed = [(action.label, action.position) for action in flow.actions.values()]
    for number, (name, place) in enumerate(placed):
        if place is None:
            yield f"{name}: no position"
            continue
        for other, elsewhere in placed[:number]:
            if elsewhere is None:
                continue
            near = abs(place[0] - elsewhere[0]) < BLOCK_WIDTH
            if near and abs(place[1] - elsewhere[1]) < BLOCK_HEIGHT:
                yield f"{name}: drawn over {other}"
                break


def _of_the_forms(flow: Flow) -> Iterator[str]:
    """Next branches that are never taken: where they lead elsewhere, the console's picture lies."""
    for action in flow.actions.values():
        kind = _deciding_error(action)
        if kind and not takes_next(action) and action.next_action != action.errors[kind]:
            yield f"{action.label}: {NEXT} is never taken and should lead where {kind} does"


def _deciding_error(action: Action) -> str:
    kinds = (NO_MATCHING_ERROR, NO_MATCHING_CONDITION)
    return next((kind for kind in kinds if kind in action.errors), "")
