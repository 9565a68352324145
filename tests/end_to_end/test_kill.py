"""`kill -9` of a local AWS during a deployment, while another one runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepline.aws import local_servers
from stepline.processes import process_table
from tests.end_to_end.local_aws import PROJECT, LocalAws, stepline
from tests.ports import free_port
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.xdist_group("local_aws"),
    pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="reads processes from Linux's /proc"),
]


def pid_on(port: int) -> int | None:
    return local_servers.read_health(port).get("pid")


@pytest.fixture
def another(environment: dict[str, str]) -> Iterator[LocalAws]:
    port = free_port()
    stepline(environment, "up", "--detach", "--port", str(port))
    yield LocalAws(port=port, environment=environment, project=PROJECT)
    stepline(environment, "down", "--port", str(port))


def test_up_succeeds_after_kill_9_and_does_not_affect_another_local_aws(
    local_aws: LocalAws, another: LocalAws, application: Path, environment: dict[str, str]
) -> None:
    unaffected, killed = pid_on(local_aws.port), pid_on(another.port)
    assert killed is not None
    another.push(application)
    functions = wait_for(lambda: _functions_of(killed), lambda: "no function runs")
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: not functions & _pids(), lambda: f"{functions & _pids()} still run")

    stepline(environment, "up", "--detach", "--port", str(another.port))
    assert pid_on(another.port) not in {None, killed}
    assert another.client("stepfunctions").list_state_machines()["stateMachines"]
    assert another.deploy(application).status == "Succeeded"
    assert not [each for each in process_table.list_processes() if each.group == killed]
    assert len(_folders(environment, another.port)) == 1

    stepline(environment, "down", "--port", str(another.port))
    assert _folders(environment, another.port) == []
    assert local_aws.client("codepipeline").get_pipeline(name="stepline")["pipeline"]["name"] == "stepline"
    assert pid_on(local_aws.port) == unaffected


def _pids() -> set[int]:
    return {each.pid for each in process_table.list_processes()}


def _functions_of(server: int) -> set[int]:
    """Return the processes in which functions of that local AWS run; each leads a group of its own."""
    folder = next(each.command for each in process_table.list_processes() if each.pid == server)
    data = folder.partition("--directory ")[2].split(" ")[0]
    return {
        each.pid
        for each in process_table.list_processes()
        if "launcher.py" in each.command and _has_its_working_directory_in(each.pid, Path(data))
    }


def _has_its_working_directory_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
    except OSError:  # it ended meanwhile
        return False


def _folders(environment: dict[str, str], port: int) -> list[Path]:
    return list(Path(environment["TMPDIR"]).glob(f"stepline-{port}-*"))
