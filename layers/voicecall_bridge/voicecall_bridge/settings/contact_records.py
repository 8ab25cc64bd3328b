"""Which contact records are sent and what is added to them: settings of `contact_records` alone.

A wrong item costs that item alone. Connect and flow authors add members, initiation methods and
attributes: an unknown name is used as it is. The template's patterns accept what is read here
without a fault (tests/property/test_setting_patterns.py).
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.settings.sent_records import (
    ATTRIBUTE_NAME,
    METHOD_NAME,
    METHODS_SETTING,
    NONE,
    OPT_OUT,
    OPT_OUT_SETTING,
    SENT_METHODS,
)
from voicecall_bridge.settings.shared import EnvironmentReader, ItemFault
from voicecall_bridge.settings.stack import StackSettings
from voicecall_bridge.sources.contact_record import MEMBERS
from voicecall_bridge.voice_call.update import CALLBACK, CustomField

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voicecall_bridge.sources.contact_record import ContactRecord

VOICEMAIL_SETTING = "CONTACT_RECORD_VOICEMAIL_ATTRIBUTES"
CALLBACK_SETTING = "CONTACT_RECORD_CALLBACK_ATTRIBUTES"
FIELDS_SETTING = "CONTACT_RECORD_FIELDS"

VOICEMAIL = ("vm_flag",)

# A tag's name may have blanks, and most other characters, in it.
_SEGMENT = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
# Only such an item is shown: any other text may have been pasted by mistake.
_SHOWABLE = re.compile(r"[A-Za-z0-9_:.=/@+ -]{1,160}")
_KNOWN_METHODS = sorted({*InitiationMethod} - {InitiationMethod.UNKNOWN, InitiationMethod.UNSTATED})
_SLIP = 0.85
"""From this similarity on a name counts as a typing error, and not as a name that Connect added."""
_HINT = 0.75


@dataclass(frozen=True, slots=True)
class RecordRules:
    """Which records are sent, and what is added to them.

    Attributes:
        methods: in capitals; records of contacts initiated otherwise are skipped.
        voicemail: attributes; one of them says yes, and recordings are present: a voicemail, which
            another function of Salesforce's package brings. Empty: no record is a voicemail.
        opt_out: attributes; one of them says yes: the contact is not to be in Salesforce.
        callback: attributes; one of them says yes: the customer took a callback and hung up.
        fields: fields of the VoiceCall that are filled besides.
    """

    methods: frozenset[str] = SENT_METHODS
    voicemail: tuple[str, ...] = VOICEMAIL
    opt_out: tuple[str, ...] = OPT_OUT
    callback: tuple[str, ...] = CALLBACK
    fields: tuple[CustomField, ...] = ()

    @classmethod
    def read(cls, reader: EnvironmentReader) -> RecordRules:
        """Reads all rules. A wrong item is left out and added to the reader's item faults."""
        return cls(
            _methods(reader),
            _attributes(reader, VOICEMAIL_SETTING, VOICEMAIL),
            _attributes(reader, OPT_OUT_SETTING, OPT_OUT),
            _attributes(reader, CALLBACK_SETTING, CALLBACK),
            _fields(reader),
        )

    def skip(self, record: ContactRecord) -> str:
        """Why the record is not sent, a word to be counted by; empty: it is sent."""
        if record.text("InitiationMethod").upper() not in self.methods:
            return f"METHOD_{record.initiation_method.name}"
        if any(record.says_yes(name) for name in self.opt_out):
            return "OPTED_OUT"
        return "VOICEMAIL" if self._is_voicemail(record) else ""

    def _is_voicemail(self, record: ContactRecord) -> bool:
        # An agent may answer a caller who began a voicemail.
        if not self.voicemail or record.whole_number("Agent.AgentInteractionDuration"):
            return False
        # Connect counts its own voicemails; a flow's flag alone may mean that one was offered.
        counted = record.whole_number("VoicemailInfo.NumberOfVoicemails")
        flagged = any(record.says_yes(name) for name in self.voicemail)
        return bool(counted or (flagged and record.at("Recordings")))


def undocumented(fields: Iterable[CustomField]) -> tuple[CustomField, ...]:
    """The fields with a path that begins with an unknown member: a typing error, or a member that
    Connect added later. The records show which."""
    return tuple(custom for custom in fields if custom.member not in MEMBERS)


def doubt(custom: CustomField) -> ItemFault:
    """The fault to report for an undocumented field."""
    near = difflib.get_close_matches(custom.member, MEMBERS, 1, _HINT)
    text = "it does not begin with a documented member of a contact record"
    item = f"{custom.path}={custom.field}"
    return ItemFault(
        FIELDS_SETTING,
        item if _SHOWABLE.fullmatch(item) else custom.field,
        f"{text}; {near[0]} may be meant" if near else text,
        left_out=False,
    )


@dataclass(frozen=True, slots=True)
class ContactRecordsSettings:
    """All settings of `contact_records`, checked.

    Attributes:
        stack: see StackSettings.
        retry_queue_url: SQS queue of records that failed.
        rules: which records are sent, and what is added to them.
    """

    stack: StackSettings
    retry_queue_url: str
    rules: RecordRules

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ContactRecordsSettings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        retry_queue, rules = reader.required("RETRY_QUEUE_URL"), RecordRules.read(reader)
        return cls(StackSettings.read(reader), retry_queue, rules)


def _methods(reader: EnvironmentReader) -> frozenset[str]:
    chosen = set()
    for number, item in _items(reader, METHODS_SETTING):
        method = item.upper()
        if not METHOD_NAME.fullmatch(item):
            _fault(reader, METHODS_SETTING, (number, item), "not the name of a method")
            continue
        chosen.add(method)
        near = difflib.get_close_matches(method, _KNOWN_METHODS, 1, _SLIP)
        if near and near[0] != method:
            text = f"used as it is, but {near[0]} may be meant"
            _fault(reader, METHODS_SETTING, (number, item), text, left_out=False)
    return frozenset(chosen) or SENT_METHODS


def _attributes(
    reader: EnvironmentReader, setting: str, default: tuple[str, ...]
) -> tuple[str, ...]:
    if reader.text(setting).lower() == NONE:
        return ()
    chosen = []
    for number, item in _items(reader, setting):
        if ATTRIBUTE_NAME.fullmatch(item):
            chosen.append(item)
        else:
            _fault(reader, setting, (number, item), "not the name of a contact attribute")
    return tuple(chosen) or default


def _fields(reader: EnvironmentReader) -> tuple[CustomField, ...]:
    """`path=field,path=field`, or a JSON object of the same."""
    fields: dict[str, CustomField] = {}
    for number, path, field in _pairs(reader):
        if text := _wrong_with(path, field, fields):
            _fault(reader, FIELDS_SETTING, (number, f"{path}={field}"), text)
        else:
            fields[field] = CustomField(path, field)
    return tuple(fields.values())


def _pairs(reader: EnvironmentReader) -> Iterable[tuple[int, str, str]]:
    text = reader.text(FIELDS_SETTING)
    if not text.startswith("{"):
        for number, item in _items(reader, FIELDS_SETTING):
            path, separator, field = item.partition("=")
            if separator:
                yield number, path.strip(), field.strip()
            else:
                _fault(reader, FIELDS_SETTING, (number, item), "not path=field")
        return
    try:
        # As pairs: a name that stands in it twice fills two fields, as in the list.
        parsed = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        text = "begins as JSON and cannot be read: no field is filled"
        reader.item_faults.append(ItemFault(FIELDS_SETTING, "all of it", text))
        return
    for number, (path, field) in enumerate(parsed, start=1):
        if isinstance(field, str):
            yield number, path.strip(), field.strip()
        else:
            _fault(reader, FIELDS_SETTING, (number, path), "the field must be a text")


def _wrong_with(path: str, field: str, taken: Mapping[str, CustomField]) -> str:
    if not all(_SEGMENT.fullmatch(segment) for segment in path.split(".")):
        return "the path must be names with dots between them"
    if not _FIELD.fullmatch(field):
        return "not the API name of a field"
    if field in taken:
        return "an item before it fills the same field"
    return ""


def _items(reader: EnvironmentReader, setting: str) -> Iterable[tuple[int, str]]:
    parts = (part.strip() for part in reader.text(setting).split(","))
    return enumerate((part for part in parts if part), start=1)


def _fault(
    reader: EnvironmentReader,
    setting: str,
    item: tuple[int, str],
    text: str,
    *,
    left_out: bool = True,
) -> None:
    number, shown = item
    name = shown if _SHOWABLE.fullmatch(shown) else f"item {number}"
    reader.item_faults.append(ItemFault(setting, name, text, left_out))
