"""The first deployment without an account: the verdicts on AWS's answers, and the report."""

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tools.first_deployment import __main__ as command
from tools.first_deployment import checks
from tools.first_deployment.report import report
from tools.first_deployment.trial import BAD, OK, SKIPPED, UNKNOWN, Finding, NotThere, Trial

INSTANCE = "arn:aws:connect:us-west-2:111122223333:instance/0f0e0d0c-1111-4222-8333-444455556666"


class Nothing:
    """Deploys nothing."""

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Take the parameters as they are."""


class Answers:
    """A client that answers every operation with what it was given."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, operation: str) -> Any:
        answer = self._answers[operation]
        return lambda **_: answer


def trial(**clients: Any) -> Trial:
    return Trial("bridge", clients.__getitem__, Nothing(), INSTANCE, False, sleep=lambda _: None)


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (ClientError({"Error": {"Code": "AccessDenied"}}, "GetPolicy"), UNKNOWN, "AccessDenied"),
        (EndpointConnectionError(endpoint_url="https://x"), UNKNOWN, "EndpointConnectionError"),
        (NotThere("the letter"), BAD, "the letter"),
    ],
)
def test_a_check_that_breaks_off_leaves_the_others(
    error: Exception, status: str, says: str
) -> None:
    def breaks(_: Trial) -> Finding:
        raise error

    one, other = checks.run(trial(), {"one": breaks, "other": lambda _: Finding("other", OK, "")})
    assert (one.name, one.status) == ("one", status)
    assert says in one.says
    assert other.status == OK


def test_waiting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    patient = trial()
    patient.rounds = 3
    with pytest.raises(NotThere, match="a letter"):
        patient.until(lambda: looked.append(1), "a letter")
    assert len(looked) == 3


def alarm(name: str, state: str) -> dict[str, str]:
    return {"AlarmName": f"bridge-MonitoringStack-X-{name}-1", "StateValue": state}


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([alarm("DefectAlarm", "OK"), alarm("ContactEventsNotInvokedSignal", "ALARM")], OK),
        ([alarm("DefectAlarm", "INSUFFICIENT_DATA")], OK),
        ([alarm("DefectAlarm", "ALARM")], BAD),
        ([], SKIPPED),
    ],
)
def test_signals_may_ring_on_empty_series_and_alarms_may_not(
    found: list[dict[str, str]], status: str
) -> None:
    pages = Answers(paginate=[{"MetricAlarms": found, "CompositeAlarms": []}])
    cloudwatch = Answers()
    cloudwatch.__dict__["get_paginator"] = lambda _: pages
    assert checks.alarms(trial(cloudwatch=cloudwatch)).status == status


@pytest.mark.parametrize(
    ("source", "status"), [(INSTANCE, OK), (INSTANCE.replace("0f0e", "1f1e"), BAD)]
)
def test_only_the_instance_is_let_in(source: str, status: str) -> None:
    statement = {
        "Principal": {"Service": "connect.amazonaws.com"},
        "Condition": {"ArnLike": {"AWS:SourceArn": source}},
    }
    clients = {
        "cloudformation": Answers(
            describe_stacks={
                "Stacks": [
                    {"Outputs": [{"OutputKey": "ContactFlowFunctionArn", "OutputValue": "f:live"}]}
                ]
            }
        ),
        "lambda": Answers(get_policy={"Policy": json.dumps({"Statement": [statement]})}),
    }
    assert checks.alias_permission(trial(**clients)).status == status


def test_the_report_names_nothing_of_the_account() -> None:
    findings = [
        Finding("a", OK, "Fine.", {"arn": INSTANCE}),
        Finding("b", BAD, "Waited in vain for 111122223333."),
    ]
    at = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    text = report(findings, ["secret: AccessDenied"], version="0.1.0", region="us-west-2", at=at)
    assert "| a | ok | Fine. |" in text
    assert "secret: AccessDenied" in text
    assert "<account>" in text
    assert "111122223333" not in text
    assert "0f0e0d0c" not in text


def test_nothing_happens_before_a_typed_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        region_name = "us-west-2"

        def client(self, service: str) -> Any:
            assert service == "sts", "nothing else is asked"
            return Answers(get_caller_identity={"Account": "111122223333"})

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("nothing may run")

    monkeypatch.setattr(subprocess, "run", refused)
    assert command.main([], Session(), ask=lambda _: "no") == 1
