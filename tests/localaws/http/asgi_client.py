"""Sends one request to an ASGI application, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepline.localaws.http.asgi import App, Receive, Scope, Send

END_OF_BODY = {"type": "http.request", "body": b"", "more_body": False}


@dataclass
class Response:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


@dataclass
class Application:
    """Reads a whole request and responds with `headers`; `received` is None until the request is complete."""

    headers: Mapping[str, str] = field(default_factory=dict)
    received: bytes | None = None
    is_called: bool = False

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.is_called = True
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message.get("more_body", False)
        self.received = body
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


def scope_of(
    path: str = "/", *, method: str = "POST", query: str = "", headers: Iterable[tuple[str, str]] = ()
) -> Scope:
    items = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": items,
    }


def request(app: App, scope: Scope, parts: Iterable[bytes] = (), *, stalls: bool = False) -> Response:
    """Send a request whose body arrives in `parts`; with `stalls`, its end never arrives."""
    messages: list[Any] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    response = Response()

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        if stalls:
            await asyncio.Event().wait()
        return END_OF_BODY

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers = [(name.decode(), value.decode()) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            response.body += message["body"]
        else:
            response.status = 403  # websocket.close before it is accepted

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    assert not messages or response.status == 403, "the rest of the request was not read"
    return response
