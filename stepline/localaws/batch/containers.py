"""Jobs' containers as processes of this machine.

A container here is the image's files in a folder of its own, the working directory inside, and a process
with nothing of our environment. It is no prison: the program sees the host's files and network.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from stepline.localaws.batch import supervisor
from stepline.localaws.batch.fargate import ContainerError
from stepline.localaws.batch.image_store import UnpackedImage
from stepline.localaws.batch.log_stream import LineLog, PutLines
from stepline.localaws.batch.model import Outcome, Task
from stepline.localaws.batch.program import arguments

STOP_SECONDS = 30.0
"""Between SIGTERM and SIGKILL [ECS developer guide, "stopTimeout" of Fargate]."""

_LOG_SECONDS = 0.2
"""What a program has written is in its log after so long."""

_CHUNK_BYTES = 65_536
_INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""What Python itself may need of our own environment; nothing else reaches a job."""


class Surroundings(Protocol):
    """What a container is given: see `Fargate`. All raise ContainerError."""

    def pull(self, task: Task) -> UnpackedImage: ...

    def open_log(self, task: Task) -> PutLines: ...

    def variables(self, task: Task) -> Mapping[str, str]: ...


class ProcessContainers:
    """Starts each container on a thread of its own; `directory` is its own, too."""

    def __init__(self, directory: Path, surroundings: Surroundings) -> None:
        self._directory = directory
        self._surroundings = surroundings
        self._running: set[ProcessContainer] = set()
        self._lock = threading.Lock()

    def start(
        self, task: Task, *, on_running: Callable[[], None], on_ended: Callable[[Outcome], None]
    ) -> ProcessContainer:
        self._directory.mkdir(parents=True, exist_ok=True)
        container = ProcessContainer(task, self._surroundings, self._directory, on_running)

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
    """One container: see `run`."""

    def __init__(
        self, task: Task, surroundings: Surroundings, directory: Path, on_running: Callable[[], None]
    ) -> None:
        self._task = task
        self._surroundings = surroundings
        self._directory = directory
        self._on_running = on_running
        self._process: subprocess.Popen[bytes] | None = None
        self._has_ended = False
        self._is_stopped = False
        self._lock = threading.Lock()

    def run(self) -> Outcome:
        """Blocks until the program has ended."""
        try:
            image = self._surroundings.pull(self._task)
            log = LineLog(self._surroundings.open_log(self._task))
            variables = self._surroundings.variables(self._task)
        except ContainerError as error:
            return Outcome(None, str(error))
        files = Path(tempfile.mkdtemp(dir=self._directory, prefix="job-"))
        try:
            return self._run(image, log, variables, files)
        finally:
            shutil.rmtree(files, ignore_errors=True)

    def stop(self) -> None:
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
        """End the program and everything that it started, now."""
        with self._lock:
            self._is_stopped = True
            self._kill_group()

    def _run(self, image: UnpackedImage, log: LineLog, variables: Mapping[str, str], files: Path) -> Outcome:
        root = files / "root"
        shutil.copytree(image.root, root, symlinks=True)
        temporary = files / "tmp"
        temporary.mkdir()
        environment = {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TMPDIR": str(temporary),
            **{name: value for name, value in image.config.environment.items() if name != "PATH"},
            **variables,
            **self._task.environment,
        }
        command = image.config.arguments(self._task.command)
        if not command:
            return Outcome(None, "CannotStartContainerError: no command specified")
        folder = root / image.config.working_directory.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        with self._lock:
            if self._is_stopped:
                return Outcome(None, "the job was stopped before its container was started")
            self._process = process = _start(arguments(command, root), folder, environment)
        self._on_running()
        watch = threading.Thread(target=self._watch, name="stepline-job-end", daemon=True)
        watch.start()
        _pump(process, log)
        watch.join()
        code = process.returncode
        return Outcome(code if code >= 0 else 128 - code)

    def _watch(self) -> None:
        """End what a program leaves behind: it would keep the log open."""
        assert self._process is not None
        if hasattr(os, "waitid"):  # not on macOS before Python 3.13
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
            with self._lock:
                self._kill_group()
        self._process.wait()
        with self._lock:
            self._has_ended = True

    def _kill_group(self) -> None:
        """Not once the process was waited for: its number may be somebody else's then."""
        if self._process is not None and self._process.returncode is None and not self._has_ended:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _start(command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - what the image says, as a container engine would
        [sys.executable, "-I", "-S", supervisor.__file__, *command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,  # closes when this process ends: see supervisor
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a process group of its own, to end all of it
    )


def _pump(process: subprocess.Popen[bytes], log: LineLog) -> None:
    """Write what the program says, until nobody can say anything any more."""
    assert process.stdout is not None
    source = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while True:
            if not selector.select(_LOG_SECONDS):
                log.flush()
            elif data := os.read(source, _CHUNK_BYTES):
                log.write(data)
            else:
                break
    log.close()
    process.stdout.close()
    if process.stdin is not None:
        process.stdin.close()
