"""Runs `git http-backend` for one request: streams the request's body in and the response out.

Neither is ever held whole: of the request, one chunk of the server and the buffer of the pipe's writer; of
the response, one read of the pipe. Either side stops reading when the other is slower.

http-backend is a CGI program: https://git-scm.com/docs/git-http-backend
"""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stepline.core.errors import SteplineError
from stepline.localaws.codecommit.processes import ProcessGroups, signal_group
from stepline.localaws.codecommit.settings import CHUNK_BYTES, GRACE_SECONDS
from stepline.localaws.http.asgi import Message, Receive, Send, send_body, start_response

_MAX_ERROR_BYTES = 2000


class BackendError(SteplineError):
    """http-backend ended without a response. The message is its standard error."""


@dataclass
class Traffic:
    """The bytes that were transferred. `peak_buffered`: the most bytes of the request held at one time."""

    received: int = 0
    sent: int = 0
    peak_buffered: int = 0


@dataclass(frozen=True)
class BackendCommand:
    """How to run http-backend, and whether to let it finish once it has the whole request.

    A push that was received is completed even if its client disconnects; all other requests are stopped then.
    """

    executable: Path
    environment: Mapping[str, str]
    directory: Path
    finish_whole_requests: bool


@dataclass
class Backend:
    """Serves one request. The caller removes `process_group` from `groups` after its own cleanup."""

    command: BackendCommand
    groups: ProcessGroups
    traffic: Traffic = field(default_factory=Traffic)
    process_group: int | None = None
    _body_complete: bool = False
    _client_disconnected: bool = False

    async def serve(self, receive: Receive, send: Send) -> bool:
        """Send the response without its end, and wait for the process to end.

        Return True if the response can be ended now, False if the client disconnected or the process was
        stopped. Raises BackendError before anything is sent.
        """
        process = await self._start()
        errors = asyncio.create_task(_first_bytes(process))
        feeder = asyncio.create_task(self._feed(process, receive))
        try:
            complete = await self._respond(process, send)
            await process.wait()
            if not complete and not self._client_disconnected:
                raise BackendError((await errors).decode(errors="replace").strip())
            return complete and not self._client_disconnected
        finally:
            feeder.cancel()
            await self._end(process, errors)
            await asyncio.gather(feeder, return_exceptions=True)

    async def _start(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            self.command.executable,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self.command.environment,
            cwd=self.command.directory,
            limit=CHUNK_BYTES,
            start_new_session=True,
        )
        self.process_group = process.pid
        self.groups.add(process.pid)
        return process

    async def _end(self, process: Process, errors: asyncio.Task[bytes]) -> None:
        """End all processes: SIGTERM first, so that git can clean up, then SIGKILL.

        Standard error ends when the last process that git started has ended, even one without a parent.
        """
        if process.returncode is None:
            signal_group(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.gather(process.wait(), errors), GRACE_SECONDS)
        except TimeoutError:
            signal_group(process.pid, signal.SIGKILL)
            await process.wait()

    async def _feed(self, process: Process, receive: Receive) -> None:
        """Write the request's body to the process, then wait for the client to disconnect.

        An error counts as a disconnected client: without the body the process would wait forever.
        """
        try:
            while (message := await receive())["type"] == "http.request":
                await self._receive(process, message)
        finally:
            self._client_disconnected = True
            may_finish = self._body_complete and self.command.finish_whole_requests
            if process.returncode is None and not may_finish:
                signal_group(process.pid, signal.SIGTERM)

    async def _receive(self, process: Process, message: Message) -> None:
        if self._body_complete:
            return
        await self._write(process, message.get("body", b""))
        if not message.get("more_body", False):
            self._body_complete = True
            _close_input(process)

    async def _write(self, process: Process, chunk: bytes) -> None:
        """Write a chunk; drop it if the process reads no more, as its response says why."""
        pipe = process.stdin
        assert pipe is not None
        self.traffic.received += len(chunk)
        if pipe.is_closing():
            return
        pipe.write(chunk)
        buffered = pipe.transport.get_write_buffer_size()
        self.traffic.peak_buffered = max(self.traffic.peak_buffered, buffered)
        try:
            await pipe.drain()
        except (BrokenPipeError, ConnectionResetError):
            _close_input(process)

    async def _respond(self, process: Process, send: Send) -> bool:
        """Send the process's response. Return False if it ended without one."""
        pipe = process.stdout
        assert pipe is not None
        try:
            head = await pipe.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return False
        status, headers = _parse_cgi_header(head)
        if not self._client_disconnected:
            await start_response(send, status, headers)
        while chunk := await pipe.read(CHUNK_BYTES):
            self.traffic.sent += len(chunk)
            if not self._client_disconnected:
                await send_body(send, chunk, more=True)
        return True


def _close_input(process: Process) -> None:
    if process.stdin is not None and not process.stdin.is_closing():
        process.stdin.close()


async def _first_bytes(process: Process) -> bytes:
    """Return the beginning of standard error; the rest is read and dropped, or the process would block."""
    pipe = process.stderr
    assert pipe is not None
    kept = b""
    while chunk := await pipe.read(CHUNK_BYTES):
        kept = (kept + chunk)[:_MAX_ERROR_BYTES]
    return kept


def _parse_cgi_header(head: bytes) -> tuple[int, list[tuple[str, str]]]:
    """Return status and headers of a CGI response (RFC 3875, section 6.3); `Status` defaults to 200."""
    status = 200
    headers = []
    for line in head.decode("latin-1").split("\r\n"):
        name, separator, value = line.partition(":")
        if separator and name.lower() == "status":
            status = int(value.split()[0])
        elif separator:
            headers.append((name, value.strip()))
    return status, headers
