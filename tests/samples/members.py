"""The members of an event, and a change of them. Every id and number here is invented."""

from collections.abc import Mapping
from typing import Any, Final

ACCOUNT: Final = "111122223333"
INSTANCE_ID: Final = "0f0e0d0c-1111-4222-8333-444455556666"
INSTANCE_ARN: Final = f"arn:aws:connect:us-west-2:{ACCOUNT}:instance/{INSTANCE_ID}"
CONTACT_ID: Final = "c0000001-aaaa-4bbb-8ccc-000000000001"
CUSTOMER: Final = "+12065550100"
SYSTEM: Final = "+18005550199"

MISSING: Final = object()
"""As a member's value: leave the member out."""


def changed(members: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, Any]:
    """The members with the changes; without those that are MISSING."""
    every = {**members, **changes}
    return {name: value for name, value in every.items() if value is not MISSING}


def endpoint(number: str) -> dict[str, Any]:
    """A telephone number as Amazon Connect names one."""
    return {"Address": number, "Type": "TELEPHONE_NUMBER"}
