"""The findings of a check, and what to change."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended, as it is shown."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "FAULT"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination.

    Attributes:
        check: what was looked at, in a word or two.
        verdict: how it ended.
        text: what was found; no value of a secret.
        change: what to change; empty where there is nothing to.
    """

    check: str
    verdict: Verdict
    text: str
    change: str = ""


def ok(check: str, text: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, Verdict.OK, text)


def warning(check: str, text: str, change: str) -> Finding:
    """It works, or may work; but look at it."""
    return Finding(check, Verdict.WARNING, text, change)


def fault(check: str, text: str, change: str) -> Finding:
    """It does not work like this."""
    return Finding(check, Verdict.FAULT, text, change)


def unchecked(check: str, text: str) -> Finding:
    """It was not looked at, and why."""
    return Finding(check, Verdict.UNCHECKED, text)
