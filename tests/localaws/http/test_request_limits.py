"""Limits of requests: their size, and how long a client may be silent."""

from __future__ import annotations

import pytest

from stepline.localaws.http import request_limits
from stepline.localaws.http.request_limits import (
    MAX_API_BYTES,
    MAX_FUNCTION_CODE_BYTES,
    MAX_OBJECT_BYTES,
    limit_requests,
    max_body_bytes,
)
from tests.localaws.http.asgi_client import Application, request, scope_of

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("path", "headers", "limit"),
    [
        ("/", [("X-Amz-Target", "AWSStepFunctions.StartExecution")], MAX_API_BYTES),
        ("/", [("Content-Type", "application/x-www-form-urlencoded")], MAX_API_BYTES),
        ("/", [], MAX_API_BYTES),
        ("/", [("Content-Type", "multipart/form-data; boundary=x")], MAX_OBJECT_BYTES),
        ("/2015-03-31/functions", [("Content-Type", "application/json")], MAX_FUNCTION_CODE_BYTES),
        ("/bucket/key", [("Content-Type", "application/json")], MAX_OBJECT_BYTES),
        ("/v2/repository/blobs/uploads/1", [], MAX_OBJECT_BYTES),
        ("/v1/repos/app/git-receive-pack", [], None),
    ],
)
def test_limit_depends_on_the_protocol(path: str, headers: list[tuple[str, str]], limit: int | None) -> None:
    assert max_body_bytes(scope_of(path, headers=headers)) == limit


def test_body_of_the_limit_is_served() -> None:
    app = Application()
    response = request(limit_requests(app), scope_of(), [b"x" * MEBIBYTE] * 32)
    assert response.status == 200
    assert app.received is not None
    assert len(app.received) == MAX_API_BYTES


def test_body_that_grows_too_large_is_refused_when_all_is_sent() -> None:
    app = Application()
    response = request(limit_requests(app), scope_of(), [b"x" * MEBIBYTE] * 40)
    assert response.status == 413
    assert app.received is None
    assert b"smaller than 33554432 bytes" in response.body


@pytest.mark.parametrize("length", [MAX_API_BYTES + 1, 10**30])
def test_body_that_is_declared_too_large_does_not_reach_the_service(length: int) -> None:
    app = Application()
    scope = scope_of(headers=[("Content-Length", str(length)), ("X-Amz-Target", "A.B")])
    response = request(limit_requests(app), scope, [b"x"] * 3)
    assert response.status == 413
    assert not app.is_called
    assert b'"__type": "RequestEntityTooLargeException"' in response.body


def test_body_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "_DISCARD_SECONDS", 0.01)
    monkeypatch.setattr(request_limits, "MAX_API_BYTES", 1)
    assert request(limit_requests(Application()), scope_of(), [b"xx"], stalls=True).status == 413


def test_git_sends_as_much_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "MAX_API_BYTES", 1)
    monkeypatch.setattr(request_limits, "MAX_OBJECT_BYTES", 1)
    scope = scope_of("/v1/repos/app/git-receive-pack", headers=[("Content-Length", "9999999999")])
    assert request(limit_requests(Application()), scope, [b"x" * 10]).status == 200


def test_body_that_does_not_arrive_ends_the_request() -> None:
    app = Application()
    response = request(limit_requests(app, silence_seconds=0.01), scope_of(), [b"{"], stalls=True)
    assert response.status == 408
    assert app.received is None


def test_waiting_for_the_response_is_not_limited() -> None:
    """An application that waits for the client's disconnection while it works is not disturbed."""

    class WaitingApplication(Application):
        async def __call__(self, scope: object, receive: object, send: object) -> None:
            assert callable(receive)
            assert (await receive())["more_body"] is False
            assert (await receive())["more_body"] is False  # after the end, receive is the server's own
            self.is_called = True

    app = WaitingApplication()
    request(limit_requests(app, silence_seconds=0.01), scope_of())
    assert app.is_called
