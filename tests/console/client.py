"""The console in this process, over services that are in it, too."""

from __future__ import annotations

from starlette.testclient import TestClient

from stepline.aws.target import Target
from stepline.console.application import create_application
from stepline.console.pages import Console

PORT = 4600
ORIGIN = f"http://127.0.0.1:{PORT}"
TOKEN = "token-of-this-process"


def console_of(target: Target, *, allows_actions: bool = True) -> TestClient:
    """Return a browser without scripts: it sends what a page of the console may send."""
    application = create_application(Console(target, allows_actions, TOKEN), PORT)
    return TestClient(application, base_url=ORIGIN, headers={"origin": ORIGIN}, follow_redirects=False)
