"""One run of `git http-backend`: a request's body streams in, the answer streams out.

Neither is ever held whole: on the way in there is one chunk of the server's and what
the pipe's writer holds, on the way out one read of the pipe. Either side stops reading
when the other does not keep up.

http-backend is a CGI program: https://git-scm.com/docs/git-http-backend
"""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stepline.localaws.codecommit.asgi import Message, Receive, Send, send_body, start_response
from stepline.localaws.codecommit.processes import ProcessGroups, signal_group

CHUNK_BYTES = 64 * 1024
"""At most so much is read from the backend at once; also asyncio's own limit of a pipe's buffers."""

GRACE_SECONDS = 2.0
"""How long git may take to remove its temporary files when it is asked to end; it takes milliseconds."""

_MAX_ERROR_BYTES = 2000


class BackendError(Exception):
    """http-backend ended without an answer; `detail` is what it wrote to standard error."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"git http-backend gave no answer: {detail}")
        self.detail = detail


@dataclass
class Traffic:
    """What went through, in bytes. `peak_buffered`: the most that was held here at one time on the way in."""

    received: int = 0
    sent: int = 0
    peak_buffered: int = 0


@dataclass(frozen=True)
class BackendCommand:
    """How to run http-backend, and whether to let it finish once it has the whole request.

    A push that has arrived is carried out even if its client has left, like everywhere
    else; whatever else a client leaves behind is stopped.
    """

    executable: Path
    environment: Mapping[str, str]
    directory: Path
    finish_whole_requests: bool


@dataclass
class Backend:
    """Serves one request. The caller takes `process_group` out of `groups` when all is done."""

    command: BackendCommand
    groups: ProcessGroups
    traffic: Traffic = field(default_factory=Traffic)
    process_group: int | None = None
    _body_complete: bool = False
    _client_left: bool = False

    async def serve(self, receive: Receive, send: Send) -> bool:
        """Answer the request, all but the end of the answer's body, and wait for the process to end.

        True if the answer can be ended now; False if the client has left or was stopped.
        Raises `BackendError` before anything was sent.
        """
        process = await self._start()
        errors = asyncio.create_task(_first_bytes(process))
        feeder = asyncio.create_task(self._feed(process, receive))
        try:
            complete = await self._answer(process, send)
            await process.wait()
            if not complete and not self._client_left:
                raise BackendError((await errors).decode(errors="replace").strip())
            return complete and not self._client_left
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
        """Leave no process: SIGTERM first, for git to clean up what it can, then SIGKILL.

        Standard error ends when the last process that git started has ended, be it nobody's child by then.
        """
        if process.returncode is None:
            signal_group(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.gather(process.wait(), errors), GRACE_SECONDS)
        except TimeoutError:
            signal_group(process.pid, signal.SIGKILL)
            await process.wait()

    async def _feed(self, process: Process, receive: Receive) -> None:
        """The request's body into the process; then watch for the client to leave.

        Whatever else ends this early counts as a client that left: without a body the process would wait
        for ever.
        """
        try:
            while (message := await receive())["type"] == "http.request":
                await self._take(process, message)
        finally:
            self._client_left = True
            wanted = self._body_complete and self.command.finish_whole_requests
            if process.returncode is None and not wanted:
                signal_group(process.pid, signal.SIGTERM)

    async def _take(self, process: Process, message: Message) -> None:
        if self._body_complete:
            return
        await self._write(process, message.get("body", b""))
        if not message.get("more_body", False):
            self._body_complete = True
            _close_input(process)

    async def _write(self, process: Process, chunk: bytes) -> None:
        """A process that reads no further has said why, or will: the rest of the body is dropped."""
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

    async def _answer(self, process: Process, send: Send) -> bool:
        """False if the process ended without an answer."""
        pipe = process.stdout
        assert pipe is not None
        try:
            head = await pipe.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return False
        status, headers = _parse_cgi_header(head)
        if not self._client_left:
            await start_response(send, status, headers)
        while chunk := await pipe.read(CHUNK_BYTES):
            self.traffic.sent += len(chunk)
            if not self._client_left:
                await send_body(send, chunk, more=True)
        return True


def _close_input(process: Process) -> None:
    if process.stdin is not None and not process.stdin.is_closing():
        process.stdin.close()


async def _first_bytes(process: Process) -> bytes:
    """The beginning of standard error; the rest is read, so that nobody waits, and dropped."""
    pipe = process.stderr
    assert pipe is not None
    kept = b""
    while chunk := await pipe.read(CHUNK_BYTES):
        kept = (kept + chunk)[:_MAX_ERROR_BYTES]
    return kept


def _parse_cgi_header(head: bytes) -> tuple[int, list[tuple[str, str]]]:
    """Status and headers of a CGI answer (RFC 3875, section 6.3); `Status` is 200 when it is not given."""
    status = 200
    headers = []
    for line in head.decode("latin-1").split("\r\n"):
        name, separator, value = line.partition(":")
        if separator and name.lower() == "status":
            status = int(value.split()[0])
        elif separator:
            headers.append((name, value.strip()))
    return status, headers
