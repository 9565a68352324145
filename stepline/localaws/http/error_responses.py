"""Errors of the HTTP server itself, in the format that the client of the requested service reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from stepline.localaws.http.asgi import Scope, Send, header, send_body, start_response

_XML = "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"


async def send_error(scope: Scope, send: Send, status: int, code: str, message: str) -> None:
    """Send a whole response: JSON or XML for AWS's protocols, and text for git and browsers."""
    headers = {name: header(scope, name) or "" for name in ("content-type", "x-amz-target", "authorization")}
    media_type, body = format_error(headers, code, message)
    fields = [("Content-Type", media_type), ("Content-Length", str(len(body))), ("X-Amzn-ErrorType", code)]
    await start_response(send, status, fields)
    await send_body(send, body, more=False)


def format_error(headers: Mapping[str, str], code: str, message: str) -> tuple[str, bytes]:
    """Return media type and body of an error for a request with these headers (names in lower case)."""
    content_type, scope = headers.get("content-type", ""), headers.get("authorization", "")
    if "json" in content_type or headers.get("x-amz-target"):
        return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
    if content_type.startswith("application/x-www-form-urlencoded") or "/s3/" in scope:
        return "text/xml", _XML.format(code=escape(code), message=escape(message)).encode()
    return "text/plain; charset=utf-8", f"{message}\n".encode()
