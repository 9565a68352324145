"""Reads requests and sends responses of ASGI: https://asgi.readthedocs.io/en/latest/specs/www.html"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

Scope = Mapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def header(scope: Scope, name: str) -> str | None:
    """Return the first value of a header (`name` in lower case), or None."""
    for key, value in scope["headers"]:
        if key.lower() == name.encode("ascii"):
            return bytes(value).decode("latin-1")
    return None


async def start_response(send: Send, status: int, headers: Iterable[tuple[str, str]]) -> None:
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def send_body(send: Send, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def send_text(send: Send, status: int, text: str) -> None:
    """Send a whole response; git shows its text to the user, each line after `remote: `."""
    body = f"{text}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    await start_response(send, status, headers)
    await send_body(send, body, more=False)
