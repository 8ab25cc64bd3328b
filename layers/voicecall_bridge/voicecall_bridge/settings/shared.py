"""Reads a function's environment and names all its faults at once.

Each function has a dataclass of its own beside this module. The settings that several functions
need are read here: how Salesforce is reached, and where dead letters go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from voicecall_bridge.contact_centers.registry import ContactCenterRegistry
from voicecall_bridge.contact_centers.secret import is_on_loopback
from voicecall_bridge.telephony.operations import CALLS, UnknownVariant, calls_with

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from voicecall_bridge.telephony.operations import Call, Operation

    Choice = TypeVar("Choice", bound=StrEnum)

INSTANCE_SETTING = "CONNECT_INSTANCE_ARN"
# Without user and password: everyone who may read the function's settings would see them.
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_PROXY = re.compile(rf"https?://{_LABEL}(\.{_LABEL})*(:{_PORT})?")


class SettingsError(ValueError):
    """Settings that cannot be used. The text names all faults at once, never a value."""


@dataclass(frozen=True, slots=True)
class ItemFault:
    """An item of a list that is wrong, or looks like a typing error. The other items are used.

    Attributes:
        setting: the variable's name.
        item: which one: its place ("item 2"), or the item itself where it cannot be a secret.
        fault: what is wrong with it.
        left_out: the item is ignored. Otherwise it is used as it is, since it may be intended.
    """

    setting: str
    item: str
    fault: str
    left_out: bool = True

    def __str__(self) -> str:
        """The fault as one line."""
        return f"{self.setting}: {self.item}: {self.fault}"


@dataclass(eq=False, repr=False, slots=True)
class EnvironmentReader:
    """Reads variables one by one and collects their faults.

    An empty variable counts as not set: CloudFormation passes a parameter that is left empty as an
    empty text.

    Attributes:
        environment: names and values.
        faults: the faults so far, each with the variable's name and never with its value.
        item_faults: faults of items of lists; the other items are used.
    """

    environment: Mapping[str, str]
    faults: list[str] = field(default_factory=list)
    item_faults: list[ItemFault] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        """A variable's text, or the default where it is not set."""
        return self.environment.get(name, "").strip() or default

    def required(self, name: str) -> str:
        """A variable's text; a fault where it is not set."""
        text = self.text(name)
        if not text:
            self.faults.append(f"{name} is missing")
        return text

    def choice(self, name: str, default: Choice) -> Choice:
        """One of the words of the default's enumeration; a fault and the default for any other."""
        words = type(default)
        text = self.text(name, default.value)
        if text in list(words):
            return words(text)
        self.faults.append(f"{name} must be one of {', '.join(words)}")
        return default

    def seconds(self, name: str, default: float, least: float, most: float) -> float | None:
        """A number of seconds between two bounds; a fault and None for anything else."""
        try:
            seconds = float(self.text(name, str(default)))
        except ValueError:
            seconds = float("nan")
        if least <= seconds <= most:
            return seconds
        self.faults.append(f"{name} must be a number from {least:g} to {most:g}")
        return None

    def check(self) -> None:
        """Raises SettingsError if there are faults."""
        if self.faults:
            raise SettingsError("; ".join(self.faults))


@dataclass(frozen=True, slots=True)
class SalesforceSettings:
    """How Salesforce is reached.

    Attributes:
        contact_centers: of CONTACT_CENTER_SECRET (name or ARN of the default one's secret) and
            CONTACT_CENTER_SECRETS (ARNs of the others', with commas between).
        private_key_parameter: SSM SecureString with the private key of the default contact center;
            empty: the secret has it.
        jwt_audience: `aud` of the tokens; empty: none.
        provider_name: header Telephony-Provider-Name.
        calls: method and path of each call to Salesforce, as the variants have it.
        on_loopback: Salesforce may be on this machine, because AWS is: the simulator. A deployed
            function's environment does not name an AWS endpoint.
        proxy: address of the proxy that leads to Salesforce; empty: none.
        certificate_parameter: SSM parameter with certificates (PEM) to trust besides the public
            ones, such as those of a proxy that opens TLS; empty: none.
    """

    contact_centers: ContactCenterRegistry
    private_key_parameter: str = ""
    jwt_audience: str = ""
    provider_name: str = "amazon-connect"
    calls: Mapping[Operation, Call] = field(default_factory=lambda: CALLS)
    on_loopback: bool = False
    proxy: str = ""
    certificate_parameter: str = ""

    @classmethod
    def read(cls, reader: EnvironmentReader) -> SalesforceSettings:
        """Reads all settings. Faults are added to the reader's."""
        contact_centers = _contact_centers(reader)
        provider = reader.text("TELEPHONY_PROVIDER_NAME", "amazon-connect")
        if not (provider.isascii() and provider.isprintable()):  # it becomes a header of HTTP
            reader.faults.append("TELEPHONY_PROVIDER_NAME must be one line of ASCII text")
        return cls(
            contact_centers,
            reader.text("PRIVATE_KEY_PARAMETER"),
            reader.text("JWT_AUDIENCE"),
            provider,
            _calls(reader),
            is_on_loopback(reader.text("AWS_ENDPOINT_URL")),
            _proxy(reader),
            reader.text("SALESFORCE_CA_PARAMETER"),
        )


def _contact_centers(reader: EnvironmentReader) -> ContactCenterRegistry:
    name = "CONTACT_CENTER_SECRETS"
    default = reader.required("CONTACT_CENTER_SECRET")
    centers, taken = ContactCenterRegistry.of(default), list[str]()
    for number, arn in enumerate(reader.text(name).split(",") if reader.text(name) else [], 1):
        try:
            centers = ContactCenterRegistry.of(default, [*taken, arn.strip()])
            taken.append(arn.strip())
        except ValueError as error:
            # The contacts of this contact center are refused, like those of one that is not listed.
            fault = str(error).removeprefix(f"item {len(taken) + 1} ")
            reader.item_faults.append(ItemFault(name, f"item {number}", fault))
    return centers


def _proxy(reader: EnvironmentReader) -> str:
    address = reader.text("SALESFORCE_PROXY")
    if address and not _PROXY.fullmatch(address):
        # Without the proxy requests would fail, or tokens would take an unintended way.
        reader.faults.append("SALESFORCE_PROXY must be http://host:port or https://host:port")
    return address


def _calls(reader: EnvironmentReader) -> Mapping[Operation, Call]:
    name = "TELEPHONY_VARIANTS"
    taken = []
    pairs = [pair for pair in reader.text(name).split(",") if pair.strip()]
    for number, pair in enumerate(pairs, start=1):
        try:
            calls_with(pair)
            taken.append(pair)
        except UnknownVariant as error:
            reader.item_faults.append(ItemFault(name, f"item {number}", str(error)))
    return calls_with(",".join(taken))
