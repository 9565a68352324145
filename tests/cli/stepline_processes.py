"""Runs the command as processes, with a stub server: see `stepline_with_stubs`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stepline.aws import local_servers
from stepline.processes import process_table, server_process

SCRIPT = Path(__file__).with_name("stepline_with_stubs.py")
ROOT = Path(__file__).parents[2]


class Stepline:
    """Runs the command in its own folder, with temporary files in `temporary`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        (folder / "template.yaml").write_text("Resources: {}\n")
        self.processes: list[subprocess.Popen[str]] = []
        self.ports: set[int] = set()

    def start(
        self, *arguments: str, server: str = "obeys", deployment: str = "fine"
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), server, deployment, *arguments],
            cwd=self.folder,
            env=os.environ
            | {"TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **settings)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def up(self, port: int, **settings: str) -> subprocess.Popen[str]:
        """Start in the foreground, and return when the local AWS is ready."""
        process = self.start("up", "--port", str(port), **settings)
        assert process.stdout is not None
        for line in process.stdout:
            if "Stop it with Ctrl-C" in line:
                return process
        raise AssertionError(process.communicate())

    def assert_nothing_is_left(self, port: int) -> None:
        assert list(self.temporary.iterdir()) == []
        assert not local_servers.state_folder().exists()
        assert server_process.port_is_free(port)
        assert not [each for each in process_table.list_processes() if str(self.temporary) in each.command]


@contextmanager
def stepline_processes(folder: Path) -> Iterator[Stepline]:
    """Yield the command for a new project in `folder`, and stop what it has started."""
    project = folder / "project"
    project.mkdir()
    command = Stepline(project)
    yield command
    for process in command.processes:
        if process.poll() is None:
            process.terminate()
        process.communicate()
    for port in [int(file.stem) for file in local_servers.state_folder().glob("*.json")]:
        if left := local_servers.load(port):
            server_process.stop(left)
