"""An observer whose log lines and counters can be read."""

import io
import json
import uuid
from typing import Any

from aws_lambda_powertools.logging import Logger

from voicecall_bridge.observability import Observer


class Told:
    """What an observer wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        # A name of its own: loggers of one name share their stream.
        logger = Logger(service=f"test-{uuid.uuid4()}", stream=self.stream, location=None)
        self.observer = Observer("Test", logger)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def deliveries(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["message"] == "delivery"]

    def took(self) -> dict[str, list[int]]:
        """Durations in milliseconds that were not flushed yet."""
        return dict(self.observer._times)

    def counted(self) -> dict[str, int]:
        """Counters that were not flushed yet, their dimensions left out."""
        found: dict[str, int] = {}
        for (name, _, _), number in self.observer._counters.items():
            found[name] = found.get(name, 0) + number
        return found
