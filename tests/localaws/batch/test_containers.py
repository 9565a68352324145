"""Jobs' programs as real processes: what they are given, what they say, and that nothing of them stays."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stepline.localaws.batch import Outcome, ProcessContainers, Task
from stepline.localaws.batch import containers as containers_module
from stepline.localaws.batch.containers import ProcessContainer
from stepline.localaws.batch.fargate import ContainerError
from stepline.localaws.batch.image_store import UnpackedImage
from stepline.localaws.batch.log_stream import Line, PutLines
from stepline.oci.manifests import ImageConfig

PATIENCE_SECONDS = 30.0


@dataclass
class Surroundings:
    """An image with one program, and a log in memory."""

    root: Path
    entrypoint: tuple[str, ...] = ("python", "program.py")
    lines: list[str] = field(default_factory=list)
    refusal: str = ""
    said: threading.Event = field(default_factory=threading.Event)

    def program(self, text: str) -> None:
        (self.root / "app").mkdir(parents=True, exist_ok=True)
        (self.root / "app/program.py").write_text(text)

    def pull(self, _task: Task) -> UnpackedImage:
        if self.refusal:
            raise ContainerError(self.refusal)
        config = ImageConfig(
            entrypoint=self.entrypoint, environment={"COLOUR": "blue"}, working_directory="/app"
        )
        return UnpackedImage(self.root, config)

    def open_log(self, _task: Task) -> PutLines:
        def put(lines: list[Line]) -> None:
            self.lines += [line.text for line in lines]
            self.said.set()

        return put

    def variables(self, _task: Task) -> Mapping[str, str]:
        return {"AWS_REGION": "eu-west-1"}


class Ending:
    """How a container went."""

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
        assert self._ended.wait(PATIENCE_SECONDS)
        assert self._outcome is not None
        return self._outcome


@dataclass
class World:
    surroundings: Surroundings
    containers: ProcessContainers
    directory: Path

    def start(self, *command: str) -> tuple[ProcessContainer, Ending]:
        ending = Ending()
        task = Task("job", "task", "image", command, {"STAGE": "dev"}, "", "", {}, "stream")
        container = self.containers.start(task, on_running=ending.running, on_ended=ending.ended)
        return container, ending

    def run(self, *command: str) -> Outcome:
        return self.start(*command)[1].wait()

    def wait_until_it_speaks(self) -> None:
        assert self.surroundings.said.wait(PATIENCE_SECONDS)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    surroundings = Surroundings(tmp_path / "root")
    directory = tmp_path / "jobs"
    world = World(surroundings, ProcessContainers(directory, surroundings), directory)
    yield world
    world.containers.close()


def test_a_program_and_its_log(world: World) -> None:
    world.surroundings.program("import sys\nprint('out', sys.argv)\nprint('err', file=sys.stderr)\n")
    assert world.run("--a=1", "b") == Outcome(0)
    assert sorted(world.surroundings.lines) == ["err", "out ['program.py', '--a=1', 'b']"]


def test_a_program_sees_its_variables_and_none_of_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "private")
    world.surroundings.program("import json, os\nprint(json.dumps(dict(os.environ)))")
    world.run()
    variables = json.loads(world.surroundings.lines[0])
    assert variables.items() >= {"STAGE": "dev", "COLOUR": "blue", "AWS_REGION": "eu-west-1"}.items()
    assert not {"AWS_PROFILE", "HOME", "USER"} & variables.keys()


@pytest.mark.parametrize(
    ("text", "code"),
    [("raise SystemExit(3)", 3), ("1/0", 1), ("import os; os.kill(os.getpid(), 9)", 137)],
)
def test_exit_codes_are_those_of_a_container(world: World, text: str, code: int) -> None:
    world.surroundings.program(text)
    assert world.run() == Outcome(code)


def test_a_program_that_is_not_there(world: World) -> None:
    world.surroundings.program("")
    world.surroundings.entrypoint = ("/app/missing",)
    assert world.run() == Outcome(127)
    assert world.surroundings.lines == ["exec /app/missing: No such file or directory"]


def test_an_image_without_a_program(world: World) -> None:
    world.surroundings.program("")
    world.surroundings.entrypoint = ()
    assert world.run() == Outcome(None, "CannotStartContainerError: no command specified")


def test_a_path_of_the_image_means_its_file(world: World) -> None:
    world.surroundings.program("print('found')")
    world.surroundings.entrypoint = ("/usr/local/bin/python3.13", "/app/program.py")
    assert world.run("/not/in/the/image") == Outcome(0)
    assert world.surroundings.lines == ["found"]


def test_each_job_has_files_of_its_own_which_are_removed(world: World) -> None:
    world.surroundings.program(
        "import os, pathlib\nprint(pathlib.Path('note').exists())\npathlib.Path('note').touch()\n"
    )
    world.run()
    world.run()
    assert world.surroundings.lines == ["False", "False"]
    assert list(world.directory.iterdir()) == []


def test_what_was_refused_is_the_reason(world: World) -> None:
    world.surroundings.refusal = "CannotPullContainerError: not found"
    _, ending = world.start()
    assert ending.wait() == Outcome(None, "CannotPullContainerError: not found")
    assert not ending.was_running


def test_stopping_lets_a_program_end_by_itself(world: World) -> None:
    world.surroundings.program(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(5)))\n"
        "print('ready', flush=True)\ntime.sleep(100)\n"
    )
    container, ending = world.start()
    world.wait_until_it_speaks()
    container.stop()
    container.stop()
    assert ending.wait() == Outcome(5)
    assert world.surroundings.lines == ["ready", "bye"]


def test_a_program_that_does_not_stop_is_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers_module, "STOP_SECONDS", 0.05)
    world.surroundings.program(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\n"
        "time.sleep(100)\n"
    )
    container, ending = world.start()
    world.wait_until_it_speaks()
    container.stop()
    assert ending.wait() == Outcome(137)


def test_what_a_program_leaves_behind_is_ended(world: World) -> None:
    world.surroundings.program(
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
        "print(child.pid, flush=True)\n"
    )
    assert world.run() == Outcome(0)
    assert _is_gone(int(world.surroundings.lines[0]))


def test_closing_kills_everything(world: World) -> None:
    world.surroundings.program("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(100)\n")
    _, ending = world.start()
    world.wait_until_it_speaks()
    world.containers.close()
    ending.wait()
    assert _is_gone(int(world.surroundings.lines[0]))
    assert not world.directory.exists()


def _is_gone(pid: int) -> bool:
    return _eventually(lambda: not _exists(pid))


def _exists(pid: int) -> bool:
    """A zombie that nobody has waited for yet is gone, too."""
    status = Path(f"/proc/{pid}/stat")
    if status.parent.parent.joinpath("self").exists():
        return status.exists() and ") Z" not in status.read_text()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
