"""Salesforce record ids: 15 case-sensitive characters, or the same with a 3-character checksum.

The checksum distinguishes ids in systems that ignore case; Salesforce accepts either form wherever
it takes an id.
"""

import re
import secrets
import string

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECKSUM_ALPHABET = string.ascii_uppercase + "012345"
_VOICE_CALL_PREFIX = "0LQ"
_VOICE_CALL_ID = re.compile(r"0LQ[A-Za-z0-9]{12}([A-Z0-5]{3})?")


def long_id(short: str) -> str:
    """The 18-character form of a 15-character id.

    Each checksum character stands for five characters of the id: bit n is set where the n-th of
    them is an upper-case letter.

    Raises:
        ValueError: the id does not have 15 characters.
    """
    if len(short) != 15:
        raise ValueError(f"a short Salesforce id has 15 characters, this one has {len(short)}")
    chunks = (short[start : start + 5] for start in (0, 5, 10))
    return short + "".join(_checksum_character(chunk) for chunk in chunks)


def _checksum_character(chunk: str) -> str:
    bits = sum(1 << place for place, letter in enumerate(chunk) if letter in string.ascii_uppercase)
    return _CHECKSUM_ALPHABET[bits]


def new_voice_call_id() -> str:
    """A VoiceCall record id (key prefix 0LQ), 18 characters, that no simulator gave out before."""
    return new_record_id(_VOICE_CALL_PREFIX)


def new_record_id(prefix: str) -> str:
    """A record id with this key prefix (3 characters), 18 characters, never given out before."""
    return long_id(prefix + "".join(secrets.choice(_BASE62) for _ in range(12)))


def is_voice_call_id(text: str) -> bool:
    """Whether the text has the shape of a VoiceCall record id, 15 or 18 characters."""
    return _VOICE_CALL_ID.fullmatch(text) is not None
