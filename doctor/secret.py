"""The secret's text: is it what the bridge can use, and if not, what is wrong with it. Pure.

Whether a part can be used is said by the bridge's own reader; this module says why it cannot.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from doctor.address import check_shape, what_is_wrong
from doctor.findings import Finding, fault, ok, unchecked, warning
from simulator.salesforce.ids import long_id
from voicecall_bridge.contact_centers.secret import (
    KEY_SUFFIX,
    ContactCenterSecret,
    InvalidSecret,
    parse_secret,
)

SECRET: Final = "secret"  # noqa: S105 - the name of a check
ORG: Final = "SALESFORCE_ORG_ID"
API_NAME: Final = "CALL_CENTER_API_NAME"
BASE: Final = "SCRT_ENDPOINT_BASE"
KEY: Final = "private key"

# Stands for the parts that cannot be used, so that the others can be read all the same.
_PLACEHOLDERS: Final[Mapping[str, str]] = {
    ORG: "00D000000000000",
    API_NAME: "_",
    BASE: "https://placeholder.invalid",
}
# Anything but a name may be a value that was pasted into the wrong field.
_SHOWABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
# As Salesforce makes API names; a label ("Amazon Connect") has spaces.
_API_NAME: Final = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*")
_BREAKS: Final = "write the key's line breaks as \\n, or use the console's Key/value view"
_AWS_ANSWER: Final = frozenset({"SecretString", "SecretBinary"})


@dataclass(frozen=True, slots=True)
class SecretReading:
    """The secret's parts, and the findings about them.

    Attributes:
        findings: in the order in which they are shown.
        center: its usable parts, as the bridge reads them; None when it is not a JSON object.
        faulty: names of the parts of `center` that are placeholders.
        key: the private key, also one under a wrong name; empty when there is none to look at.
    """

    findings: tuple[Finding, ...]
    center: ContactCenterSecret | None = None
    faulty: frozenset[str] = frozenset()
    key: str = ""

    def has(self, *parts: str) -> bool:
        """Whether all these parts can be used."""
        return self.center is not None and not self.faulty.intersection(parts)


def read_secret(
    text: str, separate_key: str | None = "", *, on_loopback: bool = True
) -> SecretReading:
    """Checks the secret's text.

    Args:
        text: the secret as Secrets Manager holds it.
        separate_key: the private key where a SecureString holds it; None: that was not read.
        on_loopback: the address may be the simulator's.
    """
    unread = separate_key is None
    separate_key = "-" if separate_key is None else separate_key
    faults = _faults(text, separate_key, on_loopback=on_loopback)
    try:
        members = json.loads(text)
    except ValueError as error:
        return SecretReading((_not_json(text, error),))
    if not isinstance(members, dict):
        return SecretReading((_no_object(members),))
    key, key_name = _key(members, separate_key)
    faulty = frozenset(KEY if name.endswith(KEY_SUFFIX) else name for name in faults)
    return SecretReading(
        (
            _object(members, faulty),
            _org(members, faulty),
            _api_name(members, faulty),
            *_base(members, faulty),
            unchecked(KEY, "the SecureString was not read")
            if unread
            else _key_name(members, key_name, faulty, separate=bool(separate_key)),
        ),
        _usable(members, faulty, key),
        faulty | {KEY} if unread else faulty,
        "" if unread else key,
    )


def _faults(text: str, separate_key: str, *, on_loopback: bool) -> dict[str, str]:
    """Name -> what the bridge finds wrong."""
    try:
        parse_secret(text, separate_key, on_loopback=on_loopback)
    except InvalidSecret as error:
        return {name: said for name, _, said in (each.partition(": ") for each in error.faults)}
    return {}


def _usable(members: Mapping[str, Any], faulty: frozenset[str], key: str) -> ContactCenterSecret:
    repaired = {**members, **{name: _PLACEHOLDERS[name] for name in faulty - {KEY}}}
    return parse_secret(json.dumps(repaired), key or "_", on_loopback=True)


def _not_json(text: str, error: ValueError) -> Finding:
    if not text.strip():
        return fault(SECRET, "empty", "store the secret as text (SecretString), not as binary")
    place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
    if "control character" in str(error):
        return fault(SECRET, f"a text broken over lines{place}", _BREAKS)
    causes = {
        "-----BEGIN": "this is a key alone; the secret is a JSON object of four names",
        "“": "replace the typographic quotation marks by plain ones",
        "'": "use double quotation marks",
        "\ufeff": "save the file as UTF-8 without a byte order mark",
    }
    found = (cure for sign, cure in causes.items() if text.lstrip(" \r\n\t{").startswith(sign))
    return fault(SECRET, f"not JSON{place}", next(found, "compare it with what Salesforce made"))


def _no_object(value: object) -> Finding:
    if isinstance(value, str):
        return fault(SECRET, "JSON, but one text", "it was quoted twice: store the object itself")
    return fault(
        SECRET, f"JSON, but no object ({type(value).__name__})", "store an object of four names"
    )


def _object(members: Mapping[str, Any], faulty: frozenset[str]) -> Finding:
    if faulty and _AWS_ANSWER & members.keys():
        return fault(
            SECRET,
            "the AWS CLI's whole answer, not the secret in it",
            "take the text alone: --query SecretString --output text",
        )
    return ok(SECRET, f"a JSON object with {len(members)} names")


def _org(members: Mapping[str, Any], faulty: frozenset[str]) -> Finding:
    if ORG in faulty:
        text = _absence(members, ORG) or "not 15 or 18 letters and digits that begin 00D"
        return fault(ORG, text, "copy it from Salesforce: Setup, Company Information")
    org_id = members[ORG].strip()
    if len(org_id) == 18 and long_id(org_id[:15]) != org_id:
        return warning(
            ORG,
            "the last 3 of its 18 characters do not fit the first 15",
            "a letter or its case is wrong: copy it anew from Setup, Company Information",
        )
    return ok(ORG, f"{len(org_id)} characters, 00D...")


def _api_name(members: Mapping[str, Any], faulty: frozenset[str]) -> Finding:
    where = "copy the contact center's API name: Setup, Contact Centers"
    if API_NAME in faulty:
        return fault(API_NAME, _absence(members, API_NAME), where)
    if not _API_NAME.fullmatch(members[API_NAME].strip()):
        return warning(API_NAME, "not the shape of an API name", f"a label, perhaps; {where}")
    return ok(API_NAME, "the shape of an API name")


def _base(members: Mapping[str, Any], faulty: frozenset[str]) -> Iterator[Finding]:
    if BASE not in faulty:
        yield from check_shape(BASE, members[BASE])
        return
    absence = _absence(members, BASE)
    text = absence or what_is_wrong(members[BASE])
    yield fault(BASE, text, "https://<MyDomain>.my.salesforce-scrt.com/telephony/v1")


def _key(members: Mapping[str, Any], separate: str) -> tuple[str, str]:
    """The private key, and the name it has; the only one there when no name is right."""
    if separate:
        return separate, ""
    center = members.get(API_NAME)
    wanted = f"{center.strip()}{KEY_SUFFIX}" if isinstance(center, str) else KEY_SUFFIX
    keys = {
        name: value
        for name, value in members.items()
        if name.endswith(KEY_SUFFIX) and isinstance(value, str) and value.strip()
    }
    if wanted in keys:
        return keys[wanted], wanted
    return (keys.popitem()[1], wanted) if len(keys) == 1 else ("", wanted)


def _key_name(
    members: Mapping[str, Any], wanted: str, faulty: frozenset[str], *, separate: bool
) -> Finding:
    if separate:
        return ok(KEY, "from the SecureString")
    if KEY not in faulty:
        return ok(KEY, f"there, as {_shown([wanted])}")
    others = [name for name in members if name.endswith(KEY_SUFFIX) and name != wanted]
    if others and API_NAME in faulty:
        return unchecked(KEY, f"there, as {_shown(others)}: the {API_NAME} begins the right name")
    if others:
        return fault(
            KEY,
            f"under another contact center's name: {_shown(others)}",
            f"{API_NAME} and what stands before {KEY_SUFFIX} must be the same, case included",
        )
    return fault(
        KEY,
        _absence(members, wanted),
        f"a name <{API_NAME}>{KEY_SUFFIX}; where a SecureString holds it: --key-parameter <name>",
    )


def _absence(members: Mapping[str, Any], name: str) -> str:
    """Why a name's text is not usable; empty when it is."""
    if name not in members:
        near = difflib.get_close_matches(name.upper(), [it.upper() for it in members], 1, 0.75)
        similar = [it for it in members if it.upper() in near and it not in _PLACEHOLDERS]
        return "missing" + (f"; {_shown(similar)} is not the name" if similar else "")
    value = members[name]
    if not isinstance(value, str):
        return f"not a text ({type(value).__name__})"
    return "" if value.strip() else "empty"


def _shown(names: Iterable[str]) -> str:
    fit = [name if _SHOWABLE.fullmatch(name) else "(a name that is not shown)" for name in names]
    return ", ".join(fit)
