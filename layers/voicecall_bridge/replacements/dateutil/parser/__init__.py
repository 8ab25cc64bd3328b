"""Reads dates. Replaced when the layer was built: what reads them is loaded when one is read.

botocore asks for `parse` alone, and only where AWS writes a date as a text.
"""

from typing import Any


def parse(*arguments: Any, **options: Any) -> Any:
    """Read a date: see dateutil's manual."""
    from dateutil.parser import _parser  # noqa: PLC0415 - that is what this module is for

    return _parser.parse(*arguments, **options)
