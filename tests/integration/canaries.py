"""Personal data and secrets that every event and secret here carries, and the search for them.

All values are invented; the numbers are fictional.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from urllib.parse import quote, unquote

from tests.contract.aws import CREDENTIALS

CUSTOMER = "+12065550177"
SYSTEM = "+18005550188"
EMAIL = "canary.caller@example.com"
NAME = "Cånary Caller"
ATTRIBUTE = "canary-attribute-value-Zürich"
FIELD = "canary-field-value-✓"
FLOW_PARAMETER = "canary-parameter-value"
SAID = "canary-words-a-caller-said-Zoë"
CATEGORY = "canary-category-Beschwerde"
SUMMARY = "canary-summary-of-the-call"

_VALUES = {
    "the customer's number": CUSTOMER.lstrip("+"),
    "the customer's number, nationally": CUSTOMER[2:],
    "the system's number": SYSTEM.lstrip("+"),
    "the system's number, nationally": SYSTEM[2:],
    "an e-mail": EMAIL,
    "a name": NAME,
    "an attribute's value": ATTRIBUTE,
    "a field's value": FIELD,
    "a parameter's value": FLOW_PARAMETER,
    "a line of a transcript": SAID,
    "a category": CATEGORY,
    "a summary": SUMMARY,
    "an AWS secret key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
}
_PATTERNS = {
    "a number with separators": re.compile(r"(206|800)\D{1,3}555\D{1,3}01(77|88)"),
    "a token": re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}"),
    "a token's scheme": re.compile(r"\bbearer\s+\S", re.IGNORECASE),
    "a key": re.compile(r"-----BEGIN|PRIVATE KEY"),
}
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")


def key_lines(private_key: str) -> dict[str, str]:
    """Each line of a PEM text without its frame: what a search looks for."""
    lines = [line for line in private_key.splitlines() if not line.startswith("-----")]
    return {f"line {number} of the key": line for number, line in enumerate(lines)}


def leaks(text: str, more: dict[str, str] | None = None) -> list[str]:
    """The names of the canaries in a text, in any spelling that a decoder undoes."""
    wanted = _VALUES | (more or {})
    found = set()
    for reading in _readings(text):
        lower = reading.casefold()
        found |= {name for name, value in wanted.items() if value.casefold() in lower}
        found |= {name for name, pattern in _PATTERNS.items() if pattern.search(reading)}
    return sorted(found)


def spellings(value: str) -> dict[str, str]:
    """A value as a log might write it; `leaks` has to see through each."""
    return {
        "plain": value,
        "upper": value.upper(),
        "percent": quote(value, safe=""),
        "percent twice": quote(quote(value, safe=""), safe=""),
        "JSON": json.dumps({"x": value}),
        "JSON in JSON": json.dumps(json.dumps({"x": value})),
        "repr of bytes": repr(value.encode()),
        "base64": base64.b64encode(f'{{"a":"{value}"}}'.encode()).decode(),
        "base64, URL-safe": base64.urlsafe_b64encode(f"?{value}?".encode()).decode().rstrip("="),
        "hexadecimal": value.encode().hex(),
    }


def _readings(text: str) -> list[str]:
    """The text, and what comes out when escapes, percents and base64 in it are undone."""
    readings = [text]
    for _ in range(3):
        readings.append(_unescaped(unquote(readings[-1])))
    for run in _BASE64_RUN.findall(text):
        readings += _decoded(run)
    return readings


def _unescaped(text: str) -> str:
    text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    raw = re.sub(r"\\+x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text)
    if raw != text:  # the repr of bytes: its characters are UTF-8's
        text += raw.encode("latin-1", errors="ignore").decode("utf-8", errors="ignore")
    return text.replace("\\\\", "\\")


def _decoded(run: str) -> list[str]:
    found = []
    if re.fullmatch(r"(?:[0-9a-f]{2})+", run):
        found.append(bytes.fromhex(run).decode("utf-8", errors="ignore"))
    padded = run.rstrip("=").replace("-", "+").replace("_", "/")
    # A run may begin in the middle of a group of four.
    for start in range(4):
        part = padded[start:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        try:
            data = base64.b64decode(part + "=" * (-len(part) % 4))
        except binascii.Error:
            continue
        found.append(data.decode("utf-8", errors="ignore"))
    return found
