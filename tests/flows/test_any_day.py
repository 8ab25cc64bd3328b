"""A sample flow leaves no caller in silence, whatever the function answers and Connect does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.flows.caller import AGENT, QUICK_CONNECT_QUEUE
from simulator.flows.files import read_flow
from simulator.flows.interpreter import walk
from simulator.flows.lambda_block import NotInvoked
from simulator.flows.state import End
from simulator.flows.surroundings import EVERY, Surroundings
from simulator.flows.ways import MOST_LAMBDA_SECONDS
from simulator.functions.lambda_process import Invocation
from tests.flows.other_scenarios import FLOWS
from tests.flows.scenarios import OMNI_QUEUE, PROMISE, QUEUE
from tests.flows.world import caller_of
from tools.flow_pictures import FOLDER

READ = {name: read_flow(FOLDER / f"{name}.json") for name in FLOWS}
TARGETS = (EVERY, AGENT, QUEUE, OMNI_QUEUE, QUICK_CONNECT_QUEUE)

ANSWERED = Invocation(
    payload=None,
    error=None,
    logs=[],
    duration_ms=50.0,
    init_ms=None,
    timed_out=False,
    request_id="",
    cold=False,
)

any_text = st.sampled_from(("", "created", "existing", "deferred", "failed", "done", "x"))
answers = st.fixed_dictionaries(
    {},
    optional={
        "status": any_text,
        "voiceCallId": st.sampled_from(("", "0LQ000000000001AAA")),
        "agent": st.sampled_from(("", AGENT, "nobody")),
        "queue": st.sampled_from(("", OMNI_QUEUE, "none")),
        "errorCode": any_text,
    },
)
payloads: st.SearchStrategy[Any] = st.one_of(
    answers, st.sampled_from((None, [], "text", {"status": 1}, {"status": {}}))
)
invocations = st.builds(
    Invocation,
    payload=payloads,
    error=st.sampled_from((None, None, {"errorType": "FlowFailed", "errorMessage": "deferred"})),
    logs=st.just([]),
    duration_ms=st.floats(0, 12_000),
    init_ms=st.one_of(st.none(), st.floats(0, 3_000)),
    timed_out=st.booleans(),
    request_id=st.just(""),
    cold=st.just(False),
)
# Otherwise few walks would get past the first block that asks.
good_answers = st.builds(
    lambda status, named: replace(ANSWERED, payload={"status": status, **named}),
    st.sampled_from(("created", "existing")),
    st.sampled_from(({}, {"agent": AGENT}, {"queue": OMNI_QUEUE}, {"agent": "", "queue": ""})),
)
some_targets = st.one_of(
    st.just(frozenset[str]()), st.frozensets(st.sampled_from(TARGETS), max_size=2)
)
days = st.builds(
    Surroundings,
    is_open=st.sampled_from((True, False, None)),
    keys=st.sampled_from((("1",), ("1",), (), ("2",), ("9",), None)),
    unknown=some_targets,
    full=some_targets,
    broken=some_targets,
    agents=st.sampled_from((1, 0, None)),
    keeps_attributes=st.booleans(),
)


@pytest.mark.parametrize("name", FLOWS)
@given(
    day=days,
    outcomes=st.lists(
        st.one_of(good_answers, good_answers, invocations, st.none()), min_size=1, max_size=8
    ),
    withheld=st.sampled_from((False, False, True)),
)
def test_no_caller_is_left_in_silence(
    name: str, day: Surroundings, outcomes: list[Invocation | None], withheld: bool
) -> None:
    """Given any answers and branches, while prompts play, then the caller ends in a queue, with an
    agent or with a message, after 20 s of Lambda at most. A call back is promised only if the
    function has granted it."""
    came: list[Invocation | None] = []

    def invoke(event: dict[str, Any]) -> Invocation:
        came.append(outcomes[len(came) % len(outcomes)])
        if came[-1] is None:
            raise NotInvoked("the function is missing")
        return came[-1]

    flow = READ[name]
    changes: dict[str, Any] = {"CustomerEndpoint": None} if withheld else {}
    caller = caller_of(name, flow, changes)
    walked = walk(flow, caller, day, invoke)
    assert walked.end is not End.SILENCE, walked.detail
    assert walked.lambda_seconds <= MOST_LAMBDA_SECONDS
    if walked.detail == PROMISE:
        assert came[-1] is not None
        assert came[-1].error is None
