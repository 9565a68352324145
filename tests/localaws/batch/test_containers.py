"""Containers as real processes: what they receive, what they log, and that nothing of them remains."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stepline.localaws.batch import Outcome, ProcessContainers, Task
from stepline.localaws.batch import containers as containers_module
from stepline.localaws.batch.containers import ProcessContainer
from stepline.localaws.batch.errors import ContainerError
from stepline.localaws.batch.image_store import UnpackedImage
from stepline.localaws.log_streams import Line, PutLines
from stepline.oci.manifests import ImageConfig
from tests.waiting import wait_for

WAIT_SECONDS = 30.0


@dataclass
class FakePlatform:
    """An image with one program, and a log in memory."""

    root: Path
    entrypoint: tuple[str, ...] = ("python", "program.py")
    lines: list[str] = field(default_factory=list)
    error: str = ""
    has_output: threading.Event = field(default_factory=threading.Event)

    def program(self, text: str) -> None:
        (self.root / "app").mkdir(parents=True, exist_ok=True)
        (self.root / "app/program.py").write_text(text)

    def pull(self, _task: Task) -> UnpackedImage:
        if self.error:
            raise ContainerError(self.error)
        config = ImageConfig(
            entrypoint=self.entrypoint, environment={"COLOUR": "blue"}, working_directory="/app"
        )
        return UnpackedImage(self.root, config)

    def open_log(self, _task: Task) -> PutLines:
        def put(lines: list[Line]) -> None:
            self.lines += [line.text for line in lines]
            self.has_output.set()

        return put

    def variables(self, _task: Task) -> Mapping[str, str]:
        return {"AWS_REGION": "eu-west-1"}


class Events:
    """Records the callbacks of a container."""

    def __init__(self) -> None:
        self.was_running = False
        self._outcome: Outcome | None = None
        self._ended = threading.Event()

    def running(self) -> None:
        self.was_running = True

    def ended(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._ended.set()

    def wait(self) -> Outcome:
        assert self._ended.wait(WAIT_SECONDS)
        assert self._outcome is not None
        return self._outcome


@dataclass
class World:
    platform: FakePlatform
    containers: ProcessContainers
    directory: Path

    def start(self, *command: str) -> tuple[ProcessContainer, Events]:
        events = Events()
        task = Task("job", "task", "image", command, {"STAGE": "dev"}, "", "", {}, "stream")
        container = self.containers.start(task, on_running=events.running, on_ended=events.ended)
        return container, events

    def run(self, *command: str) -> Outcome:
        return self.start(*command)[1].wait()

    def wait_for_output(self) -> None:
        assert self.platform.has_output.wait(WAIT_SECONDS)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    platform = FakePlatform(tmp_path / "root")
    directory = tmp_path / "jobs"
    world = World(platform, ProcessContainers(directory, platform), directory)
    yield world
    world.containers.close()


def test_program_receives_arguments_and_its_output_is_logged(world: World) -> None:
    world.platform.program("import sys\nprint('out', sys.argv)\nprint('err', file=sys.stderr)\n")
    assert world.run("--a=1", "b") == Outcome(0)
    assert sorted(world.platform.lines) == ["err", "out ['program.py', '--a=1', 'b']"]


def test_program_receives_its_environment_variables_and_none_of_ours(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "private")
    world.platform.program("import json, os\nprint(json.dumps(dict(os.environ)))")
    world.run()
    variables = json.loads(world.platform.lines[0])
    assert variables.items() >= {"STAGE": "dev", "COLOUR": "blue", "AWS_REGION": "eu-west-1"}.items()
    assert not {"AWS_PROFILE", "HOME", "USER"} & variables.keys()


@pytest.mark.parametrize(
    ("text", "code"),
    [("raise SystemExit(3)", 3), ("1/0", 1), ("import os; os.kill(os.getpid(), 9)", 137)],
)
def test_exit_code_is_that_of_a_container(world: World, text: str, code: int) -> None:
    world.platform.program(text)
    assert world.run() == Outcome(code)


def test_missing_program_ends_with_exit_code_127(world: World) -> None:
    world.platform.program("")
    world.platform.entrypoint = ("/app/missing",)
    assert world.run() == Outcome(127)
    assert world.platform.lines == ["exec /app/missing: No such file or directory"]


def test_image_without_a_command_is_not_started(world: World) -> None:
    world.platform.program("")
    world.platform.entrypoint = ()
    assert world.run() == Outcome(None, "CannotStartContainerError: no command specified")


def test_absolute_path_of_the_image_is_found(world: World) -> None:
    world.platform.program("print('found')")
    world.platform.entrypoint = ("/usr/local/bin/python3.13", "/app/program.py")
    assert world.run("/not/in/the/image") == Outcome(0)
    assert world.platform.lines == ["found"]


def test_each_job_has_its_own_files_which_are_removed(world: World) -> None:
    world.platform.program(
        "import os, pathlib\nprint(pathlib.Path('note').exists())\npathlib.Path('note').touch()\n"
    )
    world.run()
    world.run()
    assert world.platform.lines == ["False", "False"]
    assert list(world.directory.iterdir()) == []


def test_container_error_is_the_reason(world: World) -> None:
    world.platform.error = "CannotPullContainerError: not found"
    _, events = world.start()
    assert events.wait() == Outcome(None, "CannotPullContainerError: not found")
    assert not events.was_running


def test_stopped_program_can_handle_sigterm(world: World) -> None:
    world.platform.program(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(5)))\n"
        "print('ready', flush=True)\ntime.sleep(100)\n"
    )
    container, events = world.start()
    world.wait_for_output()
    container.stop()
    container.stop()
    assert events.wait() == Outcome(5)
    assert world.platform.lines == ["ready", "bye"]


def test_program_that_ignores_sigterm_is_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers_module, "STOP_SECONDS", 0.05)
    world.platform.program(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\n"
        "time.sleep(100)\n"
    )
    container, events = world.start()
    world.wait_for_output()
    container.stop()
    assert events.wait() == Outcome(137)


def test_processes_left_by_a_program_are_killed(world: World) -> None:
    world.platform.program(
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
        "print(child.pid, flush=True)\n"
    )
    assert world.run() == Outcome(0)
    pid = int(world.platform.lines[0])
    wait_for(lambda: not _exists(pid), seconds=WAIT_SECONDS)


def test_close_kills_programs_and_removes_files(world: World) -> None:
    world.platform.program("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(100)\n")
    _, events = world.start()
    world.wait_for_output()
    world.containers.close()
    events.wait()
    pid = int(world.platform.lines[0])
    wait_for(lambda: not _exists(pid), seconds=WAIT_SECONDS)
    assert not world.directory.exists()


def _exists(pid: int) -> bool:
    """Return whether a process exists that is not a zombie."""
    status = Path(f"/proc/{pid}/stat")
    if status.parent.parent.joinpath("self").exists():
        return status.exists() and ") Z" not in status.read_text()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
