"""Runs the commands of one build in a process group of its own, which is killed when the build ends."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from stepline.localaws.codebuild import runner
from stepline.localaws.codebuild.errors import BuildEndedError
from stepline.localaws.log_streams import LOG_FLUSH_SECONDS

_CHUNK_BYTES = 65_536


class CommandProcesses:
    """Runs commands one after another: `on_output` receives what they write, `on_idle` is called at pauses.

    `kill` may be called from any thread, the other methods from one.
    """

    def __init__(self, on_output: Callable[[bytes], None], on_idle: Callable[[], None]) -> None:
        self._on_output = on_output
        self._on_idle = on_idle
        self._lock = threading.Lock()
        self._is_killed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._replies = -1

    def run(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
        """Run a command and return its exit code. Raises BuildEndedError if it was killed."""
        process = self._start()
        request = json.dumps({"argv": list(argv), "cwd": str(cwd), "env": dict(env)}).encode()
        assert process.stdin is not None
        try:
            process.stdin.write(request + b"\n")
            process.stdin.flush()
        except OSError as error:
            raise BuildEndedError("the build was ended") from error
        return self._wait()

    def kill(self) -> None:
        """Kill the commands and everything that they started."""
        with self._lock:
            self._is_killed = True
            if self._process is not None and self._process.returncode is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill what the commands left in the background, and free the pipes."""
        self.kill()
        process = self._process
        if process is None:
            return
        with self._lock:
            process.wait()
        os.close(self._replies)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_killed:
                raise BuildEndedError("the build was ended")
            if self._process is None:
                self._replies, writing = os.pipe()
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                    [sys.executable, "-I", "-S", runner.__file__, str(writing)],
                    stdin=subprocess.PIPE,  # closes when this process ends: see runner
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=(writing,),
                    start_new_session=True,  # a process group of its own, to end all of it
                )
                os.close(writing)
                assert self._process.stdout is not None
                os.set_blocking(self._process.stdout.fileno(), False)
            return self._process

    def _wait(self) -> int:
        """Copy the output until the runner reports that the command has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(self._replies, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select(LOG_FLUSH_SECONDS)}
                if not ready:
                    self._on_idle()
                if output in ready and not self._copy(output):
                    selector.unregister(output)  # closed, and so will the replies be
                if self._replies in ready:
                    self._copy(output)
                    return self._exit_code()

    def _copy(self, output: int) -> bool:
        """Copy what was written so far; return whether more may come."""
        while True:
            try:
                data = os.read(output, _CHUNK_BYTES)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._on_output(data)

    def _exit_code(self) -> int:
        reply = os.read(self._replies, _CHUNK_BYTES)
        if not reply:
            raise BuildEndedError("the build was ended")
        return int(reply)
