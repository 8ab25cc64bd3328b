"""An observer with readable log lines and counters."""

import io
import json
import logging
import uuid
from typing import Any

from aws_lambda_powertools.logging import Logger

from voicecall_bridge.observability import Observer


class CapturedLog:
    """What an observer wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        # Each observer has a logger name of its own, since loggers of one name share their stream.
        # The logger is not kept: pytest goes through all known loggers several times a test.
        name = f"test-{uuid.uuid4()}"
        logger = Logger(service=name, stream=self.stream, location=None)
        del logging.Logger.manager.loggerDict[name]
        self.observer = Observer("Test", logger)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def deliveries(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["message"] == "delivery"]

    def took(self) -> dict[str, list[int]]:
        """Durations in milliseconds that were not flushed yet."""
        return dict(self.observer._times)

    def counted(self) -> dict[str, int]:
        """Counters that were not flushed yet, without their dimensions."""
        found: dict[str, int] = {}
        for (name, _, _), number in self.observer._counters.items():
            found[name] = found.get(name, 0) + number
        return found
