"""A real browser on a running console. Without Debian's Chromium these tests are left out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.console.conftest import console, running_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.console.conftest import Console

__all__ = ["console", "running_console"]

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
PICTURES = Path(__file__).resolve().parents[2] / ".build" / "pictures"
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--process-per-site",
]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Nothing here runs without a browser; the Makefile says so in one line."""
    return True if CHROMIUM is None and collection_path.name.startswith("test_") else None


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all pages: in a context of its own each would start a process of its own.

    Playwright's own scripts need eval, which the page's policy forbids: so the policy is off here,
    and test_the_policy_holds has it on.
    """
    made = browser.new_context(viewport={"width": 1400, "height": 850}, bypass_csp=True)
    made.new_page()  # keeps the process
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, console: Console) -> Iterator[Page]:
    """The console's page; anything that the browser complains about fails the test."""
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=console.url)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.goto(console.url)
    page.wait_for_function("document.getElementById('connection').textContent === 'live'")
    yield page
    page.close()
    assert [text for text in complaints if "status of 40" not in text] == []
