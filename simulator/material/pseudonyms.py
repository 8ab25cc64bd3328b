"""Other texts of the same shape in the place of texts: one for each, and never the same for two.

The replacements are drawn by chance and kept in memory only, so that nothing can be calculated
back.
"""

import random
import re
import string
import uuid
from collections.abc import Callable
from typing import Final

__all__ = ["Pseudonyms"]

_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PHONE: Final = r"\+[0-9]{7,15}"
_ARN: Final = r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:[^\s\"',]+"
_TOKEN: Final = re.compile(
    f"(?P<arn>{_ARN})|(?P<uuid>{_UUID})|(?P<phone>{_PHONE})|(?P<run>[^\\W_]+)"
)
_SALESFORCE_ID: Final = re.compile(r"0[0-9A-Za-z]{14}(?:[0-9A-Za-z]{3})?")
_AREAS: Final = [str(area) for area in range(201, 990) if area % 100 != 11]
_RESOURCES: Final = frozenset(
    {
        *("instance", "contact", "queue", "agent", "contact-flow", "flow-module", "phone-number"),
        *("routing-profile", "transfer-destination", "operating-hours", "agent-group", "function"),
        *("stream", "secret", "key", "table", "log-group", "rule", "role", "campaign", "alias"),
        *("live", "prompt", "security-profile", "task-template", "integration-association"),
    }
)
"""Types of resources in ARNs; everything else in a resource is a name that its owner chose."""
_PATH_WORDS: Final = frozenset(
    {
        *("analysis", "voice", "redacted", "connect", "callrecordings", "chattranscripts", "ivr"),
        *("json", "wav", "gz", "https", "http", "s3", "amazonaws", "com", "tel", "sip", "utc"),
        *("call", "recording"),
    }
)
"""Words of Amazon Connect's own keys in S3, and of addresses."""
_MOST_DRAWS: Final = 10_000


class Pseudonyms:
    """Draws pseudonyms; `seed` makes the same ones in every run, for tests."""

    def __init__(self, seed: int | None = None) -> None:
        """Begin without any."""
        self._random = random.Random(seed) if seed is not None else random.SystemRandom()
        self._drawn: dict[str, str] = {}
        self._taken: set[str] = set()

    def text(self, text: str) -> str:
        """Another text with the same separators, in which every word is another one."""
        return _TOKEN.sub(self._token, text)

    def tokens(self, text: str) -> str:
        """The text with other ids, ARNs and numbers in it, and the same words."""
        return _TOKEN.sub(lambda m: m.group() if m["run"] else self._token(m), text)

    def _token(self, match: re.Match[str]) -> str:
        token = match.group()
        if match["arn"]:
            return self._arn(token)
        if match["uuid"]:
            return self._uuid(token)
        if match["phone"]:
            return self._once(token, self._phone)
        return self._run(token)

    def _run(self, run: str) -> str:
        if run.lower() in _PATH_WORDS:
            return run
        kept = 3 if _SALESFORCE_ID.fullmatch(run) else 0
        return run[:kept] + self._once(run[kept:], lambda: self._shaped(run[kept:]))

    def _arn(self, arn: str) -> str:
        *parts, account, resource = arn.split(":", 5)
        head = ":".join(parts)
        changed = re.sub(r"[^:/]+", lambda m: self._resource(m.group()), resource)
        return f"{head}:{self.text(account)}:{changed}"

    def _resource(self, part: str) -> str:
        return part if part in _RESOURCES else self.text(part)

    def _uuid(self, token: str) -> str:
        # Ids are compared without regard to case.
        other = self._once(token.lower(), lambda: str(uuid.UUID(int=self._random.getrandbits(128))))
        return other.upper() if token.isupper() else other

    def _phone(self) -> str:
        """A number that is kept free for fiction: 555-0100 to 555-0199."""
        return f"+1{self._random.choice(_AREAS)}55501{self._random.randrange(100):02}"

    def _shaped(self, text: str) -> str:
        return "".join(map(self._character, text))

    def _character(self, character: str) -> str:
        if character.isdigit():
            return self._random.choice(string.digits)
        letters = string.ascii_uppercase if character.isupper() else string.ascii_lowercase
        return self._random.choice(letters)

    def _once(self, text: str, draw: Callable[[], str]) -> str:
        if text not in self._drawn:
            self._drawn[text] = self._unused(text, draw)
        return self._drawn[text]

    def _unused(self, text: str, draw: Callable[[], str]) -> str:
        for _ in range(_MOST_DRAWS):
            other = draw()
            if other not in self._taken and (other != text or len(text) < 2):
                self._taken.add(other)
                return other
        raise ValueError("too many different texts of one shape")
