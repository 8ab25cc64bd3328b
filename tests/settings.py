"""The settings class of each function, found as its folder is called."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

FUNCTIONS = sorted(
    path.parent.name for path in Path(__file__).resolve().parents[1].glob("functions/*/app.py")
)

LEAST = {
    "CONTACT_CENTER_SECRET": "secret-id",
    "LEDGER_TABLE": "ledger",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.example/queue",
    "RETRY_QUEUE_URL": "https://sqs.example/retries",
    "WAITING_QUEUE_URL": "https://sqs.example/waiting.fifo",
}
"""All that has no default, of all functions together."""


class Recording(dict[str, str]):
    """An environment that remembers which names were asked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(environment)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)


def settings_of(function: str) -> Any:
    """The class of a function's settings."""
    module = import_module(f"voicecall_bridge.settings.{function}")
    return getattr(module, f"{function.title().replace('_', '')}Settings")


def names_read(function: str) -> set[str]:
    """Every variable that a function's settings read."""
    recording = Recording(LEAST)
    settings_of(function).from_environment(recording)
    return recording.asked
