"""Refuses requests of web pages, so that no page uses the local AWS through the developer's browser.

The local AWS does not check signatures: without this, a form or a script of any page could create a stack,
and so run code on this machine. Sources: https://fetch.spec.whatwg.org/#origin-header and
https://www.w3.org/TR/fetch-metadata/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from stepline.core.errors import UsageError
from stepline.localaws.http.asgi import App, Message, Receive, Scope, Send
from stepline.localaws.http.error_responses import send_error

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "[::1]", "localhost"})
_NAME = r"\[[0-9a-f:]{2,39}\]|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?"  # 253 characters: RFC 1035
_HOST = re.compile(rf"(?P<name>{_NAME})(?::[0-9]{{1,5}})?", re.ASCII)
_ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]*://(?:{_NAME})(?::[0-9]{{1,5}})?", re.ASCII)
_ALLOW_ORIGIN = b"access-control-allow-origin"
_READING_METHODS = frozenset({"GET", "HEAD"})
_OWN_REQUESTS = frozenset({"none", "same-origin"})
"""Values of Sec-Fetch-Site: the user entered the address, or the page itself came from this server."""


@dataclass(frozen=True)
class AllowedPages:
    """What the user allows besides loopback names: other names of this server, and origins of web pages.

    A name includes the names below it, as buckets have them. Both are in lower case.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, hosts: Iterable[str], origins: Iterable[str]) -> AllowedPages:
        """Parse what the user has entered. Raises UsageError for what is neither a name nor an origin."""
        return cls(frozenset(map(_parse_host, hosts)), frozenset(map(_parse_origin, origins)))

    def allow_host(self, name: str) -> bool:
        allowed = _LOOPBACK_NAMES | self.hosts
        return name in allowed or any(name.endswith(f".{each}") for each in allowed)


def protect(app: App, allowed: AllowedPages) -> App:
    """Return `app` behind the checks of this module; refused requests get status 403 and the reason."""

    async def protected(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        reason = find_refusal(scope.get("method", ""), scope["query_string"], headers, allowed)
        if reason is None:
            origin = headers.get("origin", "")
            await app(scope, receive, _with_own_cors(send, origin if origin in allowed.origins else None))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before it is accepted: status 403
        else:
            await send_error(scope, send, 403, "AccessDenied", reason)

    return protected


def read_headers(items: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name in lower case; repeated ones are joined, so that no check accepts them."""
    headers: dict[str, str] = {}
    for key, value in items:
        name, text = key.decode("latin-1").lower(), value.decode("latin-1").strip()
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return headers


def is_from_browser(headers: Mapping[str, str]) -> bool:
    """Return whether a browser sent the request. Scripts of a page cannot remove all three signs.

    Browsers omit `Sec-Fetch-Site` if the address is not a loopback one, and `Origin` in a simple GET.
    """
    has_mark = "origin" in headers or "sec-fetch-site" in headers
    return has_mark or headers.get("user-agent", "").startswith("Mozilla/")


def find_refusal(method: str, query: bytes, headers: Mapping[str, str], allowed: AllowedPages) -> str | None:
    """Return why a request is refused and what to do, as one sentence; None if it is served."""
    host = headers.get("host", "").lower()
    name = _HOST.fullmatch(host)
    if name is None:
        return "the request needs one Host header with a valid name: use 127.0.0.1 or localhost"
    if not allowed.allow_host(name["name"]):
        return (
            f"the local AWS does not serve the host name {name['name']}: use 127.0.0.1 or localhost, "
            f"or, if the name is yours, start it with `stepline up --allow-host {name['name']}`"
        )
    if not is_from_browser(headers) or headers.get("origin") in allowed.origins:
        return None
    return _find_refusal_of_page(method, query, headers, own_origin=f"http://{host}")


def _find_refusal_of_page(
    method: str, query: bytes, headers: Mapping[str, str], *, own_origin: str
) -> str | None:
    """Return why a request of a browser is refused: only what the user opens is served, and only for reading.

    A link in an e-mail opens like an address that the user enters, and the query protocol accepts GET
    requests that create resources; so these are not served either.
    """
    origin = headers.get("origin", own_origin)
    if origin != own_origin:
        shown = origin if _ORIGIN.fullmatch(origin) else "another origin"
        hint = f"if it is yours, start it with `stepline up --allow-origin {shown}`"
        return f"a web page of {shown} may not use the local AWS" + (f": {hint}" if shown == origin else "")
    if headers.get("sec-fetch-site") not in _OWN_REQUESTS:
        return (
            "a web page of another origin may not use the local AWS: enter the address yourself, "
            "with 127.0.0.1 as its host, in a browser that sends Sec-Fetch-Site"
        )
    if method not in _READING_METHODS or "Action" in parse_qs(
        query.decode("latin-1"), keep_blank_values=True
    ):
        return (
            "a browser may only read from the local AWS: use the aws command line, "
            f"or allow its pages with `stepline up --allow-origin {own_origin}`"
        )
    return None


def _with_own_cors(send: Send, allowed_origin: str | None) -> Send:
    """Return a `send` that replaces `Access-Control-Allow-Origin: *` by the allowed origin, or removes it."""

    async def send_with_own_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": _own_cors(message.get("headers", ()), allowed_origin)}
        await send(message)

    return send_with_own_cors


def _own_cors(
    headers: Iterable[tuple[bytes, bytes]], allowed_origin: str | None
) -> list[tuple[bytes, bytes]]:
    items = list(headers)
    if not any(name.lower() == _ALLOW_ORIGIN and value == b"*" for name, value in items):
        return items
    if allowed_origin is None:
        return [item for item in items if not item[0].lower().startswith(b"access-control-")]
    others = [item for item in items if item[0].lower() != _ALLOW_ORIGIN]
    return [*others, (_ALLOW_ORIGIN, allowed_origin.encode("latin-1")), (b"vary", b"Origin")]


def _parse_host(text: str) -> str:
    name = text.lower()
    if not re.fullmatch(_NAME, name, re.ASCII):
        raise UsageError(f"--allow-host {text}: write a name without port, such as host.docker.internal")
    return name


def _parse_origin(text: str) -> str:
    origin = text.lower()
    if not _ORIGIN.fullmatch(origin):
        raise UsageError(f"--allow-origin {text}: write scheme, host and port, such as http://localhost:3000")
    return origin
