"""Only pages of the console itself use it. The cases are the requests that browsers send."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from stepline.console.protection import Protection, is_token

PORT = 4600
OWN = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{OWN}"

SERVED = {
    "the address is entered": ("GET", {}),
    "another name of this machine": ("GET", {"host": f"localhost:{PORT}"}),
    "IPv6": ("GET", {"host": f"[::1]:{PORT}"}),
    "a link in an e-mail": ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
    "the page's own stream": ("GET", {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}),
    "curl": ("GET", {"user-agent": "curl/8"}),
    "a form of the console": ("POST", {"origin": ORIGIN, "sec-fetch-site": "same-origin"}),
    "a form in a browser without Sec-Fetch-Site": ("POST", {"origin": ORIGIN}),
}
REFUSED = {
    "a name that an attacker gave this address": ("GET", {"host": f"attacker.example:{PORT}"}),
    "a name below localhost": ("GET", {"host": f"x.localhost:{PORT}"}),
    "a name without port": ("GET", {"host": "127.0.0.1"}),
    "another port": ("GET", {"host": "127.0.0.1:80"}),
    "a script of another page": ("GET", {"origin": "https://attacker.example"}),
    "a page without origin": ("GET", {"origin": "null"}),
    "a page of another port": ("GET", {"origin": "http://127.0.0.1:8000"}),
    "an image of another page": ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
    "a page of the same site": ("GET", {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}),
    "a form of another page": ("POST", {"origin": "https://attacker.example"}),
    "a form that hides its origin": ("POST", {"origin": "null"}),
    "a form of another site": ("POST", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
    "a form of another port": ("POST", {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-site"}),
    "a form without any sign of its origin": ("POST", {}),
    "another method": ("DELETE", {}),
}


async def _page(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("page")


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Route("/", _page, methods=["GET", "POST", "DELETE"])])
    return TestClient(Protection(app, PORT), base_url=ORIGIN)


@pytest.mark.parametrize(("method", "headers"), SERVED.values(), ids=SERVED)
def test_own_request_is_served(client: TestClient, method: str, headers: dict[str, str]) -> None:
    assert client.request(method, "/", headers=headers).status_code == 200


@pytest.mark.parametrize(("method", "headers"), REFUSED.values(), ids=REFUSED)
def test_foreign_request_is_refused(client: TestClient, method: str, headers: dict[str, str]) -> None:
    response = client.request(method, "/", headers=headers)
    assert response.status_code == 403
    assert "page" not in response.text.split()[0]


def test_host_is_required_once(client: TestClient) -> None:
    hosts = [("host", OWN), ("host", "attacker.example")]
    assert client.get("/", headers=hosts).status_code == 403


def test_pages_may_neither_be_framed_nor_load_anything_from_elsewhere(client: TestClient) -> None:
    for response in (client.get("/"), client.get("/", headers={"host": "attacker.example"})):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["cross-origin-resource-policy"] == "same-origin"
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("given", ["", "other", None, 5, "tökén"])
def test_other_token_is_refused(given: object) -> None:
    assert not is_token(given, "token")


def test_own_token_is_accepted() -> None:
    assert is_token("token", "token")
