"""Which contact records the stack sends, as far as the flow's answers promise one.

Wrong items of these lists are left out here. `contact_records` reports them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.sources.reading import says_yes

if TYPE_CHECKING:
    from voicecall_bridge.contact import Contact
    from voicecall_bridge.settings.shared import EnvironmentReader

METHODS_SETTING = "CONTACT_RECORD_METHODS"
OPT_OUT_SETTING = "CONTACT_RECORD_OPT_OUT_ATTRIBUTES"
METHOD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]+")
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
"""The methods of Salesforce's own package (SCVL), and two that it does not know."""
OPT_OUT = ("NoSync",)


@dataclass(frozen=True, slots=True)
class SentRecords:
    """Which contact records are sent.

    Attributes:
        methods: initiation methods, in capitals.
        opt_out: attributes; one of them says yes: the contact's record is not sent.
    """

    methods: frozenset[str] = SENT_METHODS
    opt_out: tuple[str, ...] = OPT_OUT

    @classmethod
    def read(cls, reader: EnvironmentReader) -> SentRecords:
        """Reads both lists."""
        named = _items(reader.text(METHODS_SETTING), METHOD_NAME)
        methods = frozenset(item.upper() for item in named) or SENT_METHODS
        opt_out = reader.text(OPT_OUT_SETTING)
        if opt_out.lower() == NONE:
            return cls(methods, ())
        return cls(methods, tuple(_items(opt_out, ATTRIBUTE_NAME)) or OPT_OUT)

    def include(self, contact: Contact) -> bool:
        """Whether the contact's record will be sent, as far as is known during the call."""
        method = contact.unknown_method or contact.initiation_method.value
        if method.upper() not in self.methods:
            return False
        return not any(says_yes(contact.attributes.get(name)) for name in self.opt_out)


def _items(text: str, name: re.Pattern[str]) -> list[str]:
    return [item.strip() for item in text.split(",") if name.fullmatch(item.strip())]
