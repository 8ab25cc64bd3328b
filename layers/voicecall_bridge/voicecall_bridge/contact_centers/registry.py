"""Which contact center a contact belongs to, where one instance serves several. Pure.

What names a contact center for a contact, `secretName` (SCVL), may come from the caller. So it only
chooses among the secrets that the stack lists, and is itself remembered nowhere and never logged.
A secret's ARN ends with its name, a hyphen and six random characters (Secrets Manager user guide,
"What's in a Secrets Manager secret?").
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from voicecall_bridge.voice_call.create import CannotCreate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Made = TypeVar("Made")

MOST_OTHERS = 10
"""Contact centers beside the default one: what fits a policy and a function's environment."""
_ARN = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:[a-z]{2}(?:-[a-z]+)+-[0-9]:[0-9]{12}:secret:"
    r"(?P<full>(?P<name>[A-Za-z0-9/_+=.@-]+)-[A-Za-z0-9]{6})"
)
_REFUSED = "refused/"


class OtherContactCenter(CannotCreate):
    """The contact belongs to a contact center that the stack does not serve."""

    code = "OTHER_CONTACT_CENTER"

    def __init__(self) -> None:
        super().__init__(
            "the contact's secretName names a contact center that this stack does not serve: add "
            "its secret to AdditionalContactCenterSecretArns, or remove the name"
        )


@dataclass(frozen=True, slots=True)
class Center:
    """A contact center that the stack serves.

    Attributes:
        name: what the ledger remembers: its secret's name without the six random characters, so
            that a secret may be deleted and made again.
        secret: ARN or name of its secret.
        default: contacts that name no contact center belong to it.
    """

    name: str
    secret: str
    default: bool = False


class Chooses(Protocol):
    """What tells whose a contact is: a contact or a contact record."""

    @property
    def instance_id(self) -> str:
        """The Connect instance."""

    @property
    def contact_id(self) -> str:
        """The contact."""

    @property
    def secret_name(self) -> str:
        """The contact center's secret as the contact names it; empty: it names none."""

    @property
    def previous_contact_id(self) -> str:
        """The contact that spawned it; empty on the first one of a chain."""


@dataclass(frozen=True, slots=True)
class ContactCenters:
    """The contact centers of a stack.

    Attributes:
        default: the one of contacts that name none.
        known: every name that a contact may choose, ARNs included -> its contact center.
    """

    default: Center
    known: Mapping[str, Center]

    @classmethod
    def of(cls, default_secret: str, others: Iterable[str] = ()) -> ContactCenters:
        """The default one by its secret's name or ARN, and others by the whole ARNs of theirs.

        Raises:
            ValueError: naming every item of `others` that cannot be used, never a value.
        """
        default = Center(_names(default_secret)[-1], default_secret, default=True)
        known = dict.fromkeys(_names(default_secret), default)
        faults = []
        for number, arn in enumerate(others, start=1):
            names = _names(arn)
            if not _ARN.fullmatch(arn):
                faults.append(f"item {number} is no whole ARN of a secret")
            elif known.keys() & names:
                faults.append(f"item {number} has the name of a secret before it")
            else:
                known |= dict.fromkeys(names, Center(names[-1], arn))
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

    def named(self, secret_name: str) -> Center | None:
        """The contact center of this name; None: it names none.

        Raises:
            OtherContactCenter: it is none of the stack's.
        """
        if not secret_name:
            return None
        if center := self.known.get(secret_name):
            return center
        raise OtherContactCenter

    def remembered(self, pin: str | None) -> Center | None:
        """The contact center that the ledger remembers; None: it remembers none.

        Args:
            pin: see contacts.Entry. Empty: from before contact centers were remembered, when there
                was one. The mark of a refused name (see `refused`) is a pin too: the name may have
                been added to the stack's list since.

        Raises:
            OtherContactCenter: the stack does not serve it, or not any more.
        """
        if pin is None:
            return None
        if not pin:
            return self.default
        named = self.known.get(pin)
        if pin.startswith(_REFUSED):
            named = next((self.known[name] for name in self.known if refused(name) == pin), None)
        if named is None:
            raise OtherContactCenter
        return replace(named, name=pin)

    def wanted(self, contact: Chooses, pin_of: Callable[[str], str | None]) -> Center:
        """Whose a contact is that the ledger does not know: whose it says it is, else its parent's.

        Args:
            contact: the contact.
            pin_of: what the ledger remembers of another contact, by its id. Asked only where there
                is a choice.

        Raises:
            OtherContactCenter: the stack does not serve it.
        """
        named = self.named(contact.secret_name)
        if named is None and self.several and contact.previous_contact_id:
            named = self.remembered(pin_of(contact.previous_contact_id))
        return named or self.default


def refused(secret_name: str) -> str:
    """The mark of a name that was refused: it tells nobody the name, and knows it again."""
    return _REFUSED + hashlib.sha256(secret_name.encode(errors="surrogatepass")).hexdigest()


@dataclass(slots=True)
class PerCenter(Generic[Made]):
    """One of something for each contact center: made when it is needed, kept, shared with none.

    There are at most MOST_OTHERS + 1 of them. Use it from many threads.

    Attributes:
        centers: the contact centers.
        make: makes one; it must not take long.
    """

    centers: ContactCenters
    make: Callable[[Center], Made]
    _made: dict[str, Made] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def of(self, center: Center) -> Made:
        """The contact center's own."""
        made = self._made.get(center.secret)
        if made is None:
            with self._lock:
                made = self._made.get(center.secret) or self.make(center)
                self._made[center.secret] = made
        return made


def _names(secret: str) -> tuple[str, ...]:
    """Every name of a secret, the one to remember last."""
    if arn := _ARN.fullmatch(secret):
        return secret, arn["full"], arn["name"]
    return (secret,)
