"""The console answers its own page only: no other origin, no other host, no large body."""

import pytest
import requests

from tests.console.conftest import PATIENCE, Console


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "{own}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
    ],
)
def test_origins_and_hosts(console: Console, headers: dict[str, str], status: int) -> None:
    sent = {name: text.replace("{own}", console.url) for name, text in headers.items()}
    answer = requests.get(f"{console.url}/api/calls", headers=sent, timeout=PATIENCE)
    assert answer.status_code == status


def test_foreign_page_cannot_send(console: Console) -> None:
    """Given a foreign page's request, then nothing is done."""
    answer = requests.post(
        f"{console.url}/api/stories/inbound",
        json={},
        headers={"Origin": "http://evil.example"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 403
    assert console.get("/api/calls")["calls"] == []


def test_page_allows_no_foreign_code(console: Console) -> None:
    """The page's own policy: no script, style or connection of others, and no frame."""
    answer = requests.get(console.url, timeout=PATIENCE)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>" not in answer.text


def test_too_large_body(console: Console) -> None:
    headers = {"Content-Length": "99999999", "Content-Type": "application/json"}
    answer = requests.post(f"{console.url}/api/events", headers=headers, timeout=PATIENCE)
    assert answer.status_code == 403
