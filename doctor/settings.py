"""Lists in the bridge's settings: which items are wrong, or look like slips. Pure.

The bridge's own readers say it; a wrong item stops nothing, so nothing else shows it so early.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from doctor.findings import Finding, fault, ok, warning
from voicecall_bridge.settings.contact_records import (
    CALLBACK_SETTING,
    FIELDS_SETTING,
    VOICEMAIL_SETTING,
    RecordRules,
    doubt,
    undocumented,
)
from voicecall_bridge.settings.sent_records import METHODS_SETTING, OPT_OUT_SETTING
from voicecall_bridge.settings.shared import EnvironmentReader, SalesforceSettings

SETTINGS: Final = "lists in settings"

_OF_RECORDS: Final = (
    CALLBACK_SETTING,
    FIELDS_SETTING,
    METHODS_SETTING,
    OPT_OUT_SETTING,
    VOICEMAIL_SETTING,
)
_OF_ALL: Final = ("CONTACT_CENTER_SECRETS", "TELEPHONY_VARIANTS")


def of_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """The environment's lists, as a stack's parameters say them: another function than the one that
    is examined has them."""
    return {
        name: value
        for name in _OF_RECORDS
        if (value := parameters.get("".join(part.capitalize() for part in name.split("_"))))
    }


def check_lists(environment: Mapping[str, str]) -> Iterator[Finding]:
    """The findings of each list that is set; nothing where none is."""
    if not any(environment.get(name) for name in (*_OF_RECORDS, *_OF_ALL)):
        return
    reader = EnvironmentReader(environment)
    SalesforceSettings.read(reader)
    rules = RecordRules.read(reader)
    found = [*reader.item_faults, *map(doubt, undocumented(rules.fields))]
    for it in found:
        change = f"{it.item} in the parameter that {it.setting} comes from"
        yield (fault if it.left_out else warning)(SETTINGS, str(it), change)
    if not found:
        yield ok(SETTINGS, "every item can be used")
