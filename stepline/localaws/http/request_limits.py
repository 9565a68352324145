"""Limits the size of requests, and the time in which a client may send one."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from stepline.core.local_aws import GIT_PATH
from stepline.localaws.http.asgi import App, Message, Receive, Scope, Send, header
from stepline.localaws.http.error_responses import send_error

MAX_API_BYTES = 32 * 1024 * 1024
"""Larger than any request of the JSON and query protocols: CodeCommit accepts 20 MB of files, ECR layer parts
of 20 MiB, both in base64."""
MAX_FUNCTION_CODE_BYTES = 70_167_211
"""Requests of Lambda's API: archives of 50 MB in base64. Source: the message of Lambda for a larger one."""
MAX_OBJECT_BYTES = 5 * 1024 * 1024 * 1024
"""Everything else: objects of S3 (the limit of one PutObject), layers of images, requests to REST APIs."""
SILENCE_SECONDS = 60.0  # between two parts of a request's body
_DISCARD_SECONDS = 30.0  # in which a client may send the rest of a body that is too large

_DATED_PATH = re.compile(r"/20\d\d-\d\d-\d\d/")  # APIs such as Lambda's: /2015-03-31/functions
_DISCONNECT = {"type": "http.disconnect"}


def limit_requests(app: App, *, silence_seconds: float = SILENCE_SECONDS) -> App:
    """Return `app` behind the limits: a request that is too large ends with 413, one that stalls with 408."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        request = _LimitedRequest(scope, receive, send, silence_seconds)
        if not request.is_too_large:
            await app(scope, request.receive, request.send)
        await request.refuse()

    return limited


def max_body_bytes(scope: Scope) -> int | None:
    """Return the limit for a request's body; None for git, which streams packs to a process."""
    path: str = scope["path"]
    if path.startswith(GIT_PATH):
        return None
    if path == "/" and not (header(scope, "content-type") or "").startswith("multipart/form-data"):
        return MAX_API_BYTES  # the JSON and query protocols; a form with files is an upload to S3
    return MAX_FUNCTION_CODE_BYTES if _DATED_PATH.match(path) else MAX_OBJECT_BYTES


class _LimitedRequest:
    """One request: when it exceeds a limit, the application sees that the client has disconnected."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, silence_seconds: float) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._silence_seconds = silence_seconds
        self._max_bytes = max_body_bytes(scope)
        self._received_bytes = 0
        self._has_ended = False
        self._has_responded = False
        self._is_silent = False
        length = header(scope, "content-length") or "0"
        self.is_too_large = length.isdecimal() and self._exceeds_limit(int(length))

    async def receive(self) -> Any:
        if self.is_too_large or self._is_silent:
            return _DISCONNECT
        if self._has_ended:
            return await self._receive()  # until the client disconnects
        try:
            async with asyncio.timeout(self._silence_seconds):
                message = await self._receive()
        except TimeoutError:
            self._is_silent = True
            return _DISCONNECT
        self._received_bytes += len(message.get("body", b""))
        self._has_ended = not message.get("more_body", False)
        self.is_too_large = self.is_too_large or self._exceeds_limit(self._received_bytes)
        return _DISCONNECT if self.is_too_large else message

    async def send(self, message: Message) -> None:
        if not self.is_too_large and not self._is_silent:
            self._has_responded = True
            await self._send(message)

    async def refuse(self) -> None:
        """Send the error if a limit was exceeded."""
        if self._has_responded:
            return
        if self.is_too_large:
            await self._discard()
            message = f"Request must be smaller than {self._max_bytes} bytes"
            await send_error(self._scope, self._send, 413, "RequestEntityTooLargeException", message)
        elif self._is_silent:
            message = f"The request's body did not arrive: nothing was sent for {self._silence_seconds:g} s"
            await send_error(self._scope, self._send, 408, "RequestTimeout", message)

    async def _discard(self) -> None:
        """Read the rest of the body without storing it: clients read a response only after sending all."""
        try:
            async with asyncio.timeout(_DISCARD_SECONDS):
                while not self._has_ended:
                    self._has_ended = not (await self._receive()).get("more_body", False)
        except TimeoutError:
            pass  # the connection is closed

    def _exceeds_limit(self, size: int) -> bool:
        return self._max_bytes is not None and size > self._max_bytes
