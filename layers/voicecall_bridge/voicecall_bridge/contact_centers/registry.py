"""The contact centers of a stack, and the rule which one owns a contact. Pure.

`secretName` (SCVL), which names a contact center for a contact, may come from the caller. So it
only chooses among the secrets that the stack lists, and is itself neither stored nor logged.
A secret's ARN ends with its name, a hyphen and six random characters (Secrets Manager user guide,
"What's in a Secrets Manager secret?").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from voicecall_bridge.contact_centers.assignment import (
    AssignedToDefault,
    Assignment,
    Refused,
    Unassigned,
)
from voicecall_bridge.voice_call.create import CannotCreate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from voicecall_bridge.contact import ContactKey

MOST_OTHERS = 10
"""Contact centers beside the default one: as many as fit a policy and a function's environment."""
_ARN = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:[a-z]{2}(?:-[a-z]+)+-[0-9]:[0-9]{12}:secret:"
    r"(?P<full>(?P<name>[A-Za-z0-9/_+=.@-]+)-[A-Za-z0-9]{6})"
)


class OtherContactCenter(CannotCreate):
    """The contact belongs to a contact center that the stack does not serve."""

    code = "OTHER_CONTACT_CENTER"

    def __init__(self) -> None:
        super().__init__(
            "the contact's secretName names a contact center that this stack does not serve: add "
            "its secret to AdditionalContactCenterSecretArns, or remove the name"
        )


@dataclass(frozen=True, slots=True)
class ContactCenter:
    """A contact center that the stack serves.

    Attributes:
        name: its secret's name without the six random characters, so that a secret may be deleted
            and made again.
        secret: ARN or name of its secret.
        default: contacts that name no contact center belong to it.
        assignment: how the ledger has it; None: as its name. A contact that named it before it was
            served keeps its refusal.
    """

    name: str
    secret: str
    default: bool = False
    assignment: Refused | None = None


class Assignable(Protocol):
    """A contact or a contact record, which a contact center owns."""

    @property
    def key(self) -> ContactKey:
        """The contact's key in the ledger."""

    @property
    def secret_name(self) -> str:
        """The contact center's secret as the contact names it; empty: it names none."""

    @property
    def previous_contact_id(self) -> str:
        """The contact that spawned it; empty on the first one of a chain."""


@dataclass(frozen=True, slots=True)
class ContactCenterRegistry:
    """The contact centers of a stack.

    Attributes:
        default: the one of contacts that name none.
        known: every name that a contact may choose, ARNs included -> its contact center.
    """

    default: ContactCenter
    known: Mapping[str, ContactCenter]

    @classmethod
    def of(cls, default_secret: str, others: Iterable[str] = ()) -> ContactCenterRegistry:
        """The default one by its secret's name or ARN, and others by the whole ARNs of theirs.

        Raises:
            ValueError: naming every item of `others` that cannot be used, never a value.
        """
        default = ContactCenter(_names(default_secret)[-1], default_secret, default=True)
        known = dict.fromkeys(_names(default_secret), default)
        faults = []
        for number, arn in enumerate(others, start=1):
            names = _names(arn)
            if not _ARN.fullmatch(arn):
                faults.append(f"item {number} is not the whole ARN of a secret")
            elif known.keys() & names:
                faults.append(f"item {number} has the name of a secret before it")
            else:
                known |= dict.fromkeys(names, ContactCenter(names[-1], arn))
            if number > MOST_OTHERS:
                faults = [f"more than {MOST_OTHERS} secrets"]
                break
        if faults:
            raise ValueError("; ".join(faults))
        return cls(default, known)

    @property
    def several(self) -> bool:
        """Whether there is any choice."""
        return any(not center.default for center in self.known.values())

    def named(self, secret_name: str) -> ContactCenter | None:
        """The contact center of this name; None for an empty name.

        Raises:
            OtherContactCenter: the stack does not serve it.
        """
        if not secret_name:
            return None
        if center := self.known.get(secret_name):
            return center
        raise OtherContactCenter

    def owner(self, assignment: Assignment) -> ContactCenter | None:
        """The contact center of an assignment; None: the contact is unassigned.

        Raises:
            OtherContactCenter: the stack does not serve it, or no longer does.
        """
        if isinstance(assignment, Unassigned):
            return None
        if isinstance(assignment, AssignedToDefault):
            return self.default
        if not isinstance(assignment, Refused):
            named = self.known.get(assignment.name)
        else:
            # The stack may serve the name by now.
            again = (self.known[name] for name in self.known if Refused.of(name) == assignment)
            named = next((replace(it, assignment=assignment) for it in again), None)
        if named is None:
            raise OtherContactCenter
        return named

    def assign(
        self,
        contact: Assignable,
        assignment: Assignment,
        assignment_of: Callable[[ContactKey], Assignment],
    ) -> ContactCenter:
        """The contact center that owns the contact: the one that it is assigned to, else the one
        that it names, else its parent's, else the default one.

        Args:
            contact: the contact.
            assignment: what the ledger knows of it.
            assignment_of: what the ledger knows of another contact. Asked only where there is a
                choice.

        Raises:
            OtherContactCenter: the stack does not serve it.
        """
        owner = self.owner(assignment) or self.named(contact.secret_name)
        if owner is None and self.several and contact.previous_contact_id:
            parent = replace(contact.key, contact_id=contact.previous_contact_id)
            owner = self.owner(assignment_of(parent))
        return owner or self.default


def _names(secret: str) -> tuple[str, ...]:
    """Every name of a secret, the one to remember last."""
    if arn := _ARN.fullmatch(secret):
        return secret, arn["full"], arn["name"]
    return (secret,)
