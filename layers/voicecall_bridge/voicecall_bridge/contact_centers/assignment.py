"""Which contact center owns a contact, as far as it is known. Pure.

An assignment is made with the first request that is about to make a record, and never changes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unassigned:
    """Nothing was sent for the contact yet."""


@dataclass(frozen=True, slots=True)
class AssignedTo:
    """The contact center of this name owns the contact (see registry.ContactCenter)."""

    name: str


@dataclass(frozen=True, slots=True)
class AssignedToDefault:
    """The default contact center owns the contact: its item is older than assignments, from when
    there was one contact center."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The contact named a contact center that the stack did not serve.

    Attributes:
        digest: of that name. It does not reveal the name, and recognises it once it is served.
    """

    digest: str

    @classmethod
    def of(cls, secret_name: str) -> Refused:
        """The refusal of a name, which may be any text of the caller's."""
        written = secret_name.encode(errors="surrogatepass")
        return cls(hashlib.sha256(written).hexdigest())


Assignment = Unassigned | AssignedTo | AssignedToDefault | Refused
UNASSIGNED = Unassigned()
