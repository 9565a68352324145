"""Processes of functions: copies of one that has imported the AWS SDK, or interpreters of their own."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from stepline.core.local_aws import CONSOLE_URL_VARIABLE
from stepline.localaws.functions import fork_server, launcher
from stepline.localaws.functions.settings import INIT_TIMEOUT_SECONDS

_CAN_FORK = sys.platform == "linux"
"""On macOS a copy of a process may not use the system's libraries."""
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", CONSOLE_URL_VARIABLE)
"""Variables that Python itself may need, and the address of the console, to which stepline's functions link.
A function sees no others of the local AWS's own environment."""
_KILLED = -9
_MAX_MESSAGE_BYTES = 4096


def base_variables() -> dict[str, str]:
    """Return the variables that all functions have."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "LANG": "en_US.UTF-8", "TZ": ":UTC"}


class Process(Protocol):
    """A process in a process group of its own. It ends when this one does."""

    pid: int

    def wait_for_exit(self) -> bool:
        """Wait until it has exited, and return True; its number is not used again before `reap`.

        Return False at once where Python can only wait and reap in one.
        """

    def reap(self) -> int:
        """Wait until it has exited, and return the exit code, as subprocess has it."""


class Processes:
    """Starts processes of functions. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fork_server: _ForkServer | None = None
        self._closed = False

    def start(
        self, command: Sequence[str], folder: Path, variables: Mapping[str, str], log: int, *, fork: bool
    ) -> Process:
        """Start the command in the folder; with `fork`, its last word is the handler of a Python function."""
        if fork and _CAN_FORK and (process := self._forked(command[-1], folder, variables, log)):
            return process
        return _Spawned(command, folder, variables, log)

    def close(self) -> None:
        """End the process that others were copied from."""
        with self._lock:
            self._closed = True
            if self._fork_server is not None:
                self._fork_server.close()

    def _forked(self, handler: str, folder: Path, variables: Mapping[str, str], log: int) -> Process | None:
        with self._lock:
            if self._closed:
                return None
            if self._fork_server is None:
                self._fork_server = _ForkServer()
            return self._fork_server.start(handler, folder, variables, log)


class _Spawned:
    def __init__(self, command: Sequence[str], folder: Path, variables: Mapping[str, str], log: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - an interpreter with our own file
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,  # closes when this process ends: see launcher
            stdout=log,
            stderr=log,
            start_new_session=True,  # a process group of its own, to kill all of it
        )
        self.pid = self._process.pid

    def wait_for_exit(self) -> bool:
        if not hasattr(os, "waitid"):  # on macOS before Python 3.13
            return False
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        return True

    def reap(self) -> int:
        code = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code


class _Forked:
    def __init__(self, pid: int, server: _ForkServer) -> None:
        self.pid = pid
        self._server = server
        self._exited = threading.Event()
        self._code = _KILLED
        self.input = -1
        """The pipe that closes when this process ends: see launcher."""

    def set_exited(self, code: int) -> None:
        self._code = code
        self._exited.set()

    def wait_for_exit(self) -> bool:
        return self._exited.wait()

    def reap(self) -> int:
        self._exited.wait()
        self._server.reap(self.pid)
        os.close(self.input)
        return self._code


class _ForkServer:
    """`fork_server.py`, and the processes that it has started. Call `start` from one thread at a time."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - an interpreter with our own file
                [sys.executable, "-P", "-s", fork_server.__file__, str(theirs.fileno()), launcher.__file__],
                env=base_variables(),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal ends this process, which then ends that one
            )
        self._running: dict[int, _Forked] = {}
        self._responses: queue.SimpleQueue[_Forked | None] = queue.SimpleQueue()
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="stepline-fork-server", daemon=True)
        self._reader.start()

    def start(self, handler: str, folder: Path, variables: Mapping[str, str], log: int) -> _Forked | None:
        """Return a process of that function, or None if it needs an interpreter of its own."""
        theirs, ours = os.pipe()
        request = {"start": {"handler": handler, "folder": str(folder), "variables": dict(variables)}}
        process = None
        try:
            if not self._ended:
                socket.send_fds(self._connection, [json.dumps(request).encode()], [theirs, log])
                process = self._responses.get(timeout=INIT_TIMEOUT_SECONDS)
        except (OSError, queue.Empty):  # it was killed, or is stuck
            self._ended = True
        finally:
            os.close(theirs)
            if process is None:
                os.close(ours)
            else:
                process.input = ours
        return process

    def reap(self, pid: int) -> None:
        self._send({"reap": pid})

    def close(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._connection.close()

    def _read(self) -> None:
        while message := self._receive():
            if "exited" in message:
                self._running.pop(message["exited"]).set_exited(message["code"])
            elif "started" in message:
                process = self._running[message["started"]] = _Forked(message["started"], self)
                self._responses.put(process)
            else:
                self._responses.put(None)
        self._ended = True
        self._responses.put(None)
        for process in self._running.values():  # they end as the pipes close that are their input
            process.set_exited(_KILLED)

    def _receive(self) -> dict[str, Any] | None:
        try:
            message = self._connection.recv(_MAX_MESSAGE_BYTES)
        except OSError:
            return None
        return json.loads(message) if message else None

    def _send(self, message: Mapping[str, int]) -> None:
        with suppress(OSError):
            self._connection.send(json.dumps(message).encode())
