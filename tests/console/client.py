"""A console without a network, over the services that a test gives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from starlette.testclient import TestClient

from stepline.aws.target import Target
from stepline.console.application import create_application
from stepline.console.pages import Console

PORT = 4600
ORIGIN = f"http://127.0.0.1:{PORT}"
TOKEN = "token-of-the-test"


def open_console(
    target: Target,
    *,
    allows_actions: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> TestClient:
    """Return a client of the console that sends what a browser on this machine sends."""
    console = Console(target, allows_actions, TOKEN, now)
    return TestClient(create_application(console, PORT), base_url=ORIGIN, follow_redirects=False)
