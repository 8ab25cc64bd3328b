"""Each function reads its own settings. Every fault is named at once, without its value."""

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from tests.settings import FUNCTIONS, LEAST, names_read, settings_of
from tests.unit.samples import FIRST_ARN, SECOND_ARN
from voicecall_bridge.contact_centers.registry import ContactCenterRegistry
from voicecall_bridge.settings.contact_events import ContactEventsSettings, CreateFromEvents
from voicecall_bridge.settings.contact_flow import (
    ContactFlowSettings,
    FlowFailure,
    FlowSettingsError,
)
from voicecall_bridge.settings.redrive import RedriveSettings
from voicecall_bridge.settings.shared import SalesforceSettings, SettingsError
from voicecall_bridge.settings.stack import DeadLetterSettings, StackSettings
from voicecall_bridge.telephony.operations import CALLS, GUIDES, Operation

CENTERS = ContactCenterRegistry.of("secret-id")
QUEUE, RETRIES = LEAST["DEAD_LETTER_QUEUE_URL"], LEAST["RETRY_QUEUE_URL"]
WITH_SALESFORCE = [name for name in FUNCTIONS if "CONTACT_CENTER_SECRET" in names_read(name)]


def flow(**changes: str) -> ContactFlowSettings:
    return ContactFlowSettings.from_environment(LEAST | changes)


def events(**changes: str) -> ContactEventsSettings:
    return ContactEventsSettings.from_environment(LEAST | changes)


def needed(function: str) -> list[str]:
    return sorted(set(LEAST) & names_read(function))


def faults(function: str, environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        settings_of(function).from_environment(environment)
    return str(caught.value)


def test_what_a_flow_runs_on_by_default() -> None:
    settings = flow()
    assert settings == ContactFlowSettings(SalesforceSettings(CENTERS), "ledger", QUEUE)
    assert settings.salesforce.provider_name == "amazon-connect"
    assert settings.salesforce.private_key_parameter == settings.salesforce.jwt_audience == ""
    assert settings.failure is FlowFailure.CONTINUE
    assert settings.time_limit_seconds == 8.0


def test_what_contact_events_run_on_by_default() -> None:
    assert events() == ContactEventsSettings(
        StackSettings(SalesforceSettings(CENTERS), "ledger", DeadLetterSettings(QUEUE)), RETRIES
    )
    assert events().create_from_events is CreateFromEvents.SAFETY_NET


def test_all_are_read() -> None:
    changes = {
        "CONTACT_CENTER_SECRETS": f"{FIRST_ARN}, {SECOND_ARN}",
        "PRIVATE_KEY_PARAMETER": "/key",
        "JWT_AUDIENCE": "https://scrt.salesforce.com",
        "TELEPHONY_PROVIDER_NAME": "Amazon Connect",
    }
    salesforce = SalesforceSettings(
        ContactCenterRegistry.of("secret-id", [FIRST_ARN, SECOND_ARN]),
        "/key",
        "https://scrt.salesforce.com",
        "Amazon Connect",
    )
    assert flow(
        FLOW_TIME_LIMIT_SECONDS="3", FLOW_FAILURE="error", CONNECT_INSTANCE_ARN="arn:i", **changes
    ) == ContactFlowSettings(salesforce, "ledger", QUEUE, 3.0, FlowFailure.ERROR, "arn:i")
    assert events(
        CREATE_FROM_EVENTS="always", FAILURE_BUCKET="failures", **changes
    ) == ContactEventsSettings(
        StackSettings(salesforce, "ledger", DeadLetterSettings(QUEUE, "failures")),
        RETRIES,
        CreateFromEvents.ALWAYS,
    )


def test_redrive_needs_neither_salesforce_nor_the_ledger() -> None:
    environment = {
        "DEAD_LETTER_QUEUE_URL": QUEUE,
        "CONTACT_CENTER_SECRETS": "hush",
        "FLOW_FAILURE": "hush",
    }
    settings = RedriveSettings.from_environment(environment)
    assert settings == RedriveSettings(DeadLetterSettings(QUEUE))
    assert names_read("redrive") == {
        "DEAD_LETTER_QUEUE_URL",
        "FAILURE_BUCKET",
        "POST_CALL_FUNCTION",
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_settings_cannot_be_changed(function: str) -> None:
    settings = settings_of(function).from_environment(LEAST)
    with pytest.raises(FrozenInstanceError):
        setattr(settings, fields(settings)[0].name, None)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_empty_variables_count_as_not_set(function: str) -> None:
    """Given parameters that are left empty: CloudFormation passes them as empty texts."""
    empty = dict.fromkeys(names_read(function) - set(LEAST), " ")
    read = settings_of(function).from_environment
    assert read(LEAST | empty) == read(LEAST)


@pytest.mark.parametrize("value", [None, "", "  "])
@pytest.mark.parametrize(
    ("function", "name"), [(function, name) for function in FUNCTIONS for name in needed(function)]
)
def test_each_that_is_missing_is_named(function: str, name: str, value: str | None) -> None:
    environment = {key: text for key, text in LEAST.items() if key != name}
    if value is not None:
        environment[name] = value
    assert faults(function, environment) == f"{name} is missing"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_all_faults_of_a_function_together_and_no_value(function: str) -> None:
    """Given every variable with a value that is never valid, then each checked variable is named.

    What is wrong with an item of a list of contact records' fields names the item: no secret.
    """
    others = {name for name in names_read(function) if not name.startswith("CONTACT_RECORD_")}
    hush = dict.fromkeys(others - set(needed(function)), "hush\n?")
    text = faults(function, hush)
    assert all(f"{name} is missing" in text for name in needed(function))
    assert "hush" not in text
    names = text.split()
    for checked in ("FLOW_FAILURE", "CREATE_FROM_EVENTS"):
        assert (checked in names) == (checked in hush)


def shared(function: str, **changes: str) -> Any:
    """The settings that functions share, and one that only the flow has."""
    settings = settings_of(function).from_environment(LEAST | changes)
    return settings if function == "contact_flow" else settings.stack


def item_faults(function: str, **changes: str) -> list[str]:
    settings = shared(function, **changes)
    assert all(fault.left_out for fault in settings.item_faults)
    return [str(fault) for fault in settings.item_faults]


@pytest.mark.parametrize("function", WITH_SALESFORCE)
@pytest.mark.parametrize(
    "value", ["hush", f"{SECOND_ARN},hush", f"{SECOND_ARN},", f"hush,{SECOND_ARN}"]
)
def test_a_contact_center_that_cannot_be_used_costs_itself_alone(function: str, value: str) -> None:
    (fault,) = item_faults(function, CONTACT_CENTER_SECRETS=value)
    number = 1 + [item == SECOND_ARN for item in value.split(",")].index(False)
    assert fault == f"CONTACT_CENTER_SECRETS: item {number}: is not the whole ARN of a secret"
    settings = shared(function, CONTACT_CENTER_SECRETS=value)
    others = [SECOND_ARN] if SECOND_ARN in value else []
    assert settings.salesforce.contact_centers == ContactCenterRegistry.of("secret-id", others)


def test_contact_centers_beyond_the_most_and_twice() -> None:
    many = [f"{FIRST_ARN[:-7]}{number}-a1B2c3" for number in range(12)]
    assert item_faults("contact_flow", CONTACT_CENTER_SECRETS=",".join(many)) == [
        f"CONTACT_CENTER_SECRETS: item {number}: more than 10 secrets" for number in (11, 12)
    ]
    (twice,) = item_faults("contact_flow", CONTACT_CENTER_SECRETS=f"{FIRST_ARN},{FIRST_ARN}")
    assert twice == "CONTACT_CENTER_SECRETS: item 2: has the name of a secret before it"


@pytest.mark.parametrize("value", ["0", "0.9", "8.1", "9", "-3", "three", "nan", "inf", "1,5"])
def test_limits_no_lambda_block_has(value: str) -> None:
    """Source: flow language reference, InvocationTimeLimitSeconds, "1" to "8"."""
    with pytest.raises(FlowSettingsError, match="FLOW_TIME_LIMIT_SECONDS must be a number") as it:
        flow(FLOW_TIME_LIMIT_SECONDS=value)
    assert it.value.budget == pytest.approx(0.6), "the shortest block's"


def test_what_a_flow_is_answered_with_where_settings_are_faulty() -> None:
    with pytest.raises(FlowSettingsError) as caught:
        flow(LEDGER_TABLE="", FLOW_TIME_LIMIT_SECONDS="3", FLOW_FAILURE="error")
    error = caught.value
    assert error.budget == pytest.approx(1.8)
    assert error.failure is FlowFailure.ERROR
    assert error.dead_letter_queue_url == QUEUE


@pytest.mark.parametrize("value", ["Continue", "ERROR", "raise", "0"])
def test_an_unknown_flow_failure(value: str) -> None:
    with pytest.raises(FlowSettingsError, match="FLOW_FAILURE must be one of") as caught:
        flow(FLOW_FAILURE=value)
    assert caught.value.failure is FlowFailure.CONTINUE


@pytest.mark.parametrize("value", ["Always", "safety_net", "true", "0"])
def test_an_unknown_create_from_events(value: str) -> None:
    with pytest.raises(SettingsError, match="CREATE_FROM_EVENTS must be one of"):
        events(CREATE_FROM_EVENTS=value)


@pytest.mark.parametrize("function", WITH_SALESFORCE)
@pytest.mark.parametrize("value", ["HUSH", "reroute", "reroute=POST", "create=guide"])
def test_an_unknown_variant_costs_itself_alone(function: str, value: str) -> None:
    text = f"{value},routeVoiceCall=guide"
    (fault,) = item_faults(function, TELEPHONY_VARIANTS=text)
    assert fault.startswith("TELEPHONY_VARIANTS: item 1: must be one of reroute=")
    assert "HUSH" not in fault
    settings = shared(function, TELEPHONY_VARIANTS=text)
    assert settings.salesforce.calls == {**CALLS, Operation.ROUTE: GUIDES[Operation.ROUTE]}


def test_proxy_and_certificates() -> None:
    read = flow(SALESFORCE_PROXY="http://proxy.example:3128", SALESFORCE_CA_PARAMETER="company-ca")
    assert read.salesforce.proxy == "http://proxy.example:3128"
    assert read.salesforce.certificate_parameter == "company-ca"


@pytest.mark.parametrize(
    "value", ["proxy.example:3128", "socks5://p", "http://me:word@p", "http://p/x", "http://p:port"]
)
def test_a_proxy_that_cannot_be_one(value: str) -> None:
    with pytest.raises(SettingsError, match="SALESFORCE_PROXY must be http://host:port") as caught:
        flow(SALESFORCE_PROXY=value)
    assert "word" not in str(caught.value)


def test_a_provider_name_of_two_lines() -> None:
    with pytest.raises(
        SettingsError, match="TELEPHONY_PROVIDER_NAME must be one line of ASCII text"
    ):
        flow(TELEPHONY_PROVIDER_NAME="a\nb")


def test_variants_choose_calls() -> None:
    assert flow(TELEPHONY_VARIANTS=" reroute=guide ").salesforce.calls == {
        **CALLS,
        Operation.REROUTE: GUIDES[Operation.REROUTE],
    }


@pytest.mark.parametrize("setting", list(CreateFromEvents))
def test_each_create_from_events(setting: CreateFromEvents) -> None:
    assert events(CREATE_FROM_EVENTS=setting.value).create_from_events is setting


@pytest.mark.parametrize(
    ("limit", "budget"), [("8", 6.5), ("5", 3.5), ("3.75", 2.25), ("3", 1.8), ("1", 0.6)]
)
def test_the_budget_is_the_limit_less_the_way_there_and_back(limit: str, budget: float) -> None:
    assert flow(FLOW_TIME_LIMIT_SECONDS=limit).budget_seconds == pytest.approx(budget)


def test_each_function_has_settings_of_its_own() -> None:
    classes: list[Any] = [settings_of(function) for function in FUNCTIONS]
    assert len(set(classes)) == len(FUNCTIONS) >= 4
