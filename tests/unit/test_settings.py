"""Settings are checked together, and every fault is named without its value."""

import pytest

from tests.unit.samples import FIRST_ARN, SECOND_ARN
from voicecall_bridge.contact_centers.registry import ContactCenters
from voicecall_bridge.settings.all import (
    ENVIRONMENT_NAMES,
    CreateFromEvents,
    FlowFailure,
    Settings,
    SettingsError,
)
from voicecall_bridge.telephony.operations import CALLS, GUIDES, Operation

LEAST = {
    "CONTACT_CENTER_SECRET": "secret-id",
    "LEDGER_TABLE": "ledger",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.example/queue",
}


CENTERS = ContactCenters.of("secret-id")


def read(**changes: str) -> Settings:
    return Settings.from_environment(LEAST | changes)


def test_only_three_are_needed() -> None:
    settings = read()
    assert settings == Settings(CENTERS, "ledger", "https://sqs.example/queue")
    assert settings.telephony_provider_name == "amazon-connect"
    assert settings.flow_failure is FlowFailure.CONTINUE
    assert settings.flow_time_limit_seconds == 8.0
    assert settings.create_from_events is CreateFromEvents.SAFETY_NET
    assert settings.failure_bucket == ""
    assert settings.private_key_parameter == settings.jwt_audience == ""


def test_all_are_read() -> None:
    settings = read(
        CONTACT_CENTER_SECRETS=f"{FIRST_ARN}, {SECOND_ARN}",
        PRIVATE_KEY_PARAMETER="/key",
        JWT_AUDIENCE="https://scrt.salesforce.com",
        TELEPHONY_PROVIDER_NAME="Amazon Connect",
        FLOW_TIME_LIMIT_SECONDS="3",
        FLOW_FAILURE="error",
        CREATE_FROM_EVENTS="always",
        FAILURE_BUCKET="failures",
    )
    assert settings == Settings(
        ContactCenters.of("secret-id", [FIRST_ARN, SECOND_ARN]),
        "ledger",
        "https://sqs.example/queue",
        private_key_parameter="/key",
        jwt_audience="https://scrt.salesforce.com",
        telephony_provider_name="Amazon Connect",
        flow_time_limit_seconds=3.0,
        flow_failure=FlowFailure.ERROR,
        create_from_events=CreateFromEvents.ALWAYS,
        failure_bucket="failures",
    )


def test_empty_variables_count_as_not_set() -> None:
    """Given CloudFormation passes parameters that are left empty as empty texts."""
    empty = dict.fromkeys(set(ENVIRONMENT_NAMES) - set(LEAST), " ")
    assert read(**empty) == read()


@pytest.mark.parametrize("name", sorted(LEAST))
@pytest.mark.parametrize("value", [None, "", "  "])
def test_each_that_is_missing_is_named(name: str, value: str | None) -> None:
    environment = {key: text for key, text in LEAST.items() if key != name}
    if value is not None:
        environment[name] = value
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environment)
    assert str(caught.value) == f"{name} is missing"


def test_all_faults_together_and_no_value() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"FLOW_TIME_LIMIT_SECONDS": "hush", "FLOW_FAILURE": "hush"})
    text = str(caught.value)
    for name in (*LEAST, "FLOW_TIME_LIMIT_SECONDS", "FLOW_FAILURE"):
        assert name in text
    assert "hush" not in text


@pytest.mark.parametrize("value", ["hush", f"{SECOND_ARN},hush", f"{SECOND_ARN},", ","])
def test_contact_centers_that_cannot_be_used(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(CONTACT_CENTER_SECRETS=value, FLOW_FAILURE="hush")
    assert "CONTACT_CENTER_SECRETS: item " in str(caught.value)
    assert "FLOW_FAILURE" in str(caught.value), "all faults together"
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("value", ["0", "0.9", "8.1", "9", "-3", "three", "nan", "inf", "1,5"])
def test_limits_no_lambda_block_has(value: str) -> None:
    """Source: flow language reference, InvocationTimeLimitSeconds, "1" to "8"."""
    with pytest.raises(SettingsError, match="FLOW_TIME_LIMIT_SECONDS"):
        read(FLOW_TIME_LIMIT_SECONDS=value)


@pytest.mark.parametrize("value", ["Continue", "ERROR", "raise", "0"])
def test_a_flow_failure_nobody_knows(value: str) -> None:
    with pytest.raises(SettingsError, match="FLOW_FAILURE"):
        read(FLOW_FAILURE=value)


@pytest.mark.parametrize("value", ["Always", "safety_net", "true", "0"])
def test_a_create_from_events_nobody_knows(value: str) -> None:
    with pytest.raises(SettingsError, match="CREATE_FROM_EVENTS"):
        read(CREATE_FROM_EVENTS=value)


@pytest.mark.parametrize("value", ["HUSH", "reroute", "reroute=POST", "create=guide"])
def test_variants_nobody_knows(value: str) -> None:
    with pytest.raises(SettingsError, match="TELEPHONY_VARIANTS is not a list of") as caught:
        read(TELEPHONY_VARIANTS=value)
    assert "HUSH" not in str(caught.value)


def test_variants_choose_calls() -> None:
    assert read(TELEPHONY_VARIANTS=" reroute=guide ").telephony_calls == {
        **CALLS,
        Operation.REROUTE: GUIDES[Operation.REROUTE],
    }


@pytest.mark.parametrize("setting", list(CreateFromEvents))
def test_each_create_from_events(setting: CreateFromEvents) -> None:
    assert read(CREATE_FROM_EVENTS=setting.value).create_from_events is setting


@pytest.mark.parametrize(
    ("limit", "budget"), [("8", 6.5), ("5", 3.5), ("3.75", 2.25), ("3", 1.8), ("1", 0.6)]
)
def test_the_budget_is_the_limit_less_the_way_there_and_back(limit: str, budget: float) -> None:
    assert read(FLOW_TIME_LIMIT_SECONDS=limit).flow_budget_seconds == pytest.approx(budget)
