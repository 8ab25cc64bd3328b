"""Which contact records are sent and what is added to them: settings of `contact_records` alone.

They stand apart from the other settings: a typing error in the mapping of a field must not keep
calls from being created.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.settings.shared import (
    DeadLetterSettings,
    EnvironmentReader,
    SalesforceSettings,
    SettingsError,
)
from voicecall_bridge.sources.contact_record import MEMBERS
from voicecall_bridge.voice_call.update import CustomField

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voicecall_bridge.sources.contact_record import ContactRecord

ENVIRONMENT_NAMES = (
    "CONTACT_RECORD_METHODS",
    "CONTACT_RECORD_VOICEMAIL_ATTRIBUTES",
    "CONTACT_RECORD_OPT_OUT_ATTRIBUTES",
    "CONTACT_RECORD_FIELDS",
)
"""What `contact_records` reads besides the settings of all functions."""

NONE = "none"
"""Stands for an empty list of attributes; an empty variable stands for the default."""

SENT_METHODS = frozenset(
    {
        InitiationMethod.INBOUND,
        InitiationMethod.OUTBOUND,
        InitiationMethod.TRANSFER,
        InitiationMethod.QUEUE_TRANSFER,
        InitiationMethod.CALLBACK,
        InitiationMethod.API,
        InitiationMethod.EXTERNAL_OUTBOUND,
        InitiationMethod.WEBRTC_API,
    }
)
"""Those of Salesforce's own package (SCVL) and the two it does not know."""

VOICEMAIL = ("vm_flag",)
OPT_OUT = ("NoSync",)

_SEGMENT = re.compile(r"[A-Za-z0-9_:-]+")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_CHOOSABLE = frozenset(InitiationMethod) - {InitiationMethod.UNKNOWN, InitiationMethod.UNSTATED}


@dataclass(frozen=True, slots=True)
class RecordRules:
    """Checked settings.

    Attributes:
        methods: records of contacts initiated otherwise are skipped.
        voicemail: attributes; one of them set, and recordings present: a voicemail, which another
            function of Salesforce's package brings.
        opt_out: attributes; one of them `true`: the contact is not to be in Salesforce.
        fields: fields of the VoiceCall that are filled besides.
    """

    methods: frozenset[InitiationMethod] = SENT_METHODS
    voicemail: tuple[str, ...] = VOICEMAIL
    opt_out: tuple[str, ...] = OPT_OUT
    fields: tuple[CustomField, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RecordRules:
        """Reads and checks all of them.

        Raises:
            SettingsError: naming every fault.
        """
        values = [environment.get(name, "").strip() for name in ENVIRONMENT_NAMES]
        methods, voicemail, opt_out, fields = values
        faults: list[str] = []
        read = cls(
            _methods(methods, faults) if methods else SENT_METHODS,
            _names(voicemail) if voicemail else VOICEMAIL,
            _names(opt_out) if opt_out else OPT_OUT,
            _fields(fields, faults),
        )
        if faults:
            raise SettingsError("; ".join(faults))
        return read

    def skip(self, record: ContactRecord) -> str:
        """Why the record is not sent, a word to be counted by; empty: it is sent."""
        if record.initiation_method not in self.methods:
            return f"METHOD_{record.initiation_method.name}"
        attributes = record.attributes
        if any(attributes.get(name, "").strip().lower() == "true" for name in self.opt_out):
            return "OPTED_OUT"
        if record.at("Recordings") and any(attributes.get(name) for name in self.voicemail):
            return "VOICEMAIL"
        return ""


@dataclass(frozen=True, slots=True)
class ContactRecordsSettings:
    """All settings of `contact_records`, checked.

    Attributes:
        salesforce: how Salesforce is reached.
        ledger_table: name of the DynamoDB table.
        dead_letters: where dead letters go.
        rules: which records are sent, and what is added to them.
    """

    salesforce: SalesforceSettings
    ledger_table: str
    dead_letters: DeadLetterSettings
    rules: RecordRules

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ContactRecordsSettings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        salesforce = SalesforceSettings.read(reader)
        table = reader.required("LEDGER_TABLE")
        dead_letters = DeadLetterSettings.read(reader)
        rules = RecordRules()
        try:
            rules = RecordRules.from_environment(environment)
        except SettingsError as error:
            reader.faults.append(str(error))
        reader.check()
        return cls(salesforce, table, dead_letters, rules)


def _methods(text: str, faults: list[str]) -> frozenset[InitiationMethod]:
    chosen = {name: InitiationMethod(name) for name in _parts(text)}
    faults += [
        f"CONTACT_RECORD_METHODS: {name} is no initiation method"
        for name, method in chosen.items()
        if method not in _CHOOSABLE
    ]
    return frozenset(chosen.values())


def _names(text: str) -> tuple[str, ...]:
    return () if text.lower() == NONE else tuple(_parts(text))


def _parts(text: str) -> Iterable[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _fields(text: str, faults: list[str]) -> tuple[CustomField, ...]:
    """`path=field,path=field`, or a JSON object of the same."""
    try:
        pairs = _pairs(text)
    except ValueError as error:
        faults.append(f"CONTACT_RECORD_FIELDS {error}")
        return ()
    fields = tuple(CustomField(path.strip(), field.strip()) for path, field in pairs)
    targets = [custom.field for custom in fields]
    faults += [
        f"CONTACT_RECORD_FIELDS: {custom.path}={custom.field}: {fault}"
        for custom in fields
        if (fault := _fault(custom, targets))
    ]
    return fields


def _pairs(text: str) -> list[tuple[str, str]]:
    if not text.startswith("{"):
        split = [part.partition("=") for part in _parts(text)]
        if any(not separator for _, separator, _ in split):
            raise ValueError("is a list of path=field, or a JSON object")
        return [(path, field) for path, _, field in split]
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("begins as JSON and is none") from None
    if not all(isinstance(field, str) for field in parsed.values()):
        raise ValueError("is a JSON object of paths and names of fields")
    return list(parsed.items())


def _fault(custom: CustomField, targets: list[str]) -> str:
    segments = custom.path.split(".")
    if not all(_SEGMENT.fullmatch(segment) for segment in segments):
        return "the path is no names with dots between them"
    if segments[0] not in MEMBERS:
        return f"a contact record has no {segments[0]}"
    if not _FIELD.fullmatch(custom.field):
        return "no API name of a field"
    if targets.count(custom.field) > 1:
        return "the field is filled twice"
    return ""
