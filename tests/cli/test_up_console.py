"""The console that `stepline up` starts beside a stub server: its port, its address, and its end."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepline.aws import local_servers
from stepline.processes import console_process, process_table, server_process
from tests.cli.stepline_processes import Stepline, stepline_processes
from tests.cli.stepline_with_stubs import CONSOLE
from tests.ports import free_port
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("with_console")


@pytest.fixture
def stepline(tmp_path: Path) -> Iterator[Stepline]:
    with stepline_processes(tmp_path) as command:
        yield command


@pytest.fixture
def with_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONSOLE, "1")


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def console_of(port: int) -> local_servers.ConsoleServer:
    local_aws = local_servers.load(port)
    assert local_aws is not None
    assert local_aws.console is not None
    return local_aws.console


def has_ended(pid: int) -> bool:
    return process_table.find_process(pid) is None


def test_console_is_shown_and_ends_with_down(stepline: Stepline) -> None:
    port, console_port = free_port(), free_port()
    code, out, err = stepline.run("up", "--detach", "--port", str(port), "--console-port", str(console_port))
    assert (code, err) == (0, "")
    assert f"console   http://127.0.0.1:{console_port}/\n" in out
    console = console_of(port)
    assert local_servers.read_health(console_port) == {"status": "ready", "pid": console.pid}
    assert stepline.run("down", "--port", str(port))[0] == 0
    assert has_ended(console.pid)
    assert server_process.port_is_free(console_port)
    stepline.assert_nothing_is_left(port)


def test_second_up_shows_the_console(stepline: Stepline) -> None:
    port = free_port()
    assert stepline.run("up", "--detach", "--port", str(port))[0] == 0
    assert f"console   {console_of(port).url}\n" in stepline.run("up", "--port", str(port))[1]


def test_console_ends_with_ctrl_c(stepline: Stepline) -> None:
    port = free_port()
    process = stepline.up(port)
    console = console_of(port)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[1] == ""
    assert has_ended(console.pid)
    stepline.assert_nothing_is_left(port)


@pytest.mark.parametrize("server", ["obeys", "has children"])
def test_console_ends_with_a_killed_local_aws(stepline: Stepline, server: str) -> None:
    port = free_port()
    assert stepline.run("up", "--detach", "--port", str(port), server=server)[0] == 0
    console = console_of(port)
    os.kill(local_servers.read_health(port)["pid"], signal.SIGKILL)
    wait_for(lambda: has_ended(console.pid), seconds=5)
    stepline.run("down", "--port", str(port))
    stepline.assert_nothing_is_left(port)


def test_console_ends_with_a_killed_up(stepline: Stepline) -> None:
    port = free_port()
    process = stepline.up(port, server="real")
    console, server = console_of(port), local_servers.read_health(port)["pid"]
    process.kill()
    process.communicate()
    wait_for(lambda: has_ended(server) and has_ended(console.pid), seconds=20)
    stepline.run("down", "--port", str(port))
    stepline.assert_nothing_is_left(port)


def test_killed_console_is_not_shown_and_leaves_the_local_aws_running(stepline: Stepline) -> None:
    port = free_port()
    assert stepline.run("up", "--detach", "--port", str(port))[0] == 0
    console = console_of(port)
    os.kill(console.pid, signal.SIGKILL)
    wait_for(lambda: has_ended(console.pid), seconds=5)
    code, out, err = stepline.run("up", "--port", str(port))
    assert (code, err) == (0, "")
    assert "  console  " not in out
    assert local_servers.read_health(port)["status"] == "ready"
    stepline.run("down", "--port", str(port))
    stepline.assert_nothing_is_left(port)


def test_console_ends_with_a_failed_deployment(stepline: Stepline) -> None:
    port, console_port = free_port(), free_port()
    options = ("--port", str(port), "--console-port", str(console_port))
    assert stepline.run("up", "--detach", *options, deployment="refused")[0] == 1
    assert server_process.port_is_free(console_port)
    stepline.assert_nothing_is_left(port)


def test_given_port_in_use_is_rejected_before_anything_is_started(stepline: Stepline, busy_port: int) -> None:
    port = free_port()
    code, out, err = stepline.run("up", "--port", str(port), "--console-port", str(busy_port))
    assert (code, out) == (1, "")
    assert err.startswith(f"stepline: port {busy_port} is in use by ")
    assert err.endswith(f"(process {os.getpid()}): use another --console-port, or --no-console\n")
    stepline.assert_nothing_is_left(port)


def test_port_of_the_local_aws_is_rejected(stepline: Stepline) -> None:
    port = str(free_port())
    assert stepline.run("up", "--port", port, "--console-port", port) == (
        1,
        "",
        f"stepline: port {port} is that of the local AWS: use another --console-port\n",
    )


def test_default_port_in_use_is_replaced_by_a_free_one(
    monkeypatch: pytest.MonkeyPatch, busy_port: int
) -> None:
    monkeypatch.setattr(console_process, "DEFAULT_CONSOLE_PORT", busy_port)
    with console_process.listen(None, local_aws_port=1) as listener:
        assert listener.getsockname()[1] != busy_port


def test_default_port_that_the_local_aws_will_use_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(console_process, "DEFAULT_CONSOLE_PORT", port)
    with console_process.listen(None, local_aws_port=port) as listener:
        assert listener.getsockname()[1] != port
    with console_process.listen(None, local_aws_port=port + 1) as listener:
        assert listener.getsockname()[1] == port


def test_console_can_be_left_out(stepline: Stepline) -> None:
    port = free_port()
    code, out, err = stepline.run("up", "--detach", "--port", str(port), "--no-console")
    assert (code, err) == (0, "")
    assert "  console  " not in out
    assert stepline.run("up", "--port", str(port), "--no-console") == (
        1,
        "",
        f"stepline: the local AWS on port {port} starts a console only when it starts: stop it first, with "
        f"`stepline down --port {port}`\n",
    )


def test_missing_packages_of_the_console_are_named(
    stepline: Stepline, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv(CONSOLE, "not installed")
    code, out, err = stepline.run("up", "--detach", "--port", str(port))
    assert (code, err) == (0, "No console: pip install 'stepline[console]'\n")
    assert "  console  " not in out
