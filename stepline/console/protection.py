"""Lets no other web page use the console, and no page of the console load or run anything from elsewhere.

The console acts with the user's credentials. A page of another site could open it in a frame, send it a form,
or give a name of its own the address 127.0.0.1 and so read it. Against these:

- Only the Host names 127.0.0.1, localhost and [::1] are served, with the port of the console.
- A request with a foreign Origin, and one that another site's page makes, is refused; a link may open a page.
- A form must have the token of this process, which only pages of the console have.
- The content security policy allows nothing from elsewhere, no inline script or style, and no frame.

Sources: https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/,
https://www.w3.org/TR/CSP3/.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_FIELD: Final = "actToken"  # noqa: S105 - its name
"""The field of each form that has the token."""

_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_READING_METHODS: Final = frozenset({"GET", "HEAD"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # without any, browsers send forms with `Origin: null`
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Protection:
    """An ASGI middleware that refuses such requests with status 403, and adds the headers."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = frozenset(f"{name}:{port}" for name in _NAMES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")  # what AWS returned stays out of the disk
            await send(message)

        if refusal := self._refusal(scope["method"], Headers(scope=scope)):
            await PlainTextResponse(f"{refusal}\n", status_code=403)(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        """Return why the request is refused, as one sentence; None if it is served."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return "the console serves only the addresses that it prints: use 127.0.0.1 and its port"
        if origins and origins != [f"http://{hosts[0].lower()}"]:
            return "a web page of another origin may not use the console"
        site = headers.get("sec-fetch-site", "none")
        is_link = method in _READING_METHODS and headers.get("sec-fetch-mode", "navigate") == "navigate"
        if site not in _OWN_SITES and not is_link:
            return "a web page of another site may not use the console"
        if method not in _READING_METHODS and not origins and "sec-fetch-site" not in headers:
            return "a form needs an Origin header: send it from a page of the console"
        return None


def is_token(given: object, expected: str) -> bool:
    """Compare in constant time."""
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())
