"""The report: what was found, without names of the account."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tools.first_deployment.trial import Finding

_ACCOUNT: Final = re.compile(r"\b\d{12}\b")
_ID: Final = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def report(
    findings: Sequence[Finding], left: Sequence[str], *, version: str, region: str, at: datetime
) -> str:
    """The report as Markdown. Account numbers and ids of instances are masked."""
    lines = [
        "# First deployment",
        f"Version {version}, region {region}, {at:%Y-%m-%d %H:%M} UTC.",
        "",
        "| check | result | |",
        "|---|---|---|",
        *(f"| {each.name} | {each.status} | {each.says} |" for each in findings),
        "",
        f"Left over in the account: {'; '.join(left) or 'nothing'}.",
        "",
        "## Facts",
        "```json",
        json.dumps({each.name: each.facts for each in findings if each.facts}, indent=1),
        "```",
        "",
    ]
    return masked("\n".join(lines))


def masked(text: str) -> str:
    """A text without account numbers and ids."""
    # Ids first: the last part of one may be twelve digits, as an account's number is.
    return _ACCOUNT.sub("<account>", _ID.sub("<id>", text))
