"""Bytes as they are copied or downloaded, as text: gzip, base64, UTF-8 with BOM, UTF-16.

Everything here is total: any other value is returned unchanged, or as None.
"""

import base64
import binascii
import codecs
import gzip
import io
import re
import zlib
from typing import Final

__all__ = ["MOST_BYTES", "as_text", "from_base64", "from_gzip"]

MOST_BYTES: Final = 64 * 1024 * 1024
"""More is not taken, packed or unpacked: a small archive can hold any amount."""

_GZIP: Final = b"\x1f\x8b"
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_=\s-]+")
_LEAST_BASE64: Final = 16
"""A shorter text is a word."""


def from_gzip(data: bytes) -> bytes | None:
    """The content of a gzip file, all of its members; None for anything else.

    Raises ValueError for a broken one, and for one that holds too much.
    """
    if not data.startswith(_GZIP):
        return None
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"a gzip file that is broken: {error}") from error
    if len(unpacked) > MOST_BYTES:
        raise ValueError(f"a gzip file of more than {MOST_BYTES >> 20} MiB")
    return unpacked


def from_base64(data: bytes) -> bytes | None:
    """The bytes of a base64 text, of either alphabet and with line breaks; None for others."""
    packed = b"".join(data.split())
    if len(packed) < _LEAST_BASE64 or not _BASE64.fullmatch(data):
        return None
    packed = packed.replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def as_text(data: bytes) -> tuple[str, str] | None:
    """The text, and its encoding if it is not UTF-8; None if it is not text."""
    for mark, encoding, name in (
        (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with BOM"),
        (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    ):
        if data.startswith(mark):
            return _decoded(data, encoding, name)
    # JSON begins with a character of ASCII, so one of the first two bytes shows UTF-16.
    if len(data) >= 2 and data[0] == 0 and data[1]:
        return _decoded(data, "utf-16-be", "UTF-16")
    if len(data) >= 2 and data[1] == 0 and data[0]:
        return _decoded(data, "utf-16-le", "UTF-16")
    return _decoded(data, "utf-8", "")


def _decoded(data: bytes, encoding: str, name: str) -> tuple[str, str] | None:
    try:
        return data.decode(encoding), name
    except UnicodeDecodeError:
        return None
