"""Lambda's Runtime API on the loopback interface, which the runtime client of an execution environment calls.

Each execution environment has a port of its own, because the client is configured with an address only. One
thread serves all. Source: Lambda guide, "Using the Lambda runtime API".
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stepline.localaws.http.browser_protection import is_from_browser

_PREFIX = "/2018-06-01/runtime"
_HOST = "127.0.0.1"
_REASONS = {200: "OK", 202: "Accepted", 403: "Forbidden", 404: "Not Found"}

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """A request to the API; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """A function's result, or an error document, as the runtime client posted it."""

    payload: bytes
    is_error: bool


@dataclass(frozen=True)
class Invocation:
    """An event for an execution environment, and the response to it."""

    request_id: str
    function_arn: str
    event: bytes
    deadline_milliseconds: int
    trace_id: str | None = None
    response: Future[Response] = field(default_factory=Future)

    def headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline_milliseconds),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
        }
        return headers if self.trace_id is None else headers | {"Lambda-Runtime-Trace-Id": self.trace_id}


class Channel:
    """The Runtime API of one execution environment."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ready: Future[None] = Future()
        """Done when the client first requests an event, or cannot start."""
        self.init_error: Response | None = None
        self._loop = loop
        self._events: asyncio.Queue[Invocation] = asyncio.Queue()
        self._current: Invocation | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        assert self._server is not None
        return f"{_HOST}:{self._server.sockets[0].getsockname()[1]}"

    def send(self, invocation: Invocation) -> None:
        """Queue the client's next event; `invocation.response` is set to what it posts."""
        self._loop.call_soon_threadsafe(self._events.put_nowait, invocation)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, _HOST, 0)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self._loop.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                status, headers, body = await self._respond(request)
                writer.write(_response(status, headers, body))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the process of the client has ended
        finally:
            writer.transport.abort()

    async def _respond(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        path, body = request.path, request.body
        action = path.removeprefix(_PREFIX).rpartition("/")[2]
        if request.headers.get("host") != self.address or is_from_browser(request.headers):
            return 403, {}, b""  # a web page could otherwise take events and send results
        if request.method == "GET" and path == f"{_PREFIX}/invocation/next":
            invocation = await self._next()
            return 200, invocation.headers(), invocation.event
        if path == f"{_PREFIX}/init/error":
            self.init_error = Response(body, is_error=True)
            self._get_ready()
            return 202, {}, b""
        if action in {"response", "error"} and self._current is not None:
            current, self._current = self._current, None
            if not current.response.done():
                current.response.set_result(Response(body, is_error=action == "error"))
            return 202, {}, b""
        return 404, {}, b""

    async def _next(self) -> Invocation:
        self._get_ready()
        self._current = await self._events.get()
        return self._current

    def _get_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)


class RuntimeApi:
    """The thread that serves all channels."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="stepline-runtime-api", daemon=True
        )
        self._thread.start()

    def open(self) -> Channel:
        channel = Channel(self._loop)
        self._run(channel.open())
        return channel

    def close_channel(self, channel: Channel) -> None:
        """Free the port. Does nothing after `close`, which frees all: an invocation may end after it."""
        with self._lock:
            if not self._closed:
                self._run(channel.close())

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """Return the next request; None when the client closes the connection."""
    line = await reader.readline()
    if not line:
        return None
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while (header := await reader.readline()).strip():
        name, _, value = header.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    length = int(headers.get("content-length", "0"))
    body = await _read_chunks(reader) if chunked else await reader.readexactly(length)
    return Request(method, path, headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while size := int((await reader.readline()).partition(b";")[0], 16):
        chunks.append(await reader.readexactly(size))
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # trailers
    return b"".join(chunks)


def _response(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
