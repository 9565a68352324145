"""Starting, finding and stopping a local AWS, with a stub server."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stepline.aws import local_servers
from stepline.aws.local_servers import LocalAws, Owner
from stepline.core.errors import UsageError
from stepline.processes import process_table, server_process
from stepline.processes.interruptions import Interrupted, Interruptions
from tests.ports import free_port
from tests.processes.stub_server import stub_command
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("isolated_environment")

Start = Callable[..., LocalAws]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def start(port: int) -> Iterator[Start]:
    started: list[LocalAws] = []

    def run(behaviour: str = "obeys", *, owner: Owner | None = None) -> LocalAws:
        with Interruptions() as interruptions:
            local_aws = server_process.start(
                port,
                region="us-east-1",
                interruptions=interruptions,
                owner=owner,
                command=stub_command(behaviour),
            )
        started.append(local_aws)
        return local_aws

    yield run
    for local_aws in started:
        server_process.stop(local_aws)


def assert_nothing_is_left(port: int, folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert not local_servers.state_folder().exists()
    assert server_process.port_is_free(port)


def test_server_is_stopped_if_its_state_file_cannot_be_written(
    start: Start, port: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(_local_aws: LocalAws) -> None:
        raise PermissionError(13, "Permission denied", "/run/user/0/stepline")

    monkeypatch.setattr(local_servers, "save", save)
    with pytest.raises(PermissionError):
        start()
    assert_nothing_is_left(port, folder)
    assert not [each for each in process_table.list_processes() if str(folder) in each.command]


def test_server_is_started_found_and_stopped(start: Start, port: int, folder: Path) -> None:
    assert local_servers.find_running(port) is None
    local_aws = start()
    assert local_servers.find_running(port) == local_aws
    assert (local_aws.endpoint_url, local_aws.region) == (f"http://127.0.0.1:{port}", "us-east-1")
    assert local_servers.state_file(port).parent.stat().st_mode & 0o077 == 0
    server_process.stop(local_aws)
    assert_nothing_is_left(port, folder)
    server_process.stop(local_aws)


def test_end_during_start_is_reported_with_the_log(start: Start, port: int, folder: Path) -> None:
    with pytest.raises(UsageError, match="ended while starting: stepline: the disk is full") as raised:
        start("dies")
    assert raised.value.details == ("loading",)
    assert_nothing_is_left(port, folder)


def test_server_that_is_never_ready_is_reported_with_the_log(
    start: Start, port: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process, "_READY_SECONDS", 0.5)
    with pytest.raises(UsageError, match=r"was not ready after 0\.5 s") as raised:
        start("never ready")
    assert raised.value.details == ("still loading the world",)
    assert_nothing_is_left(port, folder)


def test_children_of_the_server_are_stopped(start: Start, port: int, folder: Path) -> None:
    local_aws = start("has children")
    group = [each.pid for each in process_table.list_processes() if each.group == local_aws.pid]
    assert len(group) == 2
    server_process.stop(local_aws)
    assert not {each.pid for each in process_table.list_processes()} & set(group)
    assert_nothing_is_left(port, folder)


def test_server_that_ignores_sigterm_is_killed(
    start: Start, port: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process, "_TERMINATE_SECONDS", 0.1)
    server_process.stop(start("ignores SIGTERM"))
    assert_nothing_is_left(port, folder)


def test_remains_of_a_killed_server_are_deleted(start: Start, port: int, folder: Path) -> None:
    local_aws = start("has children")
    os.kill(local_aws.pid, signal.SIGKILL)
    wait_for(lambda: not server_process.is_alive(local_aws), seconds=10)
    assert local_servers.load(port) == local_aws
    assert local_servers.find_running(port) is None
    server_process.stop(local_aws)
    assert all(each.group != local_aws.pid for each in process_table.list_processes())
    assert_nothing_is_left(port, folder)


def test_other_process_with_the_same_id_is_not_stopped(port: int, tmp_path: Path) -> None:
    past = LocalAws(os.getpid(), port, "us-east-1", tmp_path / "past", "2026-01-01T00:00:00+00:00", None)
    local_servers.save(past)
    assert not server_process.is_alive(past)
    server_process.stop(past)  # would end the tests
    assert local_servers.load(port) is None


def test_running_owner_has_not_ended(start: Start) -> None:
    assert not server_process.owner_has_ended(start(owner=Owner(os.getpid(), "up")))


def test_owner_without_a_process_has_ended() -> None:
    impossible_pid = 2**22 + 1  # PID_MAX_LIMIT, proc(5)
    orphan = LocalAws(1, 1, "us-east-1", Path("/nowhere"), "", Owner(impossible_pid, "up"))
    assert server_process.owner_has_ended(orphan)


def test_second_start_on_the_same_port_is_rejected(start: Start, port: int) -> None:
    local_aws = start()
    with pytest.raises(UsageError, match=f"is starting on port {port}"):
        start()
    assert local_servers.find_running(port) == local_aws


def test_stopping_an_old_server_does_not_stop_a_newer_one(start: Start, port: int, tmp_path: Path) -> None:
    newer = start()
    past = LocalAws(2**22 + 1, port, "us-east-1", tmp_path / "past", "", None)
    server_process.stop(past)
    assert local_servers.find_running(port) == newer


def test_ctrl_c_during_start_stops_the_server(start: Start, port: int, folder: Path) -> None:
    previous = signal.signal(signal.SIGALRM, lambda *_args: os.kill(os.getpid(), signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(Interrupted) as raised:
            start("never ready")
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert raised.value.exit_code == 130
    assert_nothing_is_left(port, folder)


def test_server_does_not_get_real_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("AWS_PROFILE", "production")
    environment = server_process._environment()
    assert "real" not in environment.values()
    assert "AWS_PROFILE" not in environment
    assert environment["AWS_CONFIG_FILE"] == os.devnull


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "owner": null}'])
def test_malformed_state_file_is_ignored(port: int, text: str) -> None:
    file = local_servers.state_file(port)
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert local_servers.load(port) is None
    local_servers.delete_state_file(port)
    assert not file.parent.exists()
