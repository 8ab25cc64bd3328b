"""Guesses encodings; removed when the layer was built: see build.py.

requests imports it for `Response.text`, which the bridge does not read: JSON has one encoding.
"""

from typing import NoReturn

__version__ = "3.5.2"
"""requests looks whether it is one that it works with."""


def detect(_octets: bytes) -> NoReturn:
    """What `Response.text` asks where the answer does not say its encoding."""
    raise RuntimeError("the layer has no charset_normalizer: read Response.content")
