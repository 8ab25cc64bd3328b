"""The texts for help() on a client's methods. Replaced when the layer was built: see build.py."""

from typing import Any


class LazyLoadedDocstring(str):
    """No text: what would write it was removed."""

    __slots__ = ()

    def __new__(cls, *_: Any, **__: Any) -> "LazyLoadedDocstring":
        """Take what botocore would write the text from."""
        return super().__new__(cls, "")


class ClientMethodDocstring(LazyLoadedDocstring):
    """Of a client's method."""

    __slots__ = ()


class WaiterDocstring(LazyLoadedDocstring):
    """Of a waiter."""

    __slots__ = ()


class PaginatorDocstring(LazyLoadedDocstring):
    """Of a paginator."""

    __slots__ = ()
