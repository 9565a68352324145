"""Runs the containers of jobs as processes of this machine.

A container is a copy of the image's files in a folder of its own, and a process that starts in its working
directory without our environment variables. It is not isolated: the program can use the host's files and
network.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from stepline.localaws.batch import supervisor
from stepline.localaws.batch.errors import ContainerError
from stepline.localaws.batch.image_store import UnpackedImage
from stepline.localaws.batch.models import Outcome, Task
from stepline.localaws.batch.settings import STOP_SECONDS
from stepline.localaws.log_streams import LOG_FLUSH_SECONDS, LineLog, PutLines

_CHUNK_BYTES = 65_536
_PYTHON = re.compile(r"(/usr(/local)?/bin/|/bin/)?python(3(\.\d+)?)?")
_INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""The variables of our environment that Python may need; jobs get no others."""


class Platform(Protocol):
    """Provides a task's image, log and environment variables, as `Fargate` does. Raises ContainerError."""

    def pull(self, task: Task) -> UnpackedImage: ...

    def open_log(self, task: Task) -> PutLines: ...

    def variables(self, task: Task) -> Mapping[str, str]: ...


class ProcessContainers:
    """Runs each container on a thread of its own, with its files below `directory`."""

    def __init__(self, directory: Path, platform: Platform) -> None:
        self._directory = directory
        self._platform = platform
        self._running: set[ProcessContainer] = set()
        self._lock = threading.Lock()

    def start(
        self, task: Task, *, on_running: Callable[[], None], on_ended: Callable[[Outcome], None]
    ) -> ProcessContainer:
        self._directory.mkdir(parents=True, exist_ok=True)
        container = ProcessContainer(task, self._platform, self._directory, on_running)

        def run() -> None:
            outcome = container.run()
            with self._lock:
                self._running.discard(container)
            on_ended(outcome)

        with self._lock:
            self._running.add(container)
        threading.Thread(target=run, name="stepline-job", daemon=True).start()
        return container

    def close(self) -> None:
        """Kill every container and remove its files."""
        with self._lock:
            running = list(self._running)
        for container in running:
            container.kill()
        shutil.rmtree(self._directory, ignore_errors=True)


class ProcessContainer:
    """The container of one task."""

    def __init__(
        self, task: Task, platform: Platform, directory: Path, on_running: Callable[[], None]
    ) -> None:
        self._task = task
        self._platform = platform
        self._directory = directory
        self._on_running = on_running
        self._process: subprocess.Popen[bytes] | None = None
        self._has_ended = False
        self._is_stopped = False
        self._lock = threading.Lock()

    def run(self) -> Outcome:
        """Run the container and wait until its program has ended."""
        try:
            image = self._platform.pull(self._task)
            log = LineLog(self._platform.open_log(self._task))
            variables = self._platform.variables(self._task)
        except ContainerError as error:
            return Outcome(None, str(error))
        files = Path(tempfile.mkdtemp(dir=self._directory, prefix="job-"))
        try:
            return self._run(image, log, variables, files)
        finally:
            shutil.rmtree(files, ignore_errors=True)

    def stop(self) -> None:
        """Send SIGTERM to the program, and SIGKILL after STOP_SECONDS."""
        with self._lock:
            if self._is_stopped or self._has_ended:
                return
            self._is_stopped = True
            if self._process is not None:
                self._process.terminate()
                killer = threading.Timer(STOP_SECONDS, self.kill)
                killer.daemon = True
                killer.start()

    def kill(self) -> None:
        """Kill the program and everything that it started."""
        with self._lock:
            self._is_stopped = True
            self._kill_group()

    def _run(self, image: UnpackedImage, log: LineLog, variables: Mapping[str, str], files: Path) -> Outcome:
        root, temporary = files / "root", files / "tmp"
        shutil.copytree(image.root, root, symlinks=True)
        temporary.mkdir()
        environment = {**_environment(image, temporary), **variables, **self._task.environment}
        command = image.config.arguments(self._task.command)
        if not command:
            return Outcome(None, "CannotStartContainerError: no command specified")
        folder = root / image.config.working_directory.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        with self._lock:
            if self._is_stopped:
                return Outcome(None, "the job was stopped before its container was started")
            self._process = process = _start(_host_command(command, root), folder, environment)
        self._on_running()
        watch = threading.Thread(target=self._watch, name="stepline-job-end", daemon=True)
        watch.start()
        _copy_output(process, log)
        watch.join()
        code = process.returncode
        return Outcome(code if code >= 0 else 128 - code)

    def _watch(self) -> None:
        """Kill the processes that a program leaves behind, as they would keep the log open."""
        assert self._process is not None
        if hasattr(os, "waitid"):  # not on macOS before Python 3.13
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
            with self._lock:
                self._kill_group()
        self._process.wait()
        with self._lock:
            self._has_ended = True

    def _kill_group(self) -> None:
        """Kill the process group, unless its process has been waited for and its id may be reused."""
        if self._process is not None and self._process.returncode is None and not self._has_ended:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _environment(image: UnpackedImage, temporary: Path) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": str(temporary),
        **{name: value for name, value in image.config.environment.items() if name != "PATH"},
    }


def _host_command(command: Sequence[str], root: Path) -> list[str]:
    """Return the command with the image's paths below `root`; Python is the one that runs stepline."""
    program, *arguments = command
    executable = sys.executable if _PYTHON.fullmatch(program) else _host_path(program, root)
    return [executable, *(_host_path(argument, root) for argument in arguments)]


def _host_path(argument: str, root: Path) -> str:
    """Return the path below `root` if the argument is an absolute path of the image."""
    path = root / argument.lstrip("/")
    return str(path) if argument.startswith("/") and argument != "/" and path.exists() else argument


def _start(command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the image's own command
        [sys.executable, "-I", "-S", supervisor.__file__, *command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,  # closes when this process ends: see supervisor
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a process group of its own, to end all of it
    )


def _copy_output(process: subprocess.Popen[bytes], log: LineLog) -> None:
    """Write the program's output to the log until its last process has closed it."""
    assert process.stdout is not None
    source = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while True:
            if not selector.select(LOG_FLUSH_SECONDS):
                log.flush()
            elif data := os.read(source, _CHUNK_BYTES):
                log.write(data)
            else:
                break
    log.close()
    process.stdout.close()
    if process.stdin is not None:
        process.stdin.close()
