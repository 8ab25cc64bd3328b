"""Where the certificates lie. Replaced when the layer was built: see build.py.

certifi's own module also unpacks them from a ZIP file, for which it loads importlib.resources and
with it some 30 modules. A layer lies unpacked.
"""

import os.path


def where() -> str:
    """The file of the certificates that are trusted."""
    return os.path.join(os.path.dirname(__file__), "cacert.pem")  # noqa: PTH118, PTH120 - no pathlib


def contents() -> str:
    """The certificates."""
    with open(where(), encoding="ascii") as file:  # noqa: PTH123
        return file.read()
