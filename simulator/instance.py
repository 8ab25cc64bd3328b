"""The Amazon Connect instance that the simulator stands for."""

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["INSTANCE_ARN", "OWN_INSTANCE", "Instance"]

INSTANCE_ARN: Final = (
    "arn:aws:connect:us-west-2:111122223333:instance/0f0e0d0c-1111-4222-8333-444455556666"
)
"""The instance that the sample events come from: the rules let no other one's events through."""

_ARN: Final = re.compile(r"arn:[a-z-]+:connect:[a-z0-9-]+:[0-9]{12}:instance/[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance, by its ARN."""

    arn: str

    @classmethod
    def in_arn(cls, text: object) -> "Instance | None":
        """The instance that an ARN names, or is part of; None for anything else."""
        found = _ARN.match(text) if isinstance(text, str) else None
        return cls(found.group()) if found else None

    @property
    def id(self) -> str:
        """The instance's id."""
        return self.arn.rpartition("/")[2]

    @property
    def region(self) -> str:
        """Its region."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account that it is in."""
        return self.arn.split(":")[4]


OWN_INSTANCE: Final = Instance(INSTANCE_ARN)
