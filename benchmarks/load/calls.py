"""Counts the AWS calls that a local AWS receives, by operation and outcome.

Functions and services of the local AWS call its endpoint too, so each call is counted once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH = "/_load/calls"
"""Returns the counts so far: `{"<service>:<operation> <outcome>": number}`."""

CONTINUED = "PutJobSuccessResult(continued)"
"""The result with a continuation token, which makes CodePipeline create another job."""

INVOKE = "Invoke({function})"

SUCCEEDED = "OK"

ACCESS_KEY = "load"
"""The access key id of the load test, whose own calls are not counted."""

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")
_INVOCATION = re.compile(r"/functions/(?:[^/]*:)?([^/:]+)/invocations$")
_S3_OPERATIONS = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_ERROR_CODE = re.compile(rb'"__type": ?"([^"]+)"|<Code>([^<]+)</Code>')
_FIRST_ERROR = 400
_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z]+)")
_FORM = b"application/x-www-form-urlencoded"


class CallCounter:
    """An ASGI application that counts the requests to another one, and adds `PATH`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == PATH:
            await self._send_counts(send)
        else:
            await self._count(scope, receive, send)

    async def _send_counts(self, send: Send) -> None:
        body = json.dumps(self._counts).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        credential = _CREDENTIAL.search(headers.get(b"authorization", b"").decode("latin-1"))
        if credential is None or credential[1] == ACCESS_KEY:
            await self._app(scope, receive, send)
            return
        call = _Call()

        async def receive_and_record() -> Message:
            message = await receive()
            call.record_request(message)
            return message

        async def send_and_record(message: Message) -> None:
            call.record_response(message)
            await send(message)

        await self._app(scope, receive_and_record, send_and_record)
        operation = _operation(scope, headers, call.body, service=credential[2])
        self._counts[f"{operation} {call.outcome}"] += 1


class _Call:
    """The beginning of a call's body, and its outcome."""

    def __init__(self) -> None:
        self.body = b""
        self.outcome = SUCCEEDED
        self._failed = False

    def record_request(self, message: Message) -> None:
        """Record the first part of the body: the operation is in its first bytes, or in a header."""
        self.body = self.body or message.get("body", b"")

    def record_response(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= _FIRST_ERROR:
            self._failed = True
            self.outcome = str(message["status"])
        elif self._failed and (found := _ERROR_CODE.search(message.get("body", b""))):
            self.outcome = (found[1] or found[2]).decode()


def _operation(scope: Scope, headers: MutableMapping[bytes, bytes], body: bytes, *, service: str) -> str:
    """Return `codepipeline:PutJobSuccessResult`, from the protocol of the service."""
    name = _S3_OPERATIONS.get(str(scope["method"]), str(scope["method"]))
    if target := headers.get(b"x-amz-target"):
        name = target.decode("latin-1").rpartition(".")[2]
        if name == "PutJobSuccessResult" and b'"continuationToken"' in body:
            name = CONTINUED
    elif headers.get(b"content-type", b"").startswith(_FORM) and (found := _ACTION.search(body)):
        name = found[1].decode("latin-1")
    elif invocation := _INVOCATION.search(unquote(scope["path"])):
        name = INVOKE.format(function=invocation[1])
    return f"{service}:{name}"
