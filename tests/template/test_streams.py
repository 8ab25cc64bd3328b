"""How the stream feeds its function, and how dead letters come back into it."""

import json
import shlex
from typing import Any

import pytest

from simulator.pollers.event_source_mapping import EventSourceMapping, read_mappings
from tests.template.deployment import BUCKET, LENS_STREAM, RECORD_STREAM, STREAM, deployed
from voicecall_bridge.aws import dead_letters
from voicecall_bridge.composition.contact_records import CHAINS_AT_ONCE
from voicecall_bridge.settings.contact_events import CreateFromEvents
from voicecall_bridge.streams import processor as streams
from voicecall_bridge.streams import redrive

OUTAGE_SECONDS = 10 * 60  # the outage that a live call's events survive


STREAMS = {"ContactEventsFunction": STREAM, "ContactRecordsFunction": RECORD_STREAM}


def mapping_of(function: str, **parameters: object) -> EventSourceMapping:
    (found,) = [each for each in read_mappings(deployed(**parameters)) if each.function == function]
    return found


@pytest.fixture(scope="module", params=STREAMS)
def mapping(request: pytest.FixtureRequest) -> EventSourceMapping:
    return mapping_of(request.param)


def test_stream_feeds_the_function(mapping: EventSourceMapping) -> None:
    assert mapping.stream_arn == STREAMS[mapping.function]


def test_each_stream_feeds_one_function() -> None:
    found = {each.function: each.stream_arn for each in read_mappings(deployed())}
    assert found == STREAMS | {"ContactLensFunction": LENS_STREAM}


def test_live_calls_do_not_wait_for_a_batch() -> None:
    assert mapping_of("ContactEventsFunction").batching_window == 0


def test_a_batch_of_records_goes_at_once() -> None:
    """Given a full batch, then each of its contacts has a worker of its own."""
    assert mapping_of("ContactRecordsFunction").batch_size <= CHAINS_AT_ONCE


def test_what_comes_while_the_mapping_is_made_is_not_lost(mapping: EventSourceMapping) -> None:
    assert mapping.starting_position == "TRIM_HORIZON"


def test_only_what_failed_is_delivered_again(mapping: EventSourceMapping) -> None:
    assert mapping.report_item_failures
    assert mapping.bisect


def test_no_record_blocks_its_shard_for_ever(mapping: EventSourceMapping) -> None:
    assert mapping.max_retries is not None
    assert mapping.max_record_age is not None


def test_an_outage_does_not_use_up_age_or_attempts(mapping: EventSourceMapping) -> None:
    """Given ten minutes in which each attempt fails within a tenth of a second."""
    assert mapping.max_record_age is not None
    assert mapping.max_retries is not None
    assert mapping.max_record_age >= 2 * OUTAGE_SECONDS
    assert mapping.max_retries >= OUTAGE_SECONDS / 0.1


def test_given_up_records_are_kept_whole(mapping: EventSourceMapping) -> None:
    """Only a bucket gets the records; a queue or a topic gets their positions."""
    assert mapping.on_failure == BUCKET


@pytest.mark.parametrize("factor", [1, 10])
@pytest.mark.parametrize("kind", ["ContactEvent", "ContactRecord"])
def test_parallelization_is_what_was_asked_for(kind: str, factor: int) -> None:
    found = mapping_of(f"{kind}sFunction", **{f"{kind}Parallelization": factor})
    assert found.parallelization == factor


def test_stream_scales_and_outlasts_a_long_weekend(
    template: dict[str, Any], resources: dict[str, Any]
) -> None:
    stream = resources["ContactEventStream"]["Properties"]
    assert stream["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert "ShardCount" not in stream
    assert stream["RetentionPeriodHours"] == {"Ref": "ContactEventRetentionHours"}
    hours = template["Parameters"]["ContactEventRetentionHours"]
    assert hours["Default"] >= 4 * 24
    # Kinesis Data Streams API reference, IncreaseStreamRetentionPeriod: 24 to 8760 hours.
    assert min(hours["AllowedValues"]) >= 24
    assert max(hours["AllowedValues"]) <= 8760


@pytest.mark.parametrize("function", STREAMS)
def test_a_slow_batch_is_answered_before_lambda_ends_it(function: str) -> None:
    timeout = deployed().functions[function].timeout
    assert timeout > 3 * streams.RECORD_SECONDS + streams.HAND_OVER_SECONDS


def test_events_create_as_the_package_knows_it(template: dict[str, Any]) -> None:
    parameter = template["Parameters"]["CreateFromEvents"]
    assert set(parameter["AllowedValues"]) == set(CreateFromEvents)
    assert parameter["Default"] == CreateFromEvents.SAFETY_NET
    for function in deployed(CreateFromEvents="always").functions.values():
        assert function.environment["CREATE_FROM_EVENTS"] == "always"


def test_failures_go_where_the_redrive_looks() -> None:
    functions = deployed().functions
    for name in (*STREAMS, "RedriveFunction"):
        assert functions[name].environment["FAILURE_BUCKET"] == BUCKET.rpartition(":")[2]


def test_nothing_but_an_operator_starts_a_redrive(
    resources: dict[str, Any], functions: dict[str, Any]
) -> None:
    assert "Events" not in functions["RedriveFunction"]["Properties"]
    callable_by_others = [
        each["Properties"]["FunctionName"]
        for each in resources.values()
        if each["Type"] == "AWS::Lambda::Permission"
    ]
    assert callable_by_others == [
        {"Ref": "ContactFlowFunction.Alias"},
        {"Ref": "PostCallAnalysisFunction"},
    ]


def test_an_asynchronous_redrive_leaves_a_dead_letter_when_it_fails(
    functions: dict[str, Any],
) -> None:
    config = functions["RedriveFunction"]["Properties"]["EventInvokeConfig"]
    assert config["MaximumRetryAttempts"] == 0
    destination = config["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination == {"Fn::GetAtt": ["EventRuleDeadLetterQueue", "Arn"]}


def test_a_dead_letter_stays_hidden_while_its_redrive_runs() -> None:
    """Otherwise two redrives would put it back twice."""
    timeout = deployed().functions["RedriveFunction"].timeout
    assert timeout <= dead_letters._SEEN_SECONDS


def test_command_of_the_outputs_is_a_dry_run(template: dict[str, Any]) -> None:
    """Given the command as printed, then its payload is a request that changes nothing."""
    line = template["Outputs"]["RedriveCommand"]["Value"]["Fn::Sub"]
    words = shlex.split(line)
    assert words[:3] == ["aws", "lambda", "invoke"]
    options = dict(zip(words[3:-1:2], words[4:-1:2], strict=True))
    assert options["--function-name"] == "${RedriveFunction}"
    request = redrive.Request.read(json.loads(options["--payload"]))
    assert request == redrive.Request(dry_run=True)
    # The command line gives up after 60 s and sends it again, unless an option forbids it.
    assert options["--cli-read-timeout"] == "0"
    assert options["--cli-binary-format"] == "raw-in-base64-out"
