"""The template's patterns and the code's rules agree about lists in settings.

CloudFormation refuses only values that the code could not use.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from voicecall_bridge.settings.contact_records import RecordRules
from voicecall_bridge.settings.shared import EnvironmentReader, SalesforceSettings

PARAMETERS = {
    "ContactRecordFields": "CONTACT_RECORD_FIELDS",
    "ContactRecordMethods": "CONTACT_RECORD_METHODS",
    "ContactRecordVoicemailAttributes": "CONTACT_RECORD_VOICEMAIL_ATTRIBUTES",
    "ContactRecordOptOutAttributes": "CONTACT_RECORD_OPT_OUT_ATTRIBUTES",
    "ContactRecordCallbackAttributes": "CONTACT_RECORD_CALLBACK_ATTRIBUTES",
}

SHARED = {
    "TelephonyVariants": "TELEPHONY_VARIANTS",
    "AdditionalContactCenterSecretArns": "CONTACT_CENTER_SECRETS",
    "TelephonyProviderName": "TELEPHONY_PROVIDER_NAME",
    "SalesforceProxy": "SALESFORCE_PROXY",
}
"""Settings that every function reads."""


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as what they hold."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: str(node.value))


def patterns() -> dict[str, re.Pattern[str]]:
    text = (Path(__file__).parents[2] / "template.yaml").read_text(encoding="utf-8")
    parameters: dict[str, Any] = yaml.load(text, _Loader)["Parameters"]
    names = (*PARAMETERS, *SHARED)
    return {name: re.compile(parameters[name]["AllowedPattern"][1:-1]) for name in names}


PATTERNS = patterns()
# Blanks, separators, quotes and brackets; letters beyond ASCII; characters that no name may hold.
SIGNS = 'aA0_-:@/+. ,={}"\\\t\n☎ü'
TEXTS = st.text(st.sampled_from(SIGNS), max_size=12)
SEGMENTS = st.sampled_from(["Agent", "Tags", "Cost Center", "connect:Subtype", "ü☎", "0", "a b c"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=3).map(".".join)
NAMES = st.sampled_from(["Field__c", "ns__Field__c", "a", "A" * 80])
BLANKS = st.sampled_from(["", " ", "  "])
ITEMS = st.tuples(BLANKS, PATHS, BLANKS, BLANKS, NAMES, BLANKS).map(
    lambda it: f"{it[0]}{it[1]}{it[2]}={it[3]}{it[4]}{it[5]}"
)
LISTS = st.lists(ITEMS | TEXTS, min_size=1, max_size=3).map(",".join)
WORDS = st.lists(
    st.sampled_from(["vm_flag", " a-b ", "none", "INBOUND", "inbound", "NEW_1"]) | TEXTS, min_size=1
).map(",".join)
# In JSON a path may hold the characters that separate items elsewhere.
JSON_PATHS = PATHS | st.sampled_from(["Tags.a,b", "Tags.a=b", 'Tags."x"', "Tags.{y}", "Tags.a\\b"])
OBJECTS = st.builds(
    json.dumps,
    st.dictionaries(JSON_PATHS, NAMES, max_size=3),
    ensure_ascii=st.booleans(),
    indent=st.none() | st.just(1),
)


def faults_of(variable: str, text: str) -> list[str]:
    reader = EnvironmentReader({variable: text})
    RecordRules.read(reader)
    # No pattern can find two items for the same field, or a likely typing error.
    found = [it for it in reader.item_faults if it.left_out]
    return [it.fault for it in found if "fills the same field" not in it.fault]


def agree(name: str, text: str) -> None:
    accepted = PATTERNS[name].fullmatch(text) is not None
    faults = faults_of(PARAMETERS[name], text)
    if accepted:
        assert not faults, text
    empty_items = any(not item.strip() for item in text.split(","))
    if not faults and not empty_items and not re.search(r"[\t\n]", text):
        assert accepted, text


@given(LISTS)
@example("Agent.Username=A__c,Agent.Username=B__c")
@example("Tags.Cost Center=C__c")
@example("Agent.Username=Field__c,")
def test_fields_as_a_list(text: str) -> None:
    if not text.strip().startswith("{"):
        agree("ContactRecordFields", text)


@given(OBJECTS)
@example('{"Agent.Username": "A__c"}')
def test_fields_as_an_object(text: str) -> None:
    """Given a text that the code reads without a fault, then the pattern accepts it."""
    if not faults_of("CONTACT_RECORD_FIELDS", text):
        assert PATTERNS["ContactRecordFields"].fullmatch(text), text


@given(TEXTS.map(lambda it: "{" + it) | OBJECTS.map(lambda it: it[:-1]))
def test_what_begins_as_an_object_and_is_none(text: str) -> None:
    """Escapes, and names within paths, are left to the code; a text that is not an object is
    refused."""
    if "all of it" in str(faults_of("CONTACT_RECORD_FIELDS", text)) and "\\" not in text:
        assert not PATTERNS["ContactRecordFields"].fullmatch(text), text


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name != "ContactRecordFields"])
@given(text=WORDS)
def test_lists_of_words(name: str, text: str) -> None:
    agree(name, text)


@pytest.mark.parametrize("name", SHARED)
@given(data=st.data())
def test_what_cloudformation_accepts_the_code_uses(name: str, data: st.DataObject) -> None:
    text = data.draw(
        st.from_regex(PATTERNS[name], fullmatch=True, alphabet=st.characters(codec="ascii"))
    )
    reader = EnvironmentReader({"CONTACT_CENTER_SECRET": "default", SHARED[name]: text})
    SalesforceSettings.read(reader)
    # No pattern can find an item that repeats another one.
    repeated = "has the name of a secret before it"
    found = [*reader.faults, *(it.fault for it in reader.item_faults if it.fault not in repeated)]
    assert found == [], text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TelephonyVariants", "reroute=guid"),
        ("TelephonyVariants", "omniFlow=guide"),
        ("AdditionalContactCenterSecretArns", "name"),
        ("TelephonyProviderName", "日本"),
        ("TelephonyProviderName", "a\nb"),
        ("SalesforceProxy", "http://user:password@proxy:3128"),
        ("SalesforceProxy", "proxy:3128"),
        ("SalesforceProxy", "http://proxy/"),
        ("SalesforceProxy", "http://proxy:65536"),
        ("SalesforceProxy", "http://proxy:0"),
        ("SalesforceProxy", "http://proxy..example:3128"),
    ],
)
def test_what_the_code_cannot_use_cloudformation_refuses(name: str, text: str) -> None:
    reader = EnvironmentReader({"CONTACT_CENTER_SECRET": "default", SHARED[name]: text})
    SalesforceSettings.read(reader)
    assert reader.faults or reader.item_faults
    assert not PATTERNS[name].fullmatch(text)
